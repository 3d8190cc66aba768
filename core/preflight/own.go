package preflight

import (
	"context"
	"errors"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
)

// own are Causeway's collections in the synced database.
var own = []string{ledger.Collection, ledger.ConflictCollection, ledger.UnsyncedCollection, ledger.RunsCollection, change.Canary}

// Own lists Causeway's own collections.
func Own() []string { return slices.Clone(own) }

// lookAtOwn makes Causeway's own collections, if it may, and tries the rights
// to write them.
func (r *run) lookAtOwn(ctx context.Context, specs []mongo.CollectionSpecification) {
	bad := 0
	for _, name := range own {
		there := slices.ContainsFunc(specs, func(s mongo.CollectionSpecification) bool { return s.Name == name })
		if err := r.lookAtOwnOne(ctx, name, there); err != nil {
			bad++
			r.add(MongoDB, Problem, CannotCreate, "Collection "+name+" cannot be created: "+err.Error(), readWrite)
		}
	}
	if bad == 0 && r.Note {
		if err := ledger.CreateIndexes(ctx, r.client); err != nil {
			r.add(MongoDB, Problem, CannotCreate, "Collection "+ledger.Collection+" cannot be created: "+err.Error(), readWrite)
		}
	}
}

func (r *run) lookAtOwnOne(ctx context.Context, name string, there bool) error {
	db := r.client.Driver()
	if r.Note && !there {
		if err := db.CreateCollection(ctx, name); err != nil && !exists(err) {
			return r.client.Redact("create", err)
		}
	}
	if err := r.writeNothing(ctx, name); err != nil {
		return err
	}
	if !r.Note || name != ledger.RunsCollection {
		return nil
	}
	// The only collection of which nobody reads what they do not know.
	probe := bson.D{{Key: "_id", Value: nobody}}
	_, err := db.Collection(name).BulkWrite(ctx, []mongo.WriteModel{
		mongo.NewReplaceOneModel().SetFilter(probe).SetReplacement(bson.D{}).SetUpsert(true),
		mongo.NewDeleteOneModel().SetFilter(probe),
	}, options.BulkWrite().SetOrdered(true))
	return r.client.Redact("write", err)
}

// exists reports that somebody else has just made the collection.
func exists(err error) bool {
	var e mongo.CommandError
	return errors.As(err, &e) && e.Code == 48
}
