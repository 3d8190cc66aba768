package preflight

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/manifest"
)

// scanTimeout bounds the search for documents without a mapped field.
const scanTimeout = 5 * time.Second

func (r *run) lookAtCollection(ctx context.Context, c *manifest.Collection, specs []mongo.CollectionSpecification) {
	problem := func(code Code, what, mend string) { r.add(MongoDB, Problem, code, what, mend) }
	warn := func(code Code, what, mend string) { r.add(MongoDB, Warning, code, what, mend) }
	i := slices.IndexFunc(specs, func(s mongo.CollectionSpecification) bool { return s.Name == c.Name })
	if i < 0 {
		problem(NoCollection, "Collection "+c.Name+" not found", "create it, or correct its name in the manifest")
		return
	}
	kind, o := specs[i].Type, specs[i].Options
	if _, ok := o.Lookup("timeseries").DocumentOK(); ok {
		kind = "timeseries" // which not every server says
	}
	if kind == "view" || kind == "timeseries" {
		problem(NotACollection, "Collection "+c.Name+" cannot be a "+kind, "use an ordinary collection")
		return
	}
	before := len(r.findings)
	if capped, _ := o.Lookup("capped").BooleanOK(); capped {
		problem(Capped, "Collection "+c.Name+" cannot be a capped collection", "use an ordinary collection")
	}
	r.lookAtRights(ctx, c)
	if len(r.findings) == before {
		r.ok(MongoDB, "collection %s", c.Name)
	}
	if images, _ := o.Lookup("changeStreamPreAndPostImages", "enabled").BooleanOK(); !images {
		r.add(MongoDB, Note, NoImages, fmt.Sprintf("the connector would refuse to start: %q. Causeway does not need them",
			"Collection "+c.Name+" must be configured with changeStreamPreAndPostImages enabled"), "")
	}
	if _, ok := o.Lookup("collation").DocumentOK(); ok {
		warn(Collation, "collection "+c.Name+" has a collation of its own: looking up a text id reads the whole collection",
			"nothing, if it is small or its ids are no texts; else use a collection without a collation")
	}
	if !c.OneToOne() {
		r.lookAtFields(ctx, c)
	}
}

// lookAtRights reads a document, and asks for writes that match none.
func (r *run) lookAtRights(ctx context.Context, c *manifest.Collection) {
	coll := r.client.Driver().Collection(c.Name)
	err := coll.FindOne(ctx, bson.D{}, options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Err()
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		r.add(MongoDB, Problem, MongoForbidden, r.client.Redact("read "+c.Name, err).Error(), readWrite)
		return
	}
	if c.Direction == manifest.MongoToDitto {
		return
	}
	if err := r.writeNothing(ctx, c.Name); err != nil {
		r.add(MongoDB, Problem, MongoForbidden, err.Error(), readWrite)
	}
}

// nobody is the id of no document.
const nobody = "__causeway_preflight"

// writeNothing asks for an update and a delete that match no document.
func (r *run) writeNothing(ctx context.Context, collection string) error {
	none := bson.D{{Key: "_id", Value: nobody}}
	_, err := r.client.Driver().Collection(collection).BulkWrite(ctx, []mongo.WriteModel{
		mongo.NewUpdateOneModel().SetFilter(none).SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "at", Value: 0}}}}),
		mongo.NewDeleteOneModel().SetFilter(none),
	})
	return r.client.Redact("write "+collection, err)
}

// lookAtFields looks at what mapped fields need besides.
func (r *run) lookAtFields(ctx context.Context, c *manifest.Collection) {
	coll, fields := r.client.Driver().Collection(c.Name), strings.Join(c.Fields, ", ")
	indexes, err := coll.Indexes().ListSpecifications(ctx)
	switch {
	case err != nil:
		r.add(MongoDB, Problem, MongoForbidden, r.client.Redact("list indexes of "+c.Name, err).Error(), readWrite)
	case !hasUniqueIndex(indexes, c.Fields):
		r.add(MongoDB, Warning, NoIndex, "collection "+c.Name+" has no unique index on "+fields+
			": each change reads the whole collection, and two documents may claim one Ditto id",
			fmt.Sprintf("db.getCollection(%q).createIndex({%s: 1}, {unique: true})", c.Name, strings.Join(c.Fields, ": 1, ")))
	}
	switch id, err := lacksField(ctx, coll, c.Fields); {
	case errors.Is(err, mongo.ErrNoDocuments):
	case err != nil:
		r.add(MongoDB, Skipped, NotLooked, "whether each document of "+c.Name+" has "+fields+" was not looked at: "+
			r.client.Redact("find", err).Error(), "")
	default:
		r.add(MongoDB, Warning, FieldMissing, "collection "+c.Name+" has documents without "+strings.Join(c.Fields, " or ")+
			", such as _id "+id+": they are not synced", "give them the field, with a value that does not change")
	}
}

// hasUniqueIndex reports whether an index has just these fields, in any order.
func hasUniqueIndex(indexes []mongo.IndexSpecification, fields []string) bool {
	return slices.ContainsFunc(indexes, func(index mongo.IndexSpecification) bool {
		elements, err := index.KeysDocument.Elements()
		return err == nil && index.Unique != nil && *index.Unique && len(elements) == len(fields) &&
			!slices.ContainsFunc(elements, func(e bson.RawElement) bool { return !slices.Contains(fields, e.Key()) })
	})
}

// lacksField finds a document without one of the mapped fields, else
// mongo.ErrNoDocuments.
func lacksField(ctx context.Context, coll *mongo.Collection, fields []string) (id string, _ error) {
	var missing bson.A
	for _, f := range fields {
		missing = append(missing, bson.D{{Key: f, Value: nil}})
	}
	ctx, cancel := context.WithTimeout(ctx, scanTimeout)
	defer cancel()
	raw, err := coll.FindOne(ctx, bson.D{{Key: "$or", Value: missing}},
		options.FindOne().SetProjection(bson.D{{Key: "_id", Value: 1}})).Raw()
	if err != nil {
		return "", err
	}
	return raw.Lookup("_id").String(), nil
}
