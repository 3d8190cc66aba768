package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// checkMongoDB looks at the database as the connector does when it starts, and
// uses its words where both find the same.
func checkMongoDB(ctx context.Context, uri string, m *manifest.Manifest) []finding {
	problem := func(what, mend string) []finding { return []finding{{"mongodb", statusProblem, what, mend}} }
	client, err := mongodb.Connect(uri, m.Database)
	if err != nil {
		return problem("Connection string provided is invalid: "+err.Error(),
			"correct it: mongodb://user:password@host:port/… or mongodb+srv://…, with special characters of the password percent-encoded")
	}
	defer client.Close(context.WithoutCancel(ctx))
	db := client.Driver()
	if err := db.Client().Ping(ctx, nil); err != nil {
		return problem("Failed to connect to MongoDB: "+client.Redact("ping", err).Error(),
			"check the host, the user and its password, and that Atlas lets this address in (Network Access)")
	}
	names, err := db.Client().ListDatabaseNames(ctx, bson.D{{Key: "name", Value: m.Database}})
	if err != nil {
		return problem("Failed to list database names: "+client.Redact("list databases", err).Error(), "give the user the role readWrite on "+m.Database)
	}
	if !slices.Contains(names, m.Database) {
		return problem("Database "+m.Database+" not found", "create it, or correct `database` in the manifest")
	}
	specs, err := db.ListCollectionSpecifications(ctx, bson.D{})
	if err != nil {
		return problem("Failed to list collections: "+client.Redact("list collections", err).Error(), "give the user the role readWrite on "+m.Database)
	}
	findings := checkChangeStreams(ctx, client)
	for i := range m.Collections {
		found, broken := checkCollection(ctx, client, &m.Collections[i], specs)
		findings = append(findings, found...)
		if !broken {
			findings = append(findings, finding{"mongodb", statusOK, "collection " + m.Collections[i].Name, ""})
		}
	}
	return findings
}

// checkChangeStreams: Atlas triggers need what only replica sets have.
func checkChangeStreams(ctx context.Context, client *mongodb.Client) []finding {
	stream, err := client.Driver().Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetMaxAwaitTime(time.Millisecond))
	if err != nil {
		return []finding{{
			"mongodb", statusProblem, "no change streams: " + client.Redact("watch", err).Error(),
			"use a replica set or a sharded cluster, and a user that may read the database",
		}}
	}
	_ = stream.Close(ctx)
	return nil
}

func checkCollection(ctx context.Context, client *mongodb.Client, c *manifest.Collection, specs []mongo.CollectionSpecification) (findings []finding, broken bool) {
	add := func(status, what, mend string) {
		findings = append(findings, finding{"mongodb", status, what, mend})
		broken = broken || status == statusProblem
	}
	i := slices.IndexFunc(specs, func(s mongo.CollectionSpecification) bool { return s.Name == c.Name })
	switch {
	case i < 0:
		add(statusProblem, "Collection "+c.Name+" not found", "create it, or correct its name in the manifest")
		return findings, true
	case specs[i].Type == "view" || specs[i].Type == "timeseries":
		add(statusProblem, "Collection "+c.Name+" cannot be a "+specs[i].Type, "use an ordinary collection")
		return findings, true
	}
	if capped, _ := specs[i].Options.Lookup("capped").BooleanOK(); capped {
		add(statusProblem, "Collection "+c.Name+" cannot be a capped collection", "use an ordinary collection")
	}
	if _, ok := specs[i].Options.Lookup("collation").DocumentOK(); ok {
		add(statusWarning, "collection "+c.Name+" has a collation of its own: looking up a text id reads the whole collection", "")
	}
	if c.OneToOne() {
		return findings, broken
	}
	coll := client.Driver().Collection(c.Name)
	indexes, err := coll.Indexes().ListSpecifications(ctx)
	if err != nil {
		add(statusProblem, client.Redact("list indexes of "+c.Name, err).Error(), "give the user the role readWrite")
	} else if !hasUniqueIndex(indexes, c.Fields) {
		keys := strings.Join(c.Fields, ": 1, ") + ": 1"
		add(statusWarning, "collection "+c.Name+" has no unique index on "+strings.Join(c.Fields, ", ")+
			": each change reads the whole collection, and two documents may claim one Ditto id",
			fmt.Sprintf("db.getCollection(%q).createIndex({%s}, {unique: true})", c.Name, keys))
	}
	if id, ok := lacksField(ctx, coll, c.Fields); ok {
		add(statusWarning, fmt.Sprintf("collection %s has documents without %s, such as _id %s: they are not synced",
			c.Name, strings.Join(c.Fields, " or "), id), "give them the field, with a value that does not change")
	}
	return findings, broken
}

func hasUniqueIndex(indexes []mongo.IndexSpecification, fields []string) bool {
	for _, index := range indexes {
		elements, err := index.KeysDocument.Elements()
		if err != nil || index.Unique == nil || !*index.Unique || len(elements) != len(fields) {
			continue
		}
		if !slices.ContainsFunc(elements, func(e bson.RawElement) bool { return !slices.Contains(fields, e.Key()) }) {
			return true
		}
	}
	return false
}

// lacksField finds a document without one of the mapped fields.
func lacksField(ctx context.Context, coll *mongo.Collection, fields []string) (id string, found bool) {
	var missing bson.A
	for _, f := range fields {
		missing = append(missing, bson.D{{Key: f, Value: nil}})
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	raw, err := coll.FindOne(ctx, bson.D{{Key: "$or", Value: missing}},
		options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Raw()
	if err != nil {
		return "", false // none, or too large to look through
	}
	return raw.Lookup("_id").String(), true
}
