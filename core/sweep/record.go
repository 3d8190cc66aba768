package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// Collection is where runs keep their records, in the synced database:
//
//	<run>                     the run itself
//	<run>/<range>             how far a range got, and what was found in it
//	<run>/<range>#<position>  deletes that were listed there
//	collection/<name>         what was done with a collection so far
//	request/<name>            a repair that an event asked for
//
// What belongs to a run goes after 90 days.
const Collection = ledger.RunsCollection

const (
	fieldRev     = "rev"
	fieldExpires = "expires"
	recordTTL    = 90 * 24 * time.Hour
)

// records is the collection, as documents with a revision each.
type records struct{ db mongodb.Database }

// revised is a document of the collection.
type revised interface {
	id() string
	// revision is 0 until the document is stored.
	revision() *int64
}

// errMoved says that somebody else has written the document meanwhile.
var errMoved = errors.New("record was written by another worker meanwhile")

// CreateIndexes makes the indexes of the runs' records, where they are missing.
func CreateIndexes(ctx context.Context, db ledger.Indexer) error {
	if err := db.CreateIndexes(ctx, Collection, []mongodb.Index{
		{Name: "expires", Keys: []string{fieldExpires}, Expires: true},
		{Name: "byRun", Keys: []string{"run", "kind"}},
	}); err != nil {
		return fmt.Errorf("records of runs: %w", err)
	}
	return nil
}

// get reads a document into v, and reports whether there is one.
func (r records) get(ctx context.Context, id string, v any) (bool, error) {
	docs, err := r.db.Find(ctx, Collection, bson.D{{Key: "_id", Value: id}}, nil)
	if err != nil {
		return false, fmt.Errorf("read record %s: %w", id, err)
	}
	if len(docs) == 0 {
		return false, nil
	}
	if err := bson.Unmarshal(docs[0], v); err != nil {
		return false, fmt.Errorf("read record %s: %w", id, err)
	}
	return true, nil
}

// list reads the documents of one kind that belong to a run.
func list[T any](ctx context.Context, r records, run, kind string, more ...bson.E) ([]T, error) {
	docs, err := r.db.Find(ctx, Collection, append(bson.D{{Key: "run", Value: run}, {Key: "kind", Value: kind}}, more...), nil)
	if err != nil {
		return nil, fmt.Errorf("read records of %s: %w", run, err)
	}
	out := make([]T, len(docs))
	for i, doc := range docs {
		if err := bson.Unmarshal(doc, &out[i]); err != nil {
			return nil, fmt.Errorf("read record %s: %w", doc.Lookup("_id"), err)
		}
	}
	return out, nil
}

// put stores a document in place of the revision that it was read at; errMoved
// if that is not the current one. Times in now are set by the database's clock.
func (r records) put(ctx context.Context, v revised, now ...string) error {
	prev := *v.revision()
	*v.revision() = prev + 1
	doc, err := bson.Marshal(v)
	if err != nil {
		return fmt.Errorf("write record %s: %w", v.id(), err)
	}
	times := bson.D{}
	for _, field := range now {
		times = append(times, bson.E{Key: field, Value: "$$NOW"})
	}
	if doc := bson.Raw(doc); doc.Lookup("run").Type != 0 {
		times = append(times, bson.E{Key: fieldExpires, Value: ledger.FromNow(recordTTL)})
	}
	update := bson.A{bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "$literal", Value: bson.Raw(doc)}}}}}
	if len(times) > 0 {
		update = append(update, bson.D{{Key: "$set", Value: times}})
	}
	result, err := r.db.Write(ctx, Collection, []mongodb.Model{{
		Filter: bson.D{{Key: "_id", Value: v.id()}, {Key: fieldRev, Value: prev}}, Update: update, Upsert: prev == 0,
	}})
	switch {
	case err != nil:
	case len(result.Errors) > 0 && mongodb.IsDuplicateID(result.Errors[0]):
		err = errMoved
	case len(result.Errors) > 0:
		err = result.Errors[0]
	case result.Matched+result.Upserted == 0:
		err = errMoved
	}
	if err != nil {
		*v.revision() = prev
		return fmt.Errorf("write record %s: %w", v.id(), err)
	}
	return nil
}

func (r records) remove(ctx context.Context, id string, rev int64) error {
	_, err := r.db.Write(ctx, Collection, []mongodb.Model{{Filter: bson.D{{Key: "_id", Value: id}, {Key: fieldRev, Value: rev}}}})
	if err != nil {
		return fmt.Errorf("remove record %s: %w", id, err)
	}
	return nil
}
