package reconcile_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/reconcile"
)

// What Ditto showed is noted with the entry: the event of a removal before that
// may come late, together with a node that still shows nothing. It is no reason
// to write the entry by itself.
func TestShown(t *testing.T) {
	doc := func(s string) (raw bson.Raw) {
		if err := bson.UnmarshalExtJSON([]byte(s), true, &raw); err != nil {
			t.Fatal(err)
		}
		return raw
	}
	in := reconcile.Input{
		Rules: &manifest.Collection{Name: "c", DittoName: "c", Fields: []string{"_id"}, Direction: manifest.Both},
		Entry: ledger.Entry{Key: ledger.Key{Collection: "c", ID: `"d"`}, Rev: 1, Txn: 2},
		Mongo: doc(`{"_id":"d","a":1}`), Ditto: []byte(`{"_id":"d","a":1}`), ID: []byte(`"d"`), Txn: 3, Shown: 7,
	}
	first := reconcile.Decide(in)
	if !first.Changed || first.Next.Txn != 7 {
		t.Errorf("changed %v, transaction %d, want 7", first.Changed, first.Next.Txn)
	}
	in.Entry, in.Shown, in.DittoEvent = first.Next, 9, true
	if again := reconcile.Decide(in); again.Changed {
		t.Error("an event that the entry has seen writes it again")
	}
	in.Txn = 8
	if again := reconcile.Decide(in); !again.Changed || again.Next.Txn != 9 {
		t.Errorf("a later event: changed %v, transaction %d, want 9", again.Changed, again.Next.Txn)
	}
}
