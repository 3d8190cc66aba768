package ledger_test

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// TestRecordsAreAsDocumented writes the records that docs/records.md shows, and
// wants to find exactly those, field by field and type by type; and each
// field in the tables.
func TestRecordsAreAsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/records.md")
	if err != nil {
		t.Fatal(err)
	}
	unsynced, conflicts, ok := strings.Cut(string(text), "## `__causeway_conflicts`")
	if !ok || !strings.Contains(unsynced, "## `"+ledger.UnsyncedCollection+"`") {
		t.Fatal("docs/records.md has no chapter of both collections")
	}
	for chapter, kind := range map[string]string{unsynced: "unsynced", conflicts: "conflict"} {
		shown := map[string]bool{}
		for _, doc := range examples(t, chapter, kind) {
			elements, err := doc.Elements()
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range elements {
				shown[e.Key()] = true
			}
		}
		for _, m := range fieldRow.FindAllStringSubmatch(chapter, -1) {
			if !shown[m[1]] {
				t.Errorf("no example of %s has the field %s", kind, m[1])
			}
		}
	}
	made := indexes{}
	if err := ledger.CreateIndexes(t.Context(), made); err != nil {
		t.Fatal(err)
	}
	want := []mongodb.Index{{Name: "expires", Keys: []string{"expires"}, Expires: true}}
	if diff := cmp.Diff(want, made[ledger.ConflictCollection]); diff != "" || made[ledger.UnsyncedCollection] != nil {
		t.Errorf("indexes of conflicts (-documented +made):\n%s; of unsynced documents %v", diff, made[ledger.UnsyncedCollection])
	}
	str := func(doc bson.Raw, key string) string { s, _ := doc.Lookup(key).StringValueOK(); return s }
	each(t, func(t *testing.T, db mongodb.Database) {
		records := ledger.Records{DB: db}
		for _, doc := range examples(t, unsynced, "unsynced") {
			u := ledger.Unsynced{
				ID: str(doc, "_id"), Collection: str(doc, "collection"), MongoID: doc.Lookup("mongoId"), DittoID: docid.ID(str(doc, "dittoId")),
				Reason: str(doc, "reason"), Message: str(doc, "message"), Mend: str(doc, "mend"),
			}
			if u.DittoID.IsZero() {
				if id := ledger.MongoUnsyncedID(u.Collection, u.MongoID); id != u.ID {
					t.Errorf("the record's _id is %s, documented is %s", id, u.ID)
				}
			}
			if err := records.PutUnsynced(t.Context(), []ledger.Unsynced{u}); err != nil {
				t.Fatal(err)
			}
			compare(t, db, ledger.UnsyncedCollection, u.ID, doc, unsynced)
		}
		for _, doc := range examples(t, conflicts, "conflict") {
			var path value.Path
			segments, _ := doc.Lookup("segments").ArrayOK()
			names, err := segments.Values()
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range names {
				path = path.Child(name.StringValue())
			}
			c := ledger.Conflict{
				Key: ledger.Key{Collection: str(doc, "collection"), ID: docid.ID(str(doc, "dittoId"))}, MongoID: doc.Lookup("mongoId"),
				Rev: doc.Lookup("rev").Int64(), Path: path, Side: value.Side(str(doc, "side")), Value: doc.Lookup("value"), JSON: str(doc, "json"),
				Rule: str(doc, "rule"),
			}
			if err := records.PutConflicts(t.Context(), []ledger.Conflict{c}); err != nil {
				t.Fatal(err)
			}
			if !doc.Lookup("settled").IsZero() {
				if err := records.SettleConflicts(t.Context(), c.ID()); err != nil {
					t.Fatal(err)
				}
			}
			compare(t, db, ledger.ConflictCollection, c.ID(), doc, conflicts)
		}
	})
}

// indexes records which are made.
type indexes map[string][]mongodb.Index

func (x indexes) CreateIndexes(_ context.Context, collection string, list []mongodb.Index) error {
	x[collection] = append(x[collection], list...)
	return nil
}

var example = regexp.MustCompile("(?s)```json (\\w+)\n(.*?)```")

// examples are the documents that a chapter shows.
func examples(t *testing.T, chapter, kind string) (docs []bson.Raw) {
	t.Helper()
	for _, m := range example.FindAllStringSubmatch(chapter, -1) {
		var doc bson.Raw
		if err := bson.UnmarshalExtJSON([]byte(m[2]), true, &doc); err != nil || m[1] != kind {
			t.Fatalf("%s %s: %v", m[1], m[2], err)
		}
		docs = append(docs, doc)
	}
	if len(docs) < 2 {
		t.Fatalf("%d examples of %s", len(docs), kind)
	}
	return docs
}

var fieldRow = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\|")

// compare wants the record as documented, but for its times, and the chapter's
// table to have each field with its type.
func compare(t *testing.T, db mongodb.Database, collection, id string, want bson.Raw, chapter string) {
	t.Helper()
	got, err := db.Find(t.Context(), collection, bson.D{{Key: "_id", Value: id}}, nil)
	if err != nil || len(got) != 1 {
		t.Fatalf("%d records %s, %v", len(got), id, err)
	}
	table := map[string]string{}
	for _, m := range fieldRow.FindAllStringSubmatch(chapter, -1) {
		table[m[1]] = m[2]
	}
	lines := func(doc bson.Raw) (out []string) {
		elements, err := doc.Elements()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range elements {
			v := e.Value()
			line := e.Key() + " " + v.Type.String()
			if e.Key() != "at" && e.Key() != "expires" && e.Key() != "settled" {
				line += " " + v.String()
			}
			out = append(out, line)
			if named := typeName[v.Type]; table[e.Key()] != "any" && (table[e.Key()] == "" || table[e.Key()] != named) {
				t.Errorf("the field %s is a %s, and in the table %q", e.Key(), named, table[e.Key()])
			}
		}
		return out
	}
	if diff := cmp.Diff(lines(want), lines(got[0])); diff != "" {
		t.Errorf("%s (-docs/records.md +stored):\n%s", id, diff)
	}
}

var typeName = map[bson.Type]string{
	bson.TypeString: "string", bson.TypeInt64: "long", bson.TypeDateTime: "date", bson.TypeArray: "array", bson.TypeObjectID: "objectId",
}
