package sweep_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/value"
)

func putEntries(t testing.TB, db *mongodb.Client, entries ...ledger.Entry) {
	t.Helper()
	puts := make([]ledger.Put, len(entries))
	for i, e := range entries {
		puts[i].Next = e
	}
	won, err := ledger.Store{DB: db, Writer: "test"}.Put(t.Context(), puts)
	if err != nil {
		t.Fatal(err)
	}
	for i := range won {
		if !won[i] {
			t.Fatalf("entry %s is there already", entries[i].Key)
		}
	}
}

func entry(collection string, id docid.ID, s ledger.State) ledger.Entry {
	e := ledger.Entry{Key: ledger.Key{Collection: collection, ID: id}, State: s}
	if s == ledger.Deleted {
		e.By = value.Ditto
	}
	return e
}

// Each collection's entries but the tombstones come once, also where one
// collection's name is the beginning of another's.
func TestLedger(t *testing.T) {
	db := database(t)
	if err := ledger.CreateIndexes(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	var entries []ledger.Entry
	states := []ledger.State{ledger.Live, ledger.Live, ledger.Deleted, ledger.Baseline, ledger.Parked, ledger.Detached}
	for i := range 300 {
		entries = append(entries, entry("a", docid.ID(fmt.Sprintf(`"%x/%d"`, i*7919%256, i)), states[i%len(states)]))
		if i%4 == 0 {
			entries = append(entries,
				entry("b", docid.ID(fmt.Sprint(i-150)), states[i/4%len(states)]),
				entry("a0", docid.ID(fmt.Sprintf(`{"a":%d}`, i)), ledger.Live),
				entry("ab", docid.ID(fmt.Sprintf(`[%d]`, i)), ledger.Live))
		}
	}
	putEntries(t, db, entries...)
	p := &sweep.Pager{Mongo: db, Manifest: config("a", "a0", "b", "none"), Limits: sweep.Limits{PerRange: 50}}
	ranges, counts := plan(t, p, sweep.Ledger)
	if len(ranges) < 8 || len(ranges) > 20 {
		t.Errorf("%d ranges", len(ranges))
	}
	if n := counts["a"][sweep.Ledger]; n < 225 || n > 375 {
		t.Errorf("about %d entries of 300", n)
	}
	late := []ledger.Entry{entry("a", `""`, ledger.Live), entry("a", `{"zz":1}`, ledger.Live), entry("a", `-1`, ledger.Live), entry("none", `1`, ledger.Live)}
	putEntries(t, db, late...)
	want, got := map[ledger.Key]int{}, map[ledger.Key]int{}
	for _, e := range append(entries, late...) {
		if e.State != ledger.Deleted && e.Key.Collection != "ab" {
			want[e.Key]++
		}
	}
	for _, r := range ranges {
		readAll(t, p, r, pages(70), func(n int) int { return n - n/3 }, func(page sweep.Page, n int) {
			for _, k := range page.Ledger[:n] {
				got[k]++
			}
		})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-stored +paged):\n%s", d)
	}
}

// A collection's name may hold what divides it from the id.
func TestLedgerSlash(t *testing.T) {
	db := &fakeMongo{ids: []bson.D{
		{{Key: "_id", Value: `a/"x"`}, {Key: "collection", Value: "a"}, {Key: "state", Value: "live"}},
		{{Key: "_id", Value: `a/b/"y"`}, {Key: "collection", Value: "a/b"}, {Key: "state", Value: "live"}},
	}}
	p := &sweep.Pager{Mongo: db, Manifest: config("a", "a/b")}
	for collection, want := range map[string]docid.ID{"a": `"x"`, "a/b": `"y"`} {
		page, err := p.Page(t.Context(), sweep.Range{Collection: collection, Source: sweep.Ledger}, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]ledger.Key{{Collection: collection, ID: want}}, page.Ledger); d != "" {
			t.Error(d)
		}
	}
}
