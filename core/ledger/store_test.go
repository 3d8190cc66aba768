package ledger_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/value"
)

func full(t testing.TB) ledger.Entry {
	h := func(b byte) (h value.Hash) {
		for i := range h {
			h[i] = b
		}
		return h
	}
	return ledger.Entry{
		Key: key(1), MongoID: val(t, bson.NewObjectID()), State: ledger.Live, By: value.Ditto,
		Units: []ledger.Unit{
			{Path: value.PathOf(""), M: h(1)}, {Path: value.PathOf("$a.b"), D: h(2)}, {Path: value.PathOf("a", "b", "c"), M: h(3), D: h(4)},
		},
		Counters: map[value.Path]int64{value.PathOf("n"): -1 << 62, value.PathOf("a", "n"): 7},
		Maps:     []value.Path{value.PathOf("a"), value.PathOf("a", "b")},
		Txn:      1 << 40, Size: 12345,
		Claim: &ledger.Claim{Owner: "me", Announced: []ledger.Announcement{
			{Side: value.Ditto}, {Path: value.PathOf("a", "b"), Side: value.MongoDB, Hash: h(9)},
		}},
	}
}

// stored are the fields that Read returns as they were put.
var stored = cmp.Options{
	cmpopts.IgnoreFields(ledger.Entry{}, "At"), cmpopts.IgnoreFields(ledger.Claim{}, "Live"),
	cmp.Comparer(func(a, b bson.RawValue) bool { return a.Type == b.Type && string(a.Value) == string(b.Value) }),
	cmpopts.EquateEmpty(),
}

func TestPutAndRead(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		ctx, store := t.Context(), ledger.Store{DB: db, Writer: "w1"}
		e := full(t)
		put := func(want bool, p ledger.Put) {
			t.Helper()
			won, err := store.Put(ctx, []ledger.Put{p})
			if err != nil || won[0] != want {
				t.Fatalf("won %v, %v, want %v", won, err, want)
			}
		}
		check := func(rev int64, live bool) {
			t.Helper()
			entries := read(t, db, e.Key)
			if len(entries) != 1 {
				t.Fatalf("%d entries", len(entries))
			}
			want := e
			want.Rev = rev
			if diff := cmp.Diff(want, entries[0], stored); diff != "" {
				t.Errorf("entry (-want +got):\n%s", diff)
			}
			if got := entries[0].Claim != nil && entries[0].Claim.Live; got != live {
				t.Errorf("claim live: %v", got)
			}
			if time.Since(entries[0].At).Abs() > time.Minute {
				t.Errorf("at %v", entries[0].At)
			}
		}
		put(true, ledger.Put{Next: e, ClaimFor: time.Minute})
		check(1, true)
		store.Writer = "w2"
		put(false, ledger.Put{Next: e, ClaimFor: time.Minute})
		put(true, ledger.Put{Prev: 1, Next: e})
		check(2, false)
		store.Writer = "w3"
		put(false, ledger.Put{Prev: 1, Next: e, ClaimFor: time.Minute})
		check(2, false)
		e.Claim = nil
		put(true, ledger.Put{Prev: 2, Next: e, ClaimFor: time.Minute})
		check(3, false)
		e = ledger.Entry{Key: e.Key, State: ledger.Deleted, By: value.MongoDB}
		put(true, ledger.Put{Prev: 3, Next: e})
		check(4, false)
		put(false, ledger.Put{Prev: 9, Next: e})
	})
}

// A live pair may lack the MongoDB id, as long as its document is not made.
func TestLiveWithoutMongoID(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		won, err := ledger.Store{DB: db, Writer: "w"}.Put(t.Context(), []ledger.Put{
			{Next: ledger.Entry{Key: key(1), State: ledger.Live}}, {Next: ledger.Entry{Key: key(2), State: ledger.Live}},
		})
		if diff := cmp.Diff([]bool{true, true}, won); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	})
}

func TestPutWithoutWriter(t *testing.T) {
	if _, err := (ledger.Store{DB: sim(t)}).Put(t.Context(), []ledger.Put{{Next: full(t)}}); err == nil {
		t.Error("no error")
	}
}

func TestReadByMongoID(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		ctx, store := t.Context(), ledger.Store{DB: db, Writer: "w"}
		var puts []ledger.Put
		states := []ledger.State{ledger.Live, ledger.Parked, ledger.Deleted, ledger.Detached, ledger.Baseline}
		for i, s := range states {
			puts = append(puts, ledger.Put{Next: ledger.Entry{Key: key(i), State: s, MongoID: val(t, int32(i))}})
		}
		puts = append(puts, ledger.Put{Next: ledger.Entry{
			Key: key(7), State: ledger.Deleted, MongoID: val(t, int32(7)), Claim: &ledger.Claim{Owner: "w"},
		}})
		puts = append(puts, ledger.Put{Next: ledger.Entry{Key: ledger.Key{Collection: "other", ID: "1"}, State: ledger.Live, MongoID: val(t, int32(0))}})
		won, err := store.Put(ctx, puts)
		if err != nil || slices.Contains(won, false) {
			t.Fatal(won, err)
		}
		var refs []ledger.MongoRef
		for i := range states {
			refs = append(refs, ledger.MongoRef{Collection: "tasks", ID: val(t, float64(i))})
		}
		names := func(entries []ledger.Entry) []string {
			var out []string
			for _, e := range entries {
				out = append(out, string(e.Key.ID)+" "+string(e.State))
			}
			slices.Sort(out)
			return out
		}
		for name, c := range map[string]struct {
			keys []ledger.Key
			refs []ledger.MongoRef
			want []string
		}{
			"Refs":      {nil, refs, []string{`"task/000" live`, `"task/001" parked`, `"task/003" detached`, `"task/004" baseline`}},
			"KeyToo":    {[]ledger.Key{key(2), key(0), key(77)}, refs[:1], []string{`"task/000" live`, `"task/002" deleted`}},
			"MadeAgain": {nil, []ledger.MongoRef{{Collection: "tasks", ID: val(t, 7)}}, []string{`"task/007" deleted`}},
			"Other":     {nil, []ledger.MongoRef{{Collection: "other", ID: val(t, 0)}, {Collection: "none", ID: val(t, 0)}}, []string{`1 live`}},
			"TypeElse":  {nil, []ledger.MongoRef{{Collection: "tasks", ID: val(t, "0")}}, nil},
			"None":      {nil, nil, nil},
		} {
			t.Run(name, func(t *testing.T) {
				entries, err := store.Read(ctx, c.keys, c.refs)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(c.want, names(entries), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("entries (-want +got):\n%s", diff)
				}
			})
		}
		t.Run("LiveOnce", func(t *testing.T) {
			won, err := store.Put(ctx, []ledger.Put{
				{Next: ledger.Entry{Key: key(50), State: ledger.Live, MongoID: val(t, int64(0))}},
				{Next: ledger.Entry{Key: key(51), State: ledger.Parked, MongoID: val(t, int64(0))}},
				{Prev: 1, Next: ledger.Entry{Key: key(1), State: ledger.Live, MongoID: val(t, int32(0))}},
			})
			if diff := cmp.Diff([]bool{false, true, false}, won); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
		})
	})
}

func TestReadMany(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		var puts []ledger.Put
		var keys []ledger.Key
		var refs []ledger.MongoRef
		for i := range 600 {
			puts = append(puts, ledger.Put{Next: ledger.Entry{Key: key(i), State: ledger.Live, MongoID: val(t, int32(i))}})
			keys = append(keys, key(i))
			refs = append(refs, ledger.MongoRef{Collection: "tasks", ID: val(t, int32(i+300))})
		}
		won, err := ledger.Store{DB: db, Writer: "w"}.Put(t.Context(), puts)
		if err != nil || slices.Contains(won, false) {
			t.Fatal(err)
		}
		entries, err := ledger.Store{DB: db}.Read(t.Context(), keys[:500], refs)
		if err != nil || len(entries) != 600 {
			t.Errorf("%d entries, %v", len(entries), err)
		}
	})
}

// Of several writers that read the same revision, exactly one wins.
func TestPutRace(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		const writers, entries = 4, 50
		revs := make([]int64, entries)
		for range 4 {
			wins := make([][]bool, writers)
			errs := make([]error, writers)
			var wg sync.WaitGroup
			for w := range writers {
				wg.Go(func() {
					puts := make([]ledger.Put, entries)
					for i := range puts {
						puts[i] = ledger.Put{Prev: revs[i], Next: ledger.Entry{Key: key(i), State: ledger.Live, Txn: int64(w), MongoID: val(t, int32(i))}}
					}
					order := rand.Perm(entries)
					shuffled := make([]ledger.Put, entries)
					for to, from := range order {
						shuffled[to] = puts[from]
					}
					var won []bool
					won, errs[w] = ledger.Store{DB: db, Writer: fmt.Sprint("w", w)}.Put(t.Context(), shuffled)
					wins[w] = make([]bool, entries)
					for to, from := range order {
						wins[w][from] = to < len(won) && won[to]
					}
				})
			}
			wg.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			keys := make([]ledger.Key, entries)
			for i := range keys {
				keys[i] = key(i)
			}
			now := map[ledger.Key]ledger.Entry{}
			for _, e := range read(t, db, keys...) {
				now[e.Key] = e
			}
			for i := range entries {
				winner := -1
				for w := range writers {
					if wins[w][i] && winner >= 0 {
						t.Fatalf("entry %d: writers %d and %d both won", i, winner, w)
					} else if wins[w][i] {
						winner = w
					}
				}
				if e := now[key(i)]; winner < 0 || e.Rev != revs[i]+1 || e.Txn != int64(winner) {
					t.Fatalf("entry %d: winner %d, stored %+v", i, winner, e)
				}
				revs[i]++
			}
		}
	})
}

// unsure fails after the write was made, or before it.
type unsure struct {
	mongodb.Database
	before, after, read bool
	code                int // every model is refused so
	writes, finds       int
}

var errLost = errors.New("connection lost")

func (u *unsure) Write(ctx context.Context, collection string, models []mongodb.Model) (mongodb.BulkResult, error) {
	u.writes++
	if u.before {
		return mongodb.BulkResult{}, errLost
	}
	if u.code != 0 {
		var result mongodb.BulkResult
		for i := range models {
			result.Errors = append(result.Errors, mongodb.WriteError{Index: i, Code: u.code})
		}
		return result, nil
	}
	result, err := u.Database.Write(ctx, collection, models)
	if u.after {
		return mongodb.BulkResult{}, errLost
	}
	return result, err
}

func (u *unsure) Find(ctx context.Context, collection string, filter, projection bson.D) ([]bson.Raw, error) {
	u.finds++
	if u.read {
		return nil, errLost
	}
	return u.Database.Find(ctx, collection, filter, projection)
}

func TestPutAmbiguous(t *testing.T) {
	puts := func(prev int64) []ledger.Put {
		return []ledger.Put{
			{Prev: prev, Next: ledger.Entry{Key: key(1), State: ledger.Live}},
			{Prev: prev, Next: ledger.Entry{Key: key(2), State: ledger.Live}},
		}
	}
	for name, c := range map[string]struct {
		db    unsure
		prev  int64 // entry 1 is at 1, entry 2 is not there
		want  []bool
		finds int
		err   error
	}{
		"AllLost":    {db: unsure{}, prev: 5, want: []bool{false, false}, finds: 1},
		"Short":      {db: unsure{}, prev: 1, want: []bool{true, false}, finds: 1},
		"Duplicate":  {db: unsure{}, prev: 0, want: []bool{false, true}},
		"MadeIt":     {db: unsure{after: true}, prev: 1, want: []bool{true, false}, finds: 1},
		"DidNot":     {db: unsure{before: true}, prev: 1, finds: 1, err: errLost},
		"NoRoom":     {db: unsure{code: 14031}, prev: 1, finds: 1, err: mongodb.WriteError{Code: 14031}},
		"Conflict":   {db: unsure{code: 112}, prev: 1, want: []bool{false, false}, finds: 1},
		"NoReadBack": {db: unsure{after: true, read: true}, prev: 1, finds: 1, err: errLost},
	} {
		t.Run(name, func(t *testing.T) {
			db := sim(t)
			if won, err := (ledger.Store{DB: db, Writer: "other"}).Put(t.Context(), puts(0)[:1]); err != nil || !won[0] {
				t.Fatal(won, err)
			}
			c.db.Database = db
			won, err := ledger.Store{DB: &c.db, Writer: "me"}.Put(t.Context(), puts(c.prev))
			if diff := cmp.Diff(c.want, won); !errors.Is(err, c.err) || diff != "" || c.db.finds != c.finds || c.db.writes != 1 {
				t.Errorf("%v, %d reads, %d writes %s", err, c.db.finds, c.db.writes, diff)
			}
		})
	}
}

// When all win, claiming a batch is one request.
func TestPutIsOneRequest(t *testing.T) {
	db := unsure{Database: sim(t)}
	store := ledger.Store{DB: &db, Writer: "w"}
	var puts []ledger.Put
	for i := range 250 {
		puts = append(puts, ledger.Put{Next: ledger.Entry{Key: key(i), State: ledger.Live}, ClaimFor: time.Minute})
	}
	won, err := store.Put(t.Context(), puts)
	if err != nil || slices.Contains(won, false) || db.writes != 1 || db.finds != 0 {
		t.Errorf("%v; %d writes, %d reads", err, db.writes, db.finds)
	}
}

// The claim ends and the tombstone goes by the database's clock.
func TestTimes(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	db := mongosim.New(func() time.Time { return now })
	if err := ledger.CreateIndexes(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	store := ledger.Store{DB: db, Writer: "w"}
	e := full(t)
	put := func(p ledger.Put) {
		if won, err := store.Put(t.Context(), []ledger.Put{p}); err != nil || !won[0] {
			t.Fatal(won, err)
		}
	}
	live := func() bool { return read(t, db, e.Key)[0].Claim.Live }
	put(ledger.Put{Next: e, ClaimFor: 90 * time.Second})
	now = now.Add(90*time.Second - time.Millisecond)
	if !live() {
		t.Error("claim ended early")
	}
	now = now.Add(time.Millisecond)
	if live() {
		t.Error("claim did not end")
	}
	claimed := ledger.Entry{Key: e.Key, State: ledger.Deleted, Claim: &ledger.Claim{Owner: "w"}}
	put(ledger.Put{Prev: 1, Next: claimed, ClaimFor: time.Second})
	now = now.Add(2 * ledger.DefaultTombstoneTTL)
	db.Expire()
	if len(read(t, db, e.Key)) != 1 {
		t.Error("tombstone gone with a claim that was left behind")
	}
	put(ledger.Put{Prev: 2, Next: ledger.Entry{Key: e.Key, State: ledger.Deleted}})
	now = now.Add(ledger.DefaultTombstoneTTL - time.Second)
	db.Expire()
	if len(read(t, db, e.Key)) != 1 {
		t.Error("tombstone gone early")
	}
	now = now.Add(time.Second)
	db.Expire()
	if len(read(t, db, e.Key)) != 0 {
		t.Error("tombstone still there")
	}
}

// Several new entries are inserted, one is upserted: both store the same.
func TestPutSeveralNew(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for name, e := range map[string]ledger.Entry{
		"Live":     {State: ledger.Live},
		"Claimed":  {Claim: &ledger.Claim{Owner: "o", Announced: []ledger.Announcement{{Path: value.PathOf("a", "b"), Side: value.Ditto, Hash: value.Hash{1}}}}},
		"Baseline": {State: ledger.Baseline, Taken: &ledger.Window{From: now.Add(-time.Minute), FromTxn: 1, ToTxn: 2}},
		"Deleted":  {State: ledger.Deleted},
		"Left":     {State: ledger.Deleted, Claim: &ledger.Claim{Owner: "o"}},
	} {
		t.Run(name, func(t *testing.T) {
			stored := func(n int) map[string]any {
				db := mongosim.New(func() time.Time { return now })
				puts := make([]ledger.Put, n)
				for i := range puts {
					puts[i] = ledger.Put{Next: e, ClaimFor: time.Minute}
					puts[i].Next.Key, puts[i].Next.Units = key(i), []ledger.Unit{{Path: value.PathOf("a"), M: value.Hash{2}}}
				}
				if won, err := (ledger.Store{DB: db, Writer: "w"}).Put(t.Context(), puts); err != nil || slices.Contains(won, false) {
					t.Fatal(won, err)
				}
				var m map[string]any
				dec := bson.NewDecoder(bson.NewDocumentReader(bytes.NewReader(db.All(ledger.Collection)[0])))
				dec.DefaultDocumentM()
				if err := dec.Decode(&m); err != nil {
					t.Fatal(err)
				}
				return m
			}
			if diff := cmp.Diff(stored(1), stored(2)); diff != "" {
				t.Errorf("(-one +two):\n%s", diff)
			}
		})
	}
}

func TestEntryRoundTrip(t *testing.T) {
	db := sim(t)
	store := ledger.Store{DB: db, Writer: "w"}
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		path := rapid.Custom(func(r *rapid.T) value.Path {
			return value.PathOf(rapid.SliceOfN(rapid.StringMatching(`[^\x00]{0,8}`), 1, 12).Draw(r, "segments")...)
		})
		hash := rapid.Custom(func(r *rapid.T) (h value.Hash) {
			copy(h[:], rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(r, "hash"))
			return h
		})
		side := rapid.SampledFrom([]value.Side{value.MongoDB, value.Ditto})
		e := ledger.Entry{
			Key:   ledger.Key{Collection: rapid.SampledFrom([]string{"a", "a/b", "ä.$b"}).Draw(r, "collection"), ID: docid.ID(fmt.Sprintf(`{"n":%d,"s":"x/y"}`, n))},
			State: rapid.SampledFrom([]ledger.State{ledger.Detached, ledger.Parked, ledger.Deleted}).Draw(r, "state"),
			By:    side.Draw(r, "by"), Txn: rapid.Int64().Draw(r, "txn"), Size: rapid.IntRange(0, 1<<31).Draw(r, "size"),
			Maps: rapid.SliceOfN(path, 0, 4).Draw(r, "maps"), Counters: rapid.MapOfN(path, rapid.Int64(), 0, 4).Draw(r, "counters"),
		}
		for range rapid.IntRange(0, 30).Draw(r, "units") {
			e.Units = append(e.Units, ledger.Unit{Path: path.Draw(r, "path"), M: hash.Draw(r, "m"), D: hash.Draw(r, "d")})
		}
		if rapid.Bool().Draw(r, "claimed") {
			e.Claim = &ledger.Claim{Owner: "o"}
			for range rapid.IntRange(0, 3).Draw(r, "announced") {
				e.Claim.Announced = append(e.Claim.Announced, ledger.Announcement{Path: path.Draw(r, "path"), Side: side.Draw(r, "side"), Hash: hash.Draw(r, "hash")})
			}
		}
		won, err := store.Put(context.Background(), []ledger.Put{{Next: e}})
		if err != nil || !won[0] {
			r.Fatal(won, err)
		}
		entries, err := store.Read(context.Background(), []ledger.Key{e.Key}, nil)
		if err != nil || len(entries) != 1 {
			r.Fatal(entries, err)
		}
		e.Rev = 1
		if diff := cmp.Diff(e, entries[0], stored); diff != "" {
			r.Fatalf("entry (-want +got):\n%s", diff)
		}
	})
}

// A baseline says when it was taken: until the time that the database set when
// the entry was created, which stays.
func TestTakenRoundTrip(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 10, 0, time.UTC)
	db := mongosim.New(func() time.Time { return now })
	store := ledger.Store{DB: db, Writer: "w"}
	e := ledger.Entry{
		Key: ledger.Key{Collection: "c", ID: "1"}, State: ledger.Baseline,
		Taken: &ledger.Window{From: now.Add(-time.Second), FromTxn: 3, ToTxn: 5},
	}
	want := *e.Taken
	want.To = now
	for rev := range int64(2) {
		if won, err := store.Put(t.Context(), []ledger.Put{{Prev: rev, Next: e}}); err != nil || !won[0] {
			t.Fatal(won, err)
		}
		e = read(t, db, e.Key)[0]
		if diff := cmp.Diff(&want, e.Taken); diff != "" {
			t.Errorf("revision %d (-want +got):\n%s", e.Rev, diff)
		}
		now = now.Add(time.Minute)
	}
	e.State = ledger.Live
	if won, err := store.Put(t.Context(), []ledger.Put{{Prev: 2, Next: e}}); err != nil || !won[0] {
		t.Fatal(won, err)
	}
	if got := read(t, db, e.Key)[0]; got.Taken != nil {
		t.Errorf("a live entry keeps %+v", got.Taken)
	}
}

// What somebody else put into the collection is an error, never a panic.
func FuzzReadForeign(f *testing.F) {
	for _, d := range []bson.D{
		{{Key: "_id", Value: "a/1"}, {Key: "collection", Value: "a"}, {Key: "units", Value: bson.Binary{Data: append([]byte{2, 0, 'a'}, make([]byte, 32)...)}}},
		{{Key: "_id", Value: "a/1"}, {Key: "collection", Value: "a"}, {Key: "units", Value: bson.Binary{Data: []byte{200, 1, 0}}}},
		{{Key: "_id", Value: "a/1"}, {Key: "collection", Value: "a"}, {Key: "counters", Value: bson.A{bson.A{}, 5}}},
		{{Key: "_id", Value: "a/1"}, {Key: "collection", Value: "a"}, {Key: "claim", Value: bson.D{{Key: "owner", Value: "x"}}}},
		{{Key: "_id", Value: "b/1"}, {Key: "collection", Value: "a"}},
	} {
		raw, _ := bson.Marshal(d)
		f.Add([]byte(raw)) //nolint:unconvert // a corpus takes no named type
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		raw := bson.Raw(b)
		if raw.Validate() != nil {
			return // no server sends it
		}
		_, _ = ledger.Store{DB: fixed{doc: raw}}.Read(t.Context(), []ledger.Key{key(1)}, nil)
	})
}

type fixed struct {
	mongodb.Database
	doc bson.Raw
}

func (f fixed) Find(context.Context, string, bson.D, bson.D) ([]bson.Raw, error) {
	return []bson.Raw{f.doc}, nil
}

func BenchmarkEntry20Units(b *testing.B) {
	e := ledger.Entry{Key: key(1), State: ledger.Live, MongoID: val(b, bson.NewObjectID()), Size: 500, Txn: 5}
	for i := range 20 {
		u := ledger.Unit{Path: value.PathOf("section", fmt.Sprint("field", i))}
		u.M[0], u.D[0] = byte(i+1), byte(i+1)
		e.Units = append(e.Units, u)
	}
	e.Claim = &ledger.Claim{Owner: "0123456789abcdef"}
	db := sim(b)
	store := ledger.Store{DB: db, Writer: "w"}
	b.Run("Put", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			e.Key.ID = docid.ID(fmt.Sprint(i))
			e.MongoID = val(b, int32(i))
			if won, err := store.Put(b.Context(), []ledger.Put{{Next: e, ClaimFor: time.Minute}}); err != nil || !won[0] {
				b.Fatal(won, err)
			}
		}
	})
	b.Run("Read", func(b *testing.B) {
		keys := []ledger.Key{{Collection: "tasks", ID: "0"}}
		for b.Loop() {
			if got, err := store.Read(b.Context(), keys, nil); err != nil || len(got) != 1 {
				b.Fatal(got, err)
			}
		}
	})
}
