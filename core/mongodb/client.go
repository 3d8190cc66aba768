package mongodb

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/mongo/readconcern"
	"go.mongodb.org/mongo-driver/v2/mongo/readpref"
	"go.mongodb.org/mongo-driver/v2/mongo/writeconcern"
	"golang.org/x/sync/errgroup"
)

// Client is a Database on a real server.
type Client struct {
	client     *mongo.Client
	db         *mongo.Database
	secrets    redactor
	collations sync.Map // collection name -> *options.Collation
}

// Option changes the driver's options after the connection string was read.
type Option func(*options.ClientOptions)

// Connect prepares a client. It contacts no database yet; of a mongodb+srv
// string it looks up the DNS records. Whatever the string says, reads come
// from the primary, reads and writes are majority, and the pool is small: an
// execution environment handles one batch at a time, and Atlas limits
// connections.
func Connect(uri, database string, opts ...Option) (*Client, error) {
	secrets := newRedactor(uri)
	o := options.Client().ApplyURI(uri).
		SetAppName("causeway").
		SetReadPreference(readpref.Primary()).
		SetReadConcern(readconcern.Majority()).
		SetWriteConcern(writeconcern.Majority()).
		SetRetryReads(true).
		SetRetryWrites(true).
		SetMinPoolSize(0).
		SetMaxPoolSize(5).
		SetMaxConnIdleTime(60 * time.Second).
		SetServerSelectionTimeout(5 * time.Second)
	for _, opt := range opts {
		opt(o)
	}
	client, err := mongo.Connect(o)
	if err != nil {
		e := wrap("connect", err, secrets)
		if e.class == other {
			e.class = misconfigured
		}
		e.message = secrets.cleanQuoted(e.message, uri)
		return nil, e
	}
	return &Client{client: client, db: client.Database(database), secrets: secrets}, nil
}

// Close ends the client's connections.
func (c *Client) Close(ctx context.Context) error {
	if err := c.client.Disconnect(ctx); err != nil {
		return wrap("disconnect", err, c.secrets)
	}
	return nil
}

// Driver is the driver's database, for what Database does not cover (checks,
// change streams). Errors from it are not redacted: see Redact.
func (c *Client) Driver() *mongo.Database { return c.db }

// Redact classes an error of Driver's and strips its text, as Client does
// with its own. Op says what was being done.
func (c *Client) Redact(op string, err error) error {
	if err == nil {
		return nil
	}
	return wrap(op, err, c.secrets)
}

// Find implements Database. A filter that is an $or of a few branches runs as
// one find per branch, at the same time: not every server uses an index for
// each branch of an $or.
func (c *Client) Find(ctx context.Context, collection string, filter, projection bson.D) ([]bson.Raw, error) {
	branches := branches(filter)
	if len(branches) == 1 {
		return c.find(ctx, collection, branches[0], projection)
	}
	found := make([][]bson.Raw, len(branches))
	group, ctx := errgroup.WithContext(ctx)
	for i, branch := range branches {
		group.Go(func() (err error) {
			found[i], err = c.find(ctx, collection, branch, projection)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return merge(found), nil
}

const maxBranches = 4

func branches(filter bson.D) []bson.D {
	if len(filter) != 1 || filter[0].Key != "$or" {
		return []bson.D{filter}
	}
	or, _ := filter[0].Value.(bson.A)
	if len(or) == 0 || len(or) > maxBranches {
		return []bson.D{filter}
	}
	out := make([]bson.D, len(or))
	for i := range or {
		branch, ok := or[i].(bson.D)
		if !ok {
			return []bson.D{filter}
		}
		out[i] = branch
	}
	return out
}

func (c *Client) find(ctx context.Context, collection string, filter, projection bson.D) ([]bson.Raw, error) {
	op := "find " + collection
	collation, err := c.collation(ctx, collection)
	if err != nil {
		return nil, err
	}
	if filter == nil {
		filter = bson.D{}
	}
	var cursor *mongo.Cursor
	if computes(projection) {
		// Some servers know $$NOW in a pipeline only.
		cursor, err = c.db.Collection(collection).Aggregate(ctx,
			bson.A{bson.D{{Key: "$match", Value: filter}}, bson.D{{Key: "$project", Value: projection}}},
			options.Aggregate().SetCollation(collation).SetBatchSize(batchSize))
	} else {
		o := options.Find().SetCollation(collation).SetBatchSize(batchSize)
		if projection != nil {
			o.SetProjection(projection)
		}
		cursor, err = c.db.Collection(collection).Find(ctx, filter, o)
	}
	return c.collect(ctx, op, cursor, err)
}

// A first batch of up to 16 MiB instead of 101 documents saves a round trip.
const batchSize = 10_000

func computes(projection bson.D) bool {
	for _, e := range projection {
		switch e.Value.(type) {
		case int, int32, int64, bool:
		default:
			return true
		}
	}
	return false
}

// Write implements Database.
func (c *Client) Write(ctx context.Context, collection string, models []Model) (BulkResult, error) {
	if len(models) == 0 {
		return BulkResult{}, nil
	}
	collation, err := c.collation(ctx, collection)
	if err != nil {
		return BulkResult{}, err
	}
	writes := make([]mongo.WriteModel, len(models))
	for i, m := range models {
		switch {
		case m.Insert != nil:
			writes[i] = mongo.NewInsertOneModel().SetDocument(m.Insert)
		case m.Update == nil:
			writes[i] = mongo.NewDeleteManyModel().SetFilter(m.Filter).SetCollation(collation)
		default:
			writes[i] = mongo.NewUpdateOneModel().SetFilter(m.Filter).SetUpdate(m.Update).SetUpsert(m.Upsert).SetCollation(collation)
		}
	}
	done, err := c.db.Collection(collection).BulkWrite(ctx, writes, options.BulkWrite().SetOrdered(false))
	var result BulkResult
	if done != nil {
		result = BulkResult{
			Inserted: done.InsertedCount, Matched: done.MatchedCount, Modified: done.ModifiedCount,
			Upserted: done.UpsertedCount, Deleted: done.DeletedCount,
		}
	}
	var bulk mongo.BulkWriteException
	switch {
	case err == nil:
	case errors.As(err, &bulk) && bulk.WriteConcernError == nil:
		for _, e := range bulk.WriteErrors { // of inserts first
			result.Errors = append(result.Errors, writeError(e.Index, e.Code, e.Message, e.Raw))
		}
		slices.SortFunc(result.Errors, func(a, b WriteError) int { return a.Index - b.Index })
	case errors.As(err, &bulk):
		// Applied here, but perhaps not for good: a majority has not confirmed.
		return result, &Error{
			Op: "write " + collection, Code: bulk.WriteConcernError.Code, class: unavailable,
			message: "write concern: " + serverMessage(bulk.WriteConcernError.Message),
		}
	default:
		return result, wrap("write "+collection, err, c.secrets)
	}
	return result, nil
}

// Now implements Database.
func (c *Client) Now(ctx context.Context) (time.Time, error) {
	var hello struct {
		LocalTime time.Time `bson:"localTime"`
	}
	err := c.db.RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}, options.RunCmd().SetReadPreference(readpref.Primary())).Decode(&hello)
	if err != nil {
		return time.Time{}, wrap("hello", err, c.secrets)
	}
	return hello.LocalTime, nil
}

// CreateIndexes creates the indexes that are not there yet.
func (c *Client) CreateIndexes(ctx context.Context, collection string, indexes []Index) error {
	models := make([]mongo.IndexModel, len(indexes))
	for i, x := range indexes {
		keys := bson.D{}
		for _, k := range x.Keys {
			keys = append(keys, bson.E{Key: k, Value: 1})
		}
		o := options.Index().SetName(x.Name)
		if x.Unique {
			o.SetUnique(true)
		}
		if x.Where != nil {
			o.SetPartialFilterExpression(x.Where)
		}
		if x.Expires {
			o.SetExpireAfterSeconds(0)
		}
		models[i] = mongo.IndexModel{Keys: keys, Options: o}
	}
	if _, err := c.db.Collection(collection).Indexes().CreateMany(ctx, models); err != nil {
		return wrap("create indexes of "+collection, err, c.secrets)
	}
	return nil
}

// collation is nil, except for a collection with a collation of its own: there
// comparisons would follow it ('abc' = 'ABC'), so they are made simple. It is
// not set elsewhere, since SecantusDB then scans the collection.
func (c *Client) collation(ctx context.Context, collection string) (*options.Collation, error) {
	if strings.HasPrefix(collection, "__") {
		return nil, nil // Causeway's own
	}
	if known, ok := c.collations.Load(collection); ok {
		return known.(*options.Collation), nil
	}
	specs, err := c.db.ListCollectionSpecifications(ctx, bson.D{{Key: "name", Value: collection}})
	if err != nil {
		return nil, wrap("describe "+collection, err, c.secrets)
	}
	var collation *options.Collation
	if len(specs) == 0 {
		return nil, nil
	}
	if _, err := specs[0].Options.LookupErr("collation"); err == nil {
		collation = &options.Collation{Locale: "simple"}
	}
	c.collations.Store(collection, collation)
	return collation, nil
}
