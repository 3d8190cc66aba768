package ledger

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
)

// DefaultConflictTTL is how long a conflict record is kept.
const DefaultConflictTTL = 90 * 24 * time.Hour

// Records writes what a person may have to look at: documents that could not
// be synced, and values that lost a conflict (invariant 1).
type Records struct {
	DB mongodb.Database
	// ConflictTTL is DefaultConflictTTL when zero.
	ConflictTTL time.Duration
}

// put stores docs by their `_id`, each in place of an older one. times are set
// by the database's clock.
func (r Records) put(ctx context.Context, collection string, docs []bson.Raw, times bson.D) error {
	if len(docs) == 0 {
		return nil
	}
	models := make([]mongodb.Model, len(docs))
	for i, doc := range docs {
		models[i] = mongodb.Model{
			Filter: bson.D{{Key: "_id", Value: doc.Lookup("_id")}},
			Update: bson.A{
				bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "$literal", Value: doc}}}},
				bson.D{{Key: "$set", Value: times}},
			},
			Upsert: true,
		}
	}
	result, err := r.DB.Write(ctx, collection, models)
	if err != nil {
		return err
	}
	for _, e := range result.Errors {
		if !mongodb.IsDuplicateID(e) { // another handler put the same one just now
			return e
		}
	}
	return nil
}

// list reads all records of the given MongoDB collections, or of all, oldest
// first.
func list[T any](ctx context.Context, db mongodb.Database, from string, collections []string, decode func(bson.Raw) (T, error), at func(T) time.Time) ([]T, error) {
	filter := bson.D{}
	if len(collections) > 0 {
		filter = bson.D{{Key: fieldCollection, Value: bson.D{{Key: "$in", Value: toArray(collections)}}}}
	}
	docs, err := db.Find(ctx, from, filter, nil)
	if err != nil {
		return nil, err
	}
	out := make([]T, 0, len(docs))
	for _, doc := range docs {
		v, err := decode(doc)
		if err != nil {
			return nil, fmt.Errorf("record %s: %w", doc.Lookup("_id"), err)
		}
		out = append(out, v)
	}
	slices.SortStableFunc(out, func(a, b T) int { return at(a).Compare(at(b)) })
	return out, nil
}

func toArray(texts []string) bson.A {
	a := make(bson.A, len(texts))
	for i, t := range texts {
		a[i] = t
	}
	return a
}
