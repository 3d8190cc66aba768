package e2e_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// typed hold values of every type.
var typed = []*collection{
	{name: "types"},
	{name: "types_maps", maps: true},
	{name: "types_ejson", ejson: true},
}

// docsRows are the cells of a table in docs/types.md, by its head.
func docsRows(t *testing.T, head string) (rows [][]string) {
	t.Helper()
	page, err := os.ReadFile("../../docs/types.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(page), head+"\n")
	if !ok {
		t.Fatalf("docs/types.md has no table %s", head)
	}
	for _, line := range strings.Split(table, "\n")[1:] {
		if !strings.HasPrefix(line, "|") {
			break
		}
		cells := strings.Split(strings.Trim(line, "| "), " | ")
		for i := range cells {
			cells[i] = strings.Trim(cells[i], "` ")
		}
		rows = append(rows, cells)
	}
	return rows
}

// edited are, for the rows of the first table, other values of the same BSON
// type, in the forms of that table. Types of one value alone are missing.
var edited = map[string][2]string{
	"Double":                  {`3.25`, `{"$numberDouble":"3.25"}`},
	"Double, integral":        {`2.0`, `{"$numberDouble":"2.0"}`},
	"Double, large or small":  {`1e-300`, `{"$numberDouble":"1E-300"}`},
	"Double, NaN or infinite": {`{"$numberDouble":"-Infinity"}`, `{"$numberDouble":"-Infinity"}`},
	"String":                  {`"Zoe"`, `"Zoe"`},
	"Object":                  {`{"a":2}`, `{"a":{"$numberInt":"2"}}`},
	"Array":                   {`[2,"y"]`, `[{"$numberInt":"2"},"y"]`},
	"Binary, every subtype": {
		`{"$binary":{"base64":"AwQ=","subType":"00"}}`, `{"$binary":{"base64":"AwQ=","subType":"00"}}`,
	},
	"ObjectId": {`"507f1f77bcf86cd799439012"`, `{"$oid":"507f1f77bcf86cd799439012"}`},
	"Boolean":  {`false`, `false`},
	"Date":     {`"2024-04-05T19:34:38.902Z"`, `{"$date":{"$numberLong":"1712345678902"}}`},
	"Date outside the years 0 to 9999": {
		`{"$date":{"$numberLong":"253402300800001"}}`, `{"$date":{"$numberLong":"253402300800001"}}`,
	},
	"Regular expression": {
		`{"$regularExpression":{"options":"m","pattern":"^b"}}`, `{"$regularExpression":{"options":"m","pattern":"^b"}}`,
	},
	"DBPointer": {
		`{"$dbPointer":{"$id":{"$oid":"507f1f77bcf86cd799439012"},"$ref":"d"}}`,
		`{"$dbPointer":{"$id":{"$oid":"507f1f77bcf86cd799439012"},"$ref":"d"}}`,
	},
	"JavaScript": {`{"$code":"g()"}`, `{"$code":"g()"}`},
	"Symbol":     {`{"$symbol":"t"}`, `{"$symbol":"t"}`},
	"JavaScript with scope": {
		`{"$code":"g(x)","$scope":{"x":{"$numberInt":"2"}}}`, `{"$code":"g(x)","$scope":{"x":{"$numberInt":"2"}}}`,
	},
	"Int32": {`6`, `{"$numberInt":"6"}`},
	// The seconds alone name no increment.
	"Timestamp: its seconds": {`1712345679`, `{"$timestamp":{"i":0,"t":1712345679}}`},
	"Int64, small":           {`6`, `{"$numberLong":"6"}`},
	"Int64, over 32 bits":    {`-9223372036854775808`, `{"$numberLong":"-9223372036854775808"}`},
	"Decimal128":             {`"12.500"`, `{"$numberDecimal":"12.500"}`},
}

// single are the rows whose type has one value alone.
var single = []string{"Undefined", "Null", "MinKey", "MaxKey"}

// names are fields that hold the value beside `v`.
var names = []string{"a.b", "$c", "", "zoë ☕", "with space", "`q`", `"`, "1", "_x"}

// places is a document with the value x all over it, as JSON: on its own, in
// objects, in arrays, and under odd names.
func places(x string) string {
	in := inside(x)
	var odd []string
	for _, n := range names {
		odd = append(odd, string(quoted(n))+":"+in)
	}
	all := strings.Join(odd, ",")
	return `{"k":"k","v":` + x + `,"o":{"v":` + in + `,"d":{"v":` + in + `}},"l":[` + in + `,{"v":` + in + `},[` + in + `]],"n":{` + all + `},` + all + `}`
}

// everywhere edits all places.
func everywhere(x string) []edit {
	in := inside(x)
	edits := []edit{{"v", x}, {"o.v", in}, {"o.d.v", in}, {"l", "[" + in + `,{"v":` + in + "},[" + in + "]]"}}
	for _, n := range names {
		edits = append(edits, edit{at(n), in}, edit{at("n", n), in})
	}
	return edits
}

// inside is what stands for x in objects and arrays: to SecantusDB in Python
// no object and no array with a NaN in it equals itself.
func inside(x string) string { return strings.ReplaceAll(x, "NaN", "Infinity") }

func TestTypes(t *testing.T) {
	t.Parallel()
	w := open(t)
	rows := docsRows(t, "| BSON type | `json` | `ejson` | new |")
	if len(rows) < 25 {
		t.Fatalf("%d rows", len(rows))
	}
	again := w.again(t)
	var docs []*document
	for _, row := range rows {
		name, canonical := row[0], row[2]
		if _, ok := edited[name]; !ok && !slices.Contains(single, name) {
			t.Errorf("%s: no other value to edit it to", name)
		}
		body := raw(t, extJSON(t, places(canonical)))
		if held, err := w.held(t, body); err != nil || !slices.Equal(held, body) {
			t.Logf("%s: this MongoDB does not hold it: %s %v", name, held.Lookup("v").Type, err)
			continue
		}
		for _, c := range typed {
			docs = append(docs, w.typeDocument(t, c, name, name+again, body, row[1:3]))
		}
	}
	w.play(t, docs)
}

// held is a document as MongoDB gives it back. SecantusDB in Python refuses
// dates after the year 9999, and changes types that are deprecated.
func (w *world) held(t *testing.T, doc bson.Raw) (bson.Raw, error) {
	t.Helper()
	coll := w.db.Collection(markCollection + "_types")
	r, err := coll.InsertOne(t.Context(), doc)
	if err != nil {
		return nil, err
	}
	got, err := coll.FindOne(t.Context(), bson.D{{Key: "_id", Value: r.InsertedID}}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	return without(t, got, "_id"), nil
}

func without(t *testing.T, doc bson.Raw, names ...string) bson.Raw {
	t.Helper()
	return raw(t, slices.DeleteFunc(elements(t, doc), func(e bson.E) bool { return slices.Contains(names, e.Key) }))
}

// typeDocument is the life of a document with values of one type: whatever
// else is edited, they stay as they are, byte by byte; edited themselves, they
// keep their type.
func (w *world) typeDocument(t *testing.T, c *collection, name, key string, body bson.Raw, row []string) *document {
	t.Helper()
	form := func(forms []string) string { return forms[map[bool]int{true: 1}[c.ejson]] }
	body2 := raw(t, append(c.filter(key), elements(t, body)...))
	untouched := func(t *testing.T) string {
		got, err := w.db.Collection(c.name).FindOne(t.Context(), c.filter(key)).Raw()
		if err != nil {
			return err.Error()
		}
		if got, want := without(t, got, "k", "m"), without(t, body2, "k"); !slices.Equal(got, want) {
			return fmt.Sprintf("in MongoDB, byte by byte\n got %s\nwant %s", got, want)
		}
		return ""
	}
	// show are both sides, with these values of the other fields.
	show := func(forms []string, k, m string) (ditto, mongo string) {
		other := `"k":"` + k + `"` + m
		return strings.Replace(places(form(forms)), `"k":"k"`, other, 1), strings.Replace(places(forms[1]), `"k":"k"`, other, 1)
	}
	insert := func(t *testing.T) {
		if _, err := w.db.Collection(c.name).InsertOne(t.Context(), body2); err != nil {
			t.Fatal(err)
		}
	}
	steps := []step{
		{name: "insert", check: untouched, do: insert},
		{name: "Ditto edits another field", check: untouched, updateDitto: []edit{{"k", `"K"`}}},
		{name: "MongoDB edits another field", check: untouched, updateMongo: `{"$set":{"m":"m"}}`},
	}
	steps[0].ditto, steps[0].mongo = show(row, "k", "")
	steps[1].ditto, steps[1].mongo = show(row, "K", "")
	steps[2].ditto, steps[2].mongo = show(row, "K", `,"m":"m"`)
	if other, ok := edited[name]; ok {
		s := step{name: "Ditto edits the values", updateDitto: everywhere(form(other[:]))}
		s.ditto, s.mongo = show(other[:], "K", `,"m":"m"`)
		steps = append(steps, s)
	}
	for i := range steps {
		steps[i].exact = true
	}
	return &document{collection: c, key: key, steps: steps}
}

func elements(t *testing.T, doc bson.Raw) (d bson.D) {
	t.Helper()
	all, err := doc.Elements()
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		d = append(d, bson.E{Key: e.Key(), Value: e.Value()})
	}
	return d
}
