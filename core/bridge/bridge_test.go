package bridge_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/value"
)

// stage is both databases in memory with a bridge between them. Every write
// becomes a hint; settle handles hints until there are none.
type stage struct {
	t        testing.TB
	c        *manifest.Collection
	manifest *manifest.Manifest
	mongo    *mongosim.Sim
	ditto    *dittosim.Store
	bridge   *bridge.Bridge
	hints    []change.Hint
	writes   int // on either side
	report   bridge.Report
	ahead    time.Duration // how far MongoDB's clock is ahead
}

func newStage(t testing.TB, edit func(*manifest.Collection)) *stage {
	t.Helper()
	c := manifest.Collection{Name: "c", DittoName: "c", Fields: []string{"_id"}, Direction: manifest.Both, Deletes: manifest.Deletes{Ditto: manifest.DeleteApply}}
	if edit != nil {
		edit(&c)
	}
	m := &manifest.Manifest{Database: "db", Collections: []manifest.Collection{c}}
	s := &stage{t: t, c: &m.Collections[0], manifest: m, ditto: dittosim.New()}
	s.mongo = mongosim.New(func() time.Time { return time.Now().Add(s.ahead) })
	if err := ledger.CreateIndexes(t.Context(), s.mongo); err != nil {
		t.Fatal(err)
	}
	s.bridge = bridge.New(bridge.Config{Manifest: m, Mongo: s.mongo, Ditto: s.ditto})
	s.mongo.OnWrite = func(collection string, old, doc bson.Raw) {
		if collection != c.Name {
			return
		}
		s.writes++
		h := change.Hint{Collection: c.Name, Side: value.MongoDB, Op: change.Upsert, At: time.Now()}
		if doc == nil {
			h.Op, doc = change.Remove, old
		}
		h.MongoIDs = []bson.RawValue{doc.Lookup("_id")}
		s.hints = append(s.hints, h)
	}
	s.ditto.OnWrite = func(w dittosim.Write) {
		s.writes++
		h := change.Hint{Collection: c.Name, Side: value.Ditto, DittoID: w.ID, Op: change.Upsert, Txn: w.Txn, At: time.Now(), Digest: change.Digest(&c, w.New)}
		if w.New == nil {
			h.Op = change.Remove
		}
		s.hints = append(s.hints, h)
	}
	return s
}

// counting is the stage's bridge, with a record of its requests.
func (s *stage) counting(requests *[]string) *bridge.Bridge {
	return bridge.New(bridge.Config{
		Manifest: s.manifest,
		Mongo:    countingMongo{s.mongo, requests},
		Ditto:    countingDitto{s.ditto, requests},
		Both: func(f, g func() error) error {
			if err := f(); err != nil {
				return err
			}
			return g()
		},
	})
}

// settle handles hints until there are none, and returns how many documents
// Causeway wrote.
func (s *stage) settle() int {
	s.t.Helper()
	before := s.writes
	for round := 0; len(s.hints) > 0; round++ {
		if round == 10 {
			s.t.Fatalf("still hints after %d rounds: %v", round, s.hints)
		}
		hints := s.hints
		s.hints = nil
		verdicts, report := s.bridge.Handle(context.Background(), hints)
		for i, v := range verdicts {
			if v.Err != nil {
				s.t.Fatalf("hint %+v: %v", hints[i], v.Err)
			}
		}
		s.report = report
	}
	return s.writes - before
}

func (s *stage) user(statement string, args string) {
	s.t.Helper()
	api := ditto.V5
	if s.c.Strict {
		api = ditto.V4
	}
	r := ditto.Request{API: api, Statement: statement, Write: true}
	if args != "" {
		r.Args = json.RawMessage(args)
	}
	if _, err := s.ditto.Execute(context.Background(), r); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
}

func (s *stage) set(extJSON string) {
	s.t.Helper()
	if err := s.mongo.Set("c", raw(s.t, extJSON)); err != nil {
		s.t.Fatal(err)
	}
}

// sides lists both sides' documents, for comparison: Extended JSON and JSON.
func (s *stage) sides() (m, d []string) {
	s.t.Helper()
	for _, doc := range s.mongo.All("c") {
		m = append(m, doc.String())
	}
	r, err := s.ditto.Execute(context.Background(), ditto.Request{API: ditto.V5, Statement: "SELECT * FROM c ORDER BY _id"})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, item := range r.Items {
		d = append(d, string(item))
	}
	return m, d
}

func (s *stage) want(m, d []string) {
	s.t.Helper()
	gotM, gotD := s.sides()
	for i := range m {
		m[i] = raw(s.t, m[i]).String()
	}
	if diff := cmp.Diff(m, gotM); diff != "" {
		s.t.Errorf("MongoDB (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(d, gotD); diff != "" {
		s.t.Errorf("Ditto (-want +got):\n%s", diff)
	}
}

func (s *stage) unsynced() []string {
	s.t.Helper()
	list, err := ledger.Records{DB: s.mongo}.ListUnsynced(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	var out []string
	for _, u := range list {
		out = append(out, u.ID+" "+u.Reason)
	}
	return out
}

func raw(t testing.TB, extJSON string) bson.Raw {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(extJSON), true, &d); err != nil {
		t.Fatalf("%s: %v", extJSON, err)
	}
	b, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRoundTrip(t *testing.T) {
	s := newStage(t, nil)
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"d1","n":{"x":1},"tags":["a",null]}}`)
	if n := s.settle(); n != 1 {
		t.Errorf("a new document took %d writes, want 1", n)
	}
	s.set(`{"_id":"m1","n":{"$numberInt":"5"}}`)
	if n := s.settle(); n != 1 {
		t.Errorf("a new document took %d writes, want 1", n)
	}
	s.want(
		[]string{`{"_id":"d1","n":{"x":{"$numberInt":"1"}},"tags":["a",null]}`, `{"_id":"m1","n":{"$numberInt":"5"}}`},
		[]string{`{"_id":"d1","n":{"x":1},"tags":["a",null]}`, `{"_id":"m1","n":5}`},
	)
	s.user("UPDATE c SET n.x = 2 WHERE _id = 'd1'", "")
	s.set(`{"_id":"m1","n":{"$numberInt":"6"},"new":true}`)
	if n := s.settle(); n != 2 {
		t.Errorf("two changes took %d writes, want 2", n)
	}
	s.user("DELETE FROM c WHERE _id = 'm1'", "")
	s.mongo.Remove("c", raw(t, `{"_id":"d1"}`).Lookup("_id"))
	if n := s.settle(); n != 2 {
		t.Errorf("two deletes took %d writes, want 2", n)
	}
	s.want(nil, nil)
}

// TestBatchIsOneRequestPerStep: pairs are read, claimed, written and settled
// together.
func TestBatchIsOneRequestPerStep(t *testing.T) {
	s := newStage(t, nil)
	var requests []string
	counting := s.counting(&requests)
	for i := range 100 {
		s.set(fmt.Sprintf(`{"_id":"m%d","a":{"$numberInt":"1"}}`, i))
	}
	if _, r := counting.Handle(t.Context(), s.hints); r.ToDitto != 100 || r.Rounds != 1 {
		t.Errorf("report %+v, want 100 pairs to Ditto in one round", r)
	}
	got := strings.Join(requests, " ")
	want := "find:__causeway_ledger find:c SELECT write:__causeway_ledger INSERT write:__causeway_ledger"
	if got != want && got != strings.Replace(want, "INSERT", "SELECT INSERT", 1) {
		t.Errorf("requests %s, want %s", got, want)
	}
}

type countingMongo struct {
	mongodb.Database
	requests *[]string
}

func (c countingMongo) Find(ctx context.Context, collection string, filter, projection bson.D) ([]bson.Raw, error) {
	*c.requests = append(*c.requests, "find:"+collection)
	return c.Database.Find(ctx, collection, filter, projection)
}

func (c countingMongo) Write(ctx context.Context, collection string, models []mongodb.Model) (mongodb.BulkResult, error) {
	*c.requests = append(*c.requests, "write:"+collection)
	return c.Database.Write(ctx, collection, models)
}

type countingDitto struct {
	ditto.Executor
	requests *[]string
}

func (c countingDitto) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	verb, _, _ := strings.Cut(r.Statement, " ")
	*c.requests = append(*c.requests, verb)
	return c.Executor.Execute(ctx, r)
}

func TestMappedFields(t *testing.T) {
	one := func(c *manifest.Collection) { c.Fields = []string{"orderId"} }
	two := func(c *manifest.Collection) { c.Fields = []string{"orderId", "store"} }
	t.Run("OneField", func(t *testing.T) {
		s := newStage(t, one)
		s.set(`{"_id":{"$oid":"64f000000000000000000001"},"orderId":"o1","n":{"$numberInt":"1"}}`)
		s.settle()
		s.want([]string{`{"_id":{"$oid":"64f000000000000000000001"},"orderId":"o1","n":{"$numberInt":"1"}}`}, []string{`{"_id":"o1","n":1,"orderId":"o1"}`})
		s.user("UPDATE c SET n = 2 WHERE _id = 'o1'", "")
		s.settle()
		s.want([]string{`{"_id":{"$oid":"64f000000000000000000001"},"orderId":"o1","n":{"$numberInt":"2"}}`}, []string{`{"_id":"o1","n":2,"orderId":"o1"}`})
		s.mongo.Remove("c", raw(t, `{"_id":{"$oid":"64f000000000000000000001"}}`).Lookup("_id"))
		s.settle()
		s.want(nil, nil)
	})
	t.Run("SeveralFields", func(t *testing.T) {
		s := newStage(t, two)
		s.set(`{"_id":{"$numberInt":"7"},"store":"s","orderId":{"$numberInt":"1"}}`)
		s.settle()
		s.want([]string{`{"_id":{"$numberInt":"7"},"store":"s","orderId":{"$numberInt":"1"}}`}, []string{`{"_id":{"orderId":1,"store":"s"},"orderId":1,"store":"s"}`})
	})
	t.Run("BornInDitto", func(t *testing.T) {
		s := newStage(t, one)
		s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"o2","n":1}}`)
		s.settle()
		m, d := s.sides()
		if len(m) != 1 || !strings.Contains(m[0], `"orderId": "o2"`) || !strings.Contains(m[0], `"$oid"`) {
			t.Errorf("MongoDB has %v, want an ObjectId and the mapped field", m)
		}
		if diff := cmp.Diff([]string{`{"_id":"o2","n":1,"orderId":"o2"}`}, d); diff != "" {
			t.Errorf("Ditto (-want +got):\n%s", diff)
		}
	})
	t.Run("PairsWithADocumentThatIsThere", func(t *testing.T) {
		s := newStage(t, one)
		s.set(`{"_id":"m","orderId":"o3","a":{"$numberInt":"1"}}`)
		s.hints = nil
		s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"o3","orderId":"o3","b":2}}`)
		s.settle()
		s.want([]string{`{"_id":"m","orderId":"o3","a":{"$numberInt":"1"},"b":{"$numberInt":"2"}}`}, []string{`{"_id":"o3","a":1,"b":2,"orderId":"o3"}`})
	})
	t.Run("TheEntryMovesToTheDocumentThatIsThere", func(t *testing.T) {
		s := newStage(t, one)
		s.set(`{"_id":"m1","orderId":"o4","a":{"$numberInt":"1"}}`)
		s.settle()
		s.mongo.Remove("c", raw(t, `{"_id":"m1"}`).Lookup("_id"))
		s.set(`{"_id":"m2","orderId":"o4","a":{"$numberInt":"2"}}`)
		s.settle()
		s.want([]string{`{"_id":"m2","orderId":"o4","a":{"$numberInt":"2"}}`}, []string{`{"_id":"o4","a":2,"orderId":"o4"}`})
		s.set(`{"_id":"m2","orderId":"o4","a":{"$numberInt":"3"}}`)
		s.settle()
		s.want([]string{`{"_id":"m2","orderId":"o4","a":{"$numberInt":"3"}}`}, []string{`{"_id":"o4","a":3,"orderId":"o4"}`})
	})
	t.Run("ErrMissing", func(t *testing.T) {
		s := newStage(t, one)
		s.set(`{"_id":"m","a":{"$numberInt":"1"}}`)
		s.settle()
		if diff := cmp.Diff([]string{`c/mongo:"m" id-missing`}, s.unsynced()); diff != "" {
			t.Errorf("unsynced (-want +got):\n%s", diff)
		}
		s.set(`{"_id":"m","orderId":"o5"}`)
		s.settle()
		s.want([]string{`{"_id":"m","orderId":"o5"}`}, []string{`{"_id":"o5","orderId":"o5"}`})
		if u := s.unsynced(); len(u) > 0 {
			t.Errorf("still unsynced: %v", u)
		}
	})
	t.Run("ErrChanged", func(t *testing.T) {
		s := newStage(t, one)
		s.set(`{"_id":"m","orderId":"o6"}`)
		s.settle()
		s.set(`{"_id":"m","orderId":"o7"}`)
		s.settle()
		if diff := cmp.Diff([]string{`c/"o6" mapped-field-changed`}, s.unsynced()); diff != "" {
			t.Errorf("unsynced (-want +got):\n%s", diff)
		}
		s.set(`{"_id":"m","orderId":"o6","n":true}`)
		s.settle()
		s.want([]string{`{"_id":"m","orderId":"o6","n":true}`}, []string{`{"_id":"o6","n":true,"orderId":"o6"}`})
		if u := s.unsynced(); len(u) > 0 {
			t.Errorf("still unsynced: %v", u)
		}
	})
	t.Run("ErrTwoDocumentsForOneID", func(t *testing.T) {
		s := newStage(t, one)
		s.set(`{"_id":"m1","orderId":"o8"}`)
		s.settle()
		s.set(`{"_id":"m2","orderId":"o8","n":true}`)
		s.settle()
		if diff := cmp.Diff([]string{`c/mongo:"m2" duplicate-id`}, s.unsynced()); diff != "" {
			t.Errorf("unsynced (-want +got):\n%s", diff)
		}
		s.want([]string{`{"_id":"m1","orderId":"o8"}`, `{"_id":"m2","orderId":"o8","n":true}`}, []string{`{"_id":"o8","orderId":"o8"}`})
	})
}

// TestIDs: each kind of MongoDB id, one to one, there and back.
func TestIDs(t *testing.T) {
	ids := map[string]string{
		"ObjectId":   `{"$oid":"64f000000000000000000001"}`,
		"String":     `"s"`,
		"Int32":      `{"$numberInt":"5"}`,
		"Int64":      `{"$numberLong":"9007199254740993"}`,
		"Double":     `{"$numberDouble":"5.0"}`,
		"Decimal128": `{"$numberDecimal":"10.50"}`,
		"Date":       `{"$date":{"$numberLong":"1700000000123"}}`,
		"UUID":       `{"$binary":{"base64":"AAECAwQFBgcICQoLDA0ODw==","subType":"04"}}`,
		"Bool":       `true`,
	}
	for _, mode := range []value.Mode{value.JSON, value.EJSON} {
		for _, name := range slices.Sorted(maps.Keys(ids)) {
			t.Run(fmt.Sprintf("%s/%d", name, mode), func(t *testing.T) {
				s := newStage(t, func(c *manifest.Collection) { c.Mode = mode })
				s.set(fmt.Sprintf(`{"_id":%s,"a":{"$numberInt":"1"}}`, ids[name]))
				if n := s.settle(); n != 1 {
					t.Fatalf("%d writes, want 1; unsynced %v", n, s.unsynced())
				}
				_, d := s.sides()
				id, err := docid.Parse(value.Lookup([]byte(d[0]), value.PathOf("_id")))
				if err != nil {
					t.Fatal(err)
				}
				s.user("UPDATE c SET b = 'y' WHERE _id = :id", `{"id":`+string(id)+`}`)
				if n := s.settle(); n != 1 {
					t.Errorf("%d writes, want 1", n)
				}
				m, _ := s.sides()
				if want := raw(t, fmt.Sprintf(`{"_id":%s,"a":{"$numberInt":"1"},"b":"y"}`, ids[name])).String(); len(m) != 1 || m[0] != want {
					t.Errorf("MongoDB has %v, want %s", m, want)
				}
				s.user("DELETE FROM c WHERE _id = :id", `{"id":`+string(id)+`}`)
				s.settle()
				s.want(nil, nil)
			})
		}
	}
}

// TestTwoDittoDocumentsForOneMongoDocument: in EJSON mode a device's plain 5
// and {"$numberInt": "5"} both mean MongoDB's 5.
func TestTwoDittoDocumentsForOneMongoDocument(t *testing.T) {
	s := newStage(t, func(c *manifest.Collection) { c.Mode = value.EJSON })
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":5,"a":true}}`)
	s.settle()
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":{"$numberInt":"5"},"b":true}}`)
	s.settle()
	if diff := cmp.Diff([]string{`c/{"$numberInt":"5"} duplicate-id`}, s.unsynced()); diff != "" {
		t.Errorf("unsynced (-want +got):\n%s", diff)
	}
	s.set(`{"_id":{"$numberInt":"5"},"a":false}`)
	s.settle()
	_, d := s.sides()
	if diff := cmp.Diff([]string{`{"_id":5,"a":false}`, `{"_id":{"$numberInt":"5"},"b":true}`}, d); diff != "" {
		t.Errorf("Ditto (-want +got):\n%s", diff)
	}
}

func TestUnconfiguredCollectionFailsAlone(t *testing.T) {
	s := newStage(t, nil)
	s.set(`{"_id":"m"}`)
	hints := append(s.hints, change.Hint{Collection: "other", DittoID: `"x"`, Side: value.Ditto, Op: change.Upsert, Txn: 1})
	verdicts, _ := s.bridge.Handle(t.Context(), hints)
	if verdicts[0].Err != nil || verdicts[1].Err == nil {
		t.Errorf("verdicts %+v, want the second alone to fail", verdicts)
	}
}

func TestIDThatHasNoDittoForm(t *testing.T) {
	s := newStage(t, nil)
	s.set(`{"_id":{"a":{"$numberInt":"1"}}}`)
	if n := s.settle(); n != 0 {
		t.Errorf("%d writes, want none", n)
	}
	if diff := cmp.Diff([]string{`c/mongo:{"a":{"$numberInt":"1"}} id-kind`}, s.unsynced()); diff != "" {
		t.Errorf("unsynced (-want +got):\n%s", diff)
	}
}

// TestPlainEvents: an event in plain JSON cannot tell an ObjectId from its
// hexadecimal string.
func TestPlainEvents(t *testing.T) {
	s := newStage(t, nil)
	s.set(`{"_id":{"$oid":"64f000000000000000000001"},"a":true}`)
	s.hints[0].MongoIDs = append(s.hints[0].MongoIDs, raw(t, `{"_id":"64f000000000000000000001"}`).Lookup("_id"))
	s.settle()
	s.want([]string{`{"_id":{"$oid":"64f000000000000000000001"},"a":true}`}, []string{`{"_id":"64f000000000000000000001","a":true}`})
}

func TestParkedValues(t *testing.T) {
	t.Run("Counter", func(t *testing.T) {
		s := newStage(t, func(c *manifest.Collection) { c.Counters = []value.Path{value.PathOf("q")} })
		s.set(`{"_id":"m","q":"many"}`)
		s.settle()
		if diff := cmp.Diff([]string{`c/"m" counter`}, s.unsynced()); diff != "" {
			t.Errorf("unsynced (-want +got):\n%s", diff)
		}
		s.set(`{"_id":"m","q":{"$numberInt":"3"}}`)
		s.settle()
		if u := s.unsynced(); len(u) > 0 {
			t.Errorf("still unsynced: %v", u)
		}
		s.user("UPDATE c APPLY q INCREMENT BY -5", "")
		s.settle()
		s.want([]string{`{"_id":"m","q":{"$numberInt":"-2"}}`}, []string{`{"_id":"m","q":-2}`})
	})
	t.Run("CounterInAnExtendedJSONObject", func(t *testing.T) {
		s := newStage(t, func(c *manifest.Collection) { c.Mode = value.EJSON; c.Counters = []value.Path{value.PathOf("q")} })
		s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"m","q":{"$numberInt":"5"}}}`)
		s.settle()
		s.want([]string{`{"_id":"m","q":{"$numberInt":"5"}}`}, []string{`{"_id":"m","q":5}`})
		s.user("UPDATE c APPLY q INCREMENT BY 1", "")
		s.settle()
		s.want([]string{`{"_id":"m","q":{"$numberInt":"6"}}`}, []string{`{"_id":"m","q":6}`})
		s.user("UPDATE c SET q = :q", `{"q":{"$numberInt":"9"}}`)
		s.settle()
		s.user("UPDATE c APPLY q INCREMENT BY 1", "")
		s.settle()
		s.want([]string{`{"_id":"m","q":{"$numberInt":"10"}}`}, []string{`{"_id":"m","q":10}`})
	})
	t.Run("Validator", func(t *testing.T) {
		s := newStage(t, nil)
		s.mongo.Validate = func(collection string, doc bson.Raw) *mongodb.WriteError {
			if collection == "c" && doc.Lookup("ok").Type == 0 {
				return &mongodb.WriteError{Code: 121, Message: "Document failed validation"}
			}
			return nil
		}
		s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"d"}}`)
		s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"e","ok":1}}`)
		s.settle()
		if diff := cmp.Diff([]string{`c/"d" rejected`}, s.unsynced()); diff != "" {
			t.Errorf("unsynced (-want +got):\n%s", diff)
		}
		s.user("UPDATE c SET ok = 1 WHERE _id = 'd'", "")
		s.settle()
		if u := s.unsynced(); len(u) > 0 {
			t.Errorf("still unsynced: %v", u)
		}
	})
}

func BenchmarkNewDocuments(b *testing.B) {
	const batch = 100
	filler := strings.Repeat("x", 60)
	for b.Loop() {
		b.StopTimer()
		s := newStage(b, nil)
		for i := range batch {
			s.set(fmt.Sprintf(`{"_id":"m%d","a":{"$numberInt":"1"},"b":%q,"c":%q,"d":%q,"e":%q,"f":{"g":true,"h":[%q]}}`, i, filler, filler, filler, filler, filler))
		}
		hints := s.hints
		b.StartTimer()
		s.bridge.Handle(context.Background(), hints)
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "pairs/s")
}

func BenchmarkUpdates(b *testing.B) {
	const batch = 100
	filler := strings.Repeat("x", 60)
	s := newStage(b, nil)
	write := func(n int) {
		for i := range batch {
			s.set(fmt.Sprintf(`{"_id":"m%d","a":{"$numberInt":"%d"},"b":%q,"c":%q,"d":%q,"e":%q}`, i, n, filler, filler, filler, filler))
		}
	}
	write(0)
	s.settle()
	for n := 1; b.Loop(); n++ {
		b.StopTimer()
		write(n)
		hints := s.hints
		s.hints = nil
		b.StartTimer()
		s.bridge.Handle(context.Background(), hints)
	}
	b.ReportMetric(float64(b.N)*batch/b.Elapsed().Seconds(), "pairs/s")
}

// A register at a counter path becomes a counter at once, also below an object
// that is taken as a whole since the other side has a scalar there.
func TestRegisterBelowAScalar(t *testing.T) {
	s := newStage(t, func(c *manifest.Collection) {
		c.Counters, c.Conflicts.Default = []value.Path{value.PathOf("o", "q")}, value.Ditto
	})
	s.set(`{"_id":"d","o":5}`)
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"d","o":{"q":2,"x":1}}}`)
	s.settle()
	s.want([]string{`{"_id":"d","o":{"q":2,"x":1}}`}, []string{`{"_id":"d","o":{"q":2,"x":1}}`})
	s.hints = []change.Hint{{Collection: "c", DittoID: `"d"`, Op: change.Sweep}}
	if n := s.settle(); n > 0 {
		t.Errorf("%d writes, although nothing changed", n)
	}
	s.user("UPDATE c APPLY o.q INCREMENT BY 1 WHERE _id = 'd'", "")
	s.settle()
	s.want([]string{`{"_id":"d","o":{"q":3,"x":1}}`}, []string{`{"_id":"d","o":{"q":3,"x":1}}`})
}

// A handler that dies after its write has hidden what a device had just put in an
// object's place: whoever takes over its claim records that value.
func TestCoveredByTheDead(t *testing.T) {
	s := newStage(t, func(c *manifest.Collection) { c.Counters = []value.Path{value.PathOf("o", "q")} })
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"d","o":{"q":2,"x":1}}}`)
	s.settle() // the register becomes a counter, and hides
	s.set(`{"_id":"d","o":{"x":1}}`)
	dies := &mortal{Store: s.ditto, before: func() {
		s.user("UPDATE c SET o = :v WHERE _id = 'd'", `{"v":[1,null]}`)
	}}
	doomed := bridge.New(bridge.Config{Manifest: s.manifest, Mongo: s.mongo, Ditto: dies})
	if verdicts, _ := doomed.Handle(t.Context(), s.hints); verdicts[0].Err == nil || !dies.dead {
		t.Fatalf("verdict %v, dead %t", verdicts[0].Err, dies.dead)
	}
	s.ahead = time.Hour
	s.settle()
	conflicts, err := ledger.Records{DB: s.mongo}.ListConflicts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(conflicts, func(c ledger.Conflict) bool { return c.Path == value.PathOf("o") && c.JSON == "[1,null]" }) {
		t.Errorf("[1,null] is in no record: %+v", conflicts)
	}
}

// mortal is Ditto until a handler has removed something that hides: it dies then.
type mortal struct {
	*dittosim.Store
	before func() // the removal
	dead   bool
}

func (m *mortal) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	if m.dead {
		return ditto.Response{}, errors.New("this handler is dead")
	}
	if strings.HasPrefix(r.Statement, "UPDATE COLLECTION") {
		m.before()
		m.dead = true
	}
	return m.Store.Execute(ctx, r)
}
