package ditto_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// hostile are texts made to break a statement, or to widen one.
var hostile = []string{
	"`", "``", "` = 1 OR `a", "'", "''", "' OR 1=1 --", "'; DELETE FROM C --", `"`, `\`, `\'`, `\"`, `" OR "1"="1`, `") ON ID CONFLICT DO UPDATE --`,
	"$where", "$ne", `{"$ne":null}`, "$$ROOT", ":ids", ":n0", ":o0[0]", "?", "*", "%", "_id", "_id = _id", "c.a", "/*", "*/ OR /*", "--", ";", "(", ")",
	"\x00", "a\x00b", "\n", "\r\n", "\t", "\u2028", "\u2029", "\u202e", "\u007f", "\ufeff", "\U0001f600", "e\u0301", "\u00e9", "", " ", "null", "true", "0", "NaN", "MISSING",
	strings.Repeat("`", 200), strings.Repeat("'", 254),
}

// A document whose id, field names and values are made to break DQL is written,
// changed and deleted like any other, and its neighbours stay as they are.
func TestEngineHostile(t *testing.T) {
	for _, strict := range []bool{true, false} {
		t.Run(map[bool]string{true: "Strict", false: "Maps"}[strict], func(t *testing.T) {
			e := newEngine(t, ditto.Collection{Strict: strict})
			want := map[docid.ID]string{}
			var docs []ditto.Document
			for i, text := range hostile {
				js := object(t, map[string]any{"_id": text, field(text): text, "n": i, "o": map[string]any{field(text): text}})
				id, err := docid.Parse(value.Lookup(js, value.PathOf("_id")))
				if err != nil {
					t.Fatal(err)
				}
				docs = append(docs, ditto.Document{ID: id, JSON: js})
				want[id] = string(js)
			}
			if r, err := e.Insert(t.Context(), e.coll, docs); err != nil || len(r.Won) != len(docs) {
				t.Fatalf("insert: %d of %d won, %v", len(r.Won), len(docs), err)
			}
			holds(e, want, "insert")
			for i, text := range hostile {
				ch := ditto.Change{ID: docs[i].ID, Doc: []byte(want[docs[i].ID]), Ops: []ditto.Op{
					{Path: value.PathOf(field(text)), Old: quoted(text), New: quoted(text + "!")},
				}}
				if !strict {
					ch.Ops = append(ch.Ops, ditto.Op{Path: value.PathOf("o", "new"+field(text)), New: quoted(text)})
				}
				if r := e.update(ch); !r.Won[ch.ID] || len(r.Won) != 1 {
					t.Fatalf("update of %s: %+v", ch.ID, r)
				}
				js := ch.Doc
				for _, op := range ch.Ops {
					var err error
					if js, err = value.ReplaceJSON(js, op.Path, op.New); err != nil {
						t.Fatal(err)
					}
				}
				want[ch.ID] = string(js)
			}
			holds(e, want, "update")
			// A condition that does not hold, though it looks as if it always did.
			for _, text := range hostile {
				ch := ditto.Change{ID: docs[0].ID, Doc: []byte(want[docs[0].ID]), Ops: []ditto.Op{
					{Path: value.PathOf("n"), Old: quoted(text + "' OR '1'='1"), New: []byte("99")},
				}}
				if r := e.update(ch); len(r.Won) != 0 {
					t.Errorf("a condition with %q holds", text)
				}
			}
			for i := 0; i < len(docs); i += 2 {
				doc := ditto.Document{ID: docs[i].ID, JSON: []byte(want[docs[i].ID])}
				if r, err := e.Delete(t.Context(), e.coll, []ditto.Document{doc}); err != nil || len(r.Won) != 1 {
					t.Fatalf("delete of %s: %+v, %v", doc.ID, r, err)
				}
				delete(want, doc.ID)
			}
			holds(e, want, "delete")
		})
	}
}

// field is text as a field's name. One with a NUL is never written: BSON cannot
// hold it, and the document is parked.
func field(text string) string { return strings.ReplaceAll(text, "\x00", "NUL") + "~" }

// holds compares the whole collection.
func holds(e *engine, want map[docid.ID]string, when string) {
	e.Helper()
	got := map[docid.ID]string{}
	for _, item := range e.user(api(e.coll.Strict), "SELECT * FROM C", "").Items {
		canon, err := value.Canonical(nil, item)
		if err != nil {
			e.Fatal(err)
		}
		got[docid.ID(value.Lookup(canon, value.PathOf("_id")))] = string(canon)
	}
	if diff := cmp.Diff(maps.Clone(want), got); diff != "" {
		e.Fatalf("after the %s (-want +got):\n%s", when, diff)
	}
}

// object is m as canonical JSON.
func object(t *testing.T, m map[string]any) []byte {
	t.Helper()
	js, err := json.Marshal(m)
	if err == nil {
		js, err = value.Canonical(nil, js)
	}
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// quoted is s as canonical JSON.
func quoted(s string) []byte { return value.AppendString(nil, s) }
