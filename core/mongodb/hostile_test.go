package mongodb_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// hostile are texts made to break a query or an update, or to widen one.
var hostile = []string{
	"$", "$where", "$ne", "$$ROOT", "$$REMOVE", "$[]", "$[x]", "$set", "$expr", "$literal", "$a.b", "a.$b", "a.b", "a..b", ".", "..", ".a", "a.", "0", "-1",
	"`", "'", `"`, `\`, "' || '1'=='1", "'; return true; //", `{"$ne":null}`, "__proto__", "constructor", "/.*/", "(?i)", "*", "%", "--",
	"a\nb", "\u2028", "\u2029", "\u202e", "\ufeff", "\u007f", "\U0001f600", "e\u0301", "\u00e9", "", " ", "null", "true", "NaN", "_id ", "ns", "$db", "$ref", "$id",
	strings.Repeat("$", 500), strings.Repeat("x", 2000),
}

// values are what stands at a field of a hostile name: the text itself, and
// documents that look like operators.
func values(t *testing.T, text string) []bson.RawValue {
	t.Helper()
	var out []bson.RawValue
	for _, v := range []any{
		text, "a\x00" + text,
		bson.D{{Key: "$" + text, Value: text}},
		bson.D{{Key: "$where", Value: "sleep(10000) || true"}},
		bson.D{{Key: "$ne", Value: nil}},
		bson.A{text, bson.D{{Key: "$gt", Value: ""}}},
		bson.Regex{Pattern: ".*", Options: "i"},
		bson.JavaScript("while (true) {}"),
	} {
		out = append(out, rawOf(t, bson.D{{Key: "v", Value: v}}).Lookup("v"))
	}
	return out
}

func rawOf(t *testing.T, d bson.D) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A document whose id, field names and values are made to break MongoDB's
// language is changed and deleted like any other, and its neighbours stay as
// they are.
func TestHostile(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		store := mongodb.Store{DB: db}
		want := map[string]bson.Raw{}
		var changes []mongodb.Change
		for i, text := range hostile {
			doc := rawOf(t, bson.D{
				{Key: "_id", Value: text},
				{Key: text + "~", Value: values(t, text)[i%8]},
				{Key: "n", Value: int32(i)},
				{Key: "o", Value: bson.D{{Key: text, Value: values(t, text)[(i+3)%8]}, {Key: "m", Value: "neighbour"}}},
			})
			want[text] = doc
			changes = append(changes, mongodb.Change{ID: doc.Lookup("_id"), Insert: doc})
		}
		wins(t, store, changes)
		untouched(t, db, want, "insert")
		for i, text := range hostile {
			doc := want[text]
			ch := mongodb.Change{ID: doc.Lookup("_id"), Doc: doc}
			for j, p := range []value.Path{value.PathOf(text + "~"), value.PathOf("o", text), value.PathOf("o", "new"+text), value.PathOf("$new" + text)} {
				o := mongodb.Op{Path: p, Old: value.LookupBSON(doc, p), New: values(t, text)[(i+j+1)%8]}
				if j == 1 {
					o.New = bson.RawValue{}
				}
				ch.Ops = append(ch.Ops, o)
				var err error
				if want[text], err = value.ReplaceBSON(want[text], p, o.New); err != nil {
					t.Fatal(err)
				}
			}
			wins(t, store, []mongodb.Change{ch})
		}
		untouched(t, db, want, "update")
		for i, text := range hostile {
			if i%2 == 0 {
				wins(t, store, []mongodb.Change{{ID: want[text].Lookup("_id"), Delete: want[text]}})
				delete(want, text)
			}
		}
		untouched(t, db, want, "delete")
		found, err := store.FindIDs(t.Context(), "h", []bson.RawValue{values(t, hostile[1])[0], values(t, "none")[0], values(t, hostile[3])[0]})
		if err != nil || len(found) != 2 {
			t.Errorf("%d documents of 2, %v", len(found), err)
		}
	})
}

func wins(t *testing.T, store mongodb.Store, changes []mongodb.Change) {
	t.Helper()
	outcomes, _, err := store.Write(t.Context(), "h", changes)
	if err != nil {
		t.Fatal(err)
	}
	for i, o := range outcomes {
		if o != mongodb.Won {
			t.Fatalf("change of %s: %+v", changes[i].ID, o)
		}
	}
}

// untouched compares the whole collection.
func untouched(t *testing.T, db mongodb.Database, want map[string]bson.Raw, when string) {
	t.Helper()
	docs, err := db.Find(t.Context(), "h", bson.D{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, doc := range docs {
		got[doc.Lookup("_id").StringValue()] = fmt.Sprintf("%x", []byte(doc))
	}
	shown := map[string]string{}
	for id := range maps.Keys(want) {
		shown[id] = fmt.Sprintf("%x", []byte(want[id]))
	}
	if diff := cmp.Diff(shown, got); diff != "" {
		t.Fatalf("after the %s (-want +got):\n%s", when, diff)
	}
}
