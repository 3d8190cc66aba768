package ditto_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/value"
	local "github.com/causeway-sync/causeway/local/ditto"
)

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

// What hides at a field that is named like its collection, one document and
// several at once.
func TestEngineHiddenInNamesake(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			e := newEngine(t, ditto.Collection{Name: fmt.Sprint("t", n)})
			var changes []ditto.Change
			for i := range n {
				e.insert(ditto.V5, fmt.Sprintf(`{"_id":%d,"%s":{"old":{"%s":1}},"t":1}`, i, e.coll.Name, e.coll.Name))
				e.user(ditto.V5, "UPDATE C SET C = 5 WHERE _id = :id", fmt.Sprintf(`{"id":%d}`, i))
				changes = append(changes, e.change(e.read(fmt.Sprint(i)), edits{e.coll.Name: "", "t": ""}))
			}
			if r := e.update(changes...); len(r.Won) != n {
				t.Fatalf("%+v", r)
			}
			for i := range n {
				e.shows(fmt.Sprint(i), fmt.Sprintf(`{"_id":%d}`, i))
			}
		})
	}
}

// Bulk statements are what is sent, to both engines.
func TestEngineRequests(t *testing.T) {
	for name, exec := range map[string]func() ditto.Executor{
		"Engine": func() ditto.Executor { return newEngine(t, ditto.Collection{}).Exec },
		"Memory": func() ditto.Executor { return dittosim.New() },
	} {
		t.Run(name, func(t *testing.T) {
			x := &counting{Executor: exec()}
			e := &engine{t, &ditto.Store{Exec: x}, ditto.Collection{Name: "requests"}}
			docs := someDocs(600, 10)
			if r, err := e.Insert(t.Context(), e.coll, docs); err != nil || len(r.Won) != 600 || x.requests != 2 {
				t.Fatalf("insert: %d won in %d requests, %v", len(r.Won), x.requests, err)
			}
			var changes []ditto.Change
			for i, d := range docs {
				changes = append(changes, e.change(d, edits{"x": fmt.Sprint(i), "y": "[]"}))
			}
			x.requests = 0
			if r := e.update(changes...); len(r.Won) != 600 || x.requests != 4 {
				t.Fatalf("update: %d won in %d requests, want a probe and 3", len(r.Won), x.requests)
			}
			var ids []docid.ID
			for _, d := range docs {
				ids = append(ids, d.ID)
			}
			now, _, err := e.Read(t.Context(), e.coll, ids, 0)
			if err != nil {
				t.Fatal(err)
			}
			for i, id := range ids {
				docs[i] = now[id]
			}
			x.requests = 0
			if r, err := e.Delete(t.Context(), e.coll, docs[1:]); err != nil || len(r.Won) != 599 || x.requests != 3 {
				t.Fatalf("delete: %d won in %d requests, %v", len(r.Won), x.requests, err)
			}
			stale := docs[0]
			stale.JSON = []byte(`{"_id":"d0000","x":0}`)
			if r, err := e.Delete(t.Context(), e.coll, []ditto.Document{stale}); err != nil || len(r.Won) != 0 {
				t.Errorf("stale delete of one: %+v, %v", r, err)
			}
			if r, err := e.Delete(t.Context(), e.coll, docs[:1]); err != nil || len(r.Won) != 1 {
				t.Errorf("delete of one: %+v, %v", r, err)
			}
		})
	}
}

type counting struct {
	ditto.Executor
	requests int
}

func (c *counting) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	c.requests++
	return c.Executor.Execute(ctx, r)
}

// Conditions hold for whatever values the engine shows, one by one and as parts
// of the whole document, in plain statements and in bulk.
func TestEngineOddValues(t *testing.T) {
	odd := []string{
		`0`, `-0.0`, `1.0`, `1e21`, `1e-7`, `0.1`, `5e-324`, `1.7976931348623157e308`, `9223372036854775807`, `-9223372036854775808`,
		`18446744073709551615`, `123456789012345680000.0`, `null`, `true`, `""`, `"\u0000\u001f\u007f\u2028"`, `"\"\\/\b\f\n\r\t"`, `"😀é"`,
		`"1"`, `[]`, `{}`, `[[],{},null,1.0]`, `{"a":[null,{"":-0.0}]}`, `{"$date":"1970-01-01T00:00:00.000Z"}`, `[1e400]`,
	}
	e := newEngine(t, ditto.Collection{})
	var docs []ditto.Document
	for i, v := range odd {
		docs = append(docs, ditto.Document{ID: docid.ID(fmt.Sprint(i)), JSON: fmt.Appendf(nil, `{"_id":%d,"v":%s,"keep":[%s]}`, i, v, v)})
	}
	r, err := e.Insert(t.Context(), e.coll, docs)
	if err != nil || len(r.Won) != len(odd)-1 || len(r.Rejected) != 1 {
		t.Fatalf("insert: won %d, rejected %v, %v", len(r.Won), r.Rejected, err)
	}
	var ids []docid.ID
	for id := range r.Won {
		ids = append(ids, id)
	}
	all := func() map[docid.ID]ditto.Document {
		read, _, err := e.Read(t.Context(), e.coll, ids, 0)
		if err != nil || len(read) != len(ids) {
			t.Fatalf("read %d of %d, %v", len(read), len(ids), err)
		}
		return read
	}
	for _, id := range ids { // alone, to the value of another
		next := ids[(slices.Index(ids, id)+1)%len(ids)]
		at, _ := strconv.Atoi(string(next))
		if r := e.update(e.change(e.read(string(id)), edits{"w": odd[at], "keep": `[]`})); !r.Won[id] {
			t.Errorf("%s: a condition on %s did not hold", id, docs[0].JSON)
		}
	}
	var changes []ditto.Change
	for _, d := range all() {
		changes = append(changes, e.change(d, edits{"w": `0`, "v": value2(d)}))
	}
	if r := e.update(changes...); len(r.Won) != len(ids) {
		t.Errorf("bulk: won %d of %d", len(r.Won), len(ids))
	}
	var now []ditto.Document
	for _, d := range all() {
		now = append(now, d)
	}
	if r, err := e.Delete(t.Context(), e.coll, now); err != nil || len(r.Won) != len(ids) {
		t.Errorf("delete: won %d of %d, %v", len(r.Won), len(ids), err)
	}
}

// value2 is a document's v, twice.
func value2(d ditto.Document) string {
	v := string(value.Lookup(d.JSON, value.PathOf("v")))
	return "[" + v + "," + v + "]"
}

// A server that takes no array parameter gets the documents one by one, in one
// statement.
func TestEngineInsertEach(t *testing.T) {
	e := newEngine(t, ditto.Collection{Counters: []value.Path{value.ParsePath("inv.qty")}})
	e.Exec = noArrays{e.Exec}
	docs := []ditto.Document{
		{ID: `"a"`, JSON: []byte(`{"_id":"a","inv":{"qty":1}}`)},
		{ID: `2`, JSON: []byte(`{"_id":2,"inv":{"qty":2,"x":null}}`)},
		{ID: `3`, JSON: []byte(`{"_id":3}`)},
	}
	if r, err := e.Insert(t.Context(), e.coll, docs); err != nil || len(r.Won) != 3 {
		t.Fatalf("%+v, %v", r, err)
	}
	for _, d := range docs {
		e.shows(string(d.ID), string(d.JSON))
		if got := e.read(string(d.ID)).Registers; len(got) > 0 {
			t.Errorf("registers %q", got)
		}
	}
}

type noArrays struct{ ditto.Executor }

func (n noArrays) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	if strings.Contains(r.Statement, ":docs") {
		return ditto.Response{}, &ditto.Error{Status: 400, Description: "Evaluates to a(n) array instead of an object"}
	}
	return n.Executor.Execute(ctx, r)
}
