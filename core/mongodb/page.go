package mongodb

import (
	"bytes"
	"context"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// Page returns the first n of the matching documents in the order of `_id`,
// with `_id` and the named fields only.
//
// The order is that of the collection's own collation, if it has one: the
// `_id` index follows it, and is unique by it, so that a page reads no more
// than itself and no two documents share a place. (Find compares simply.)
func (c *Client) Page(ctx context.Context, collection string, filter bson.D, n int, fields ...string) ([]bson.Raw, error) {
	cursor, err := c.db.Collection(collection).Find(ctx, filter, options.Find().
		SetSort(byID).SetLimit(int64(n)).SetBatchSize(batchSize).SetProjection(only(fields)))
	return c.collect(ctx, "page "+collection, cursor, err)
}

// Sample returns about n of the collection's documents, chosen at random and
// in the order of `_id`, with `_id` and the named fields only; some may be there
// twice. As long as n is below a twentieth of the collection, the server reads
// no more than those.
func (c *Client) Sample(ctx context.Context, collection string, n int, fields ...string) ([]bson.Raw, error) {
	cursor, err := c.db.Collection(collection).Aggregate(ctx, bson.A{
		bson.D{{Key: "$sample", Value: bson.D{{Key: "size", Value: n}}}},
		bson.D{{Key: "$project", Value: only(fields)}},
		bson.D{{Key: "$sort", Value: byID}},
	}, options.Aggregate().SetBatchSize(batchSize).SetAllowDiskUse(true))
	return c.collect(ctx, "sample "+collection, cursor, err)
}

// Count is about how many documents a collection has, from its metadata.
func (c *Client) Count(ctx context.Context, collection string) (int64, error) {
	n, err := c.db.Collection(collection).EstimatedDocumentCount(ctx)
	if err != nil {
		return 0, wrap("count "+collection, err, c.secrets)
	}
	return n, nil
}

var byID = bson.D{{Key: "_id", Value: 1}}

func only(fields []string) bson.D {
	p := bson.D{{Key: "_id", Value: 1}}
	for _, f := range fields {
		p = append(p, bson.E{Key: f, Value: 1})
	}
	return p
}

// collect reads a cursor to its end.
func (c *Client) collect(ctx context.Context, op string, cursor *mongo.Cursor, err error) ([]bson.Raw, error) {
	if err != nil {
		return nil, wrap(op, err, c.secrets)
	}
	defer cursor.Close(ctx)
	var out []bson.Raw
	for cursor.Next(ctx) {
		out = append(out, bytes.Clone(cursor.Current)) // the cursor reuses its buffer
	}
	if err := cursor.Err(); err != nil {
		return nil, wrap(op, err, c.secrets)
	}
	return out, nil
}
