package mongodb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// op is an Op in Extended JSON.
type op struct{ path, old, new string }

func ops(t testing.TB, list []op) []mongodb.Op {
	t.Helper()
	out := make([]mongodb.Op, len(list))
	for i, o := range list {
		out[i] = mongodb.Op{Path: value.PathOf(strings.Split(o.path, "/")...), Old: val(t, o.old), New: val(t, o.new)}
	}
	return out
}

var updateCases = []struct {
	name string
	doc  string
	ops  []op
	want string
	lost []string // what stood there instead: nothing may change
}{
	{
		name: "Set",
		doc:  `{"_id":1,"a":"x","b":2}`, ops: []op{{"a", `"x"`, `"y"`}},
		want: `{"_id":1,"a":"y","b":2}`,
		lost: []string{`{"_id":1,"a":"z","b":2}`, `{"_id":1,"b":2}`, `{"_id":1,"a":null,"b":2}`, `{"_id":1,"a":["x"],"b":2}`},
	},
	{
		name: "Append",
		doc:  `{"_id":1,"b":2}`, ops: []op{{"z", ``, `1`}, {"a", ``, `2`}},
		want: `{"_id":1,"b":2,"z":1,"a":2}`,
		lost: []string{`{"_id":1,"b":2,"a":2}`, `{"_id":1,"b":2,"z":null}`},
	},
	{
		name: "Remove",
		doc:  `{"_id":1,"a":1,"b":2}`, ops: []op{{"a", `1`, ``}},
		want: `{"_id":1,"b":2}`,
		lost: []string{`{"_id":1,"a":2,"b":2}`, `{"_id":1,"a":{"$numberDouble":"1.0"},"b":2}`, `{"_id":1,"a":{"$numberLong":"1"},"b":2}`},
	},
	{
		name: "Nested",
		doc:  `{"_id":1,"a":{"x":1,"y":{"p":1,"q":2},"z":3},"b":2}`,
		ops:  []op{{"a/x", `1`, `{"$date":"2020-01-01T00:00:00Z"}`}, {"a/y/q", `2`, ``}, {"a/y/r", ``, `[1]`}},
		want: `{"_id":1,"a":{"x":{"$date":"2020-01-01T00:00:00Z"},"y":{"p":1,"r":[1]},"z":3},"b":2}`,
		lost: []string{
			`{"_id":1,"a":{"x":1,"y":{"p":1,"q":3},"z":3},"b":2}`, `{"_id":1,"a":[{"x":1,"y":{"p":1,"q":2},"z":3}],"b":2}`,
			`{"_id":1,"a":{"x":1,"y":[{"p":1,"q":2}],"z":3},"b":2}`, `{"_id":1}`, `{"_id":1,"a":null}`,
		},
	},
	{
		name: "MissingParents",
		doc:  `{"_id":1,"a":{"k":1}}`, ops: []op{{"a/b/c", ``, `1`}, {"a/b/d", ``, `2`}, {"x/y/z", ``, `true`}, {"gone/one", ``, ``}},
		want: `{"_id":1,"a":{"k":1,"b":{"c":1,"d":2}},"x":{"y":{"z":true}}}`,
		lost: []string{`{"_id":1,"a":{"k":1,"b":{}}}`, `{"_id":1,"a":{"k":1,"b":null}}`, `{"_id":1,"a":{"k":1},"x":5}`, `{"_id":1,"a":{"k":1},"gone":{}}`},
	},
	{
		name: "DottedAndDollar",
		doc:  `{"_id":1,"a.b":1,"$c":{"d.e":2,"f":{"$g":3}},"h":{"$i":4}}`,
		ops:  []op{{"a.b", `1`, `10`}, {"$c/d.e", `2`, `20`}, {"$c/f/$g", `3`, ``}, {"h/$i", `4`, `40`}, {"$new.name", ``, `"$x"`}},
		want: `{"_id":1,"a.b":10,"$c":{"d.e":20,"f":{}},"h":{"$i":40},"$new.name":"$x"}`,
		lost: []string{`{"_id":1,"a":{"b":1},"$c":{"d.e":2,"f":{"$g":3}},"h":{"$i":4}}`, `{"_id":1,"a.b":1,"$c":{"d.e":2,"f":{"$g":4}},"h":{"$i":4}}`},
	},
	{
		name: "ExpressionsAreLiteral",
		doc:  `{"_id":1,"a":"$b","b":{"$add":[1,2]}}`,
		ops:  []op{{"a", `"$b"`, `{"$concat":["x","$a"]}`}, {"b", `{"$add":[1,2]}`, `"$$ROOT"`}},
		want: `{"_id":1,"a":{"$concat":["x","$a"]},"b":"$$ROOT"}`,
		lost: []string{`{"_id":1,"a":{"$add":[1,2]},"b":{"$add":[1,2]}}`, `{"_id":1,"a":"$b","b":3}`},
	},
	{
		name: "Containers",
		doc:  `{"_id":1,"a":[1,{"b":2}],"o":{"x":1,"y":2},"e":[]}`,
		ops:  []op{{"a", `[1,{"b":2}]`, `[]`}, {"o", `{"x":1,"y":2}`, `{"y":2}`}, {"e", `[]`, `{}`}},
		want: `{"_id":1,"a":[],"o":{"y":2},"e":{}}`,
		lost: []string{
			`{"_id":1,"a":[{"$numberLong":"1"},{"b":2}],"o":{"x":1,"y":2},"e":[]}`, `{"_id":1,"a":[1,{"b":2}],"o":{"x":1},"e":[]}`,
			`{"_id":1,"a":[1,{"b":2}],"o":{"x":1,"y":2},"e":{}}`, `{"_id":1,"a":[1,{"b":2},3],"o":{"x":1,"y":2},"e":[]}`,
		},
	},
	{
		name: "Decimals",
		doc:  `{"_id":1,"d":{"$numberDecimal":"1.00"},"n":{"$numberDecimal":"NaN"},"b":{"$numberDecimal":"1E+10"}}`,
		ops:  []op{{"d", `{"$numberDecimal":"1.00"}`, `1`}, {"n", `{"$numberDecimal":"NaN"}`, `2`}, {"b", `{"$numberDecimal":"1E+10"}`, `3`}},
		want: `{"_id":1,"d":1,"n":2,"b":3}`,
		lost: []string{
			`{"_id":1,"d":{"$numberDecimal":"1.0"},"n":{"$numberDecimal":"NaN"},"b":{"$numberDecimal":"1E+10"}}`,
			`{"_id":1,"d":1,"n":{"$numberDecimal":"NaN"},"b":{"$numberDecimal":"1E+10"}}`,
			`{"_id":1,"d":{"a":1},"n":{"$numberDecimal":"NaN"},"b":{"$numberDecimal":"1E+10"}}`,
		},
	},
	{
		name: "TypesAlone",
		doc:  `{"_id":1,"n":null,"lo":{"$minKey":1},"hi":{"$maxKey":1},"nan":{"$numberDouble":"NaN"},"t":true}`,
		ops:  []op{{"n", `null`, `1`}, {"lo", `{"$minKey":1}`, `2`}, {"hi", `{"$maxKey":1}`, `3`}, {"nan", `{"$numberDouble":"NaN"}`, `4`}, {"t", `true`, `null`}},
		want: `{"_id":1,"n":1,"lo":2,"hi":3,"nan":4,"t":null}`,
		lost: []string{
			`{"_id":1,"lo":{"$minKey":1},"hi":{"$maxKey":1},"nan":{"$numberDouble":"NaN"},"t":true}`,
			`{"_id":1,"n":null,"lo":{"$minKey":1},"hi":{"$maxKey":1},"nan":{"$numberDouble":"0.0"},"t":true}`,
		},
	},
	{
		name: "OtherTypes",
		doc: `{"_id":1,"b":{"$binary":{"base64":"AQI=","subType":"00"}},"r":{"$regularExpression":{"pattern":"a","options":"i"}},"o":{"$oid":"0123456789abcdef01234567"},
			"c":{"$code":"f()"},"cs":{"$code":"f()","$scope":{"x":1}},"ts":{"$timestamp":{"t":1,"i":2}},"d":{"$date":"2020-01-01T00:00:00Z"}}`,
		ops: []op{
			{"b", `{"$binary":{"base64":"AQI=","subType":"00"}}`, `1`},
			{"r", `{"$regularExpression":{"pattern":"a","options":"i"}}`, `2`},
			{"o", `{"$oid":"0123456789abcdef01234567"}`, `3`},
			{"c", `{"$code":"f()"}`, `4`},
			{"cs", `{"$code":"f()","$scope":{"x":1}}`, `5`},
			{"ts", `{"$timestamp":{"t":1,"i":2}}`, `6`},
			{"d", `{"$date":"2020-01-01T00:00:00Z"}`, `7`},
		},
		want: `{"_id":1,"b":1,"r":2,"o":3,"c":4,"cs":5,"ts":6,"d":7}`,
		lost: []string{
			`{"_id":1,"b":{"$binary":{"base64":"AQI=","subType":"80"}},"r":{"$regularExpression":{"pattern":"a","options":"i"}},"o":{"$oid":"0123456789abcdef01234567"},
			"c":{"$code":"f()"},"cs":{"$code":"f()","$scope":{"x":1}},"ts":{"$timestamp":{"t":1,"i":2}},"d":{"$date":"2020-01-01T00:00:00Z"}}`,
		},
	},
}

// A pipeline changes the document that was read, and no other. The last pass
// also shows that losing makes no modification.
func TestUpdatePipeline(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		for _, c := range updateCases {
			t.Run(c.name, func(t *testing.T) {
				doc, want := raw(t, c.doc), text(raw(t, c.want))
				pipeline, err := mongodb.UpdatePipeline(doc, ops(t, c.ops))
				if err != nil {
					t.Fatal(err)
				}
				collection := "c" + c.name
				model := mongodb.Model{Filter: bson.D{{Key: "_id", Value: doc.Lookup("_id")}}, Update: pipeline}
				insert(t, db, collection, doc)
				result, err := db.Write(t.Context(), collection, []mongodb.Model{model})
				if err != nil || len(result.Errors) > 0 || result.Modified != 1 {
					t.Fatalf("%+v, %v", result, err)
				}
				if diff := cmp.Diff(want, get(t, db, collection, 1)); diff != "" {
					t.Errorf("document (-want +got):\n%s", diff)
				}
				for i, other := range c.lost {
					collection := fmt.Sprint(collection, "lost", i)
					insert(t, db, collection, raw(t, other))
					result, err := db.Write(t.Context(), collection, []mongodb.Model{model})
					if err != nil || len(result.Errors) > 0 || result.Matched != 1 || result.Modified != 0 {
						t.Errorf("%s: %+v, %v", other, result, err)
					}
					if diff := cmp.Diff(text(raw(t, other)), get(t, db, collection, 1)); diff != "" {
						t.Errorf("document changed (-was +is):\n%s", diff)
					}
				}
			})
		}
	})
}

func TestUpdatePipelineManyUnits(t *testing.T) {
	const n = 300
	doc, want := bson.D{{Key: "_id", Value: 1}, {Key: "__causeway", Value: "mine"}}, bson.D{{Key: "_id", Value: 1}, {Key: "__causeway", Value: "mine"}}
	made := bson.D{}
	var list []mongodb.Op
	for i := range n {
		name := fmt.Sprintf("f%03d", i)
		doc = append(doc, bson.E{Key: name, Value: int32(i)})
		list = append(list, mongodb.Op{Path: value.PathOf(name), Old: val(t, fmt.Sprint(i)), New: val(t, fmt.Sprint(-i-1))})
		want = append(want, bson.E{Key: name, Value: int32(-i - 1)})
		list = append(list, mongodb.Op{Path: value.PathOf("made", name), New: val(t, `"x"`)})
		made = append(made, bson.E{Key: name, Value: "x"})
	}
	want = append(want, bson.E{Key: "made", Value: made})
	read, _ := bson.Marshal(doc)
	pipeline, err := mongodb.UpdatePipeline(read, list)
	if err != nil {
		t.Fatal(err)
	}
	changed, _ := bson.Marshal(append(doc[:len(doc)-1:len(doc)-1], bson.E{Key: doc[len(doc)-1].Key, Value: "other"}))
	wantRaw, _ := bson.Marshal(want)
	each(t, func(t *testing.T, db mongodb.Database) {
		model := mongodb.Model{Filter: bson.D{{Key: "_id", Value: 1}}, Update: pipeline}
		insert(t, db, "won", read)
		insert(t, db, "lost", changed)
		won, err := db.Write(t.Context(), "won", []mongodb.Model{model})
		if err != nil || won.Modified != 1 {
			t.Fatalf("%+v, %v", won, err)
		}
		if diff := cmp.Diff(text(wantRaw), get(t, db, "won", 1)); diff != "" {
			t.Errorf("document (-want +got):\n%s", diff)
		}
		lost, err := db.Write(t.Context(), "lost", []mongodb.Model{model})
		if err != nil || lost.Modified != 0 || lost.Matched != 1 {
			t.Fatalf("%+v, %v", lost, err)
		}
		if diff := cmp.Diff(text(changed), get(t, db, "lost", 1)); diff != "" {
			t.Errorf("document changed (-was +is):\n%s", diff)
		}
	})
}

func TestUpdatePipelineErrOps(t *testing.T) {
	doc := raw(t, `{"_id":1,"a":5,"b":{"c":1}}`)
	for name, o := range map[string]mongodb.Op{
		"ThroughScalar":     {Path: value.PathOf("a", "b"), New: val(t, `1`)},
		"NoPath":            {New: val(t, `1`)},
		"OldBelowNoParents": {Path: value.PathOf("x", "y"), Old: val(t, `1`), New: val(t, `2`)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := mongodb.UpdatePipeline(doc, []mongodb.Op{o}); !errors.Is(err, mongodb.ErrOps) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

// The golden files show the form that servers are sent.
func TestUpdatePipelineGolden(t *testing.T) {
	for _, c := range updateCases {
		t.Run(c.name, func(t *testing.T) {
			pipeline, err := mongodb.UpdatePipeline(raw(t, c.doc), ops(t, c.ops))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, c.name, bson.D{{Key: "pipeline", Value: pipeline}})
		})
	}
	t.Run("Delete", func(t *testing.T) {
		golden(t, "Delete", mongodb.DeleteFilter([]bson.Raw{raw(t, `{"_id":1,"a":"x"}`), raw(t, `{"_id":"$b"}`)}))
	})
}

func golden(t *testing.T, name string, v bson.D) {
	t.Helper()
	got, err := bson.MarshalExtJSONIndent(v, true, false, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(got) {
		t.Fatalf("not JSON: %s", got)
	}
	got = append(got, '\n')
	path := filepath.Join("testdata", name+".json")
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("pipeline (-want +got):\n%s", diff)
	}
}
