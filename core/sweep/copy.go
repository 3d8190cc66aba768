package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

const (
	// A batch has so many keys, more or fewer by what the last one's documents
	// were: they are in memory together.
	firstBatch  = 100
	mostBatch   = 500
	batchBytes  = 16 << 20
	defaultCalm = 10 * time.Second
	// Margin is what a step keeps of its time: a batch may take 45 s.
	Margin = 75 * time.Second
	// patience is how often a pair that somebody else writes is looked at again.
	patience = 40
	// lap is how many batches of a verification wait together for what differs.
	lap = 20
	// most differences that wait, and samples of each kind that are kept.
	maxPending = 2_000
	maxSamples = 10
)

// rangeRecord is how far a range got, and what was found in it.
type rangeRecord struct {
	ID         string   `bson:"_id"`
	Run        string   `bson:"run"`
	Kind       string   `bson:"kind"`
	Rev        int64    `bson:"rev"`
	Range      string   `bson:"range"`
	Collection string   `bson:"collection"`
	Position   string   `bson:"position,omitempty"` // JSON
	Done       bool     `bson:"done"`
	Error      string   `bson:"error,omitempty"`
	Found      Found    `bson:"found"`
	Samples    []Sample `bson:"samples,omitempty"`
}

func (r *rangeRecord) id() string       { return r.ID }
func (r *rangeRecord) revision() *int64 { return &r.Rev }

// listed are deletes that a range would make.
type listed struct {
	ID         string   `bson:"_id"`
	Run        string   `bson:"run"`
	Kind       string   `bson:"kind"`
	Rev        int64    `bson:"rev"`
	Range      string   `bson:"range"`
	Collection string   `bson:"collection"`
	Keys       []string `bson:"keys"` // Ditto ids
	Done       bool     `bson:"done"`
}

func (l *listed) id() string       { return l.ID }
func (l *listed) revision() *int64 { return &l.Rev }

// Found counts pairs by how they were found, and what was done with them.
type Found struct {
	Compared         int64 `bson:"compared" json:"compared"`
	Equal            int64 `bson:"equal" json:"equal"`
	MissingInDitto   int64 `bson:"missingInDitto" json:"missingInDitto"`
	MissingInMongoDB int64 `bson:"missingInMongoDB" json:"missingInMongoDB"`
	Different        int64 `bson:"different" json:"different"`
	Unsynced         int64 `bson:"unsynced" json:"unsynced"`
	LeftAlone        int64 `bson:"leftAlone" json:"leftAlone"` // of a baseline, or detached
	Changing         int64 `bson:"changing" json:"changing"`   // still being written when the look ended
	Conflicts        int64 `bson:"conflicts" json:"conflicts"` // values that lost one
	ToDitto          int64 `bson:"toDitto" json:"toDitto"`     // pairs of which Ditto was written
	ToMongoDB        int64 `bson:"toMongoDB" json:"toMongoDB"`
	// Deletes that were listed, or made, by the side whose document goes.
	DeletesInDitto   int64 `bson:"deletesInDitto" json:"deletesInDitto"`
	DeletesInMongoDB int64 `bson:"deletesInMongoDB" json:"deletesInMongoDB"`
	// Documents that were seen, by side.
	InMongoDB int64 `bson:"inMongoDB" json:"inMongoDB"`
	InDitto   int64 `bson:"inDitto" json:"inDitto"`
}

func (f *Found) deletes() int64 { return f.DeletesInDitto + f.DeletesInMongoDB }

func (f *Found) add(o *Found) {
	for i, n := range o.fields() {
		*f.fields()[i] += *n
	}
}

func (f *Found) fields() []*int64 {
	return []*int64{
		&f.Compared, &f.Equal, &f.MissingInDitto, &f.MissingInMongoDB, &f.Different, &f.Unsynced, &f.LeftAlone, &f.Changing,
		&f.Conflicts, &f.ToDitto, &f.ToMongoDB, &f.DeletesInDitto, &f.DeletesInMongoDB, &f.InMongoDB, &f.InDitto,
	}
}

// Sample is a pair that was not equal.
type Sample struct {
	Collection string   `bson:"collection" json:"collection"`
	DittoID    string   `bson:"dittoId,omitempty" json:"dittoId,omitempty"` // JSON
	MongoID    string   `bson:"mongoId,omitempty" json:"mongoId,omitempty"` // Extended JSON
	State      string   `bson:"state" json:"state"`
	Paths      []string `bson:"paths,omitempty" json:"paths,omitempty"`
	Reason     string   `bson:"reason,omitempty" json:"reason,omitempty"`
	Did        string   `bson:"did,omitempty" json:"did,omitempty"`
}

// copier is one Copy under way.
type copier struct {
	*Runner
	run      *runRecord
	rng      Range
	rec      *rangeRecord
	state    *collectionRecord
	baseline bool
	explicit bool
	txn      int64
	end      time.Time // no new batch after it
	size     int       // of the next batch

	pending []pending // of a verification
}

// pending is a difference that has to be looked at again.
type pending struct {
	hint  change.Hint
	found bridge.Finding
	looks int
}

// Copy takes a range through the core, batch by batch, from where it got to,
// until it is done or the time is nearly over. It makes no deletes but lists
// them. It may run again, or twice at the same time.
func (r *Runner) Copy(ctx context.Context, id string, rng Range) (isDone bool, err error) {
	run, err := r.load(ctx, id)
	if err != nil {
		return false, err
	}
	if r.Manifest.Collection(rng.Collection) == nil {
		return false, fmt.Errorf("collection %s is not configured any more", rng.Collection)
	}
	c := &copier{Runner: r, run: run, rng: rng, explicit: rng.Source == chosen || rng.Source == parked}
	if end, ok := ctx.Deadline(); ok {
		c.end = end.Add(-Margin)
	}
	if err := c.open(ctx); err != nil {
		return false, err
	}
	// However short the time, one step is taken: a run comes to an end.
	for first := true; !c.rec.Done; first = false {
		if !first && c.late() {
			return false, nil
		}
		err := c.step(ctx)
		if errors.Is(err, errMoved) { // another worker is further: go on from there
			c.pending = nil
			err = c.open(ctx)
		}
		if err != nil {
			return false, fmt.Errorf("range %s: %w", rng.ID, err)
		}
	}
	return true, nil
}

func (c *copier) late() bool { return !c.end.IsZero() && c.now().After(c.end) }

func (c *copier) open(ctx context.Context) error {
	rec := &rangeRecord{ID: c.run.ID + "/" + c.rng.ID, Run: c.run.ID, Kind: "range", Range: c.rng.ID, Collection: c.rng.Collection}
	if _, err := c.records().get(ctx, rec.ID, rec); err != nil {
		return err
	}
	c.rec = rec
	if c.run.Mode != Verify {
		var err error
		if c.state, err = c.activation(ctx, c.rng.Collection); err != nil {
			return err
		}
		c.baseline = !c.explicit && c.state.Done == "" && !c.Manifest.Collection(c.rng.Collection).InitialSync
	}
	var err error
	c.txn, err = c.Runner.txn(ctx, c.rng.Collection)
	return err
}

// step is one lap of pages; it ends with the position on record.
func (c *copier) step(ctx context.Context) error {
	pos := json.RawMessage(c.rec.Position)
	if len(pos) == 0 {
		pos = nil
	}
	if c.explicit {
		hints, err := c.explicitHints(ctx)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(hints, firstBatch) {
			if err := c.batch(ctx, part); err != nil {
				return err
			}
		}
		if err := c.calm(ctx); err != nil {
			return err
		}
		return c.save(ctx, nil)
	}
	page, err := c.Keys.Page(ctx, c.rng, pos, PageSize(c.rng.Source))
	if err != nil {
		return err
	}
	n := page.Len()
	for from, batches := 0, 1; ; batches++ {
		to := min(from+c.batchSize(), n)
		hints, err := c.hints(ctx, &page, from, to)
		if err != nil {
			return err
		}
		if len(hints) > 0 {
			if err := c.batch(ctx, hints); err != nil {
				return err
			}
		}
		laps := c.run.Mode != Verify || batches%lap == 0 || len(c.pending) > maxPending
		if over := to == n || c.late(); laps || over {
			if err := c.calm(ctx); err != nil {
				return err
			}
			next := page.Next
			if to < n {
				if next, err = page.After(to); err != nil {
					return err
				}
			}
			if err := c.save(ctx, next); err != nil || over {
				return err
			}
		}
		from = to
	}
}

func (c *copier) batchSize() int {
	switch {
	case c.BatchSize > 0:
		return c.BatchSize
	case c.size == 0:
		return firstBatch
	}
	return c.size
}

// adapt makes the next batch larger or smaller.
func (c *copier) adapt(findings []bridge.Finding) {
	bytes := 0
	for i := range findings {
		bytes += findings[i].Size
	}
	if n := len(findings); n > 0 {
		c.size = max(1, min(mostBatch, 2*n, batchBytes/max(1, bytes/n)))
	}
}

// save records the position; nil ends the range.
func (c *copier) save(ctx context.Context, next json.RawMessage) error {
	c.rec.Position, c.rec.Done, c.rec.Error = string(next), next == nil, ""
	return c.records().put(ctx, c.rec)
}

// hints are those of the page's keys from..to that this range is to look at.
// What the ranges of MongoDB look at is not looked at twice.
func (c *copier) hints(ctx context.Context, page *Page, from, to int) ([]change.Hint, error) {
	name := c.rng.Collection
	var hints []change.Hint
	switch c.rng.Source {
	case MongoDB:
		for _, id := range page.MongoIDs[from:to] {
			hints = append(hints, mongoHint(name, id))
		}
	case Ditto:
		rest, err := c.withoutMongo(ctx, page.DittoIDs[from:to])
		if err != nil {
			return nil, err
		}
		for _, id := range rest {
			hints = append(hints, keyHint(ledger.Key{Collection: name, ID: id}))
		}
	case Ledger:
		var ids []docid.ID
		for _, k := range page.Ledger[from:to] {
			ids = append(ids, k.ID)
		}
		rest, err := c.withoutMongo(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, id := range rest {
			hints = append(hints, keyHint(ledger.Key{Collection: name, ID: id}))
		}
	}
	return hints, nil
}

// withoutMongo are the ids of pairs that have no entry with a document that is in
// MongoDB.
func (c *copier) withoutMongo(ctx context.Context, ids []docid.ID) ([]docid.ID, error) {
	keys := make([]ledger.Key, len(ids))
	for i, id := range ids {
		keys[i] = ledger.Key{Collection: c.rng.Collection, ID: id}
	}
	entries, err := ledger.Store{DB: c.DB}.Read(ctx, keys, nil)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	mongoID := map[docid.ID]bson.RawValue{}
	var known []bson.RawValue
	for _, e := range entries {
		if (e.State == ledger.Live || e.State == ledger.Baseline) && e.MongoID.Type != 0 {
			mongoID[e.Key.ID] = e.MongoID
			known = append(known, e.MongoID)
		}
	}
	if len(known) == 0 {
		return ids, nil
	}
	docs, err := mongodb.Store{DB: c.DB}.FindIDs(ctx, c.rng.Collection, known, "_id")
	if err != nil {
		return nil, err
	}
	there := map[string]bool{}
	for _, d := range docs {
		there[idKey(d.Lookup("_id"))] = true
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id docid.ID) bool {
		v, ok := mongoID[id]
		return ok && there[idKey(v)]
	}), nil
}

func idKey(v bson.RawValue) string { return string(byte(v.Type)) + string(v.Value) }

// batch takes keys through the core. Pairs that somebody else is writing are
// looked at again.
func (c *copier) batch(ctx context.Context, hints []change.Hint) error {
	for i := range hints {
		hints[i].Txn = c.txn
	}
	if c.baseline {
		return c.takeBaseline(ctx, hints)
	}
	mode := bridge.List
	if c.run.Mode == Verify {
		mode = bridge.Verify
	}
	var deletes []string
	for tries := 0; len(hints) > 0; tries++ {
		verdicts, findings, report := c.Bridge.Sweep(ctx, hints, mode)
		c.rec.Found.Conflicts += int64(report.Conflicts)
		if tries == 0 {
			c.adapt(findings)
		}
		for i := range findings {
			f := &findings[i]
			switch {
			case !c.mine(f), f.Err != nil:
			case mode == bridge.Verify && suspicious(f):
				c.pending = append(c.pending, pending{keyOf(f), *f, 1})
			default:
				c.count(f)
				if f.Removes != "" {
					deletes = append(deletes, string(f.Key.ID))
				}
			}
		}
		again, wait, err := c.again(hints, verdicts, tries)
		if err != nil {
			return err
		}
		if len(again) > 0 {
			c.wait(ctx, wait)
		}
		hints = again
	}
	return c.list(ctx, deletes)
}

// again are the hints that are to be looked at once more, after a while.
func (c *copier) again(hints []change.Hint, verdicts []bridge.Verdict, tries int) ([]change.Hint, time.Duration, error) {
	var out []change.Hint
	var wait time.Duration
	var first error
	for i, v := range verdicts {
		if v.Err == nil {
			continue
		}
		if first == nil {
			first = v.Err
		}
		if !bridge.IsLater(v.Err) {
			return nil, 0, v.Err
		}
		h := hints[i]
		h.Tries++
		out = append(out, h)
		wait = max(wait, v.Delay)
	}
	if tries >= patience || len(out) > 0 && c.late() {
		return nil, 0, first
	}
	return out, wait, nil
}

// mine reports whether the pair is this range's to count: a MongoDB document is
// that of MongoDB's range, a pair that only Ditto has that of Ditto's.
func (c *copier) mine(f *bridge.Finding) bool {
	switch c.rng.Source {
	case MongoDB:
		return f.InMongo
	case Ditto:
		return !f.InMongo && f.InDitto
	case Ledger:
		return !f.InMongo && !f.InDitto
	}
	return true
}

func suspicious(f *bridge.Finding) bool {
	switch f.State {
	case bridge.Different, bridge.MissingInDitto, bridge.MissingInMongoDB, bridge.Busy:
		return true
	}
	return false
}

func keyOf(f *bridge.Finding) change.Hint {
	if f.Key.ID.IsZero() {
		return mongoHint(f.Key.Collection, f.MongoID)
	}
	return keyHint(f.Key)
}

func (c *copier) count(f *bridge.Finding) {
	n := &c.rec.Found
	if f.State != bridge.Gone {
		n.Compared++
	}
	switch f.State {
	case bridge.Equal:
		n.Equal++
	case bridge.MissingInDitto:
		n.MissingInDitto++
	case bridge.MissingInMongoDB:
		n.MissingInMongoDB++
	case bridge.Different:
		n.Different++
	case bridge.Unsynced:
		n.Unsynced++
	case bridge.LeftAlone:
		n.LeftAlone++
	case bridge.Busy:
		n.Changing++
	}
	if f.ToDitto {
		n.ToDitto++
	}
	if f.ToMongo {
		n.ToMongoDB++
	}
	if f.InMongo {
		n.InMongoDB++
	}
	if f.InDitto {
		n.InDitto++
	}
	switch f.Removes {
	case value.Ditto:
		n.DeletesInDitto++
	case value.MongoDB:
		n.DeletesInMongoDB++
	}
	c.sample(f)
}

func (c *copier) sample(f *bridge.Finding) {
	if !c.explicit && (f.State == bridge.Equal || f.State == bridge.LeftAlone || f.State == bridge.Gone) {
		return
	}
	state := string(f.State)
	same := 0
	for _, s := range c.rec.Samples {
		if s.State == state {
			same++
		}
	}
	if same >= maxSamples {
		return
	}
	s := Sample{Collection: f.Key.Collection, DittoID: string(f.Key.ID), State: state, Reason: f.Reason}
	if f.MongoID.Type != 0 {
		s.MongoID = ledger.IDText(f.MongoID)
	}
	for _, p := range f.Paths[:min(len(f.Paths), maxSamples)] {
		s.Paths = append(s.Paths, p.String())
	}
	switch {
	case f.Removes != "":
		s.Did = "delete in " + string(f.Removes)
	case f.ToDitto && f.ToMongo:
		s.Did = "wrote both"
	case f.ToDitto:
		s.Did = "wrote Ditto"
	case f.ToMongo:
		s.Did = "wrote MongoDB"
	}
	c.rec.Samples = append(c.rec.Samples, s)
}

// list records deletes before the position moves on.
func (c *copier) list(ctx context.Context, keys []string) error {
	if len(keys) == 0 || c.run.Mode == Verify {
		return nil
	}
	l := &listed{ID: c.rec.ID + "#" + c.rec.Position + "#" + fmt.Sprint(c.rec.Found.Compared), Run: c.run.ID, Kind: "deletes", Range: c.rng.ID, Collection: c.rng.Collection}
	if _, err := c.records().get(ctx, l.ID, l); err != nil {
		return err
	}
	l.Keys = keys
	if err := c.records().put(ctx, l); err != nil && !errors.Is(err, errMoved) {
		return err
	}
	return nil
}

// takeBaseline notes what both sides hold, and copies nothing.
func (c *copier) takeBaseline(ctx context.Context, hints []change.Hint) error {
	since := bridge.Activation{At: c.state.At, Txn: c.state.Txn}
	n := int64(len(hints))
	for tries := 0; len(hints) > 0; tries++ {
		verdicts := c.Bridge.Baseline(ctx, hints, since)
		again, wait, err := c.again(hints, verdicts, tries)
		if err != nil {
			return err
		}
		if len(again) > 0 {
			c.wait(ctx, wait)
		}
		hints = again
	}
	c.rec.Found.Compared += n
	c.rec.Found.LeftAlone += n
	return nil
}

// calm looks again at what differs, until it has stayed the same for a while:
// only then it is a difference, and not a change on its way.
func (c *copier) calm(ctx context.Context) error {
	const looks = 6
	for len(c.pending) > 0 {
		d := c.Calm
		if d == 0 {
			d = defaultCalm
		}
		c.wait(ctx, d)
		if err := ctx.Err(); err != nil {
			return err
		}
		todo := c.pending
		c.pending = nil
		for part := range slices.Chunk(todo, firstBatch) {
			hints := make([]change.Hint, len(part))
			was := map[string]pending{}
			for i, p := range part {
				hints[i] = p.hint
				hints[i].Txn = c.txn
				was[pairKey(&p.found)] = p
			}
			_, findings, _ := c.Bridge.Sweep(ctx, hints, bridge.Verify)
			for i := range findings {
				f := &findings[i]
				p, ok := was[pairKey(f)]
				delete(was, pairKey(f))
				switch {
				case !ok: // of another document that has turned up meanwhile
				case f.Err != nil && !bridge.IsLater(f.Err):
					return f.Err
				case f.Err == nil && (!suspicious(f) || f.State != bridge.Busy && f.Sum == p.found.Sum):
					c.count(f)
				case p.looks >= looks:
					f.State = bridge.Busy
					c.count(f)
				default:
					if f.Err != nil {
						f = &p.found
						f.Sum = value.Hash{}
					}
					c.pending = append(c.pending, pending{p.hint, *f, p.looks + 1})
				}
			}
		}
	}
	return nil
}

func pairKey(f *bridge.Finding) string { return f.Key.String() + "\x00" + idKey(f.MongoID) }
