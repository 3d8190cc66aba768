package value_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
	"github.com/causeway-sync/causeway/core/value/valuetest"
)

// rv is the BSON value of a Go value, by the driver.
func rv(t testing.TB, v any) bson.RawValue {
	t.Helper()
	return valuetest.Raw(t, v)
}

func oid(hex string) bson.ObjectID {
	id, err := bson.ObjectIDFromHex(hex)
	if err != nil {
		panic(err)
	}
	return id
}

func dec(s string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		panic(err)
	}
	return d
}

// row is a value with its forms.
type row struct {
	name        string
	v           any
	json, ejson string
	back        valuetest.Back
}

// table is every BSON type, and the edges of each.
var table = func() (rows []row) {
	for _, c := range valuetest.All {
		rows = append(rows, row{c.Name, c.Value, c.JSON, c.EJSON, c.Back})
	}
	return rows
}()

// The table has every type, and for each value what devices write over it.
func TestTableIsWhole(t *testing.T) {
	seen, names := map[bson.Type]bool{}, map[string]bool{}
	for _, c := range valuetest.All {
		if names[c.Name] || len(c.Edits) == 0 {
			t.Errorf("%s: twice, or without edits", c.Name)
		}
		names[c.Name], seen[rv(t, c.Value).Type] = true, true
	}
	for _, typ := range valuetest.Types {
		if !seen[typ] {
			t.Errorf("no value of type %s", typ)
		}
	}
}

// Invariant 9: what a device writes over a value takes the value's type where
// it can, alone and between others.
func TestTableEdits(t *testing.T) {
	for _, c := range append(slices.Clone(valuetest.All), valuetest.Everything(t, valuetest.All)) {
		for _, at := range places {
			for _, k := range valuetest.Kinds {
				mode := map[bool]value.Mode{true: value.EJSON}[k.EJSON]
				t.Run(c.Name+"/"+at.name+"/"+k.String(), func(t *testing.T) {
					v := rv(t, at.bson(rv(t, c.Value)))
					for _, e := range c.Edits {
						js := strings.ReplaceAll(at.json, "%", e.In(k))
						want := rv(t, at.bson(rv(t, e.Want)))
						got, err := value.Decode([]byte(js), v, mode)
						if err != nil {
							t.Fatalf("%s: %v", js, err)
						}
						if !got.Equal(want) {
							t.Fatalf("%s over %s\n got %s %x\nwant %s %x", js, v, got, got.Value, want, want.Value)
						}
						if !value.Equal(got, []byte(js), mode) {
							t.Fatalf("Equal: false for %s and what became of it", js)
						}
						v = got
					}
				})
			}
		}
	}
}

// places put a value where a document can hold one.
var places = []struct {
	name string
	bson func(any) any
	json string
}{
	{"alone", func(v any) any { return v }, `%`},
	{"in an array", func(v any) any { return bson.A{v, "z", v} }, `[%,"z",%]`},
	{"nested", func(v any) any { return bson.D{{Key: "a", Value: bson.D{{Key: "b", Value: v}}}} }, `{"a":{"b":%}}`},
	{"in an array in an object", func(v any) any { return bson.D{{Key: "l", Value: bson.A{bson.D{{Key: "v", Value: v}}}}} }, `{"l":[{"v":%}]}`},
	{"under odd names", func(v any) any {
		return bson.D{{Key: "", Value: v}, {Key: "$a", Value: v}, {Key: "a.b", Value: v}, {Key: "ü 😀", Value: v}}
	}, `{"":%,"$a":%,"a.b":%,"ü 😀":%}`},
}

func TestTable(t *testing.T) {
	for _, tt := range table {
		for _, at := range places {
			for _, mode := range []value.Mode{value.JSON, value.EJSON} {
				form, same := tt.json, tt.back == valuetest.Same
				if mode == value.EJSON {
					form, same = tt.ejson, tt.back != valuetest.Over
				}
				want := strings.ReplaceAll(at.json, "%", form)
				t.Run(tt.name+"/"+at.name+"/"+[]string{"json", "ejson"}[mode], func(t *testing.T) {
					v := rv(t, at.bson(tt.v))
					got, err := value.AppendDitto([]byte("…"), v, mode)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff("…"+want, string(got)); diff != "" {
						t.Errorf("AppendDitto (-want +got):\n%s", diff)
					}
					if !value.Equal(v, []byte(want), mode) {
						t.Error("Equal: false for MongoDB's value and its own form")
					}
					back, err := value.Decode([]byte(want), v, mode)
					if err != nil {
						t.Fatal(err)
					}
					if !back.Equal(v) {
						t.Errorf("Decode over the value: got %s, want %s", back, v)
					}
					back, err = value.Decode([]byte(want), bson.RawValue{}, mode)
					if err != nil {
						if same {
							t.Fatal(err)
						}
						return // it is a document only over one
					}
					if back.Equal(v) != same {
						t.Errorf("Decode over nothing: got %s, which is %v to be %s", back, same, v)
					}
				})
			}
		}
	}
}
