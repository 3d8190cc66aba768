package sweep_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/sweep"
)

// dittoIDs has ids of every kind that Ditto takes.
var dittoIDs = []docid.ID{
	`""`, `"a"`, `"B"`, `"é"`, `"a\"b"`, `"a\\b"`, `"a/b"`, `"a\u0001b"`, `"a b"`, `"😀"`, `"￮"`, `"5"`, `"true"`, `"null"`,
	`0`, `5`, `-7`, `9223372036854775807`, `-9223372036854775808`, `9007199254740993`, `true`, `false`,
	`[]`, `[1]`, `["a"]`, `[1,"a"]`, `[null]`, `[true]`, `[[1]]`, `[9223372036854775806]`, `[9223372036854775807]`,
	`{}`, `{"a":1}`, `{"a":"x"}`, `{"a":1,"b":2}`, `{"a":2,"b":1}`, `{"b":2}`, `{"a":null}`, `{"a":{"b":[1]}}`, `{"a":"\"\\\u0001"}`, `{"ü":"ü"}`,
	`{"$oid":"64b0945e5952eddaa4caba61"}`, `{"$oid":"64b0945e5952eddaa4caba62"}`, `{"$oid":5}`, `{"$oid":"64b0945e5952eddaa4caba62","x":1}`,
	`{"$numberInt":"5"}`, `{"$numberLong":"5"}`, `{"$numberDouble":"5.5"}`, `{"$date":{"$numberLong":"5"}}`,
	`{"$binary":{"base64":"AA==","subType":"00"}}`, `{"$numberDecimal":"1.0"}`,
}

func insertDitto(t testing.TB, db ditto.Executor, api ditto.API, collection string, ids ...docid.ID) {
	t.Helper()
	for part := range slices.Chunk(ids, 500) {
		docs := make([]string, len(part))
		for i, id := range part {
			docs[i] = `{"_id":` + string(id) + `,"x":1}`
		}
		_, err := db.Execute(t.Context(), ditto.Request{
			API: api, Write: true, Statement: "INSERT INTO `" + collection + "` DOCUMENTS (:docs) ON ID CONFLICT DO NOTHING",
			Args: json.RawMessage(`{"docs":[` + strings.Join(docs, ",") + `]}`),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// byKinds are the ranges that a large collection has.
func byKinds(collection string) []sweep.Range {
	return []sweep.Range{
		{ID: "strings", Collection: collection, Source: sweep.Ditto, Type: "string"},
		{ID: "compound", Collection: collection, Source: sweep.Ditto, Type: "compound"},
		{ID: "rest", Collection: collection, Source: sweep.Ditto, Except: []string{"string", "compound"}},
	}
}

// Every id comes once, over mixed kinds, and as many as COUNT(*) counts: of a
// collection that is read as a whole, and of one that is paged by kinds.
func TestDittoMixed(t *testing.T) {
	db := engine(t)
	r := rand.New(rand.NewPCG(4, 2))
	for _, api := range []ditto.API{ditto.V4, ditto.V5} {
		t.Run(string(api), func(t *testing.T) {
			coll := "mixed " + string(api)
			ids := slices.Clone(dittoIDs)
			for i := range 100 {
				ids = append(ids, docid.ID(fmt.Sprintf(`"%x"`, r.Uint64())), docid.ID(fmt.Sprint(r.Int64()-r.Int64())),
					docid.ID(fmt.Sprintf(`{"$oid":"%024x"}`, r.Uint64())), docid.ID(fmt.Sprintf(`{"a":%d,"b":"%d"}`, i%7, i)))
			}
			insertDitto(t, db, api, coll, ids...)
			p := &sweep.Pager{Ditto: db, Manifest: &manifest.Manifest{Collections: []manifest.Collection{
				{Name: "tasks", DittoName: coll, Strict: api == ditto.V4},
			}}}
			small, counts := plan(t, p, sweep.Ditto)
			if len(small) != 1 || counts["tasks"][sweep.Ditto] != int64(len(ids)) {
				t.Fatalf("%d ranges, counts %v, want %d documents", len(small), counts, len(ids))
			}
			late := []docid.ID{`"\u0000"`, `"zz"`, `[false]`, `{"$oid":""}`, `{"zz":1}`}
			insertDitto(t, db, api, coll, late...)
			want := map[docid.ID]int{}
			for _, id := range append(ids, late...) {
				want[id]++
			}
			for _, ranges := range [][]sweep.Range{small, byKinds("tasks")} {
				for _, max := range []int{40, 30_000} {
					got := map[docid.ID]int{}
					for _, rg := range ranges {
						readAll(t, p, rg, func() int { return max - r.IntN(max/2) }, func(n int) int {
							if n > 1 {
								return 1 + r.IntN(n)
							}
							return n
						}, func(page sweep.Page, n int) {
							for _, id := range page.DittoIDs[:n] {
								got[id]++
							}
						})
					}
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("%d ranges, pages up to %d (-stored +paged):\n%s", len(ranges), max, d)
					}
				}
			}
		})
	}
}

// One key at a time through what is odd.
func TestDittoOneByOne(t *testing.T) {
	db := engine(t)
	insertDitto(t, db, ditto.V5, "odd", dittoIDs...)
	p := &sweep.Pager{Ditto: db, Manifest: &manifest.Manifest{Collections: []manifest.Collection{{Name: "odd", DittoName: "odd"}}}}
	got := map[docid.ID]int{}
	for _, rg := range byKinds("odd") {
		readAll(t, p, rg, pages(1), whole, func(page sweep.Page, _ int) {
			for _, id := range page.DittoIDs {
				got[id]++
			}
		})
	}
	want := map[docid.ID]int{}
	for _, id := range dittoIDs {
		want[id]++
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-stored +paged):\n%s", d)
	}
}

// fakeDitto counts n documents, and answers reads with ids of one string kind.
type fakeDitto struct {
	n          int
	statements []string
	err        error
}

func (f *fakeDitto) Execute(_ context.Context, r ditto.Request) (ditto.Response, error) {
	f.statements = append(f.statements, r.Statement)
	if f.err != nil {
		return ditto.Response{}, f.err
	}
	if strings.Contains(r.Statement, "COUNT(*)") {
		return ditto.Response{Items: []json.RawMessage{json.RawMessage(fmt.Sprintf(`{"n":%d}`, f.n))}}, nil
	}
	var items []json.RawMessage
	for i := range f.n {
		items = append(items, json.RawMessage(fmt.Sprintf(`{"_id":"%06d"}`, i)))
	}
	return ditto.Response{Items: items}, nil
}

func TestDittoLarge(t *testing.T) {
	db := &fakeDitto{n: 10_000_000}
	p := &sweep.Pager{Ditto: db, Manifest: config("tasks")}
	ranges, _ := plan(t, p, sweep.Ditto)
	want := []sweep.Range{
		{ID: "tasks/ditto/string", Collection: "tasks", Source: sweep.Ditto, Type: "string"},
		{ID: "tasks/ditto/compound", Collection: "tasks", Source: sweep.Ditto, Type: "compound"},
		{ID: "tasks/ditto/rest", Collection: "tasks", Source: sweep.Ditto, Except: []string{"string", "compound"}},
	}
	if d := cmp.Diff(want, ranges); d != "" {
		t.Error(d)
	}
	if len(db.statements) != 1 {
		t.Errorf("statements: %q", db.statements)
	}
}

// A collection that has grown since the plan is paged by kinds after all.
func TestDittoGrown(t *testing.T) {
	db := &fakeDitto{n: 30_001}
	p := &sweep.Pager{Ditto: db, Manifest: config("tasks")}
	_, err := p.Page(t.Context(), sweep.Range{ID: "r", Collection: "tasks", Source: sweep.Ditto}, nil, 30_001)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"SELECT _id FROM `tasks` LIMIT 30001",
		"SELECT _id FROM `tasks` WHERE _id >= :x ORDER BY _id LIMIT 30001",
	}
	if d := cmp.Diff(want, db.statements); d != "" {
		t.Error(d)
	}
}

func TestErrors(t *testing.T) {
	down := errors.New("down")
	p := &sweep.Pager{Ditto: &fakeDitto{err: down}, Manifest: config("tasks")}
	if _, _, err := p.Plan(t.Context(), all(p.Manifest), sweep.Ditto); !errors.Is(err, down) {
		t.Errorf("plan: %v", err)
	}
	r := sweep.Range{ID: "r", Collection: "tasks", Source: sweep.Ditto}
	if _, err := p.Page(t.Context(), r, nil, 1); !errors.Is(err, down) {
		t.Errorf("page: %v", err)
	}
	for name, c := range map[string]struct {
		r     sweep.Range
		after string
		want  string
	}{
		"Collection":   {r: sweep.Range{Collection: "x", Source: sweep.Ditto}, want: `page r: malformed range: collection "x" is not configured`},
		"Source":       {r: sweep.Range{Collection: "tasks", Source: "x"}, want: `page r: malformed range: unknown source "x"`},
		"Type":         {r: sweep.Range{Collection: "tasks", Source: sweep.MongoDB, Type: "x"}, want: `page r: malformed range: unknown type "x"`},
		"From":         {r: sweep.Range{Collection: "tasks", Source: sweep.MongoDB, From: json.RawMessage(`{"$oid":1}`)}, want: "page r: malformed range: from"},
		"Position":     {r: sweep.Range{Collection: "tasks", Source: sweep.MongoDB}, after: `[]`, want: "page r: malformed position: json: cannot unmarshal array into Go value of type sweep.position"},
		"PositionType": {r: sweep.Range{Collection: "tasks", Source: sweep.MongoDB, Type: "date"}, after: `{"t":"bool"}`, want: `page r: malformed position: type "bool" is not of this range`},
		"PositionBSON": {r: sweep.Range{Collection: "tasks", Source: sweep.Ledger}, after: `{"b":"AAAA"}`, want: "page r: malformed position"},
	} {
		t.Run(name, func(t *testing.T) {
			c.r.ID = "r"
			_, err := p.Page(t.Context(), c.r, json.RawMessage(c.after), 1)
			if err == nil || err.Error() != c.want {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}
