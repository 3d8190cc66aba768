package bridge_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// activated is a stage on which both sides had a document before the activation.
func activated(t *testing.T, edit func(*manifest.Collection), during func(*stage)) *stage {
	t.Helper()
	s := newStage(t, edit)
	if s.c.OneToOne() {
		s.set(`{"_id":"d","a":1,"b":1,"m":1}`)
	} else {
		s.set(`{"_id":"d","k":"d","a":1,"b":1,"m":1}`)
	}
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"d","a":2,"b":2,"d":2}}`)
	s.hints = nil // events were off
	since := bridge.Activation{At: time.Now(), Txn: s.ditto.Txn()}
	if during != nil {
		during(s)
	}
	hints := []change.Hint{{Collection: "c", DittoID: `"d"`, Op: change.Sweep}}
	if v := s.bridge.Baseline(context.Background(), hints, since); v[0].Err != nil {
		t.Fatal(v[0].Err)
	}
	// What happens from here on happens in a later millisecond.
	for to := time.Now().Truncate(time.Millisecond); !time.Now().Truncate(time.Millisecond).After(to); {
		continue
	}
	return s
}

// A baseline leaves documents alone until something changes them; then only
// what changed travels (design, section 13).
func TestBaseline(t *testing.T) {
	oldM, oldD := []string{`{"_id":"d","a":1,"b":1,"m":1}`}, []string{`{"_id":"d","a":2,"b":2,"d":2}`}
	for _, tc := range []struct {
		name   string
		during func(*stage) // while the baseline is taken: it is in it
		after  func(*stage)
		m, d   []string
		lost   int
	}{
		{name: "LeftAlone", after: func(s *stage) {
			s.hints = []change.Hint{{Collection: "c", DittoID: `"d"`, Op: change.Sweep, Txn: s.ditto.Txn()}}
		}, m: oldM, d: oldD},
		{
			name: "OnlyWhatChanged", after: func(s *stage) { s.set(`{"_id":"d","a":3,"b":1,"m":1}`) },
			m: []string{`{"_id":"d","a":3,"b":1,"m":1}`}, d: []string{`{"_id":"d","a":3,"b":2,"d":2}`},
			lost: 1, // Ditto's 2: it might have been set while the baseline was taken
		},
		{
			name: "ChangedOnADevice", after: func(s *stage) { s.user("UPDATE c SET b = 9 WHERE _id = 'd'", "") },
			m: []string{`{"_id":"d","a":1,"b":9,"m":1}`}, d: []string{`{"_id":"d","a":2,"b":9,"d":2}`}, lost: 1,
		},
		{
			// Nobody knows whether the baseline has it: the pair is a new one.
			name: "ChangedMeanwhile", during: func(s *stage) { s.set(`{"_id":"d","a":3,"b":1,"m":1}`) }, after: func(*stage) {},
			m: []string{`{"_id":"d","a":3,"b":1,"m":1,"d":2}`}, d: []string{`{"_id":"d","a":3,"b":1,"d":2,"m":1}`}, lost: 2,
		},
		{
			name: "ChangedMeanwhileOnADevice", during: func(s *stage) { s.user("UPDATE c SET d = 9 WHERE _id = 'd'", "") }, after: func(*stage) {},
			m: []string{`{"_id":"d","a":1,"b":1,"m":1,"d":9}`}, d: []string{`{"_id":"d","a":1,"b":1,"d":9,"m":1}`}, lost: 2,
		},
		{
			name: "DeletedInMongoDB", after: func(s *stage) { s.mongo.Remove("c", raw(s.t, `{"_id":"d"}`).Lookup("_id")) }, lost: 1,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := activated(t, nil, tc.during)
			tc.after(s)
			s.settle()
			s.want(slices.Clone(tc.m), slices.Clone(tc.d))
			conflicts, err := ledger.Records{DB: s.mongo}.ListConflicts(t.Context())
			if err != nil || len(conflicts) != tc.lost {
				t.Errorf("%d conflict records, want %d: %+v, %v", len(conflicts), tc.lost, conflicts, err)
			}
		})
	}
}

// Another document with the same mapped fields is a new one, though it holds
// what the old one held.
func TestBaselineReplaced(t *testing.T) {
	s := activated(t, func(c *manifest.Collection) { c.Fields = []string{"k"} }, nil)
	s.mongo.Remove("c", raw(t, `{"_id":"d"}`).Lookup("_id"))
	s.set(`{"_id":"e","k":"d","a":1,"b":1,"m":1}`)
	s.settle()
	s.want([]string{`{"_id":"e","k":"d","a":1,"b":1,"m":1,"d":2}`}, []string{`{"_id":"d","a":1,"b":1,"d":2,"k":"d","m":1}`})
}

// A change from while the baseline was taken is not forgotten because the pair
// cannot be synced when its event comes.
func TestBaselineParked(t *testing.T) {
	s := activated(t, func(c *manifest.Collection) { c.Counters = []value.Path{value.PathOf("q")} }, func(s *stage) {
		s.set(`{"_id":"d","a":3,"b":1,"m":1,"q":"no number"}`)
	})
	s.settle()
	s.wantUnsynced(`c/"d" counter`)
	s.set(`{"_id":"d","a":3,"b":1,"m":1,"q":5}`)
	s.settle()
	s.want([]string{`{"_id":"d","a":3,"b":1,"m":1,"q":5,"d":2}`}, []string{`{"_id":"d","a":3,"b":1,"d":2,"m":1,"q":5}`})
	s.wantUnsynced()
}

// A register at a counter path is left alone with the rest of its document, and
// becomes a counter when that is not left alone any more.
func TestBaselineRegister(t *testing.T) {
	s := newStage(t, func(c *manifest.Collection) { c.Counters = []value.Path{value.PathOf("q")} })
	s.set(`{"_id":"d","a":1,"q":4}`)
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"d","a":1,"q":4}}`)
	s.hints = nil
	sweep := []change.Hint{{Collection: "c", DittoID: `"d"`, Op: change.Sweep}}
	if v := s.bridge.Baseline(context.Background(), sweep, bridge.Activation{At: time.Now(), Txn: s.ditto.Txn()}); v[0].Err != nil {
		t.Fatal(v[0].Err)
	}
	for range 3 {
		s.hints = slices.Clone(sweep)
		if n := s.settle(); n > 0 {
			t.Fatalf("%d writes, although nothing changed", n)
		}
	}
	s.user("UPDATE c SET a = 2 WHERE _id = 'd'", "")
	s.settle()
	s.user("UPDATE c APPLY q INCREMENT BY 1 WHERE _id = 'd'", "")
	s.settle()
	s.want([]string{`{"_id":"d","a":2,"q":5}`}, []string{`{"_id":"d","a":2,"q":5}`})
}

// A baseline is taken only of pairs that have no entry.
func TestBaselineAfterAnEvent(t *testing.T) {
	s := activated(t, nil, func(s *stage) {
		s.set(`{"_id":"d","a":3,"b":1,"m":1}`)
		s.settle()
	})
	s.settle()
	s.want([]string{`{"_id":"d","a":3,"b":1,"m":1,"d":2}`}, []string{`{"_id":"d","a":3,"b":1,"d":2,"m":1}`})
	entries, err := ledger.Store{DB: s.mongo}.Read(t.Context(), []ledger.Key{{Collection: "c", ID: `"d"`}}, nil)
	if err != nil || len(entries) != 1 || entries[0].State != ledger.Live {
		t.Errorf("entries %+v, %v", entries, err)
	}
}
