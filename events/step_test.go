package events_test

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/sweep"
)

// step brings the databases nearer to the state that an event finds.
type step func(*world)

// clean empties both sides, the ledger, the records and the queues.
func (w *world) clean() {
	w.t.Helper()
	names := []string{ledger.Collection, ledger.UnsyncedCollection, ledger.ConflictCollection, sweep.Collection, canary.Collection, marker}
	for _, c := range w.manifest.Collections {
		names = append(names, c.Name)
		w.dql("DELETE FROM "+c.DittoName, "{}")
	}
	for _, name := range names {
		if _, err := w.db.Collection(name).DeleteMany(w.t.Context(), bson.D{}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// inMongo inserts a document, in Extended JSON.
func inMongo(collection, doc string) step {
	return func(w *world) {
		w.t.Helper()
		if _, err := w.db.Collection(collection).InsertOne(w.t.Context(), w.bson(doc)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// setMongo updates the document with that `_id`.
func setMongo(collection, id, update string) step {
	return func(w *world) {
		w.t.Helper()
		res, err := w.db.Collection(collection).UpdateOne(w.t.Context(), w.bson(`{"_id":`+id+`}`), w.bson(update))
		if err != nil || res.ModifiedCount != 1 {
			w.t.Fatalf("update %s: %+v, %v", id, res, err)
		}
	}
}

func replaceMongo(collection, id, doc string) step {
	return func(w *world) {
		w.t.Helper()
		res, err := w.db.Collection(collection).ReplaceOne(w.t.Context(), w.bson(`{"_id":`+id+`}`), w.bson(doc))
		if err != nil || res.ModifiedCount != 1 {
			w.t.Fatalf("replace %s: %+v, %v", id, res, err)
		}
	}
}

func removeMongo(collection, id string) step {
	return func(w *world) {
		w.t.Helper()
		res, err := w.db.Collection(collection).DeleteOne(w.t.Context(), w.bson(`{"_id":`+id+`}`))
		if err != nil || res.DeletedCount != 1 {
			w.t.Fatalf("remove %s: %+v, %v", id, res, err)
		}
	}
}

// inDitto inserts a document, in JSON.
func inDitto(collection, doc string) step {
	return func(w *world) {
		w.t.Helper()
		w.dql("INSERT INTO "+collection+" DOCUMENTS (:doc)", `{"doc":`+doc+`}`)
	}
}

// onDevice is a change of the document with that `_id`, such as `SET done = true`.
func onDevice(collection, id, change string) step {
	return func(w *world) {
		w.t.Helper()
		w.dql("UPDATE "+collection+" "+change+" WHERE _id = :id", `{"id":`+id+`}`)
	}
}

func removeDitto(collection, id string) step {
	return func(w *world) {
		w.t.Helper()
		w.dql("DELETE FROM "+collection+" WHERE _id = :id", `{"id":`+id+`}`)
	}
}

// synced is a document that was born in MongoDB and is on both sides.
func synced(collection, id, doc string) step {
	return func(w *world) {
		w.t.Helper()
		inMongo(collection, doc)(w)
		key := fmt.Sprintf(`{"v":1,"collection":%q,"mongoId":%s,"side":"mongodb","op":"upsert"}`, collection, id)
		if got := w.invoke(mongoToDitto, []byte(key)); got != "keys 1, messages 1, pairs 1, toDitto 1" {
			w.t.Fatalf("sync %s: %s", id, got)
		}
	}
}

// syncedDitto is a document that was born in Ditto and is on both sides.
func syncedDitto(collection, id, doc string) step {
	return func(w *world) {
		w.t.Helper()
		inDitto(w.manifest.Collection(collection).DittoName, doc)(w)
		key := fmt.Sprintf(`{"v":1,"collection":%q,"dittoId":%s,"side":"ditto","op":"upsert","txn":%d}`, collection, id, w.dittoState().Txn)
		if got := w.invoke(dittoToMongo, []byte(key)); got != "keys 1, messages 1, pairs 1, toMongoDB 1" {
			w.t.Fatalf("sync %s: %s", id, got)
		}
	}
}

func (w *world) bson(doc string) bson.Raw {
	w.t.Helper()
	var raw bson.Raw
	if err := bson.UnmarshalExtJSON([]byte(doc), true, &raw); err != nil {
		w.t.Fatalf("%s: %v", doc, err)
	}
	return raw
}

// happened is when the golden events did, in the forms in which they say so.
var (
	happened = time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	seconds  = fmt.Sprint(happened.Unix())
	txns     = regexp.MustCompile(`("txn(?:I[dD])?\\?":\s*(?:\\?")?)\d+`)
)

// restamp moves the times of a golden file to the present.
func (w *world) restamp(file []byte) []byte {
	w.t.Helper()
	now := time.Now().UTC()
	text := strings.ReplaceAll(string(file), happened.Format(time.RFC3339), now.Format(time.RFC3339))
	return []byte(strings.ReplaceAll(text, seconds, fmt.Sprint(now.Unix())))
}

// renumber gives Ditto's events the store's present transaction.
func (w *world) renumber(text string) string {
	w.t.Helper()
	w.stamped = w.dittoState().Txn
	return txns.ReplaceAllString(text, fmt.Sprintf("${1}%d", w.stamped))
}
