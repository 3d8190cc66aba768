package ditto_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/value"
)

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

// Invariant 5: a write that meets other values than were read changes nothing.
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

// meddler lets somebody else write just before the first statement that holds
// a text.
type meddler struct {
	ditto.Executor
	before string
	write  func()
}

func (m *meddler) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	if m.write != nil && strings.Contains(r.Statement, m.before) {
		m.write()
		m.write = nil
	}
	return m.Executor.Execute(ctx, r)
}

// What hides is removed by its type, whatever shows. What somebody wrote just
// then may hide now, or be gone, and has to be told.
func TestEngineCovered(t *testing.T) {
	for _, tt := range []struct {
		name, doc, over, path, before, write string
		covered                              []ditto.Value
		then                                 string
	}{
		{
			name: "InPlaceOfTheObject", doc: `{"_id":"a","o":{"q":1,"x":434083}}`, over: "UPDATE C SET o.x.`$numberInt` = '13'", path: "o.x",
			before: "REGISTER)) UNSET", write: "UPDATE C SET o = 191003",
			covered: []ditto.Value{{Path: value.PathOf("o"), JSON: []byte("191003")}}, then: `{"_id":"a","o":{"q":1,"x":{"$numberInt":"13"}}}`,
		},
		{
			name: "MadeToShow", doc: `{"_id":"a","n":{"q":2}}`, over: "UPDATE C SET n = 5", path: "n",
			before: "MAP) UNSET", write: "UPDATE C UNSET n",
			covered: []ditto.Value{{Path: value.PathOf("n"), JSON: []byte(`{"q":2}`)}}, then: `{"_id":"a"}`,
		},
		{
			name: "Nobody", doc: `{"_id":"a","o":{"q":1,"x":434083}}`, over: "UPDATE C SET o.x.`$numberInt` = '13'", path: "o.x",
			then: `{"_id":"a","o":{"q":1}}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := newEngine(t, ditto.Collection{})
			e.insert(ditto.V5, tt.doc)
			e.user(ditto.V5, tt.over+" WHERE _id = 'a'", "")
			ch := e.change(e.read(`"a"`), edits{tt.path: ""})
			m := &meddler{Executor: e.Exec, before: tt.before}
			if tt.write != "" {
				m.write = func() { e.user(ditto.V5, tt.write+" WHERE _id = 'a'", "") }
			}
			r, err := (&ditto.Store{Exec: m}).Update(t.Context(), e.coll, []ditto.Change{ch})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.covered, r.Covered[`"a"`], cmpopts.EquateEmpty()); diff != "" || r.Won[`"a"`] != (tt.write == "") || m.write != nil {
				t.Errorf("won %v, covered (-want +got):\n%s", r.Won, diff)
			}
			e.shows(`"a"`, tt.then)
		})
	}
}
