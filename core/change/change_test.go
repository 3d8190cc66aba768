package change_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

var decoder = change.Decoder{Manifest: &manifest.Manifest{
	Database: "test-db",
	Collections: []manifest.Collection{
		{Name: "orders", DittoName: "orders", Fields: []string{"id", "locationId"}},
		{Name: "people", DittoName: "persons", Fields: []string{"_id"}},
		{Name: "tasks", DittoName: "tasks", Fields: []string{"_id"}},
		{Name: "counted", DittoName: "counted", Fields: []string{"_id"}, Counters: []value.Path{value.PathOf("n")}},
	},
}}

const hex = "614cab95890e884a9264002a"

// oid is the ObjectId that hex names.
func oid(t *testing.T) bson.ObjectID {
	t.Helper()
	id, err := bson.ObjectIDFromHex(hex)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// ids encodes values as a hint carries them.
func ids(t *testing.T, vs ...any) []bson.RawValue {
	t.Helper()
	var out []bson.RawValue
	for _, v := range vs {
		typ, b, err := bson.MarshalValue(v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bson.RawValue{Type: typ, Value: b})
	}
	return out
}

var at = time.Unix(1632414623, 0).UTC()

// check compares batches; errors by the text that wantErr must contain.
func check(t *testing.T, got change.Batch, want change.Batch, wantErr string) {
	t.Helper()
	if wantErr == "" && got.Err() != nil {
		t.Fatalf("error: %v", got.Err())
	}
	if wantErr != "" {
		if got.Err() == nil || !strings.Contains(got.Err().Error(), wantErr) {
			t.Fatalf("error %v, want one that says %q", got.Err(), wantErr)
		}
		if !change.IsUndecodable(got.Errs[0]) {
			t.Errorf("error %v has no class", got.Errs[0])
		}
	}
	got.Errs = nil
	if diff := cmp.Diff(want, got, cmp.Comparer(sameRaw)); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
}

func sameRaw(a, b bson.RawValue) bool { return a.Equal(b) }

func hints(h ...change.Hint) change.Batch { return change.Batch{Hints: h} }

func ditto(coll, id string, op change.Op, txn int64) change.Hint {
	return change.Hint{Collection: coll, DittoID: docid.ID(id), Side: value.Ditto, Op: op, Txn: txn}
}
