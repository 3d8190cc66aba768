package bridge_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// found is what matters of a finding.
type found struct {
	State   bridge.State
	Removes value.Side
	Did     string // "ditto", "mongodb"
	Reason  string
	Paths   string
}

func (s *stage) sweep(mode bridge.Mode) []found {
	s.t.Helper()
	hints := []change.Hint{{Collection: "c", DittoID: `"d"`}}
	verdicts, findings, _ := s.bridge.Sweep(context.Background(), hints, mode)
	if verdicts[0].Err != nil {
		s.t.Fatal(verdicts[0].Err)
	}
	var out []found
	for _, f := range findings {
		o := found{State: f.State, Removes: f.Removes, Reason: f.Reason}
		if f.ToDitto {
			o.Did += "ditto"
		}
		if f.ToMongo {
			o.Did += "mongodb"
		}
		for _, p := range f.Paths {
			o.Paths += p.String() + " "
		}
		out = append(out, o)
	}
	return out
}

// frozen fails a test that writes to MongoDB.
type frozen struct {
	mongodb.Database
	t *testing.T
}

func (f frozen) Write(_ context.Context, collection string, _ []mongodb.Model) (mongodb.BulkResult, error) {
	f.t.Errorf("%s is written", collection)
	return mongodb.BulkResult{}, nil
}

// TestSweep: each way in which a pair can be found, looked at first, which
// writes nothing; then swept, which deletes nothing; then settled.
func TestSweep(t *testing.T) {
	deleteDitto := func(s *stage) { s.user("DELETE FROM c WHERE _id = 'd'", "") }
	deleteMongo := func(s *stage) {
		s.mongo.Remove("c", bson.RawValue{Type: bson.TypeString, Value: []byte("\x02\x00\x00\x00d\x00")})
	}
	pair := func(s *stage) {
		s.set(`{"_id":"d","a":1,"o":{"x":1}}`)
		s.settle()
	}
	for _, tc := range []struct {
		name                 string
		edit                 func(*manifest.Collection)
		before               func(*stage)
		verify, list, settle found
		then                 bridge.State // found by another look; equal if unset
	}{
		{name: "Equal", before: pair, verify: found{State: "equal"}, list: found{State: "equal"}, settle: found{State: "equal"}},
		{
			name: "NewInMongoDB", before: func(s *stage) { s.set(`{"_id":"d","a":1}`) },
			verify: found{State: "missingInDitto"}, list: found{State: "missingInDitto", Did: "ditto"}, settle: found{State: "equal"},
		},
		{
			name: "NewInDitto", before: func(s *stage) { s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"d","a":1}}`) },
			verify: found{State: "missingInMongoDB"}, list: found{State: "missingInMongoDB", Did: "mongodb"}, settle: found{State: "equal"},
		},
		{
			name: "Different", before: func(s *stage) { pair(s); s.set(`{"_id":"d","a":2,"o":{"x":1},"b":1}`) },
			verify: found{State: "different", Paths: "a b "}, list: found{State: "different", Did: "ditto"}, settle: found{State: "equal"},
		},
		{
			name: "DeletedInDitto", before: func(s *stage) { pair(s); deleteDitto(s) },
			verify: found{State: "missingInDitto", Removes: "mongodb"}, list: found{State: "missingInDitto", Removes: "mongodb"},
			settle: found{State: "missingInDitto", Removes: "mongodb", Did: "mongodb"}, then: "gone",
		},
		{
			name: "DeletedInMongoDB", before: func(s *stage) { pair(s); deleteMongo(s) },
			verify: found{State: "missingInMongoDB", Removes: "ditto"}, list: found{State: "missingInMongoDB", Removes: "ditto"},
			settle: found{State: "missingInMongoDB", Removes: "ditto", Did: "ditto"}, then: "gone",
		},
		{
			name: "DeletedInDittoIgnored", edit: func(c *manifest.Collection) { c.Deletes.Ditto = manifest.DeleteIgnore },
			before: func(s *stage) { pair(s); deleteDitto(s) },
			verify: found{State: "missingInDitto", Removes: "mongodb"}, list: found{State: "missingInDitto", Removes: "mongodb"},
			settle: found{State: "missingInDitto", Removes: "mongodb"}, then: "leftAlone",
		},
		{
			name: "DeletedInDittoSoft", edit: func(c *manifest.Collection) {
				c.Deletes.Ditto, c.Deletes.SoftField = manifest.DeleteSoft, value.PathOf("gone")
			},
			before: func(s *stage) { pair(s); deleteDitto(s) },
			verify: found{State: "missingInDitto", Removes: "mongodb"}, list: found{State: "missingInDitto", Removes: "mongodb"},
			settle: found{State: "missingInDitto", Removes: "mongodb", Did: "mongodb"}, then: "leftAlone",
		},
		{
			name: "DeletedInBoth", before: func(s *stage) { pair(s); deleteDitto(s); deleteMongo(s) },
			verify: found{State: "gone"}, list: found{State: "gone"}, settle: found{State: "gone"}, then: "gone",
		},
		{
			name: "Parked", edit: func(c *manifest.Collection) { c.Counters = []value.Path{value.PathOf("q")} },
			before: func(s *stage) { s.set(`{"_id":"d","q":"many"}`) },
			verify: found{State: "unsynced", Reason: "counter"}, list: found{State: "unsynced", Reason: "counter"},
			settle: found{State: "unsynced", Reason: "counter"}, then: "unsynced",
		},
		{
			name: "OneWay", edit: func(c *manifest.Collection) { c.Direction = manifest.MongoToDitto },
			before: func(s *stage) { s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"d"}}`) },
			verify: found{State: "unsynced", Reason: "one-way"}, list: found{State: "unsynced", Reason: "one-way"},
			settle: found{State: "unsynced", Reason: "one-way"}, then: "unsynced",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t, tc.edit)
			tc.before(s)
			s.hints = nil // all events are lost
			look := func(want found) {
				t.Helper()
				m := &manifest.Manifest{Database: "db", Collections: []manifest.Collection{*s.c}}
				quiet := *s
				quiet.bridge = bridge.New(bridge.Config{Manifest: m, Mongo: frozen{s.mongo, t}, Ditto: s.ditto})
				n := s.writes
				if diff := cmp.Diff([]found{want}, quiet.sweep(bridge.Verify)); diff != "" {
					t.Errorf("found (-want +got):\n%s", diff)
				}
				if s.writes != n {
					t.Error("a look wrote")
				}
			}
			look(tc.verify)
			if diff := cmp.Diff([]found{tc.list}, s.sweep(bridge.List)); diff != "" {
				t.Errorf("listed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]found{tc.settle}, s.sweep(bridge.Settle)); diff != "" {
				t.Errorf("settled (-want +got):\n%s", diff)
			}
			if tc.then == "" {
				tc.then = bridge.Equal
			}
			look(found{State: tc.then, Reason: tc.verify.Reason})
		})
	}
}

// Values are compared, not what the ledger says of them.
func TestVerifyDistrustsLedger(t *testing.T) {
	s := newStage(t, nil)
	s.set(`{"_id":"d","a":1}`)
	s.settle()
	s.user("UPDATE c SET a = 2 WHERE _id = 'd'", "")
	entries, err := ledger.Store{DB: s.mongo}.Read(t.Context(), []ledger.Key{{Collection: "c", ID: `"d"`}}, nil)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	e := entries[0]
	i := slices.IndexFunc(e.Units, func(u ledger.Unit) bool { return u.Path == value.PathOf("a") })
	e.Units[i].D = value.HashJSON([]byte("2"))
	if won, err := (ledger.Store{DB: s.mongo, Writer: "w"}).Put(t.Context(), []ledger.Put{{Prev: e.Rev, Next: e}}); err != nil || !won[0] {
		t.Fatal(won, err)
	}
	s.hints = nil
	if diff := cmp.Diff([]found{{State: "equal"}}, s.sweep(bridge.List)); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]found{{State: "different", Paths: "a "}}, s.sweep(bridge.Verify)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}

// A document without a Ditto id is found too, and a second one with the same.
func TestVerifyWithoutPair(t *testing.T) {
	s := newStage(t, mapped("k"))
	s.set(`{"_id":1,"k":"d"}`)
	s.settle()
	s.set(`{"_id":2,"k":"d"}`)
	s.set(`{"_id":3}`)
	var hints []change.Hint
	for _, id := range []string{`{"_id":1}`, `{"_id":2}`, `{"_id":3}`} {
		hints = append(hints, change.Hint{Collection: "c", MongoIDs: []bson.RawValue{raw(t, id).Lookup("_id")}})
	}
	for _, mode := range []bridge.Mode{bridge.Verify, bridge.List, bridge.Verify} {
		_, findings, _ := s.bridge.Sweep(t.Context(), hints, mode)
		got := map[string]string{}
		for _, f := range findings {
			got[ledger.IDText(f.MongoID)] = string(f.State) + " " + f.Reason
		}
		want := map[string]string{
			`{"$numberInt":"1"}`: "equal ", `{"$numberInt":"2"}`: "unsynced duplicate-id", `{"$numberInt":"3"}`: "unsynced id-missing",
		}
		if diff := cmp.Diff(want, got); diff != "" || len(findings) != 3 {
			t.Errorf("mode %d: found (-want +got):\n%s", mode, diff)
		}
	}
}
