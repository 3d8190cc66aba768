package mongosim_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/value"
)

// rule is one of MongoDB's that SecantusDB departs from.
type rule struct {
	name string
	doc  bson.D // stored beforehand, by which id "a" is meant
	run  func(ctx context.Context, db mongodb.Database, collection string) string
	want string // MongoDB's answer, and the simulation's
	// secantus is SecantusDB's. Should it ever answer as MongoDB does, the rule
	// goes out of this table, docs/stores.md and the differences.
	secantus string
}

// TestRules shows each difference that docs/stores.md lists: the simulation
// follows MongoDB's documented rules, and so does a mongod.
func TestRules(t *testing.T) {
	db := serverDB(t)
	secantus := isSecantus(t, db)
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for name, on := range map[string]mongodb.Database{"simulation": mongosim.New(time.Now), "server": db} {
				if r.doc != nil {
					if a, err := on.Write(t.Context(), r.name, []mongodb.Model{{Insert: marshal(r.doc)}}); err != nil || a.Inserted != 1 {
						t.Fatalf("%s: %+v, %v", name, a, err)
					}
				}
				want := r.want
				if name == "server" && secantus {
					want = r.secantus
				}
				if got := r.run(t.Context(), on, r.name); got != want {
					t.Errorf("%s answers %s, want %s", name, got, want)
				}
			}
		})
	}
	for _, d := range differences {
		if !slices.ContainsFunc(rules, func(r rule) bool { return strings.HasPrefix(r.name, d.name) }) {
			t.Errorf("no rule shows %s", d.name)
		}
	}
}

// inserting stores a document and shows it.
func inserting(doc bson.D) func(context.Context, mongodb.Database, string) string {
	return func(ctx context.Context, db mongodb.Database, collection string) string {
		return answerOf(db.Write(ctx, collection, []mongodb.Model{{Insert: marshal(doc)}})) + contents(ctx, db, collection)
	}
}

// updating sets n to 1 in the document, on condition that read is what is there.
func updating(read bson.D, fields ...string) func(context.Context, mongodb.Database, string) string {
	return func(ctx context.Context, db mongodb.Database, collection string) string {
		doc := marshal(read)
		c := mongodb.Change{ID: doc.Lookup("_id"), Doc: doc, Ops: []mongodb.Op{{Path: value.PathOf("n"), New: idOf(int32(1))}}}
		for _, f := range fields {
			c.Ops = append(c.Ops, mongodb.Op{Path: value.PathOf(f), Old: doc.Lookup(f), New: doc.Lookup(f)})
		}
		seen := &counter{Database: db}
		_, _, err := mongodb.Store{DB: seen}.Write(ctx, collection, []mongodb.Change{c})
		return answerOf(seen.result, err)
	}
}

// modelling runs a model.
func modelling(m mongodb.Model) func(context.Context, mongodb.Database, string) string {
	return func(ctx context.Context, db mongodb.Database, collection string) string {
		return answerOf(db.Write(ctx, collection, []mongodb.Model{m}))
	}
}

// matching tells whether an expression is true of the document.
func matching(expr any) func(context.Context, mongodb.Database, string) string {
	return func(ctx context.Context, db mongodb.Database, collection string) string {
		docs, err := db.Find(ctx, collection, d("$expr", expr), nil)
		if err != nil {
			return "refused"
		}
		return fmt.Sprint(len(docs) > 0)
	}
}

func answerOf(r mongodb.BulkResult, err error) string {
	switch {
	case err != nil:
		return "refused"
	case len(r.Errors) > 0:
		return fmt.Sprint("error ", r.Errors[0].Code, " ", r.Errors[0].KeyIndex)
	}
	return fmt.Sprintf("%d written ", r.Inserted+r.Modified+r.Deleted)
}

func contents(ctx context.Context, db mongodb.Database, collection string) string {
	docs, err := db.Find(ctx, collection, bson.D{}, nil)
	if err != nil {
		return "refused"
	}
	var out []string
	for _, doc := range docs {
		out = append(out, text(doc))
	}
	return strings.Join(out, " ")
}

// bothIndexes upserts a document whose `_id` and whose u exist already.
func bothIndexes(ctx context.Context, db mongodb.Database, collection string) string {
	index := []mongodb.Index{{Name: "u", Keys: []string{"u"}, Unique: true}}
	if err := db.(ledger.Indexer).CreateIndexes(ctx, collection, index); err != nil {
		return err.Error()
	}
	doc := marshal(bson.D{{Key: "_id", Value: "a"}, {Key: "u", Value: 1}})
	if r, err := db.Write(ctx, collection, []mongodb.Model{{Insert: doc}}); err != nil || r.Inserted != 1 {
		return answerOf(r, err)
	}
	filter := bson.D{{Key: "_id", Value: "a"}, {Key: "u", Value: 2}}
	return answerOf(db.Write(ctx, collection, []mongodb.Model{{Filter: filter, Update: bson.A{d("$set", d("u", 1))}, Upsert: true}}))
}

func a(v any) bson.D { return bson.D{{Key: "_id", Value: "a"}, {Key: "v", Value: v}} }

func getField(name string, input any) bson.D {
	return d("$getField", bson.D{{Key: "field", Value: name}, {Key: "input", Value: input}})
}

var rules = []rule{
	{"DeprecatedTypesSymbol", nil, inserting(a(bson.Symbol("s"))), `1 written {"_id":"a","v":{"$symbol":"s"}}`, `1 written {"_id":"a","v":"s"}`},
	{"DeprecatedTypesUndefined", nil, inserting(a(bson.Undefined{})), `1 written {"_id":"a","v":{"$undefined":true}}`, `1 written {"_id":"a","v":null}`},
	{
		"DeprecatedTypesDBPointer", nil, inserting(a(bson.DBPointer{DB: "d", Pointer: bson.ObjectID{1}})),
		`1 written {"_id":"a","v":{"$dbPointer":{"$ref":"d","$id":{"$oid":"010000000000000000000000"}}}}`,
		`1 written {"_id":"a","v":{"$ref":"d","$id":{"$oid":"010000000000000000000000"}}}`,
	},
	{"NaNAsID", bson.D{{Key: "_id", Value: math.NaN()}}, updating(bson.D{{Key: "_id", Value: math.NaN()}}), "1 written ", "error 66 "},
	{"NaNInContainer", a(bson.A{math.NaN()}), updating(a(bson.A{math.NaN()}), "v"), "1 written ", "0 written "},
	{"KeyOrder", a(bson.D{{Key: "x", Value: 1}, {Key: "y", Value: 2}}), updating(a(bson.D{{Key: "y", Value: 2}, {Key: "x", Value: 1}}), "v"), "0 written ", "1 written "},
	{"DecimalInContainer", a(bson.A{decimal("1.00")}), updating(a(bson.A{decimal("1.000")}), "v"), "1 written ", "0 written "},
	{"FieldOfArray", a(bson.A{1}), matching(d("$eq", bson.A{d("$type", "$v.q"), "array"})), "true", "false"},
	{"FieldOfScalar", a(1), matching(d("$eq", bson.A{d("$type", getField("q", "$v")), "missing"})), "true", "false"},
	{"FieldNotFound", a(bson.D{}), matching(d("$eq", bson.A{d("$type", getField("q", "$v")), "missing"})), "true", "false"},
	{"DollarNameInSet", a(1), modelling(mongodb.Model{Filter: d("_id", "a"), Update: bson.A{d("$set", d("$k", 1))}}), "refused", "1 written "},
	{"ArrayAsID", nil, inserting(bson.D{{Key: "_id", Value: bson.A{1}}}), "error 53 ", `1 written {"_id":[{"$numberInt":"1"}]}`},
	{"RegexAsID", nil, inserting(bson.D{{Key: "_id", Value: bson.Regex{Pattern: "a"}}}), "error 53 ", `1 written {"_id":{"$regularExpression":{"pattern":"a","options":""}}}`},
	{"UndefinedAsID", nil, inserting(bson.D{{Key: "_id", Value: bson.Undefined{}}}), "error 53 ", `1 written {"_id":null}`},
	{"DollarNameInID", nil, inserting(bson.D{{Key: "_id", Value: d("$x", 1)}}), "error 52 ", "error 2 "},
	{"WhichIndex", nil, bothIndexes, "error 11000 _id_", "error 11000 u"},
}
