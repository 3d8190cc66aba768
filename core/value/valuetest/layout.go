package valuetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// names are odd names for fields: empty, with a dot, a dollar, spaces and
// quotes, of digits, not of ASCII.
var names = []string{"", "a.b", "$c", "1", "zoë ☕", "`q` \"\\"}

// typeKeys are names like those of the types of Extended JSON objects.
var typeKeys = []string{"$date", "$oid", "$numberLong", "$code"}

// Slots is how many values a document may have at most.
var Slots = len(typeKeys)

// The neighbours of the values are of types that the form in Ditto does not
// tell: the whole number could be of any type, the timestamp's increment is lost.
var (
	near = Case{Value: int64(7), JSON: `7`, EJSON: `{"$numberLong":"7"}`}
	far  = Case{Value: bson.Timestamp{T: 9, I: 3}, JSON: `9`, EJSON: `{"$timestamp":{"i":3,"t":9}}`}
)

// Held is a value all over a document: on its own, in objects, in arrays and
// under odd names, between neighbours, with keys in no order. In a collection
// of the document's kind some places are units of their own, others lie inside
// a larger one, and may hold another value.
type Held struct {
	Unit, Inside     any    // in MongoDB
	Form, InsideForm string // in Ditto
}

// Alike is the same value in all places.
func Alike(v any, form string) Held { return Held{v, v, form, form} }

// nth is a name for the n-th value of a document, alike for all.
func nth(name string, n int) string {
	switch {
	case n == 0:
		return name
	case name == "":
		return fmt.Sprint("empty ", n) // there is only one empty name
	}
	return fmt.Sprint(name, n)
}

// Body is a document with these values. Its first field, `k`, is one beside
// them.
func (k Kind) Body(t testing.TB, values ...Held) bson.D {
	t.Helper()
	a, b := Raw(t, near.Value), Raw(t, far.Value)
	doc := func(z, v, y any) bson.D {
		return bson.D{{Key: "z", Value: z}, {Key: "v", Value: v}, {Key: "a", Value: y}}
	}
	body := bson.D{{Key: "k", Value: "k"}}
	for n, h := range values {
		unit, in := Raw(t, h.Unit), Raw(t, h.Inside)
		x := unit
		if k.Strict {
			x = in
		}
		top, nested := bson.D{{Key: typeKeys[n], Value: unit}}, bson.D{{Key: "zz", Value: a}}
		for _, name := range names {
			top = append(top, bson.E{Key: nth(name, n), Value: unit})
			nested = append(nested, bson.E{Key: name, Value: x})
		}
		body = append(append(body,
			bson.E{Key: nth("v", n), Value: unit},
			bson.E{Key: nth("o", n), Value: append(doc(a, x, b), bson.E{Key: "o", Value: doc(b, x, a)})},
			bson.E{Key: nth("l", n), Value: bson.A{a, in, doc(b, in, a), bson.A{b, in, a}, b}},
			bson.E{Key: nth("n", n), Value: append(nested, bson.E{Key: "aa", Value: b})},
			bson.E{Key: nth("t", n), Value: bson.D{{Key: "z", Value: a}, {Key: typeKeys[n], Value: in}}},
		), top...)
	}
	return body
}

// Shown is how Ditto must show Body.
func (k Kind) Shown(t testing.TB, values ...Held) string {
	t.Helper()
	doc := map[string]json.RawMessage{"k": json.RawMessage(`"k"`)}
	for n, h := range values {
		for _, f := range k.fields(n, h) {
			doc[f.Path[0]] = json.RawMessage(f.JSON)
		}
	}
	return Normal(t, doc)
}

// fields are the top-level fields of the n-th value, as Ditto shows them.
func (k Kind) fields(n int, h Held) []Field {
	unit, in, x, a, b := h.Form, h.InsideForm, h.Form, near.Form(k), far.Form(k)
	if k.Strict {
		x = in
	}
	var nested []string
	for _, name := range names {
		nested = append(nested, quoted(name)+":"+x)
	}
	out := []Field{
		{[]string{nth("o", n)}, `{"z":` + a + `,"v":` + x + `,"a":` + b + `,"o":{"z":` + b + `,"v":` + x + `,"a":` + a + `}}`},
		{[]string{nth("n", n)}, `{"zz":` + a + `,` + strings.Join(nested, ",") + `,"aa":` + b + `}`},
		{[]string{nth("l", n)}, `[` + a + `,` + in + `,{"z":` + b + `,"v":` + in + `,"a":` + a + `},[` + b + `,` + in + `,` + a + `],` + b + `]`},
		{[]string{nth("t", n)}, `{"z":` + a + `,` + quoted(typeKeys[n]) + `:` + in + `}`},
		{[]string{nth("v", n)}, unit},
		{[]string{typeKeys[n]}, unit},
	}
	for _, name := range names {
		out = append(out, Field{[]string{nth(name, n)}, unit})
	}
	return out
}

// Field is a field with its value in Ditto.
type Field struct {
	Path []string
	JSON string
}

// Edits are what a device sets to make the n-th value h; what lies inside
// units stays as it is if h has no InsideForm. Where objects are registers it
// sets whole top-level fields, elsewhere the very field.
func (k Kind) Edits(n int, h Held) (edits []Field) {
	all := k.fields(n, h)
	object, nested, list, typed := all[0], all[1], all[2], all[3]
	edits = all[4:]
	switch {
	case k.Strict && h.InsideForm != "":
		return all
	case k.Strict:
		return edits
	case h.InsideForm != "":
		edits = append(edits, list, Field{[]string{typed.Path[0], typeKeys[n]}, h.InsideForm})
	}
	edits = append(edits, Field{[]string{object.Path[0], "v"}, h.Form}, Field{[]string{object.Path[0], "o", "v"}, h.Form})
	for _, name := range names {
		edits = append(edits, Field{[]string{nested.Path[0], name}, h.Form})
	}
	return edits
}

// Places is how often Body has each value as a unit of its own, and inside one.
func (k Kind) Places() (units, inside int) {
	const mark, other = `"\u0001"`, `"\u0002"`
	for _, f := range k.fields(0, Held{Form: mark, InsideForm: other}) {
		units += strings.Count(f.JSON, mark)
		inside += strings.Count(f.JSON, other)
	}
	return units, inside
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// Normal is a document of Ditto with sorted keys and without spaces; numbers
// stay as they are spelled.
func Normal(t testing.TB, doc any) string {
	t.Helper()
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}
