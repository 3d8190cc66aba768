package mongosim_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
)

type (
	D = bson.D
	A = bson.A
	E = bson.E
)

func d(k string, v any) D { return D{{Key: k, Value: v}} }

func Example() {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	sim := mongosim.New(func() time.Time { return now })
	sim.OnWrite = func(collection string, old, new bson.Raw) { fmt.Println(collection, old, "->", new) }
	doc := marshal(D{{Key: "_id", Value: "t1"}, {Key: "done", Value: false}})
	if err := sim.Set("tasks", doc); err != nil {
		fmt.Println(err)
	}
	sim.Remove("tasks", doc.Lookup("_id"))
	// Output:
	// tasks  -> {"_id": "t1","done": false}
	// tasks {"_id": "t1","done": false} ->
}

// What the simulation does not interpret, it names.
func TestUnsupported(t *testing.T) {
	sim := mongosim.New(time.Now)
	if err := sim.Set("c", marshal(D{{Key: "_id", Value: 1}, {Key: "a", Value: A{1}}, {Key: "s", Value: "x"}})); err != nil {
		t.Fatal(err)
	}
	expr := func(x any) D { return d("$expr", x) }
	for want, filter := range map[string]D{
		"$where":        d("$where", "1"),
		"$nor":          d("$nor", A{D{}}),
		"$gt":           d("a", d("$gt", 1)),
		"$or":           d("$or", A{}),
		"regular":       d("a", bson.Regex{Pattern: "x"}),
		"$regex":        d("a", d("$regex", "x")),
		"$map":          expr(d("$map", D{})),
		"$$CLUSTER":     expr("$$CLUSTER"),
		"$a.":           expr("$a."),
		"$literal":      expr(d("$eq", A{A{1}, 1})),
		"$bsonSize":     expr(d("$bsonSize", "$s")),
		"$toString":     expr(d("$toString", "$a")),
		"$setField":     expr(d("$setField", D{{Key: "field", Value: "x"}, {Key: "input", Value: "$s"}, {Key: "value", Value: 1}})),
		"constant":      expr(d("$getField", D{{Key: "field", Value: "$s"}})),
		"2 arguments":   expr(d("$eq", A{1})),
		"$dateAdd":      expr(d("$dateAdd", D{{Key: "startDate", Value: "$a"}})),
		"$add":          expr(d("$add", A{1, 2})),
		`field "a.b"`:   expr(d("$eq", A{D{{Key: "a.b", Value: 1}}, 1})),
		"argument what": expr(d("$getField", D{{Key: "field", Value: "x"}, {Key: "what", Value: 1}})),
	} {
		t.Run(want, func(t *testing.T) {
			_, err := sim.Find(t.Context(), "c", filter, nil)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error = %v", err)
			}
		})
	}
	for want, stage := range map[string]any{
		"$project":     d("$project", D{}),
		"$replaceWith": d("$replaceWith", "$s"),
		"$unset":       d("$unset", A{"a"}),
		"the array a":  d("$set", d("a.b", 1)),
		"stage":        "x",
	} {
		t.Run("Update"+want, func(t *testing.T) {
			_, err := sim.Write(t.Context(), "c", []mongodb.Model{{Filter: d("_id", 1), Update: A{stage}}})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error = %v", err)
			}
		})
	}
	for want, projection := range map[string]D{"a.b": d("a.b", 1), "$slice": d("a", d("$slice", 1)), "a: 0": d("a", 0)} {
		t.Run("Projection"+want, func(t *testing.T) {
			_, err := sim.Find(t.Context(), "c", nil, projection)
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// Filters match the same documents on the simulation and on the real server.
func TestFind(t *testing.T) {
	decimal, _ := bson.ParseDecimal128("5")
	docs := []D{
		{{Key: "_id", Value: 1}, {Key: "v", Value: int32(5)}},
		{{Key: "_id", Value: 2}, {Key: "v", Value: int64(5)}},
		{{Key: "_id", Value: 3}, {Key: "v", Value: 5.0}},
		{{Key: "_id", Value: 4}, {Key: "v", Value: decimal}},
		{{Key: "_id", Value: 5}, {Key: "v", Value: "5"}},
		{{Key: "_id", Value: 6}, {Key: "v", Value: nil}},
		{{Key: "_id", Value: 7}},
		{{Key: "_id", Value: 8}, {Key: "v", Value: A{1, 5}}},
		{{Key: "_id", Value: 9}, {Key: "v", Value: A{A{5}}}},
		{{Key: "_id", Value: 10}, {Key: "v", Value: d("a", d("b", 5))}},
		{{Key: "_id", Value: 11}, {Key: "v", Value: d("a", A{d("b", 5), d("b", 6)})}},
		{{Key: "_id", Value: 12}, {Key: "v", Value: D{{Key: "a", Value: 1}, {Key: "b", Value: 2}}}},
		{{Key: "_id", Value: "x"}, {Key: "v", Value: 5.5}},
		{{Key: "_id", Value: bson.ObjectID{1}}, {Key: "v", Value: false}},
		{{Key: "_id", Value: D{{Key: "a", Value: 1}, {Key: "b", Value: 2}}}},
		{{Key: "_id", Value: D{{Key: "b", Value: 2}, {Key: "a", Value: 1}}}},
	}
	db, sim := serverDB(t), mongosim.New(time.Now)
	for _, to := range []mongodb.Database{db, sim} {
		var models []mongodb.Model
		for _, doc := range docs {
			models = append(models, mongodb.Model{Insert: marshal(doc)})
		}
		if r, err := to.Write(t.Context(), "c", models); err != nil || len(r.Errors) > 0 {
			t.Fatalf("%+v %v", r, err)
		}
	}
	for name, filter := range map[string]D{
		"All":          {},
		"Number":       d("v", 5),
		"Decimal":      d("v", decimal),
		"Fraction":     d("v", 5.5),
		"Null":         d("v", nil),
		"In":           d("v", d("$in", A{5, "5", false})),
		"InNull":       d("v", d("$in", A{nil, true})),
		"InNone":       d("v", d("$in", A{})),
		"Array":        d("v", A{1, 5}),
		"InnerArray":   d("v", A{5}),
		"Dotted":       d("v.a.b", 5),
		"DottedNull":   d("v.a.b", nil),
		"Object":       d("v", D{{Key: "a", Value: 1}, {Key: "b", Value: 2}}),
		"Exists":       d("v", d("$exists", true)),
		"ExistsNot":    d("v", d("$exists", false)),
		"ID":           d("_id", 3.0),
		"IDs":          d("_id", d("$in", A{7, "x", bson.ObjectID{1}, "absent"})),
		"IDObject":     d("_id", D{{Key: "b", Value: 2}, {Key: "a", Value: 1}}),
		"Or":           d("$or", A{d("_id", 1), d("v", 5.5), d("v", 5)}),
		"OrWide":       d("$or", A{d("_id", 1), d("_id", 1), d("_id", 2), d("v", "5"), d("v", false), d("_id", 1)}),
		"And":          {{Key: "_id", Value: d("$in", A{1, 2, 5})}, {Key: "v", Value: 5}},
		"Expr":         d("$expr", d("$eq", A{d("$type", "$v"), "long"})),
		"ExprID":       {{Key: "_id", Value: d("$in", A{1, 2})}, {Key: "$expr", Value: d("$lt", A{"$_id", 2})}},
		"ExprMissing":  d("$expr", d("$eq", A{d("$type", "$v"), "missing"})),
		"ExprTruthy":   d("$expr", "$v"),
		"ExprOr":       d("$expr", d("$or", A{d("$eq", A{"$v", "5"}), d("$eq", A{"$v", nil})})),
		"ExprBetween":  d("$expr", d("$and", A{d("$gte", A{"$v", 5}), d("$lte", A{"$v", 5.5})})),
		"ExprNotEqual": d("$expr", d("$ne", A{"$v", 5})),
	} {
		t.Run(name, func(t *testing.T) {
			var got [2][]string
			for i, from := range []mongodb.Database{db, sim} {
				docs, err := from.Find(t.Context(), "c", filter, d("v", 1))
				if err != nil {
					t.Fatal(err)
				}
				for _, doc := range docs {
					got[i] = append(got[i], text(doc))
				}
			}
			less := cmp.Transformer("set", func(s []string) map[string]int {
				m := map[string]int{}
				for _, x := range s {
					m[x]++
				}
				return m
			})
			if diff := cmp.Diff(got[0], got[1], less); diff != "" {
				t.Errorf("documents (-real +sim):\n%s", diff)
			}
		})
	}
}

func TestWrite(t *testing.T) {
	var log []string
	sim := mongosim.New(func() time.Time { return time.UnixMilli(1000) })
	sim.OnWrite = func(_ string, old, new bson.Raw) { log = append(log, fmt.Sprint(old, "->", new)) }
	sim.Validate = func(_ string, doc bson.Raw) *mongodb.WriteError {
		if doc.Lookup("bad").Type != 0 {
			return &mongodb.WriteError{Code: 121, Message: "Document failed validation"}
		}
		return nil
	}
	unique := []mongodb.Index{{Name: "u", Keys: []string{"u"}, Unique: true, Where: d("live", true)}}
	if err := sim.CreateIndexes(t.Context(), "c", unique); err != nil {
		t.Fatal(err)
	}
	set := func(k string, v any) A { return A{d("$set", d(k, v))} }
	for _, step := range []struct {
		name  string
		model mongodb.Model
		want  mongodb.BulkResult
		log   string
	}{
		{"Insert", mongodb.Model{Insert: marshal(D{{Key: "_id", Value: 1}, {Key: "u", Value: 7}, {Key: "live", Value: true}})}, mongodb.BulkResult{Inserted: 1}, `->{"_id": {"$numberInt":"1"},"u": {"$numberInt":"7"},"live": true}`},
		{"InsertAgain", mongodb.Model{Insert: marshal(d("_id", 1.0))}, refused(11000, "_id_"), ""},
		{"InsertUnique", mongodb.Model{Insert: marshal(D{{Key: "_id", Value: 2}, {Key: "u", Value: 7.0}, {Key: "live", Value: true}})}, refused(11000, "u"), ""},
		{"InsertInvalid", mongodb.Model{Insert: marshal(D{{Key: "_id", Value: 2}, {Key: "bad", Value: 7.0}})}, refused(121, ""), ""},
		{"OutsideIndex", mongodb.Model{Insert: marshal(D{{Key: "_id", Value: 2}, {Key: "u", Value: 7.0}})}, mongodb.BulkResult{Inserted: 1}, `->{"_id": {"$numberInt":"2"},"u": {"$numberDouble":"7.0"}}`},
		{"IntoIndex", mongodb.Model{Filter: d("_id", 2), Update: set("live", true)}, refused(11000, "u"), ""},
		{"UpdateInvalid", mongodb.Model{Filter: d("_id", 2), Update: set("bad", true)}, refused(121, ""), ""},
		{"UpdateID", mongodb.Model{Filter: d("_id", 2), Update: set("_id", 3)}, refused(66, ""), ""},
		{"NoChange", mongodb.Model{Filter: d("_id", 1), Update: set("live", true)}, mongodb.BulkResult{Matched: 1}, ""},
		{"OutOfIndex", mongodb.Model{Filter: d("_id", 1), Update: set("live", false)}, mongodb.BulkResult{Matched: 1, Modified: 1}, `{"_id": {"$numberInt":"1"},"u": {"$numberInt":"7"},"live": true}->{"_id": {"$numberInt":"1"},"u": {"$numberInt":"7"},"live": false}`},
		{"IntoIndexNow", mongodb.Model{Filter: d("_id", 2), Update: set("live", true)}, mongodb.BulkResult{Matched: 1, Modified: 1}, `{"_id": {"$numberInt":"2"},"u": {"$numberDouble":"7.0"}}->{"_id": {"$numberInt":"2"},"u": {"$numberDouble":"7.0"},"live": true}`},
		{"NoMatch", mongodb.Model{Filter: d("_id", 9), Update: set("live", true)}, mongodb.BulkResult{}, ""},
		{"Upsert", mongodb.Model{Filter: D{{Key: "_id", Value: 9}, {Key: "rev", Value: 0}}, Update: set("at.t", "$$NOW"), Upsert: true}, mongodb.BulkResult{Upserted: 1}, `->{"_id": {"$numberInt":"9"},"rev": {"$numberInt":"0"},"at": {"t": {"$date":{"$numberLong":"1000"}}}}`},
		{"UpsertLost", mongodb.Model{Filter: D{{Key: "_id", Value: 9}, {Key: "rev", Value: 1}}, Update: set("x", 1), Upsert: true}, refused(11000, "_id_"), ""},
		{"Delete", mongodb.Model{Filter: d("_id", d("$in", A{2, 3}))}, mongodb.BulkResult{Deleted: 1}, `{"_id": {"$numberInt":"2"},"u": {"$numberDouble":"7.0"},"live": true}->`},
		{"FreeAgain", mongodb.Model{Filter: d("_id", 1), Update: set("live", true)}, mongodb.BulkResult{Matched: 1, Modified: 1}, `{"_id": {"$numberInt":"1"},"u": {"$numberInt":"7"},"live": false}->{"_id": {"$numberInt":"1"},"u": {"$numberInt":"7"},"live": true}`},
	} {
		t.Run(step.name, func(t *testing.T) {
			log = nil
			got, err := sim.Write(t.Context(), "c", []mongodb.Model{step.model})
			if err != nil {
				t.Fatal(err)
			}
			for i := range got.Errors {
				got.Errors[i].Message = ""
			}
			if diff := cmp.Diff(step.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(step.log, strings.Join(log, "\n")); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
		})
	}
}

func refused(code int, index string) mongodb.BulkResult {
	return mongodb.BulkResult{Errors: []mongodb.WriteError{{Code: code, KeyIndex: index}}}
}

func TestUser(t *testing.T) {
	sim := mongosim.New(time.Now)
	sim.Validate = func(collection string, doc bson.Raw) *mongodb.WriteError {
		if doc.Lookup("bad").Type != 0 {
			return &mongodb.WriteError{Code: 121}
		}
		return nil
	}
	doc := func(id int, k string, v any) bson.Raw { return marshal(D{{Key: "_id", Value: id}, {Key: k, Value: v}}) }
	for _, raw := range []bson.Raw{doc(2, "a", 1), doc(1, "a", 1), doc(2, "a", 2)} {
		if err := sim.Set("c", raw); err != nil {
			t.Fatal(err)
		}
	}
	var refusal mongodb.WriteError
	if err := sim.Set("c", doc(1, "bad", 1)); !errors.As(err, &refusal) || refusal.Code != 121 {
		t.Errorf("error = %v", err)
	}
	id := doc(2, "", 0).Lookup("_id")
	if got := text(sim.Get("c", id)); got != text(doc(2, "a", 2)) {
		t.Error(got)
	}
	if all := sim.All("c"); len(all) != 2 || text(all[0]) != text(doc(2, "a", 2)) || text(all[1]) != text(doc(1, "a", 1)) {
		t.Error(all)
	}
	if !sim.Remove("c", id) || sim.Remove("c", id) || sim.Get("c", id) != nil || len(sim.All("c")) != 1 {
		t.Error("not removed once")
	}
}
