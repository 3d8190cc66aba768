package ledger

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// ConflictCollection keeps the values that lost, for a while.
const ConflictCollection = "__causeway_conflicts"

// Conflict is a value that was overwritten, or is about to be. Stored as
//
//	{_id, collection, dittoId, mongoId?, rev, path, segments, side, value | json, rule, at, expires, settled?}
//
// `_id` is made of pair, revision, side and path, so that storing a record
// twice leaves one. path is for people, segments is exact.
type Conflict struct {
	Key     Key
	MongoID bson.RawValue // zero if unknown
	Rev     int64         // the ledger revision of the claim it was recorded under
	Path    value.Path    // of the unit; empty for the whole document
	Side    value.Side    // whose value lost
	Value   bson.RawValue // the value, when MongoDB's lost; zero for a removal
	JSON    string        // the value as JSON, when Ditto's lost; empty for a removal
	Rule    string        // what decided: "mongo", "ditto", "carried", "delete", …
	At      time.Time     // by the database's clock; set when it is stored
	Expires time.Time     // likewise
	Settled time.Time     // when a person was done with it; zero if it needs one
}

// ID is the record's `_id`.
func (c *Conflict) ID() string {
	return c.Key.String() + "#" + strconv.FormatInt(c.Rev, 10) + "#" + string(c.Side) + "#" + c.Path.String()
}

// PutConflicts stores records.
func (r Records) PutConflicts(ctx context.Context, records []Conflict) error {
	docs := make([]bson.Raw, len(records))
	for i := range records {
		raw, err := bson.Marshal(encodeConflict(&records[i]))
		if err != nil {
			return fmt.Errorf("write conflict records: %w", err)
		}
		docs[i] = raw
	}
	ttl := r.ConflictTTL
	if ttl == 0 {
		ttl = DefaultConflictTTL
	}
	times := bson.D{{Key: fieldAt, Value: "$$NOW"}, {Key: fieldExpires, Value: FromNow(ttl)}}
	if err := r.put(ctx, ConflictCollection, docs, times); err != nil {
		return fmt.Errorf("write conflict records: %w", err)
	}
	return nil
}

// SettleConflicts notes that a person is done with these records: the value was
// taken after all, or is not wanted. They are kept until they expire.
func (r Records) SettleConflicts(ctx context.Context, ids ...string) error {
	models := make([]mongodb.Model, len(ids))
	for i, id := range ids {
		models[i] = mongodb.Model{
			Filter: bson.D{{Key: "_id", Value: id}, {Key: fieldSettled, Value: bson.D{{Key: "$exists", Value: false}}}},
			Update: bson.A{bson.D{{Key: "$set", Value: bson.D{{Key: fieldSettled, Value: "$$NOW"}}}}},
		}
	}
	result, err := r.DB.Write(ctx, ConflictCollection, models)
	if err == nil && len(result.Errors) > 0 {
		err = result.Errors[0]
	}
	if err != nil {
		return fmt.Errorf("settle conflict records: %w", err)
	}
	return nil
}

func encodeConflict(c *Conflict) bson.D {
	doc := bson.D{
		{Key: "_id", Value: c.ID()},
		{Key: fieldCollection, Value: c.Key.Collection},
		{Key: "dittoId", Value: string(c.Key.ID)},
	}
	if c.MongoID.Type != 0 {
		doc = append(doc, bson.E{Key: fieldMongoID, Value: c.MongoID})
	}
	doc = append(
		doc,
		bson.E{Key: fieldRev, Value: c.Rev},
		bson.E{Key: "path", Value: c.Path.String()},
		bson.E{Key: "segments", Value: toArray(c.Path.Segments())},
		bson.E{Key: "side", Value: string(c.Side)},
	)
	if c.Value.Type != 0 {
		doc = append(doc, bson.E{Key: "value", Value: c.Value})
	}
	if c.JSON != "" {
		doc = append(doc, bson.E{Key: "json", Value: c.JSON})
	}
	return append(doc, bson.E{Key: "rule", Value: c.Rule})
}

// ListConflicts reads the records of the given collections, or of all, oldest
// first.
func (r Records) ListConflicts(ctx context.Context, collections ...string) ([]Conflict, error) {
	out, err := list(ctx, r.DB, ConflictCollection, collections, decodeConflict, func(c Conflict) time.Time { return c.At })
	if err != nil {
		return nil, fmt.Errorf("list conflict records: %w", err)
	}
	return out, nil
}

func decodeConflict(doc bson.Raw) (Conflict, error) {
	text := func(key string) string {
		s, _ := doc.Lookup(key).StringValueOK()
		return s
	}
	rev, ok := doc.Lookup(fieldRev).AsInt64OK()
	if !ok {
		return Conflict{}, errForm
	}
	c := Conflict{
		Key:     Key{Collection: text(fieldCollection), ID: docid.ID(text("dittoId"))},
		MongoID: doc.Lookup(fieldMongoID),
		Rev:     rev, Side: value.Side(text("side")), Value: doc.Lookup("value"), JSON: text("json"),
		Rule: text("rule"), At: stamp(doc, fieldAt), Expires: stamp(doc, fieldExpires), Settled: stamp(doc, fieldSettled),
	}
	segments, _ := doc.Lookup("segments").ArrayOK()
	values, err := segments.Values()
	if segments == nil || err != nil {
		return Conflict{}, errForm
	}
	for _, v := range values {
		name, ok := v.StringValueOK()
		if !ok {
			return Conflict{}, errForm
		}
		c.Path = c.Path.Child(name)
	}
	return c, nil
}
