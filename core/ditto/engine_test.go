package ditto_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
	local "github.com/causeway-sync/causeway/local/ditto"
)

// The real engine behind the HTTP API, one for all tests of the package: each
// test has collections of its own.
var server struct {
	once sync.Once
	*local.Server
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.Server != nil {
		_ = server.Stop()
	}
	if server.dir != "" {
		_ = os.RemoveAll(server.dir)
	}
	os.Exit(code)
}

// engine is a client of the real engine and a store over it.
type engine struct {
	*testing.T
	*ditto.Store
	coll ditto.Collection
}

func startEngine(t *testing.T) *local.Server {
	t.Helper()
	server.once.Do(func() {
		if server.dir, server.err = os.MkdirTemp("", "causeway-ditto-"); server.err != nil {
			return
		}
		server.Server, server.err = local.Start(context.Background(), local.Options{Local: "../../local", Dir: server.dir, Faults: true})
	})
	if server.err != nil {
		t.Fatal(server.err)
	}
	return server.Server
}

func newEngine(t *testing.T, c ditto.Collection) *engine {
	t.Helper()
	s := startEngine(t)
	client, err := ditto.NewClient(ditto.ClientConfig{Endpoint: s.URL, Keys: ditto.StaticKey(s.APIKey)})
	if err != nil {
		t.Fatal(err)
	}
	if c.Name == "" {
		c.Name = strings.Map(func(r rune) rune {
			if r == '/' || r == '`' {
				return '_'
			}
			return r
		}, t.Name())
	}
	return &engine{t, &ditto.Store{Exec: client}, c}
}

var collectionMark = regexp.MustCompile(`\bC\b`)

// user runs a statement as somebody else would; C stands for the collection.
func (e *engine) user(api ditto.API, statement, args string) ditto.Response {
	e.Helper()
	r := ditto.Request{API: api, Statement: collectionMark.ReplaceAllLiteralString(statement, "`"+e.coll.Name+"`"), Write: true}
	if args != "" {
		r.Args = json.RawMessage(args)
	}
	resp, err := e.Exec.Execute(e.Context(), r)
	if err != nil {
		e.Fatalf("%s: %v", statement, err)
	}
	return resp
}

func (e *engine) insert(api ditto.API, doc string) {
	e.Helper()
	e.user(api, "INSERT INTO C DOCUMENTS (:d)", `{"d":`+doc+`}`)
}

func (e *engine) read(id string) ditto.Document {
	e.Helper()
	docs, _, err := e.Read(e.Context(), e.coll, []docid.ID{docid.ID(id)}, 0)
	if err != nil {
		e.Fatal(err)
	}
	return docs[docid.ID(id)]
}

func (e *engine) shows(id, want string) {
	e.Helper()
	if got := string(e.read(id).JSON); got != want {
		e.Errorf("document %s:\n got %s\nwant %s", id, got, want)
	}
}

// edits name paths in dotted form and what they become; "" is absent. A path
// that ends in "#" is a counter.
type edits map[string]string

func (e *engine) change(doc ditto.Document, ed edits, maps ...string) ditto.Change {
	ch := ditto.Change{ID: doc.ID, Doc: doc.JSON}
	for path, to := range ed {
		p := value.ParsePath(strings.TrimSuffix(path, "#"))
		op := ditto.Op{Path: p, Old: value.Lookup(doc.JSON, p), Counter: strings.HasSuffix(path, "#")}
		if to != "" {
			op.New = []byte(to)
		}
		ch.Ops = append(ch.Ops, op)
	}
	for _, m := range maps {
		ch.Maps = append(ch.Maps, value.ParsePath(m))
	}
	return ch
}

func (e *engine) update(changes ...ditto.Change) ditto.Result {
	e.Helper()
	r, err := e.Update(e.Context(), e.coll, changes)
	if err != nil {
		e.Fatal(err)
	}
	return r
}

// edit reads the document, changes it, and expects to win.
func (e *engine) edit(id string, ed edits, maps ...string) ditto.Result {
	e.Helper()
	r := e.update(e.change(e.read(id), ed, maps...))
	if !r.Won[docid.ID(id)] {
		e.Fatalf("edit of %s lost: %v", id, r)
	}
	return r
}

func TestEngineEdits(t *testing.T) {
	// Each case: a history of others' statements, the edit, what shows then,
	// further edits of others that would bring back what was left behind.
	type act struct {
		api       ditto.API
		statement string
		args      string
	}
	v5 := func(statement, args string) act { return act{ditto.V5, statement, args} }
	v4 := func(statement, args string) act { return act{ditto.V4, statement, args} }
	insert := func(doc string) act { return v5("INSERT INTO C DOCUMENTS (:d)", `{"d":`+doc+`}`) }
	tests := []struct {
		name     string
		counters []string
		before   []act
		edits    edits
		want     string
		after    []act
		wantThen string
	}{
		{
			name:   "Scalar",
			before: []act{insert(`{"_id":"a","x":1,"y":"k"}`)},
			edits:  edits{"x": `2`}, want: `{"_id":"a","x":2,"y":"k"}`,
		},
		{
			name:   "FloatForInteger",
			before: []act{insert(`{"_id":"a","x":1}`)},
			edits:  edits{"x": `1.0`}, want: `{"_id":"a","x":1.0}`,
		},
		{
			name:   "NullToNull",
			before: []act{insert(`{"_id":"a","x":null,"y":[1,null,{"k":null}]}`)},
			edits:  edits{"x": `7`, "y": `null`, "z": `[null,{"b":null}]`}, want: `{"_id":"a","x":7,"y":null,"z":[null,{"b":null}]}`,
		},
		{
			name:   "NestedNewWithoutParents",
			before: []act{insert(`{"_id":"a"}`)},
			edits:  edits{"n.x.y": `1`, "n.x.z": `2`}, want: `{"_id":"a","n":{"x":{"y":1,"z":2}}}`,
		},
		{
			name:   "NestedInMap",
			before: []act{insert(`{"_id":"a","n":{"x":{"y":1,"keep":2}}}`)},
			edits:  edits{"n.x.y": `5`, "n.x.new": `{"o":{}}`, "n.x.gone": ``}, want: `{"_id":"a","n":{"x":{"keep":2,"new":{"o":{}},"y":5}}}`,
		},
		{
			name:   "RemoveScalar",
			before: []act{insert(`{"_id":"a","x":1,"n":{"y":1,"z":2}}`)},
			edits:  edits{"x": ``, "n.y": ``}, want: `{"_id":"a","n":{"z":2}}`,
		},
		{
			name:   "MapToScalarAndBack",
			before: []act{insert(`{"_id":"a","n":{"old":1,"b":{"older":2}}}`), v5("UPDATE C SET n = :v WHERE _id = 'a'", `{"v":5}`)},
			edits:  edits{"n": `{"b":{"x":1}}`}, want: `{"_id":"a","n":{"b":{"x":1}}}`,
			after: []act{v5("UPDATE C SET n.b.y = 2 WHERE _id = 'a'", "")}, wantThen: `{"_id":"a","n":{"b":{"x":1,"y":2}}}`,
		},
		{
			name:   "MapToScalar",
			before: []act{insert(`{"_id":"a","n":{"old":1}}`)},
			edits:  edits{"n": `"s"`}, want: `{"_id":"a","n":"s"}`,
		},
		{
			name:   "ScalarOverMapRemoved",
			before: []act{insert(`{"_id":"a","n":{"old":1,"deep":{"x":1}}}`), v5("UPDATE C SET n = :v WHERE _id = 'a'", `{"v":5}`)},
			edits:  edits{"n": ``}, want: `{"_id":"a"}`,
			after: []act{v5("UPDATE C SET n.q = 1 WHERE _id = 'a'", "")}, wantThen: `{"_id":"a","n":{"q":1}}`,
		},
		{
			name: "ScalarOverCounterOverMapRemoved",
			before: []act{
				insert(`{"_id":"a","n":{"old":1}}`),
				v5("UPDATE C APPLY n INCREMENT BY 3 WHERE _id = 'a'", ""),
				v5("UPDATE C SET n = 'x' WHERE _id = 'a'", ""),
			},
			edits: edits{"n": ``}, want: `{"_id":"a"}`,
			after: []act{v5("UPDATE C APPLY n INCREMENT BY 1 WHERE _id = 'a'", "")}, wantThen: `{"_id":"a","n":1}`,
		},
		{
			name: "PNCounterUnderScalarRemoved",
			before: []act{
				insert(`{"_id":"a"}`),
				v5("UPDATE COLLECTION C (n PN_COUNTER) APPLY n PN_INCREMENT BY 3 WHERE _id = 'a'", ""),
				v5("UPDATE C SET n = 3 WHERE _id = 'a'", ""),
			},
			edits: edits{"n": ``}, want: `{"_id":"a"}`,
		},
		{
			name:   "MapOverRegisterRemoved",
			before: []act{v4("INSERT INTO C DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"r":1}}}`), v5("UPDATE C SET n.m = 2 WHERE _id = 'a'", "")},
			edits:  edits{"n": ``}, want: `{"_id":"a"}`,
		},
		{
			name:   "NestedScalarOverMapRemoved",
			before: []act{insert(`{"_id":"a","n":{"k":{"old":1},"z":1}}`), v5("UPDATE C SET n.k = 5 WHERE _id = 'a'", "")},
			edits:  edits{"n.k": ``}, want: `{"_id":"a","n":{"z":1}}`,
			after: []act{v5("UPDATE C SET n.k.q = 1 WHERE _id = 'a'", "")}, wantThen: `{"_id":"a","n":{"k":{"q":1},"z":1}}`,
		},
		{
			name:   "NullToWrapper",
			before: []act{insert(`{"_id":"a","n":{"$numberInt":"5"}}`), v5("UPDATE C SET n = :v WHERE _id = 'a'", `{"v":null}`)},
			edits:  edits{"n": `{"$numberDouble":"1.5"}`}, want: `{"_id":"a","n":{"$numberDouble":"1.5"}}`,
		},
		{
			name:   "WrapperToWrapper",
			before: []act{insert(`{"_id":"a","n":{"$numberInt":"5"}}`)},
			edits:  edits{"n": `{"$date":{"$numberLong":"5"}}`}, want: `{"_id":"a","n":{"$date":{"$numberLong":"5"}}}`,
		},
		{
			name:   "MapToEmpty",
			before: []act{insert(`{"_id":"a","n":{"x":1,"y":{"z":1}}}`)},
			edits:  edits{"n": `{}`}, want: `{"_id":"a","n":{}}`,
			after: []act{v5("UPDATE C SET n.y.q = 1 WHERE _id = 'a'", "")}, wantThen: `{"_id":"a","n":{"y":{"q":1}}}`,
		},
		{
			name:   "ScalarOverMapToEmpty",
			before: []act{insert(`{"_id":"a","n":{"x":1,"y":{"z":1}}}`), v5("UPDATE C SET n = 5 WHERE _id = 'a'", "")},
			edits:  edits{"n": `{}`}, want: `{"_id":"a","n":{}}`,
			after: []act{v5("UPDATE C SET n.y.q = 1 WHERE _id = 'a'", "")}, wantThen: `{"_id":"a","n":{"y":{"q":1}}}`,
		},
		{
			name:   "MissingToEmpty",
			before: []act{insert(`{"_id":"a"}`)},
			edits:  edits{"n": `{}`}, want: `{"_id":"a","n":{}}`,
		},
		{
			name:   "EmptyToObject",
			before: []act{insert(`{"_id":"a","n":{}}`)},
			edits:  edits{"n": `{"x":1}`}, want: `{"_id":"a","n":{"x":1}}`,
		},
		{
			name:   "ArrayToObject",
			before: []act{insert(`{"_id":"a","n":{"x":1}}`), v5("UPDATE C SET n = :v WHERE _id = 'a'", `{"v":[1]}`)},
			edits:  edits{"n": `{"y":1}`}, want: `{"_id":"a","n":{"y":1}}`,
		},
		{
			name:   "RegisterNestedWrite",
			before: []act{v4("INSERT INTO C DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"x":1,"y":{"z":1}}}}`)},
			edits:  edits{"n.x": `2`, "n.y.new": `3`}, want: `{"_id":"a","n":{"x":2,"y":{"new":3,"z":1}}}`,
			after: []act{v5("UPDATE C SET n.x = 9 WHERE _id = 'a'", "")}, wantThen: `{"_id":"a","n":{"x":9,"y":{"new":3,"z":1}}}`,
		},
		{
			name: "RegisterOverMapNestedWrite",
			before: []act{
				insert(`{"_id":"a","n":{"hidden":1,"x":0,"y":{"deep":1}}}`),
				v4("UPDATE C SET n = :v WHERE _id = 'a'", `{"v":{"x":1,"y":{"z":1}}}`),
			},
			edits: edits{"n.x": `2`}, want: `{"_id":"a","n":{"x":2,"y":{"z":1}}}`,
		},
		{
			name:   "RegisterRemovedKey",
			before: []act{v4("INSERT INTO C DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"x":1,"y":1}}}`)},
			edits:  edits{"n.x": ``}, want: `{"_id":"a","n":{"y":1}}`,
		},
		{
			name:   "RegisterRemoved",
			before: []act{v4("INSERT INTO C DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"x":1,"y":1}}}`)},
			edits:  edits{"n": ``}, want: `{"_id":"a"}`,
		},
		{
			name:   "RegisterToScalarAndWhole",
			before: []act{v4("INSERT INTO C DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"x":1,"y":1},"m":{"x":1}}}`)},
			edits:  edits{"n": `1`, "m": `{"y":2}`}, want: `{"_id":"a","m":{"y":2},"n":1}`,
		},
		{
			name:   "RegisterInsideMap",
			before: []act{v5("INSERT INTO COLLECTION C (n MAP (k REGISTER)) DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"k":{"a":1,"b":2},"z":1}}}`)},
			edits:  edits{"n.k.a": `5`, "n.z": `2`}, want: `{"_id":"a","n":{"k":{"a":5,"b":2},"z":2}}`,
		},
		{
			name:   "RegisterInsideMapBesideANestedWrite",
			before: []act{v5("INSERT INTO COLLECTION C (n MAP (k REGISTER)) DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"k":{"a":1,"b":2},"z":1}}}`)},
			edits:  edits{"n": `{"k":{"a":1},"z":3}`}, want: `{"_id":"a","n":{"k":{"a":1},"z":3}}`,
		},
		{
			name:   "RegisterInsideMapRemoved",
			before: []act{v5("INSERT INTO COLLECTION C (n MAP (k REGISTER)) DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"k":{"a":1,"b":2},"z":1}}}`)},
			edits:  edits{"n": `{"z":3}`}, want: `{"_id":"a","n":{"z":3}}`,
		},
		{
			name: "TwoTypesInsideAHiddenMap",
			before: []act{
				v5("INSERT INTO COLLECTION C (n MAP (q COUNTER)) DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"q":8,"y":2}}}`),
				v5("UPDATE C SET n.q = 500 WHERE _id = 'a'", ""),
				v5("UPDATE C SET n = 'scalar' WHERE _id = 'a'", ""),
			},
			edits: edits{"n": `{"k":1}`}, want: `{"_id":"a","n":{"k":1}}`,
		},
		{
			name: "CounterReset", counters: []string{"qty", "inv.qty"},
			before: []act{v5("INSERT INTO COLLECTION C (qty COUNTER, inv MAP (qty COUNTER)) DOCUMENTS (:d)", `{"d":{"_id":"a","qty":5,"inv":{"qty":7,"x":1}}}`)},
			edits:  edits{"qty#": `25`, "inv.qty#": `10.0`, "inv.x": `2`}, want: `{"_id":"a","inv":{"qty":10,"x":2},"qty":25}`,
			after:    []act{v5("UPDATE C APPLY qty INCREMENT BY -5, inv.qty INCREMENT BY 1 WHERE _id = 'a'", "")},
			wantThen: `{"_id":"a","inv":{"qty":11,"x":2},"qty":20}`,
		},
		{
			name: "RegisterBecomesCounter", counters: []string{"qty", "inv.qty"},
			before: []act{insert(`{"_id":"a","qty":5,"inv":{"qty":7}}`)},
			edits:  edits{"qty#": `5`, "inv.qty#": `7`}, want: `{"_id":"a","inv":{"qty":7},"qty":5}`,
			after:    []act{v5("UPDATE C APPLY qty INCREMENT BY -5, inv.qty INCREMENT BY 1 WHERE _id = 'a'", "")},
			wantThen: `{"_id":"a","inv":{"qty":8},"qty":0}`,
		},
		{
			name: "CounterInARegisterObject", counters: []string{"inv.qty"},
			before: []act{v4("INSERT INTO C DOCUMENTS (:d)", `{"d":{"_id":"a","inv":{"qty":7,"x":1}}}`)},
			edits:  edits{"inv.x": `2`}, want: `{"_id":"a","inv":{"qty":7,"x":2}}`,
			after:    []act{v5("UPDATE C APPLY inv.qty INCREMENT BY 1 WHERE _id = 'a'", "")},
			wantThen: `{"_id":"a","inv":{"qty":8,"x":2}}`,
		},
		{
			name: "CounterNewAndOnly", counters: []string{"inv.qty"},
			before: []act{insert(`{"_id":"a","inv":"s"}`)},
			edits:  edits{"inv": `{"qty":3}`}, want: `{"_id":"a","inv":{"qty":3}}`,
			after:    []act{v5("UPDATE C APPLY inv.qty INCREMENT BY 1 WHERE _id = 'a'", "")},
			wantThen: `{"_id":"a","inv":{"qty":4}}`,
		},
		{
			name: "CounterNew", counters: []string{"inv.qty"},
			before: []act{insert(`{"_id":"a"}`)},
			edits:  edits{"inv.qty#": `9223372036854775807`}, want: `{"_id":"a","inv":{"qty":9223372036854775807}}`,
		},
		{
			name: "CounterRemoved", counters: []string{"qty", "inv.qty"},
			before: []act{
				insert(`{"_id":"a","qty":1,"inv":{"qty":2}}`),
				v5("UPDATE C APPLY qty RESTART WITH 10, inv.qty RESTART WITH 20 WHERE _id = 'a'", ""),
			},
			edits: edits{"qty#": ``, "inv.qty#": ``}, want: `{"_id":"a","inv":{}}`,
		},
		{
			name:   "BigIntegersAndFloats",
			before: []act{insert(`{"_id":"a","x":9223372036854775807,"y":1.0}`)},
			edits:  edits{"x": `-9223372036854775808`, "y": `1`, "z": `-0.5`}, want: `{"_id":"a","x":-9223372036854775808,"y":1,"z":-0.5}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t, ditto.Collection{})
			for _, c := range tt.counters {
				e.coll.Counters = append(e.coll.Counters, value.ParsePath(c))
			}
			run := func(acts []act) {
				for _, a := range acts {
					e.user(a.api, a.statement, a.args)
				}
			}
			run(tt.before)
			e.edit(`"a"`, tt.edits)
			e.shows(`"a"`, tt.want)
			if tt.after != nil {
				run(tt.after)
				e.shows(`"a"`, tt.wantThen)
			}
		})
	}
}

func TestEngineLosers(t *testing.T) {
	tests := []struct {
		name, doc, meanwhile string
		edits                edits
	}{
		{"ValueChanged", `{"_id":"a","x":1}`, "UPDATE C SET x = 3 WHERE _id = 'a'", edits{"x": "2"}},
		{"IntegerBecameFloat", `{"_id":"a","x":1}`, "UPDATE C SET x = deserialize_json('1.0') WHERE _id = 'a'", edits{"x": "2"}},
		{"Appeared", `{"_id":"a"}`, "UPDATE C SET x = null WHERE _id = 'a'", edits{"x": "2"}},
		{"Vanished", `{"_id":"a","x":null}`, "UPDATE C UNSET x WHERE _id = 'a'", edits{"x": "2"}},
		{"Deleted", `{"_id":"a","x":1}`, "DELETE FROM C WHERE _id = 'a'", edits{"x": "2"}},
		{"ParentNoLongerObject", `{"_id":"a","n":{"b":1}}`, "UPDATE C SET n = 5 WHERE _id = 'a'", edits{"n.c": "7"}},
		{"ParentRemoved", `{"_id":"a","n":{"b":1}}`, "UPDATE C UNSET n WHERE _id = 'a'", edits{"n.c": "7"}},
		{"ParentAppeared", `{"_id":"a"}`, "UPDATE C SET n.b = 5 WHERE _id = 'a'", edits{"n.c": "7"}},
		{"OneOfTwo", `{"_id":"a","x":1,"y":1}`, "UPDATE C SET y = 5 WHERE _id = 'a'", edits{"x": "7", "y": "7"}},
		{"RemovalOfChanged", `{"_id":"a","x":1}`, "UPDATE C SET x = 5 WHERE _id = 'a'", edits{"x": ""}},
		{"CounterMoved", `{"_id":"a","q":1}`, "UPDATE C APPLY q RESTART WITH 5 WHERE _id = 'a'", edits{"q#": "7"}},
		{"ObjectGrew", `{"_id":"a","n":{"b":1}}`, "UPDATE C SET n.c = 5 WHERE _id = 'a'", edits{"n": `{"b":2}`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t, ditto.Collection{})
			e.insert(ditto.V5, tt.doc)
			ch := e.change(e.read(`"a"`), tt.edits)
			e.user(ditto.V5, tt.meanwhile, "")
			now := string(e.read(`"a"`).JSON)
			r := e.update(ch)
			if len(r.Won) > 0 || len(r.Rejected) > 0 {
				t.Errorf("got %+v, want neither won nor rejected", r)
			}
			if now != "" {
				e.shows(`"a"`, now)
			}
		})
	}
}

func TestEngineBulk(t *testing.T) {
	ids := []string{
		`"a"`, `"b"`, `"c"`, `1`, `2`, `true`, `false`, `{"a":1,"b":2}`, `{"$oid":"0123456789abcdef01234567"}`, `{"$numberInt":"5"}`,
		`[1]`, `""`, `"it's \"x\" \\ \u0000 é"`,
	}
	for _, strict := range []bool{false, true} {
		t.Run(fmt.Sprintf("Strict=%v", strict), func(t *testing.T) {
			e := newEngine(t, ditto.Collection{Strict: strict})
			var docs []ditto.Document
			var all []docid.ID
			for i, js := range ids {
				id, err := docid.Parse([]byte(js))
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, id)
				docs = append(docs, ditto.Document{ID: id, JSON: []byte(fmt.Sprintf(`{"_id":%s,"n":%d,"o":{"x":%d}}`, js, i, i))})
			}
			r, err := e.Insert(t.Context(), e.coll, docs)
			if err != nil || len(r.Won) != len(ids) || r.Txn == 0 {
				t.Fatalf("insert: %+v, %v", r, err)
			}
			r, err = e.Insert(t.Context(), e.coll, docs[:2])
			if err != nil || len(r.Won) != 0 || len(r.Rejected) != 0 {
				t.Fatalf("second insert: %+v, %v", r, err)
			}
			read, txn, err := e.Read(t.Context(), e.coll, append(all, `"none"`, `77`), r.Txn)
			if err != nil || len(read) != len(ids) || txn < r.Txn {
				t.Fatalf("read: %d of %d, txn %d, %v", len(read), len(ids), txn, err)
			}
			// Every second document is changed by somebody else in between.
			var changes []ditto.Change
			want := map[docid.ID]bool{}
			for i, id := range all {
				ed := edits{"n": `"new"`, "o": `{"y":1}`}
				changes = append(changes, e.change(read[id], ed))
				if i%2 == 0 {
					want[id] = true
				} else {
					e.user(api(strict), "UPDATE C SET n = 'theirs' WHERE _id = :id", `{"id":`+string(id)+`}`)
				}
			}
			r = e.update(changes...)
			if diff := cmp.Diff(want, r.Won); diff != "" {
				t.Errorf("won (-want +got):\n%s", diff)
			}
			for _, id := range all {
				if want[id] {
					e.shows(string(id), `{"_id":`+string(id)+`,"n":"new","o":{"y":1}}`)
				}
			}
			// A delete by those who read before the update loses.
			now, _, err := e.Read(t.Context(), e.coll, all, 0)
			if err != nil {
				t.Fatal(err)
			}
			old, fresh := []ditto.Document{}, []ditto.Document{}
			for id := range now {
				old, fresh = append(old, read[id]), append(fresh, now[id])
			}
			if r, err = e.Delete(t.Context(), e.coll, old); err != nil || len(r.Won) != 0 {
				t.Errorf("stale delete: %+v, %v", r, err)
			}
			if r, err = e.Delete(t.Context(), e.coll, fresh); err != nil || len(r.Won) != len(ids) {
				t.Errorf("delete: %+v, %v", r, err)
			}
			if now, _, err = e.Read(t.Context(), e.coll, all, 0); err != nil || len(now) != 0 {
				t.Errorf("after delete: %v, %v", now, err)
			}
		})
	}
}

func api(strict bool) ditto.API {
	if strict {
		return ditto.V4
	}
	return ditto.V5
}

func TestEngineNames(t *testing.T) {
	odd := []string{"", "a.b", "`", "``x", "$oid", "select", " ", "é", "0", "_x", "-", "'", `"`, "\n", ":n0", "inv", "_id"}
	for _, name := range []string{"inv", "my-coll.x", "select", "a`b", "é '\"", "0"} {
		t.Run(name, func(t *testing.T) {
			e := newEngine(t, ditto.Collection{Name: t.Name()})
			e.coll.Name = name
			t.Cleanup(func() {
				_, _ = e.Exec.Execute(context.Background(), ditto.Request{API: ditto.V5, Statement: "DELETE FROM `" + strings.ReplaceAll(name, "`", "``") + "`", Write: true})
			})
			var docs []ditto.Document
			for i := range 3 {
				body := map[string]any{}
				for _, n := range append(odd, name) {
					if n == "_id" {
						continue
					}
					inner := map[string]any{}
					for _, m := range append(odd, name) {
						inner[m] = 1
					}
					body[n] = inner
				}
				body["_id"] = fmt.Sprint("d", i)
				js, err := json.Marshal(body)
				if err != nil {
					t.Fatal(err)
				}
				docs = append(docs, ditto.Document{ID: docid.ID(fmt.Sprintf(`"d%d"`, i)), JSON: js})
			}
			if r, err := e.Insert(t.Context(), e.coll, docs); err != nil || len(r.Won) != 3 {
				t.Fatalf("insert: %+v, %v", r, err)
			}
			ids := []docid.ID{`"d0"`, `"d1"`, `"d2"`}
			read, _, err := e.Read(t.Context(), e.coll, ids, 0)
			if err != nil {
				t.Fatal(err)
			}
			var changes []ditto.Change
			want := map[docid.ID]string{}
			for _, id := range ids {
				ch := ditto.Change{ID: id, Doc: read[id].JSON}
				doc := read[id].JSON
				for i, n := range append(odd, name) {
					if n == "_id" {
						continue
					}
					for k, m := range append(odd, name) {
						if n == name && i < len(odd) || m == name && k < len(odd) {
							continue // once is enough
						}
						p := value.PathOf(n, m)
						op := ditto.Op{Path: p, Old: []byte("1")}
						if k%2 == 0 {
							op.New = []byte(`"` + fmt.Sprint(i, "-", k) + `"`)
						}
						ch.Ops = append(ch.Ops, op)
						if doc, err = value.ReplaceJSON(doc, p, op.New); err != nil {
							t.Fatal(err)
						}
					}
				}
				want[id] = string(doc)
				changes = append(changes, ch)
			}
			if r := e.update(changes...); len(r.Won) != 3 {
				t.Fatalf("update: %+v", r)
			}
			for _, id := range ids {
				e.shows(string(id), want[id])
			}
			// Counters at odd names.
			e.coll.Counters = []value.Path{value.PathOf("q", name), value.PathOf("``x", "c`")}
			ch := ditto.Change{ID: `"d0"`, Doc: e.read(`"d0"`).JSON}
			for _, p := range e.coll.Counters {
				ch.Ops = append(ch.Ops, ditto.Op{Path: p, New: []byte("5"), Counter: true})
			}
			if r := e.update(ch); len(r.Won) != 1 {
				t.Fatalf("counters: %+v", r)
			}
			doc := e.read(`"d0"`)
			if len(doc.Registers) != 0 {
				t.Errorf("registers %q at counters that were just made", doc.Registers)
			}
			if r, err := e.Delete(t.Context(), e.coll, []ditto.Document{doc, e.read(`"d1"`)}); err != nil || len(r.Won) != 2 {
				t.Errorf("delete: %+v, %v", r, err)
			}
		})
	}
}

func TestEngineRegisters(t *testing.T) {
	e := newEngine(t, ditto.Collection{Counters: []value.Path{value.ParsePath("qty"), value.ParsePath("inv.qty")}})
	e.insert(ditto.V5, `{"_id":"plain","qty":10,"inv":{"qty":20}}`)
	e.insert(ditto.V5, `{"_id":"text","qty":"10","inv":5}`)
	e.insert(ditto.V4, `{"_id":"strict","qty":10,"inv":{"qty":20}}`)
	r, err := e.Insert(t.Context(), e.coll, []ditto.Document{
		{ID: `"declared"`, JSON: []byte(`{"_id":"declared","qty":10,"inv":{"qty":20}}`)},
		{ID: `"shadowed"`, JSON: []byte(`{"_id":"shadowed","qty":10,"inv":{"qty":20}}`)},
		{ID: `"none"`, JSON: []byte(`{"_id":"none"}`)},
	})
	if err != nil || len(r.Won) != 3 {
		t.Fatalf("insert: %+v, %v", r, err)
	}
	e.user(ditto.V5, "UPDATE C SET qty = 500 WHERE _id = 'shadowed'", "")
	docs, _, err := e.Read(t.Context(), e.coll, []docid.ID{`"plain"`, `"text"`, `"strict"`, `"declared"`, `"shadowed"`, `"none"`}, 0)
	if err != nil {
		t.Fatal(err)
	}
	qty, inv := value.ParsePath("qty"), value.ParsePath("inv.qty")
	want := map[docid.ID][]value.Path{
		`"plain"`: {qty, inv}, `"text"`: nil, `"strict"`: {qty, inv}, `"declared"`: nil, `"shadowed"`: {qty}, `"none"`: nil,
	}
	got := map[docid.ID][]value.Path{}
	for id, d := range docs {
		got[id] = d.Registers
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("registers (-want +got):\n%s", diff)
	}
}

func TestEngineShadow(t *testing.T) {
	e := newEngine(t, ditto.Collection{Strict: true})
	e.insert(ditto.V4, `{"_id":"strict","n":{"x":1},"a":1}`)
	e.insert(ditto.V5, `{"_id":"flat","a":1}`)
	e.insert(ditto.V5, `{"_id":"map","a":1,"n":{"x":1}}`)
	e.insert(ditto.V4, `{"_id":"both","n":{"x":1}}`)
	e.user(ditto.V5, "UPDATE C SET n.y = 2 WHERE _id = 'both'", "")
	e.insert(ditto.V5, `{"_id":"count"}`)
	e.user(ditto.V5, "UPDATE C APPLY q INCREMENT BY 1 WHERE _id = 'count'", "")
	got, err := e.Shadow(t.Context(), e.coll, []docid.ID{`"strict"`, `"flat"`, `"map"`, `"both"`, `"count"`, `"none"`})
	if err != nil {
		t.Fatal(err)
	}
	want := map[docid.ID]bool{`"map"`: true, `"both"`: true, `"count"`: true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("shadows (-want +got):\n%s", diff)
	}
}

func TestEngineRejected(t *testing.T) {
	e := newEngine(t, ditto.Collection{Counters: []value.Path{value.ParsePath("qty")}})
	var docs []ditto.Document
	for i := range 20 {
		docs = append(docs, ditto.Document{ID: docid.ID(fmt.Sprintf(`"d%02d"`, i)), JSON: []byte(fmt.Sprintf(`{"_id":"d%02d","qty":%d}`, i, i))})
	}
	docs[7].JSON = []byte(`{"_id":"d07","qty":1.5}`)
	docs[13].JSON = []byte(`{"_id":"d13","qty":"many"}`)
	long := docid.ID(`"` + strings.Repeat("x", 300) + `"`)
	docs = append(docs, ditto.Document{ID: long, JSON: []byte(`{"_id":` + string(long) + `}`)})
	huge := ditto.Document{ID: `"huge"`, JSON: []byte(`{"_id":"huge","x":"` + strings.Repeat("x", ditto.MaxDocument) + `"}`)}
	docs = append(docs, huge)
	r, err := e.Insert(t.Context(), e.coll, docs)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Won) != 18 || len(r.Rejected) != 4 {
		t.Fatalf("won %d, rejected %v", len(r.Won), r.Rejected)
	}
	for _, id := range []docid.ID{`"d07"`, `"d13"`, long, `"huge"`} {
		if err := r.Rejected[id]; !ditto.IsRejected(err) {
			t.Errorf("%.10s: %v", id, err)
		}
	}

	e.coll.Counters = nil
	read, _, err := e.Read(t.Context(), e.coll, []docid.ID{`"d00"`, `"d01"`, `"d02"`, `"d03"`}, 0)
	if err != nil {
		t.Fatal(err)
	}
	var changes []ditto.Change
	for id, d := range read {
		to := `"small"`
		if id == `"d02"` {
			to = `"` + strings.Repeat("y", ditto.MaxDocument+100) + `"`
		}
		changes = append(changes, e.change(d, edits{"x": to}))
	}
	u := e.update(changes...)
	if len(u.Won) != 3 || len(u.Rejected) != 1 || !ditto.IsRejected(u.Rejected[`"d02"`]) {
		t.Errorf("update: won %v, rejected %v", u.Won, u.Rejected)
	}
}

func TestEngineUnknownFate(t *testing.T) {
	e := newEngine(t, ditto.Collection{})
	e.insert(ditto.V5, `{"_id":"a","x":1}`)
	ch := e.change(e.read(`"a"`), edits{"x": "2"})
	match := "UPDATE `" + e.coll.Name + "`"
	if err := startEngine(t).Inject(t.Context(), local.Fault{Match: match, Status: 408, Execute: true}); err != nil {
		t.Fatal(err)
	}
	r := e.update(ch)
	if len(r.Won) != 0 || len(r.Rejected) != 0 {
		t.Errorf("got %+v, want an unknown fate", r)
	}
	e.shows(`"a"`, `{"_id":"a","x":2}`)

	ch = e.change(e.read(`"a"`), edits{"x": "3"})
	if err := startEngine(t).Inject(t.Context(), local.Fault{Match: match, Drop: true}); err != nil {
		t.Fatal(err)
	}
	if r = e.update(ch); len(r.Won) != 0 || len(r.Rejected) != 0 {
		t.Errorf("got %+v, want an unknown fate", r)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if r, err := e.Update(ctx, e.coll, []ditto.Change{ch}); err != nil || !r.Won[`"a"`] {
		t.Errorf("second try: %+v, %v", r, err)
	}
}
