package ledger

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
)

// DefaultTombstoneTTL is how long a delete is remembered: as long as Ditto
// Server keeps its own tombstones.
const DefaultTombstoneTTL = 30 * 24 * time.Hour

// Store reads and writes the ledger. It is a small value: make one per
// invocation, with a Writer of its own.
type Store struct {
	DB mongodb.Database
	// Writer is random per invocation. It is stored with every revision, so
	// that after a short or ambiguous answer Put can tell its own writes.
	Writer string
	// TombstoneTTL is DefaultTombstoneTTL when zero.
	TombstoneTTL time.Duration
}

// MongoRef names a MongoDB document.
type MongoRef struct {
	Collection string
	ID         bson.RawValue
}

// Put is one compare-and-set.
type Put struct {
	// Prev is the revision that was read, 0 to create the entry. Next.Rev is
	// ignored: what is stored is Prev+1.
	Prev int64
	Next Entry
	// ClaimFor is how long Next.Claim lives from now, by the database's
	// clock. 0 stores the claim as ended, which keeps its announcements. No
	// Next.Claim, no claim.
	ClaimFor time.Duration
}

// Indexer is a Database that can create indexes.
type Indexer interface {
	CreateIndexes(ctx context.Context, collection string, indexes []mongodb.Index) error
}

// CreateIndexes makes the ledger's indexes and those of the record
// collections, where they are missing.
func CreateIndexes(ctx context.Context, db Indexer) error {
	if err := db.CreateIndexes(ctx, Collection, []mongodb.Index{
		// Looks up what a MongoDB event names, in any state.
		{Name: "byMongoId", Keys: []string{fieldCollection, fieldMongoID}},
		// A MongoDB document belongs to one live pair. The keys are the other
		// way round because some servers take no two indexes on the same keys.
		{
			Name: "liveMongoId", Keys: []string{fieldMongoID, fieldCollection}, Unique: true,
			Where: bson.D{{Key: fieldState, Value: string(Live)}, {Key: fieldMongoID, Value: bson.D{{Key: "$exists", Value: true}}}},
		},
		// Only tombstones without a claim have the field.
		{Name: "expires", Keys: []string{fieldExpires}, Expires: true},
	}); err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if err := db.CreateIndexes(ctx, ConflictCollection, []mongodb.Index{
		{Name: "expires", Keys: []string{fieldExpires}, Expires: true},
	}); err != nil {
		return fmt.Errorf("conflict records: %w", err)
	}
	return nil
}

// Read returns the entries with these keys, in any state, and those of these
// MongoDB documents that are no tombstones, each once, in no order. A tombstone
// under a claim counts as one of these: its document may just be made again. A
// pair without an entry is simply not among them. `_id`s are compared as
// MongoDB compares them: 5 finds 5.0.
func (s Store) Read(ctx context.Context, keys []Key, refs []MongoRef) ([]Entry, error) {
	docs, err := s.find(ctx, keys, refs)
	if err != nil {
		return nil, fmt.Errorf("read ledger: %w", err)
	}
	wanted := make(map[Key]bool, len(keys))
	for _, k := range keys {
		wanted[k] = true
	}
	entries := make([]Entry, 0, len(docs))
	seen := make(map[Key]bool, len(docs))
	for _, doc := range docs {
		e, _, err := decode(doc)
		if err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		if !seen[e.Key] && (e.State != Deleted || e.Claim != nil || wanted[e.Key]) {
			seen[e.Key] = true
			entries = append(entries, e)
		}
	}
	return entries, nil
}

// Paired gives the MongoDB documents of the live and baseline entries with these
// keys.
func (s Store) Paired(ctx context.Context, keys []Key) (map[Key]bson.RawValue, error) {
	out := make(map[Key]bson.RawValue, len(keys))
	fields := bson.D{{Key: fieldCollection, Value: 1}, {Key: fieldState, Value: 1}, {Key: fieldMongoID, Value: 1}}
	for part := range slices.Chunk(keys, perFind) {
		docs, err := s.DB.Find(ctx, Collection, readFilter(part, nil), fields)
		if err != nil {
			return nil, fmt.Errorf("read ledger: %w", err)
		}
		for _, doc := range docs {
			e, _, err := decode(doc)
			if err != nil {
				return nil, fmt.Errorf("read ledger: %w", err)
			}
			if (e.State == Live || e.State == Baseline) && e.MongoID.Type != 0 {
				out[e.Key] = e.MongoID
			}
		}
	}
	return out, nil
}

// perFind cuts long lists: some servers take four times as long for twice the
// values.
const perFind = 250

// find reads entries in as few requests as their number allows; one that both
// lists name may come twice.
func (s Store) find(ctx context.Context, keys []Key, refs []MongoRef) (docs []bson.Raw, err error) {
	for len(keys) > 0 || len(refs) > 0 {
		k, r := min(len(keys), perFind), min(len(refs), perFind)
		found, err := s.DB.Find(ctx, Collection, readFilter(keys[:k], refs[:r]), readProjection)
		if err != nil {
			return nil, err
		}
		docs = append(docs, found...)
		keys, refs = keys[k:], refs[r:]
	}
	return docs, nil
}

func readFilter(keys []Key, refs []MongoRef) bson.D {
	var or bson.A
	if len(keys) > 0 {
		ids := make(bson.A, len(keys))
		for i, k := range keys {
			ids[i] = k.String()
		}
		or = append(or, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}})
	}
	var names []string
	for _, r := range refs {
		if !slices.Contains(names, r.Collection) {
			names = append(names, r.Collection)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		var ids bson.A
		for _, r := range refs {
			if r.Collection == name {
				ids = append(ids, r.ID)
			}
		}
		or = append(or, bson.D{
			{Key: fieldCollection, Value: name},
			{Key: fieldMongoID, Value: bson.D{{Key: "$in", Value: ids}}},
		})
	}
	if len(or) == 1 {
		return or[0].(bson.D)
	}
	return bson.D{{Key: "$or", Value: or}}
}

var readProjection = func() bson.D {
	var p bson.D
	for _, f := range []string{
		fieldCollection, fieldMongoID, fieldRev, fieldState, fieldBy, fieldUnits, fieldCounters,
		fieldMaps, fieldTxn, fieldSize, fieldAt, fieldWriter, fieldClaim, fieldTaken,
	} {
		p = append(p, bson.E{Key: f, Value: 1})
	}
	return append(p, bson.E{Key: fieldNow, Value: "$$NOW"})
}()

// Put makes the compare-and-sets in one bulk write and says which of them won.
// One that lost read a revision that is no longer current, or names a MongoDB
// document that another live entry has: read again and start over. When all
// win, it costs one request; after a short answer, or one that left open what
// happened, it reads the entries back and looks for its own (design, step 4).
// An error means that even that did not tell, or that none was written for
// another reason than a race.
func (s Store) Put(ctx context.Context, puts []Put) ([]bool, error) {
	if len(puts) == 0 {
		return nil, nil
	}
	if s.Writer == "" {
		return nil, errors.New("write ledger: no writer")
	}
	now, err := s.now(ctx, puts)
	if err != nil {
		return nil, fmt.Errorf("write ledger: %w", err)
	}
	models := make([]mongodb.Model, len(puts))
	var alike expressions
	for i := range puts {
		if puts[i].Prev == 0 && !now.IsZero() {
			models[i] = s.insert(&puts[i], now)
		} else {
			models[i] = s.model(&puts[i], &alike)
		}
	}
	won := make([]bool, len(puts))
	result, err := s.DB.Write(ctx, Collection, models)
	var failed map[int]error
	if err == nil {
		lost, notNow, err := refused(result)
		if err != nil {
			return nil, fmt.Errorf("write ledger: %w", err)
		}
		if result.Inserted+result.Modified+result.Upserted+int64(len(lost)) == int64(len(puts)) {
			for i := range won {
				won[i] = !lost[i]
			}
			return won, nil
		}
		failed = notNow
	}
	keys := make([]Key, len(puts))
	for i := range puts {
		keys[i] = puts[i].Next.Key
	}
	mine, readErr := s.readMine(ctx, keys)
	if readErr != nil {
		if err != nil {
			return nil, fmt.Errorf("write ledger: %w; and then: %w", err, readErr)
		}
		return nil, fmt.Errorf("write ledger: %w", readErr)
	}
	for i := range puts {
		p := &puts[i]
		won[i] = bytes.Equal(mine[p.Next.Key], encode(&p.Next, p.Prev+1, s.Writer))
		if !won[i] && err == nil {
			err = failed[i]
		}
	}
	if err != nil && !slices.Contains(won, true) { // no lost race: a server that cannot write
		return nil, fmt.Errorf("write ledger: %w", err)
	}
	return won, nil
}

// refused lists the models that lost to a duplicate key, and why others could
// not be written now. An error that a retry cannot mend is one of the ledger
// itself.
func refused(result mongodb.BulkResult) (lost map[int]bool, failed map[int]error, err error) {
	lost, failed = make(map[int]bool, len(result.Errors)), map[int]error{}
	for _, e := range result.Errors {
		switch {
		case mongodb.IsDuplicate(e):
			lost[e.Index] = true
		case mongodb.IsPermanent(e):
			return nil, nil, e
		case !mongodb.IsConflict(e):
			failed[e.Index] = e
		}
	}
	return lost, failed, nil
}

// readMine is what is stored under those keys that this Store wrote last.
func (s Store) readMine(ctx context.Context, keys []Key) (map[Key]bson.Raw, error) {
	docs, err := s.find(ctx, keys, nil)
	if err != nil {
		return nil, fmt.Errorf("read back: %w", err)
	}
	mine := make(map[Key]bson.Raw, len(docs))
	for _, doc := range docs {
		e, writer, err := decode(doc)
		if err != nil {
			return nil, fmt.Errorf("read back: %w", err)
		}
		if e.Taken != nil && e.Rev == 1 {
			e.Taken.To = time.Time{} // set by the database
		}
		if string(writer) == s.Writer {
			mine[e.Key] = encode(&e, e.Rev, s.Writer)
		}
	}
	return mine, nil
}

// now is the database's time when several entries are new: they are inserted,
// which is half the work of an upsert, but then it cannot set their times. They
// are a request too early: a claim ends so much sooner.
func (s Store) now(ctx context.Context, puts []Put) (time.Time, error) {
	fresh := 0
	for i := range puts {
		if puts[i].Prev == 0 {
			fresh++
		}
	}
	if fresh < 2 {
		return time.Time{}, nil
	}
	now, err := s.DB.Now(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read the database's time: %w", err)
	}
	return now, nil
}

// clocks tells which times, beside that of the write, the database's clock sets:
// the claim's end, the end of a baseline's taking, a tombstone's. What a claim
// announced is not forgotten with its tombstone.
func (p *Put) clocks() (claim, taken, expires bool) {
	e := &p.Next
	return e.Claim != nil, e.State == Baseline && e.Taken != nil && p.Prev == 0, e.State == Deleted && e.Claim == nil
}

// insert makes an entry that was not there.
func (s Store) insert(p *Put, now time.Time) mongodb.Model {
	set := times{at: now}
	claim, taken, expires := p.clocks()
	if claim {
		set.until = now.Add(p.ClaimFor)
	}
	if taken {
		set.taken = now
	}
	if expires {
		set.expires = now.Add(s.tombstoneTTL())
	}
	return mongodb.Model{Insert: encodeAt(&p.Next, 1, s.Writer, set)}
}

func (s Store) tombstoneTTL() time.Duration { return cmp.Or(s.TombstoneTTL, DefaultTombstoneTTL) }

// model is one compare-and-set. The condition stands in the pipeline, since a
// filter on `_id` alone is what every server is quickest with; who finds another
// revision modifies nothing.
func (s Store) model(p *Put, alike *expressions) mongodb.Model {
	entry := encode(&p.Next, p.Prev+1, s.Writer)
	times := written
	if claim, taken, expires := p.clocks(); claim || taken || expires {
		times = append(make(bson.D, 0, 2), written...)
		if claim {
			times = append(times, within(entry, fieldClaim, bson.E{Key: fieldUntil, Value: alike.fromNow(p.ClaimFor)}))
		}
		if taken {
			times = append(times, within(entry, fieldTaken, bson.E{Key: fieldTo, Value: "$$NOW"}))
		}
		if expires {
			times = append(times, bson.E{Key: fieldExpires, Value: alike.fromNow(s.tombstoneTTL())})
		}
	}
	asRead := alike.asRead(p.Prev)
	return mongodb.Model{
		Filter: bson.D{{Key: "_id", Value: p.Next.Key.String()}},
		Update: bson.A{bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "$cond", Value: bson.A{
			asRead, merged(bson.D{{Key: "$literal", Value: entry}}, times), "$$ROOT",
		}}}}}},
		Upsert: p.Prev == 0,
	}
}

// written is the time that every entry is given.
var written = bson.D{{Key: fieldAt, Value: "$$NOW"}}

// expressions are those that the pipelines of one bulk write mostly have in
// common: the ones that were asked for last.
type expressions struct {
	revision  int64
	condition any
	delay     time.Duration
	time      any
}

// asRead is true where the entry has the revision that was read; 0: where there
// is none.
func (x *expressions) asRead(rev int64) any {
	switch {
	case x.condition != nil && x.revision == rev:
	case rev == 0:
		x.condition = bson.D{{Key: "$eq", Value: bson.A{bson.D{{Key: "$type", Value: "$" + fieldRev}}, "missing"}}}
	default:
		x.condition = bson.D{{Key: "$eq", Value: bson.A{"$" + fieldRev, rev}}}
	}
	x.revision = rev
	return x.condition
}

func (x *expressions) fromNow(d time.Duration) any {
	if x.time == nil || x.delay != d {
		x.delay, x.time = d, FromNow(d)
	}
	return x.time
}

// EntryOf is the entry that a compare-and-set stores, but for its times.
func EntryOf(m mongodb.Model) bson.Raw {
	if m.Insert != nil {
		return m.Insert
	}
	replace, _ := m.Update[0].(bson.D)
	cond, _ := replace[0].Value.(bson.D)
	branches, _ := cond[0].Value.(bson.A)
	merge, _ := branches[1].(bson.D)
	parts, _ := merge[0].Value.(bson.A)
	literal, _ := parts[0].(bson.D)
	entry, _ := literal[0].Value.(bson.Raw)
	return entry
}

// within is a field of an entry, an object, with another field in it.
func within(entry bson.Raw, name string, field bson.E) bson.E {
	return bson.E{Key: name, Value: merged(bson.D{{Key: "$literal", Value: entry.Lookup(name)}}, bson.D{field})}
}

func merged(a, b bson.D) bson.D { return bson.D{{Key: "$mergeObjects", Value: bson.A{a, b}}} }

// FromNow is an expression for the time after d, by the database's clock. It is
// $dateAdd and not $add, which not every server knows of dates.
func FromNow(d time.Duration) bson.D {
	return bson.D{{Key: "$dateAdd", Value: bson.D{
		{Key: "startDate", Value: "$$NOW"}, {Key: "unit", Value: "millisecond"}, {Key: "amount", Value: d.Milliseconds()},
	}}}
}
