package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/value"
)

var rawValues = cmp.Comparer(func(a, b bson.RawValue) bool { return a.Type == b.Type && string(a.Value) == string(b.Value) })

func TestUnsynced(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		ctx, records := t.Context(), ledger.Records{DB: db}
		oid := val(t, bson.NewObjectID())
		a := ledger.Unsynced{ID: key(1).String(), Collection: "tasks", MongoID: oid, DittoID: key(1).ID, Reason: "rejected", Message: "no", Mend: "yes"}
		b := ledger.Unsynced{ID: ledger.MongoUnsyncedID("orders", oid), Collection: "orders", MongoID: oid, Reason: "missing-field"}
		list := func(want []ledger.Unsynced, collections ...string) {
			t.Helper()
			got, err := records.ListUnsynced(ctx, collections...)
			if err != nil {
				t.Fatal(err)
			}
			byID := cmpopts.SortSlices(func(a, b ledger.Unsynced) bool { return a.ID < b.ID })
			if diff := cmp.Diff(want, got, rawValues, byID, cmpopts.IgnoreFields(ledger.Unsynced{}, "At"), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			for _, u := range got {
				if time.Since(u.At).Abs() > time.Minute {
					t.Errorf("at %v", u.At)
				}
			}
		}
		if err := records.PutUnsynced(ctx, []ledger.Unsynced{a, b}); err != nil {
			t.Fatal(err)
		}
		list([]ledger.Unsynced{a, b})
		a.Message = "still no"
		if err := records.PutUnsynced(ctx, []ledger.Unsynced{a}); err != nil {
			t.Fatal(err)
		}
		list([]ledger.Unsynced{a}, "tasks")
		if err := records.DeleteUnsynced(ctx, []string{a.ID, "absent"}); err != nil {
			t.Fatal(err)
		}
		list([]ledger.Unsynced{b})
		list(nil, "tasks")
	})
}

// The connector's own records are listed, not refused.
func TestUnsyncedForeign(t *testing.T) {
	db := sim(t)
	doc, err := bson.Marshal(bson.D{{Key: "_id", Value: int32(5)}, {Key: "document", Value: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Set(ledger.UnsyncedCollection, doc); err != nil {
		t.Fatal(err)
	}
	got, err := ledger.Records{DB: db}.ListUnsynced(t.Context())
	if err != nil || len(got) != 1 || got[0].ID != `{"$numberInt":"5"}` {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestConflicts(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		ctx, records := t.Context(), ledger.Records{DB: db, ConflictTTL: time.Hour}
		oid := val(t, bson.NewObjectID())
		doc := val(t, bson.D{{Key: "_id", Value: 1}, {Key: "$a.b", Value: "$x"}})
		want := []ledger.Conflict{
			{Key: key(1), MongoID: oid, Rev: 7, Path: value.PathOf("a", "$b.c"), Side: value.Ditto, JSON: `{"x":1}`, Rule: "mongo"},
			{Key: key(1), MongoID: oid, Rev: 7, Path: value.PathOf("a", "$b.c"), Side: value.MongoDB, Value: val(t, int64(5)), Rule: "ditto"},
			{Key: key(1), Rev: 8, Side: value.MongoDB, Value: doc, Rule: "delete"},
			{Key: key(2), Rev: 8, Path: value.PathOf("a"), Side: value.Ditto, Rule: "carried"},
		}
		for range 2 { // the second time must leave one of each
			if err := records.PutConflicts(ctx, want); err != nil {
				t.Fatal(err)
			}
		}
		got, err := records.ListConflicts(ctx)
		if err != nil {
			t.Fatal(err)
		}
		byID := cmpopts.SortSlices(func(a, b ledger.Conflict) bool { return a.ID() < b.ID() })
		if diff := cmp.Diff(want, got, rawValues, byID, cmpopts.IgnoreFields(ledger.Conflict{}, "At", "Expires")); diff != "" {
			t.Errorf("records (-want +got):\n%s", diff)
		}
		for _, c := range got {
			if d := c.Expires.Sub(c.At); d < time.Hour || d > time.Hour+time.Second {
				t.Errorf("kept for %s", d)
			}
		}
		if got, err := records.ListConflicts(ctx, "other"); err != nil || len(got) != 0 {
			t.Errorf("%v, %v", got, err)
		}
	})
}

// What a person is done with says so, and since when, and stays until it expires.
func TestSettleConflicts(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		ctx, records := t.Context(), ledger.Records{DB: db}
		a := ledger.Conflict{Key: key(1), Rev: 7, Path: value.PathOf("a"), Side: value.Ditto, JSON: "1", Rule: "mongo"}
		b := a
		b.Rev = 8
		if err := records.PutConflicts(ctx, []ledger.Conflict{a, b}); err != nil {
			t.Fatal(err)
		}
		var since time.Time
		for range 2 { // the second time changes nothing
			if err := records.SettleConflicts(ctx, a.ID(), "absent"); err != nil {
				t.Fatal(err)
			}
			got, err := records.ListConflicts(ctx)
			if err != nil || len(got) != 2 {
				t.Fatalf("%d records, %v", len(got), err)
			}
			for _, c := range got {
				switch {
				case c.Rev == b.Rev && !c.Settled.IsZero():
					t.Error("the other record is settled too")
				case c.Rev == a.Rev && (c.Settled.Before(c.At) || !since.IsZero() && !c.Settled.Equal(since)):
					t.Errorf("settled %v, first %v, recorded %v", c.Settled, since, c.At)
				case c.Rev == a.Rev:
					since = c.Settled
				}
				if c.JSON != "1" || c.Expires.IsZero() {
					t.Errorf("the record is %+v", c)
				}
			}
		}
		if err := records.SettleConflicts(ctx); err != nil {
			t.Errorf("none: %v", err)
		}
	})
}

func TestRecordsRefused(t *testing.T) {
	db := mongosim.New(time.Now)
	if err := db.CreateIndexes(t.Context(), ledger.ConflictCollection, []mongodb.Index{{Name: "one", Keys: []string{"side"}, Unique: true}}); err != nil {
		t.Fatal(err)
	}
	err := ledger.Records{DB: db}.PutConflicts(t.Context(), []ledger.Conflict{{Key: key(1), Rev: 1}, {Key: key(2), Rev: 1}})
	if err == nil {
		t.Error("a record that was not stored is no error")
	}
}
