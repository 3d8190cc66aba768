package value_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// rv is the BSON value of a Go value, by the driver.
func rv(t testing.TB, v any) bson.RawValue {
	t.Helper()
	if v == nil {
		return bson.RawValue{Type: bson.TypeNull}
	}
	typ, data, err := bson.MarshalValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return bson.RawValue{Type: typ, Value: data}
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

// table is docs/types.md: every BSON type, and the edges of each.
var table = []struct {
	name        string
	v           any
	json, ejson string
	// plain means: in JSON mode the type comes back only where MongoDB holds
	// it already.
	plain bool
}{
	{"double", 2.5, `2.5`, `{"$numberDouble":"2.5"}`, false},
	{"double integral", 1.0, `1.0`, `{"$numberDouble":"1.0"}`, false},
	{"double negative zero", math.Copysign(0, -1), `-0.0`, `{"$numberDouble":"-0.0"}`, false},
	{"double large", 1e300, `1e+300`, `{"$numberDouble":"1E+300"}`, false},
	{"double small", 5e-324, `5e-324`, `{"$numberDouble":"5E-324"}`, false},
	{"double 1e15", 1e15, `1000000000000000.0`, `{"$numberDouble":"1E+15"}`, false},
	{"double 1e16", 1e16, `1e+16`, `{"$numberDouble":"1E+16"}`, false},
	{"double 1e-7", 1e-7, `1e-7`, `{"$numberDouble":"1E-07"}`, false},
	{"double NaN", math.NaN(), `{"$numberDouble":"NaN"}`, `{"$numberDouble":"NaN"}`, false},
	{"double infinity", math.Inf(1), `{"$numberDouble":"Infinity"}`, `{"$numberDouble":"Infinity"}`, false},
	{"double minus infinity", math.Inf(-1), `{"$numberDouble":"-Infinity"}`, `{"$numberDouble":"-Infinity"}`, false},
	{"string", "a \"b\"\n\u0001é😀", `"a \"b\"\n\u0001é😀"`, `"a \"b\"\n\u0001é😀"`, false},
	{"string with NUL", "a\x00b", `"a\u0000b"`, `"a\u0000b"`, false},
	{"string like an ObjectId", "507f1f77bcf86cd799439011", `"507f1f77bcf86cd799439011"`, `"507f1f77bcf86cd799439011"`, false},
	{"object", bson.D{{Key: "b", Value: int32(1)}, {Key: "a", Value: "x"}}, `{"a":"x","b":1}`, `{"a":"x","b":{"$numberInt":"1"}}`, false},
	{"object empty", bson.D{}, `{}`, `{}`, false},
	{"object with odd keys", bson.D{{Key: "", Value: true}, {Key: "a.b", Value: true}, {Key: "$x", Value: true}, {Key: "_id", Value: true}, {Key: "é\"", Value: true}}, `{"":true,"$x":true,"_id":true,"a.b":true,"é\"":true}`, `{"":true,"$x":true,"_id":true,"a.b":true,"é\"":true}`, false},
	{"array", bson.A{int32(2), "x", nil, bson.A{}}, `[2,"x",null,[]]`, `[{"$numberInt":"2"},"x",null,[]]`, false},
	{"binary", bson.Binary{Subtype: 0, Data: []byte{1, 2, 255}}, `{"$binary":{"base64":"AQL/","subType":"00"}}`, `{"$binary":{"base64":"AQL/","subType":"00"}}`, false},
	{"binary empty", bson.Binary{Subtype: 0x80, Data: []byte{}}, `{"$binary":{"base64":"","subType":"80"}}`, `{"$binary":{"base64":"","subType":"80"}}`, false},
	{"binary old", bson.Binary{Subtype: 2, Data: []byte{1, 2}}, `{"$binary":{"base64":"AQI=","subType":"02"}}`, `{"$binary":{"base64":"AQI=","subType":"02"}}`, false},
	{"binary old empty", bson.Binary{Subtype: 2, Data: []byte{}}, `{"$binary":{"base64":"","subType":"02"}}`, `{"$binary":{"base64":"","subType":"02"}}`, false},
	{"binary UUID", bson.Binary{Subtype: 4, Data: []byte("0123456789abcdef")}, `{"$binary":{"base64":"MDEyMzQ1Njc4OWFiY2RlZg==","subType":"04"}}`, `{"$binary":{"base64":"MDEyMzQ1Njc4OWFiY2RlZg==","subType":"04"}}`, false},
	{"undefined", bson.Undefined{}, `{"$undefined":true}`, `{"$undefined":true}`, false},
	{"objectId", oid("507f1f77bcf86cd799439011"), `"507f1f77bcf86cd799439011"`, `{"$oid":"507f1f77bcf86cd799439011"}`, true},
	{"boolean", true, `true`, `true`, false},
	{"boolean false", false, `false`, `false`, false},
	{"date", bson.DateTime(1712345678901), `"2024-04-05T19:34:38.901Z"`, `{"$date":{"$numberLong":"1712345678901"}}`, true},
	{"date before 1970", bson.DateTime(-1), `"1969-12-31T23:59:59.999Z"`, `{"$date":{"$numberLong":"-1"}}`, true},
	{"date year 0", bson.DateTime(-62167219200000), `"0000-01-01T00:00:00.000Z"`, `{"$date":{"$numberLong":"-62167219200000"}}`, true},
	{"date year 9999", bson.DateTime(253402300799999), `"9999-12-31T23:59:59.999Z"`, `{"$date":{"$numberLong":"253402300799999"}}`, true},
	{"date before year 0", bson.DateTime(-62167219200001), `{"$date":{"$numberLong":"-62167219200001"}}`, `{"$date":{"$numberLong":"-62167219200001"}}`, false},
	{"date after year 9999", bson.DateTime(253402300800000), `{"$date":{"$numberLong":"253402300800000"}}`, `{"$date":{"$numberLong":"253402300800000"}}`, false},
	{"date last", bson.DateTime(math.MaxInt64), `{"$date":{"$numberLong":"9223372036854775807"}}`, `{"$date":{"$numberLong":"9223372036854775807"}}`, false},
	{"null", nil, `null`, `null`, false},
	{"regex", bson.Regex{Pattern: `^a\d"`, Options: "im"}, `{"$regularExpression":{"options":"im","pattern":"^a\\d\""}}`, `{"$regularExpression":{"options":"im","pattern":"^a\\d\""}}`, false},
	{"dbPointer", bson.DBPointer{DB: "db.c", Pointer: oid("507f1f77bcf86cd799439011")}, `{"$dbPointer":{"$id":{"$oid":"507f1f77bcf86cd799439011"},"$ref":"db.c"}}`, `{"$dbPointer":{"$id":{"$oid":"507f1f77bcf86cd799439011"},"$ref":"db.c"}}`, false},
	{"dbPointer with an odd name", bson.DBPointer{DB: "a\"\\/\n", Pointer: oid("507f1f77bcf86cd799439011")}, `{"$dbPointer":{"$id":{"$oid":"507f1f77bcf86cd799439011"},"$ref":"a\"\\/\n"}}`, `{"$dbPointer":{"$id":{"$oid":"507f1f77bcf86cd799439011"},"$ref":"a\"\\/\n"}}`, false},
	{"javascript", bson.JavaScript("f()"), `{"$code":"f()"}`, `{"$code":"f()"}`, false},
	{"symbol", bson.Symbol("s"), `{"$symbol":"s"}`, `{"$symbol":"s"}`, false},
	{"javascript with scope", bson.CodeWithScope{Code: "f()", Scope: bson.D{{Key: "x", Value: int32(1)}}}, `{"$code":"f()","$scope":{"x":{"$numberInt":"1"}}}`, `{"$code":"f()","$scope":{"x":{"$numberInt":"1"}}}`, false},
	{"int32", int32(5), `5`, `{"$numberInt":"5"}`, false},
	{"int32 first", int32(math.MinInt32), `-2147483648`, `{"$numberInt":"-2147483648"}`, false},
	{"timestamp", bson.Timestamp{T: 4294967295, I: 7}, `4294967295`, `{"$timestamp":{"i":7,"t":4294967295}}`, true},
	{"int64 small", int64(5), `5`, `{"$numberLong":"5"}`, true},
	{"int64", int64(9007199254740993), `9007199254740993`, `{"$numberLong":"9007199254740993"}`, false},
	{"int64 last", int64(math.MaxInt64), `9223372036854775807`, `{"$numberLong":"9223372036854775807"}`, false},
	{"int64 first", int64(math.MinInt64), `-9223372036854775808`, `{"$numberLong":"-9223372036854775808"}`, false},
	{"decimal128", dec("1.00"), `"1.00"`, `{"$numberDecimal":"1.00"}`, true},
	{"decimal128 exponent", dec("1E+3"), `"1E+3"`, `{"$numberDecimal":"1E+3"}`, true},
	{"decimal128 34 digits", dec("-1234567890123456789012345678901234"), `"-1234567890123456789012345678901234"`, `{"$numberDecimal":"-1234567890123456789012345678901234"}`, true},
	{"decimal128 NaN", dec("NaN"), `"NaN"`, `{"$numberDecimal":"NaN"}`, true},
	{"decimal128 infinity", dec("-Infinity"), `"-Infinity"`, `{"$numberDecimal":"-Infinity"}`, true},
	{"minKey", bson.MinKey{}, `{"$minKey":1}`, `{"$minKey":1}`, false},
	{"maxKey", bson.MaxKey{}, `{"$maxKey":1}`, `{"$maxKey":1}`, false},
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
				form, plain := tt.json, tt.plain
				if mode == value.EJSON {
					form, plain = tt.ejson, false
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
						t.Fatal(err)
					}
					// Over nothing there is no key order to keep.
					if !plain && !strings.HasPrefix(tt.name, "object") && !back.Equal(v) {
						t.Errorf("Decode over nothing: got %s, want %s", back, v)
					}
				})
			}
		}
	}
}
