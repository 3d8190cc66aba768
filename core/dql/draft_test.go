package dql_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// edit is a unit that becomes to; "" is absent.
type edit struct{ path, to string }

func draft(doc string, counters, maps []string, strict bool, edits ...edit) *dql.Draft {
	c := dql.Change{ID: `"a"`, Doc: []byte(doc), Counters: paths(counters...), Maps: paths(maps...), Strict: strict}
	for _, e := range edits {
		p := value.ParsePath(e.path)
		ed := dql.Edit{Path: p, Old: value.Lookup(c.Doc, p)}
		if e.to != "" {
			ed.New = []byte(e.to)
		}
		c.Edits = append(c.Edits, ed)
	}
	return dql.NewDraft(c)
}

// What a draft asks for and what it makes of the answers.
func TestDraft(t *testing.T) {
	cases := []struct {
		name     string
		doc      string
		counters []string
		maps     []string
		strict   bool
		edits    []edit
		declared []string // answers to the looks, in turn
		found    []dql.Found
	}{
		{name: "Scalar", doc: `{"_id":"a","x":1}`, edits: []edit{{"x", "2"}, {"y", "null"}}},
		{name: "Strict", doc: `{"_id":"a","n":{"x":1},"m":1}`, strict: true, edits: []edit{{"n", `{"y":2}`}, {"m", ""}}},
		{name: "KnownMap", doc: `{"_id":"a","n":{"x":1}}`, maps: []string{"n"}, edits: []edit{{"n.x", "2"}, {"n.y.z", "3"}}},
		{name: "UnknownMap", doc: `{"_id":"a","n":{"x":1}}`, edits: []edit{{"n.x", "2"}}, declared: []string{`{"_id":"a","n":{"x":1}}`}},
		{
			name: "Register", doc: `{"_id":"a","n":{"x":1,"y":{}}}`, edits: []edit{{"n.x", "2"}, {"n.z", "3"}},
			declared: []string{`{"_id":"a"}`, `{"_id":"a"}`},
		},
		{
			name: "RegisterOverMap", doc: `{"_id":"a","n":{"x":1,"y":{}}}`, edits: []edit{{"n.x", ""}},
			declared: []string{`{"_id":"a","n":{"old":1}}`, `{"_id":"a","n":{"old":1,"y":{"older":2}}}`},
			found:    []dql.Found{{Path: value.ParsePath("n.old"), Type: dql.Register, Value: []byte("1")}},
		},
		{
			name: "ScalarOverMap", doc: `{"_id":"a","n":5}`, edits: []edit{{"n", `{"x":{"y":1}}`}},
			declared: []string{`{"_id":"a","n":{"x":{"k":1},"z":1}}`},
			found: []dql.Found{
				{Path: value.ParsePath("n.z"), Type: dql.Register, Value: []byte("1")},
				{Path: value.ParsePath("n.z"), Type: dql.Counter, Value: []byte("8")},
				{Path: value.ParsePath("n.z"), Type: dql.Map, Value: []byte("{}")},
			},
		},
		{
			name: "NullToWrapper", doc: `{"_id":"a","n":null}`, edits: []edit{{"n", `{"$date":"x"}`}},
			declared: []string{`{"_id":"a","n":{"$numberInt":"5"}}`},
		},
		{
			name: "WrapperToWrapper", doc: `{"_id":"a","n":{"$numberInt":"5"}}`, edits: []edit{{"n", `{"$numberLong":"5"}`}},
			declared: []string{`{"_id":"a","n":{"$numberInt":"5"}}`},
		},
		{name: "MapToEmpty", doc: `{"_id":"a","n":{"x":1}}`, maps: []string{"n"}, edits: []edit{{"n", `{}`}}},
		{
			name: "RemovalUncovers", doc: `{"_id":"a","n":5,"m":1}`, edits: []edit{{"n", ""}, {"m", ""}},
			found: []dql.Found{
				{Path: value.ParsePath("n"), Type: dql.Map, Value: []byte(`{"old":1}`)},
				{Path: value.ParsePath("n"), Type: dql.Register, Value: []byte("5")},
				{Path: value.ParsePath("m"), Type: dql.Register, Value: []byte("1")},
			},
		},
		{
			name: "Counter", doc: `{"_id":"a","q":1,"inv":{"q":2,"x":1}}`, counters: []string{"q", "inv.q"}, maps: []string{"inv"},
			edits: []edit{{"q", "10.0"}, {"inv.q", "20"}, {"inv.x", "2"}},
		},
		{
			name: "CountersInAnObject", doc: `{"_id":"a","inv":5}`, counters: []string{"inv.q"}, edits: []edit{{"inv", `{"q":2,"x":{}}`}},
			declared: []string{`{"_id":"a"}`},
		},
		{
			name: "TextAtCounterPathOfRegister", doc: `{"_id":"a","inv":{"q":"text","x":1}}`, counters: []string{"inv.q"}, edits: []edit{{"inv.x", `2`}},
			declared: []string{`{"_id":"a"}`},
		},
		{name: "NothingToDo", doc: `{"_id":"a","n":{"x":1}}`, maps: []string{"n"}, edits: []edit{{"n", `{"x":1.0}`}}},
	}
	var b strings.Builder
	for _, c := range cases {
		fmt.Fprintf(&b, "== %s\n%s\n", c.name, c.doc)
		d := draft(c.doc, c.counters, c.maps, c.strict, c.edits...)
		for {
			looks, err := d.Compile()
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if len(looks) == 0 {
				break
			}
			fmt.Fprintf(&b, "look %v\n", looks)
			if len(c.declared) == 0 {
				t.Fatalf("%s: asks for %v", c.name, looks)
			}
			d.Learn(looks, []byte(c.declared[0]))
			c.declared = c.declared[1:]
		}
		if len(c.declared) > 0 {
			t.Errorf("%s: answers left: %v", c.name, c.declared)
		}
		fmt.Fprintf(&b, "check %v\n", d.Checks())
		d.Found(c.found)
		for _, rows := range [][]dql.Row{d.Before, {d.Row}, d.After} {
			for _, r := range rows {
				st := dql.UpdateOne("c", r)
				fmt.Fprintf(&b, "%s\n  %s\n", st.Text, st.Args)
			}
		}
		fmt.Fprintf(&b, "empty %v, maps %v\n", d.IsEmpty(), d.Maps())
	}
	golden(t, "drafts.golden", b.String())
}

func TestDraftErrors(t *testing.T) {
	cases := []struct {
		name     string
		doc      string
		counters []string
		strict   bool
		edit     edit
		want     error
	}{
		{"NestedInStrict", `{"_id":"a","n":{"x":1}}`, nil, true, edit{"n.x", "2"}, dql.ErrPath},
		{"ParentIsNoObject", `{"_id":"a","n":5}`, nil, false, edit{"n.x", "2"}, dql.ErrPath},
		{"FractionAtCounter", `{"_id":"a","q":5}`, []string{"q"}, false, edit{"q", "1.5"}, dql.ErrNotInteger},
		{"TextAtCounter", `{"_id":"a","q":5}`, []string{"q"}, false, edit{"q", `"5"`}, dql.ErrNotInteger},
		{"NullAtCounterInside", `{"_id":"a"}`, []string{"n.q"}, false, edit{"n", `{"q":null}`}, dql.ErrNotInteger},
		{"TooBigForACounter", `{"_id":"a"}`, []string{"q"}, false, edit{"q", `9223372036854775808`}, dql.ErrNotInteger},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := draft(c.doc, c.counters, nil, c.strict, c.edit).Compile()
			if !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

// The shape tells what a statement does, not with which values.
func TestDraftShape(t *testing.T) {
	shape := func(doc string) string {
		d := draft(doc, nil, []string{"n"}, false, edit{"n.x", "2"}, edit{"a", ""})
		if looks, err := d.Compile(); err != nil || len(looks) > 0 {
			t.Fatalf("looks %v, %v", looks, err)
		}
		return d.Row.Shape()
	}
	if a, b := shape(`{"_id":"a","a":1,"n":{"x":1}}`), shape(`{"_id":"b","a":[null],"n":{"x":"other"}}`); a != b {
		t.Errorf("equal changes differ in shape:\n%s\n%s", a, b)
	}
	if a, b := shape(`{"_id":"a","a":1,"n":{"x":1}}`), shape(`{"_id":"b","a":1}`); a == b {
		t.Errorf("a value that was and one that was not are of one shape:\n%s", a)
	}
}

func ExampleDraft() {
	d := dql.NewDraft(dql.Change{
		ID:    `"task-1"`,
		Doc:   []byte(`{"_id":"task-1","done":false}`),
		Edits: []dql.Edit{{Path: value.PathOf("done"), Old: []byte("false"), New: []byte("true")}},
	})
	if looks, err := d.Compile(); err != nil || len(looks) > 0 {
		fmt.Println(looks, err)
	}
	fmt.Println(dql.UpdateOne("tasks", d.Row).Text)
	// Output: UPDATE `tasks` SET `done` = :n0 WHERE _id = :id AND serialize_json(`tasks`.`done`) = serialize_json(:o0)
}
