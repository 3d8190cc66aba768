package ledger

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// RunsCollection holds what runs found, which Ditto database the ledger is made
// with, and what came back of the canary's beats.
const RunsCollection = "__causeway_runs"

// UnsyncedCollection has the connector's own name, so that whoever watches it
// today goes on doing so. Nothing in it is removed automatically, except that
// a document which syncs again takes its record with it.
const UnsyncedCollection = "__ditto_unsynced_documents"

// Unsynced says why a document is not synced, and what mends it. Stored as
//
//	{_id, collection, mongoId?, dittoId?, reason, message, mend, at}
//
// with dittoId as JSON text. It holds keys, and the
// message of the server that refused the document, which may quote it.
type Unsynced struct {
	// ID is the ledger key, or MongoUnsyncedID when there is no Ditto id.
	ID         string
	Collection string
	MongoID    bson.RawValue
	DittoID    docid.ID
	Reason     string // a code: "missing-field", "rejected", …
	Message    string
	Mend       string
	At         time.Time // by the database's clock; set when it is stored
}

// MongoUnsyncedID is the record's id for a document that has no Ditto id:
// "<collection>/mongo:<canonical Extended JSON of its _id>".
func MongoUnsyncedID(collection string, id bson.RawValue) string {
	return collection + "/mongo:" + IDText(id)
}

// IDText is an `_id` as canonical Extended JSON.
func IDText(v bson.RawValue) string {
	text, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: v}}, true, false)
	if err != nil { // no value that a server returned
		return v.String()
	}
	return string(text[len(`{"v":`) : len(text)-1])
}

// PutUnsynced stores records, each in place of the document's older one.
func (r Records) PutUnsynced(ctx context.Context, records []Unsynced) error {
	docs := make([]bson.Raw, len(records))
	for i, u := range records {
		doc := bson.D{{Key: "_id", Value: u.ID}, {Key: fieldCollection, Value: u.Collection}}
		if u.MongoID.Type != 0 {
			doc = append(doc, bson.E{Key: fieldMongoID, Value: u.MongoID})
		}
		if !u.DittoID.IsZero() {
			doc = append(doc, bson.E{Key: "dittoId", Value: string(u.DittoID)})
		}
		doc = append(doc, bson.E{Key: "reason", Value: u.Reason}, bson.E{Key: "message", Value: u.Message}, bson.E{Key: "mend", Value: u.Mend})
		raw, err := bson.Marshal(doc)
		if err != nil {
			return fmt.Errorf("write unsynced records: %w", err)
		}
		docs[i] = raw
	}
	if err := r.put(ctx, UnsyncedCollection, docs, bson.D{{Key: fieldAt, Value: "$$NOW"}}); err != nil {
		return fmt.Errorf("write unsynced records: %w", err)
	}
	return nil
}

// DeleteUnsynced removes the records of documents that are synced again.
func (r Records) DeleteUnsynced(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: toArray(ids)}}}}
	result, err := r.DB.Write(ctx, UnsyncedCollection, []mongodb.Model{{Filter: filter}})
	if err == nil && len(result.Errors) > 0 {
		err = result.Errors[0]
	}
	if err != nil {
		return fmt.Errorf("delete unsynced records: %w", err)
	}
	return nil
}

// ListUnsynced reads the records of the given collections, or of all, oldest
// first. Records that the connector left, in a form of its own, are listed
// with the id alone.
func (r Records) ListUnsynced(ctx context.Context, collections ...string) ([]Unsynced, error) {
	out, err := list(ctx, r.DB, UnsyncedCollection, collections, decodeUnsynced, func(u Unsynced) time.Time { return u.At })
	if err != nil {
		return nil, fmt.Errorf("list unsynced records: %w", err)
	}
	return out, nil
}

func decodeUnsynced(doc bson.Raw) (Unsynced, error) {
	text := func(key string) string {
		s, _ := doc.Lookup(key).StringValueOK()
		return s
	}
	u := Unsynced{
		ID: text("_id"), Collection: text(fieldCollection), MongoID: doc.Lookup(fieldMongoID), DittoID: docid.ID(text("dittoId")),
		Reason: text("reason"), Message: text("message"), Mend: text("mend"), At: stamp(doc, fieldAt),
	}
	if u.ID == "" {
		u.ID = IDText(doc.Lookup("_id"))
	}
	return u, nil
}

func stamp(doc bson.Raw, key string) time.Time {
	ms, ok := doc.Lookup(key).DateTimeOK()
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
