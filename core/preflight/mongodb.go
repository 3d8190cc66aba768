package preflight

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/mongodb"
)

// The connector's words. Whoever has seen them searches for them.
const (
	invalidString    = "Connection string provided is invalid."
	failedToConnect  = "Failed to connect to MongoDB"
	failedDatabases  = "Failed to list database names"
	failedCollection = "Failed to list collections"
)

const readWrite = "give the user the role readWrite on the database (Database Access in Atlas)"

// lookAtMongoDB looks at the database as the connector does when it starts.
func (r *run) lookAtMongoDB(ctx context.Context) {
	switch {
	case r.ConnectionString == nil:
		r.add(MongoDB, Skipped, NotLooked, "not looked at", "")
		return
	case r.noMongo:
		return
	}
	if !r.connect(ctx) {
		return
	}
	db, name := r.client.Driver(), r.Manifest.Database
	names, err := db.Client().ListDatabaseNames(ctx, bson.D{{Key: "name", Value: name}})
	if err != nil {
		r.add(MongoDB, Problem, ListDatabases, failedDatabases+": "+r.client.Redact("list databases", err).Error(), readWrite)
	} else if !slices.Contains(names, name) {
		r.add(MongoDB, Problem, NoDatabase, "Database "+name+" not found", "create it, or correct `database` in the manifest")
		return
	}
	specs, err := db.ListCollectionSpecifications(ctx, bson.D{})
	if err != nil {
		r.add(MongoDB, Problem, ListCollections, failedCollection+": "+r.client.Redact("list collections", err).Error(), readWrite)
		return
	}
	r.lookAtChangeStreams(ctx)
	r.lookAtOwn(ctx, specs)
	for i := range r.Manifest.Collections {
		r.lookAtCollection(ctx, &r.Manifest.Collections[i], specs)
	}
}

// connect reaches MongoDB, reading the secret again if it refuses the user.
func (r *run) connect(ctx context.Context) bool {
	r.connection = mongodb.NewReconnecting(r.Manifest.Database, r.ConnectionString)
	var at, until time.Time
	var hello bson.Raw
	var answered *mongodb.Client
	err := r.connection.Do(ctx, func(c *mongodb.Client) (err error) {
		answered, at = c, r.Now()
		hello, err = c.Driver().RunCommand(ctx, bson.D{{Key: "hello", Value: 1}}).Raw()
		until = r.Now()
		return c.Redact("hello", err)
	})
	if err == nil {
		r.client = answered
		r.ok(MongoDB, "the server answers")
		if t, ok := hello.Lookup("localTime").TimeOK(); ok {
			r.compareClocks("MongoDB", t, t.Add(time.Millisecond), at, until)
		}
		return true
	}
	var failure *mongodb.Error
	if !errors.As(err, &failure) { // the secret, which could be read a moment ago
		r.badSecret(ConnectionSecret, "connection string", err)
		return false
	}
	switch {
	case mongodb.IsMisconfigured(err):
		r.add(MongoDB, Problem, ConnectionString, invalidString+" "+failure.Reason(),
			"correct it: mongodb://user:password@host:port/… or mongodb+srv://…, with special characters of the password percent-encoded")
	case mongodb.IsAuth(err):
		r.add(MongoDB, Problem, MongoUnauthorized, failedToConnect+": "+failure.Reason(),
			"store a connection string whose user exists, with the password and authSource that are right (Database Access in Atlas)")
	default:
		r.add(MongoDB, Problem, MongoUnavailable, failedToConnect+": "+failure.Reason(), r.reach())
	}
	return false
}

// reach says how to let the functions in.
func (r *run) reach() string {
	const host = "check the host, and that the cluster runs and is not paused"
	if !r.Deployed || r.Manifest.Deployment == nil {
		return host + ", and that Atlas lets this address in (Network Access)"
	}
	switch r.Manifest.Deployment.Network {
	case "nat":
		return host + "; allow the NAT gateway's address in Atlas's Network Access"
	case "privatelink":
		return host + "; the connection string must be that of the private endpoint"
	}
	return "the functions have no fixed address: allow 0.0.0.0/0 in Atlas's Network Access, or choose network: nat or privatelink; " + host
}

// lookAtChangeStreams: Atlas triggers need what only replica sets have. They
// do not need the user's right to it.
func (r *run) lookAtChangeStreams(ctx context.Context) {
	stream, err := r.client.Driver().Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetMaxAwaitTime(time.Millisecond))
	if err == nil {
		_ = stream.Close(ctx)
		return
	}
	err = r.client.Redact("watch", err)
	if mongodb.IsAuth(err) {
		r.add(MongoDB, Warning, ChangeStreams, "change streams were not looked at: "+err.Error(), readWrite)
		return
	}
	r.add(MongoDB, Problem, ChangeStreams, "no change streams: "+err.Error(), "use a replica set or a sharded cluster: Atlas triggers need one")
}
