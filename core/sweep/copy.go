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
	// idsAtATime are compared with the ledger and with MongoDB.
	idsAtATime = 2_000
	// lap is how many stretches of a verification wait together for what differs.
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
	// recorded are the records of unsynced documents that are tried again, by the
	// text of MongoDB's `_id`.
	recorded map[string]string
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
	for from, laps := 0, 1; ; laps++ {
		keys, err := c.stretch(ctx, &page, from)
		if err != nil {
			return err
		}
		to := keys.to
		for len(keys.hints) > 0 {
			size := min(c.batchSize(), len(keys.hints))
			if err := c.batch(ctx, keys.hints[:size]); err != nil {
				return err
			}
			if keys.cut(size); len(keys.hints) > 0 && c.late() {
				to = keys.at[0]
				break
			}
		}
		each := c.run.Mode != Verify || laps%lap == 0 || len(c.pending) > maxPending
		if over := to == n || c.late(); each || over {
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

// stretch is a piece of a page: its keys that are to be looked at, and where in
// the page they stand.
type stretch struct {
	hints []change.Hint
	at    []int
	to    int // where the next one begins
}

func (p *stretch) cut(n int) { p.hints, p.at = p.hints[n:], p.at[n:] }

// stretch is what this range is to look at from a place in the page on. What the
// ranges of MongoDB look at is not looked at twice: of most pairs the ids are all
// that the other ranges read, so they take many at a time.
func (c *copier) stretch(ctx context.Context, page *Page, from int) (stretch, error) {
	name := c.rng.Collection
	if c.rng.Source == MongoDB {
		p := stretch{to: min(from+c.batchSize(), page.Len())}
		for i, id := range page.MongoIDs[from:p.to] {
			p.hints, p.at = append(p.hints, mongoHint(name, id)), append(p.at, from+i)
		}
		return p, nil
	}
	p := stretch{to: min(from+idsAtATime, page.Len())}
	var ids []docid.ID
	switch c.rng.Source {
	case Ditto:
		ids = page.DittoIDs[from:p.to]
	case Ledger:
		for _, k := range page.Ledger[from:p.to] {
			ids = append(ids, k.ID)
		}
	}
	elsewhere, err := c.inMongo(ctx, ids)
	if err != nil {
		return p, err
	}
	for i, id := range ids {
		if !elsewhere[id] {
			p.hints, p.at = append(p.hints, keyHint(ledger.Key{Collection: name, ID: id})), append(p.at, from+i)
		}
	}
	return p, nil
}

// inMongo are the ids of pairs that have an entry with a document that is in
// MongoDB.
func (c *copier) inMongo(ctx context.Context, ids []docid.ID) (map[docid.ID]bool, error) {
	keys := make([]ledger.Key, len(ids))
	for i, id := range ids {
		keys[i] = ledger.Key{Collection: c.rng.Collection, ID: id}
	}
	paired, err := ledger.Store{DB: c.DB}.Paired(ctx, keys)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	known := make([]bson.RawValue, 0, len(paired))
	for _, id := range paired {
		known = append(known, id)
	}
	docs, err := mongodb.Store{DB: c.DB}.FindIDs(ctx, c.rng.Collection, known, "_id")
	if err != nil {
		return nil, err
	}
	there := make(map[string]bool, len(docs))
	for _, d := range docs {
		there[idKey(d.Lookup("_id"))] = true
	}
	out := make(map[docid.ID]bool, len(paired))
	for k, id := range paired {
		out[k.ID] = there[idKey(id)]
	}
	return out, nil
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
	var deletes, settled []string
	err := c.persist(ctx, hints, func(hints []change.Hint, tries int) []bridge.Verdict {
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
				if id := c.recorded[ledger.IDText(f.MongoID)]; id != "" && f.State != bridge.Unsynced {
					settled = append(settled, id)
				}
				if f.Removes != "" {
					deletes = append(deletes, string(f.Key.ID))
				}
			}
		}
		return verdicts
	})
	if err != nil {
		return err
	}
	// Whoever else wrote a record, such as the error handler of the trigger, may
	// know of no Ditto id: the core removes those that are its own alone.
	if err := (ledger.Records{DB: c.DB}).DeleteUnsynced(ctx, settled); err != nil {
		return err
	}
	return c.list(ctx, deletes)
}

// persist does something with pairs, and again with those that somebody else is
// writing, until all are done with.
func (c *copier) persist(ctx context.Context, hints []change.Hint, do func(hints []change.Hint, tries int) []bridge.Verdict) error {
	for tries := 0; len(hints) > 0; tries++ {
		again, wait, err := c.again(hints, do(hints, tries), tries)
		if err != nil {
			return err
		}
		if len(again) > 0 {
			c.wait(ctx, wait)
		}
		hints = again
	}
	return nil
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
	err := c.persist(ctx, hints, func(hints []change.Hint, _ int) []bridge.Verdict {
		return c.Bridge.Baseline(ctx, hints, since)
	})
	if err != nil {
		return err
	}
	c.rec.Found.Compared += n
	c.rec.Found.LeftAlone += n
	return nil
}
