package value_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// none is the like of a place where MongoDB holds nothing.
type none struct{}

func like(t testing.TB, v any) bson.RawValue {
	if v == (none{}) {
		return bson.RawValue{}
	}
	return rv(t, v)
}

func TestDecode(t *testing.T) {
	id, id2 := oid("507f1f77bcf86cd799439011"), oid("507f1f77bcf86cd799439012")
	date := bson.DateTime(1712345678901)
	for _, tt := range []struct {
		name string
		in   string
		like any
		want any
	}{
		// Integers.
		{"int over nothing", `5`, none{}, int32(5)},
		{"int over nothing, wide", `2147483648`, none{}, int64(2147483648)},
		{"int over nothing, widest", `9223372036854775807`, none{}, int64(math.MaxInt64)},
		{"int over nothing, lowest", `-9223372036854775808`, none{}, int64(math.MinInt64)},
		{"int over int32", `6`, int32(5), int32(6)},
		{"int over int32, widens", `2147483648`, int32(5), int64(2147483648)},
		{"int over int64", `6`, int64(5), int64(6)},
		{"int over double", `6`, 5.5, 6.0},
		{"int over double, inexact", `9007199254740993`, 5.5, int64(9007199254740993)},
		{"int over double, 2^63", `9223372036854775808`, 5.5, 9223372036854775808.0},
		{"int over decimal", `6`, dec("5.00"), dec("6")},
		{"int over decimal, over int64", `18446744073709551615`, dec("5"), dec("18446744073709551615")},
		{"int over timestamp, same", `5`, bson.Timestamp{T: 5, I: 9}, bson.Timestamp{T: 5, I: 9}},
		{"int over timestamp, new", `6`, bson.Timestamp{T: 5, I: 9}, bson.Timestamp{T: 6}},
		{"int over timestamp, negative", `-6`, bson.Timestamp{T: 5, I: 9}, int32(-6)},
		{"int over timestamp, too large", `4294967296`, bson.Timestamp{T: 5, I: 9}, int64(4294967296)},
		{"int over date", `6`, date, int32(6)},
		{"int over string", `6`, "5", int32(6)},
		{"int over boolean", `1`, true, int32(1)},
		{"int over null", `1`, nil, int32(1)},
		// Floats.
		{"float over nothing", `5.0`, none{}, 5.0},
		{"float over nothing, exponent", `5e0`, none{}, 5.0},
		{"float over nothing, minus zero", `-0`, none{}, math.Copysign(0, -1)},
		{"float over nothing, integer over uint64", `18446744073709551616`, none{}, 18446744073709551616.0},
		{"float over double", `5.25`, 1.0, 5.25},
		{"float over int32", `5.25`, int32(5), 5.25},
		{"float over int32, integral", `6.0`, int32(5), int32(6)},
		{"float over int64, integral", `6.0`, int64(5), int64(6)},
		{"float over int64, beyond", `1e19`, int64(5), 1e19},
		{"float over decimal", `5.25`, dec("1"), dec("5.25")},
		{"float over timestamp, integral", `5.0`, bson.Timestamp{T: 5, I: 9}, bson.Timestamp{T: 5, I: 9}},
		{"float over string", `5.5`, "a", 5.5},
		{"zero over minus zero", `0`, math.Copysign(0, -1), math.Copysign(0, -1)},
		// Strings.
		{"hex over objectId", `"507f1f77bcf86cd799439012"`, id, id2},
		{"hex over objectId, upper case", `"507F1F77BCF86CD799439012"`, id, id2},
		{"hex over nothing", `"507f1f77bcf86cd799439012"`, none{}, "507f1f77bcf86cd799439012"},
		{"text over objectId", `"hello"`, id, "hello"},
		{"iso over date", `"2024-04-05T19:34:38.902Z"`, date, bson.DateTime(1712345678902)},
		{"iso over date, no fraction", `"2024-04-05T19:34:38Z"`, date, bson.DateTime(1712345678000)},
		{"iso over date, no seconds", `"2024-04-05T19:34Z"`, date, bson.DateTime(1712345640000)},
		{"iso over date, offset", `"2024-04-05T21:34:38.901+02:00"`, date, date},
		{"iso over date, short offset", `"2024-04-05T14:04:38.901-0530"`, date, date},
		{"iso over date, microseconds", `"2024-04-05T19:34:38.901999Z"`, date, date},
		{"iso over date, tenth", `"2024-04-05T19:34:38.9Z"`, date, bson.DateTime(1712345678900)},
		{"iso over date, no offset", `"2024-04-05T19:34:38.901"`, date, "2024-04-05T19:34:38.901"},
		{"iso over date, day only", `"2024-04-05"`, date, "2024-04-05"},
		{"iso over date, no such day", `"2023-02-29T00:00:00Z"`, date, "2023-02-29T00:00:00Z"},
		{"iso over date, no such hour", `"2024-04-05T24:00:00Z"`, date, "2024-04-05T24:00:00Z"},
		{"iso over date, text after", `"2024-04-05T19:34:38Z "`, date, "2024-04-05T19:34:38Z "},
		{"iso over nothing", `"2024-04-05T19:34:38.902Z"`, none{}, "2024-04-05T19:34:38.902Z"},
		{"digits over decimal", `"12.50"`, dec("1"), dec("12.50")},
		{"digits over decimal, exponent", `"1e3"`, dec("1"), dec("1E+3")},
		{"digits over decimal, NaN", `"NaN"`, dec("1"), dec("NaN")},
		{"digits over decimal, too many", `"12345678901234567890123456789012345"`, dec("1"), "12345678901234567890123456789012345"},
		{"text over decimal", `"12.5 kg"`, dec("1"), "12.5 kg"},
		{"text over decimal, nan", `"nan"`, dec("1"), "nan"},
		{"digits over int32", `"5"`, int32(5), "5"},
		{"string over symbol", `"s"`, bson.Symbol("s"), "s"},
		// Null and booleans take no type from what is there.
		{"null over int32", `null`, int32(5), nil},
		{"boolean over int32", `true`, int32(1), true},
		// Arrays.
		{"array over nothing", `[1,2.5,"a",[null]]`, none{}, bson.A{int32(1), 2.5, "a", bson.A{nil}}},
		{"bytes over binary", `[0,128,255]`, bson.Binary{Subtype: 5, Data: []byte{1}}, bson.Binary{Subtype: 5, Data: []byte{0, 128, 255}}},
		{"bytes over old binary", `[1]`, bson.Binary{Subtype: 2, Data: []byte{7}}, bson.Binary{Subtype: 2, Data: []byte{1}}},
		{"no bytes over binary", `[]`, bson.Binary{Subtype: 5, Data: []byte{1}}, bson.Binary{Subtype: 5, Data: []byte{}}},
		{"numbers over binary", `[1,256]`, bson.Binary{Subtype: 5, Data: []byte{1}}, bson.A{int32(1), int32(256)}},
		{"bytes over array", `[1,2]`, bson.A{int64(1)}, bson.A{int64(1), int64(2)}},
		{"array, element removed", `["507f1f77bcf86cd799439012"]`, bson.A{"x", id, id2}, bson.A{id2}},
		{"array, element inserted", `["x","507f1f77bcf86cd799439011","2024-04-05T19:34:38.901Z"]`, bson.A{id, date}, bson.A{"x", id, date}},
		{"array, reordered", `[5,"2024-04-05T19:34:38.901Z","507f1f77bcf86cd799439011"]`, bson.A{id, date, int64(5)}, bson.A{int64(5), date, id}},
		{"array, changed in place", `["2024-04-05T19:34:38.902Z",6]`, bson.A{date, int64(5)}, bson.A{bson.DateTime(1712345678902), int64(6)}},
		{"array, appended to one type", `["2024-04-05T19:34:38.901Z","2024-04-05T19:34:38.902Z"]`, bson.A{date}, bson.A{date, bson.DateTime(1712345678902)}},
		{"array, appended to mixed types", `["2024-04-05T19:34:38.901Z","a","2024-04-05T19:34:38.902Z"]`, bson.A{date, "a"}, bson.A{date, "a", "2024-04-05T19:34:38.902Z"}},
		{"array of objects, removed", `[{"at":"2024-04-05T19:34:38.901Z","n":5}]`, bson.A{bson.D{{Key: "n", Value: int64(4)}}, bson.D{{Key: "n", Value: int64(5)}, {Key: "at", Value: date}}}, bson.A{bson.D{{Key: "n", Value: int64(5)}, {Key: "at", Value: date}}}},
		{"array of objects, one field changed", `[{"at":"2024-04-05T19:34:38.901Z","n":6}]`, bson.A{bson.D{{Key: "n", Value: int64(5)}, {Key: "at", Value: date}}}, bson.A{bson.D{{Key: "n", Value: int64(6)}, {Key: "at", Value: date}}}},
		{"array of arrays", `[[5],[6]]`, bson.A{bson.A{int64(6)}, bson.A{int64(5)}}, bson.A{bson.A{int64(5)}, bson.A{int64(6)}}},
		{"array, changed to what a neighbour is", `[7,7]`, bson.A{int64(7), int32(5)}, bson.A{int64(7), int32(7)}},
		{"array, changed to what a later neighbour is", `[7,7]`, bson.A{int32(5), int64(7)}, bson.A{int32(7), int64(7)}},
		{"array, double changed to what a neighbour is", `[7,7.0,7]`, bson.A{int64(7), math.NaN(), int64(7)}, bson.A{int64(7), 7.0, int64(7)}},
		{"array, equal ones of several types moved", `["x",5,5]`, bson.A{int64(5), "x", int32(5)}, bson.A{"x", int64(5), int32(5)}},
		{"array, a copy at the end", `[5,"x",5]`, bson.A{int64(5), "x"}, bson.A{int64(5), "x", int64(5)}},
		{"array, a copy in the place of another type", `[5,5,"2024-04-05T19:34:38.901Z"]`, bson.A{int64(5), "x", date}, bson.A{int64(5), int64(5), date}},
		{"array over object", `[5]`, bson.D{{Key: "0", Value: int64(5)}}, bson.A{int32(5)}},
		// Objects.
		{"object over nothing", `{"b":1,"a":2}`, none{}, bson.D{{Key: "a", Value: int32(2)}, {Key: "b", Value: int32(1)}}},
		{"object keeps key order", `{"a":1,"b":2,"c":3,"z":{"x":1,"y":2}}`, bson.D{{Key: "z", Value: bson.D{{Key: "y", Value: int64(2)}, {Key: "x", Value: 1.0}}}, {Key: "gone", Value: 1}, {Key: "b", Value: int64(5)}}, bson.D{{Key: "z", Value: bson.D{{Key: "y", Value: int64(2)}, {Key: "x", Value: 1.0}}}, {Key: "b", Value: int64(2)}, {Key: "a", Value: int32(1)}, {Key: "c", Value: int32(3)}}},
		{"object over array", `{"0":5}`, bson.A{int64(5)}, bson.D{{Key: "0", Value: int32(5)}}},
		{"repeated key", `{"a":1,"b":2,"a":"x"}`, bson.D{{Key: "a", Value: int64(1)}}, bson.D{{Key: "a", Value: "x"}, {Key: "b", Value: int32(2)}}},
		{"escaped keys", `{"\u0062":1,"\u00e9\n":2,"a":3}`, none{}, bson.D{{Key: "a", Value: int32(3)}, {Key: "b", Value: int32(1)}, {Key: "é\n", Value: int32(2)}}},
		{"spaces", " { \"a\" : [ 1 , 2 ] ,\r\n\t\"b\" : { } } ", none{}, bson.D{{Key: "a", Value: bson.A{int32(1), int32(2)}}, {Key: "b", Value: bson.D{}}}},
		// Extended JSON.
		{"wrapper over nothing", `{"$oid":"507f1f77bcf86cd799439011"}`, none{}, id},
		{"wrapper over another type", `{"$numberLong":"5"}`, int32(5), int64(5)},
		{"wrapper over document", `{"$numberLong":"5"}`, bson.D{{Key: "a", Value: 1}}, int64(5)},
		{"wrapper as document", `{"$oid":"x"}`, bson.D{{Key: "$oid", Value: "y"}}, bson.D{{Key: "$oid", Value: "x"}}},
		{"two wrappers as document", `{"$date":1,"$oid":"x"}`, bson.D{{Key: "$oid", Value: "y"}, {Key: "$date", Value: int64(1)}}, bson.D{{Key: "$oid", Value: "x"}, {Key: "$date", Value: int64(1)}}},
		{"document with a type key, a key added", `{"$oid":"x","a":1}`, bson.D{{Key: "$oid", Value: "y"}}, bson.D{{Key: "$oid", Value: "x"}, {Key: "a", Value: int32(1)}}},
		{"document with a type key, a key removed", `{"$date":1}`, bson.D{{Key: "a", Value: 1}, {Key: "$date", Value: int64(1)}}, bson.D{{Key: "$date", Value: int64(1)}}},
		{"wrapper over document with another type key", `{"$date":1}`, bson.D{{Key: "$oid", Value: "y"}}, bson.DateTime(1)},
		{"escaped type key", `{"\u0024oid":"507f1f77bcf86cd799439011"}`, none{}, id},
		{"date relaxed", `{"$date":"2024-04-05T19:34:38.901Z"}`, none{}, date},
		{"date milliseconds", `{"$date":1712345678901}`, none{}, date},
		{"date number", `{"$date":{"$numberLong":1712345678901}}`, none{}, date},
		{"double relaxed", `{"$numberDouble":"5"}`, none{}, 5.0},
		{"double number", `{"$numberDouble":5}`, none{}, 5.0},
		{"int number", `{"$numberInt":5}`, none{}, int32(5)},
		{"decimal number", `{"$numberDecimal":5.10}`, none{}, dec("5.10")},
		{"uuid", `{"$uuid":"00112233-4455-6677-8899-aabbccddeeff"}`, none{}, bson.Binary{Subtype: 4, Data: []byte("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff")}},
		{"binary legacy", `{"$binary":"AQI=","$type":"80"}`, none{}, bson.Binary{Subtype: 0x80, Data: []byte{1, 2}}},
		{"regex options", `{"$regularExpression":{"pattern":"a","options":"mi"}}`, none{}, bson.Regex{Pattern: "a", Options: "im"}},
		{"regex options by character", `{"$regularExpression":{"pattern":"a","options":"zйa"}}`, none{}, bson.Regex{Pattern: "a", Options: "azй"}},
		{"code with scope", `{"$scope":{"b":1,"a":{"$numberLong":"2"}},"$code":"f"}`, bson.CodeWithScope{Code: "f", Scope: bson.D{{Key: "b", Value: 1.0}}}, bson.CodeWithScope{Code: "f", Scope: bson.D{{Key: "b", Value: 1.0}, {Key: "a", Value: int64(2)}}}},
		{"dbref is a document", `{"$id":1,"$ref":"c"}`, none{}, bson.D{{Key: "$id", Value: int32(1)}, {Key: "$ref", Value: "c"}}},
		{"query is a document", `{"$regex":"a","$options":"i"}`, none{}, bson.D{{Key: "$options", Value: "i"}, {Key: "$regex", Value: "a"}}},
	} {
		for _, mode := range []value.Mode{value.JSON, value.EJSON} {
			t.Run(tt.name+"/"+[]string{"json", "ejson"}[mode], func(t *testing.T) {
				got, err := value.Decode([]byte(tt.in), like(t, tt.like), mode)
				if err != nil {
					t.Fatal(err)
				}
				if want := rv(t, tt.want); !got.Equal(want) {
					t.Errorf("got %v %s\nwant %v %s", got.Type, got, want.Type, want)
				}
			})
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	deep := func(n int) string { return strings.Repeat(`[`, n) + strings.Repeat(`]`, n) }
	for _, tt := range []struct {
		name, in string
		class    error
		path     value.Path
	}{
		{"OK/depth", deep(value.MaxDepth), nil, ""},
		{"ErrDepth", deep(value.MaxDepth + 1), value.ErrDepth, ""},
		{"ErrDepth/objects", strings.Repeat(`{"a":`, value.MaxDepth+1) + "1" + strings.Repeat("}", value.MaxDepth+1), value.ErrDepth, ""},
		{"ErrSyntax/empty", ``, value.ErrSyntax, ""},
		{"ErrSyntax/cut", `{"a":`, value.ErrSyntax, ""},
		{"ErrSyntax/after", `1 2`, value.ErrSyntax, ""},
		{"ErrSyntax/comma", `[1,]`, value.ErrSyntax, ""},
		{"ErrSyntax/object comma", `{"a":1,}`, value.ErrSyntax, ""},
		{"ErrSyntax/key", `{a:1}`, value.ErrSyntax, ""},
		{"ErrSyntax/colon", `{"a" 1}`, value.ErrSyntax, ""},
		{"ErrSyntax/bracket", `[1}`, value.ErrSyntax, ""},
		{"ErrSyntax/literal", `nul`, value.ErrSyntax, ""},
		{"ErrSyntax/literal case", `True`, value.ErrSyntax, ""},
		{"ErrSyntax/leading zero", `01`, value.ErrSyntax, ""},
		{"ErrSyntax/plus", `+1`, value.ErrSyntax, ""},
		{"ErrSyntax/point", `1.`, value.ErrSyntax, ""},
		{"ErrSyntax/exponent", `1e`, value.ErrSyntax, ""},
		{"ErrSyntax/NaN", `NaN`, value.ErrSyntax, ""},
		{"ErrSyntax/control", "\"\n\"", value.ErrSyntax, ""},
		{"ErrSyntax/UTF-8", "\"\xff\"", value.ErrSyntax, ""},
		{"ErrSyntax/UTF-8 overlong", "\"\xc0\x80\"", value.ErrSyntax, ""},
		{"ErrSyntax/UTF-8 surrogate", "\"\xed\xa0\x80\"", value.ErrSyntax, ""},
		{"ErrSyntax/half a pair", `"\ud83d"`, value.ErrSyntax, ""},
		{"ErrSyntax/pair reversed", `"\ude00\ud83d"`, value.ErrSyntax, ""},
		{"ErrSyntax/pair cut", `"\ud83d\u"`, value.ErrSyntax, ""},
		{"ErrSyntax/escape", `"\x"`, value.ErrSyntax, ""},
		{"ErrSyntax/unicode escape", `"\u00g0"`, value.ErrSyntax, ""},
		{"ErrSyntax/no end", `"a`, value.ErrSyntax, ""},
		{"ErrRange/uint64", `{"a":[0,18446744073709551615]}`, value.ErrRange, value.PathOf("a", "1")},
		{"ErrRange/float", `{"a":1e999}`, value.ErrRange, value.PathOf("a")},
		{"ErrNulKey", `{"a":{"b\u0000c":1}}`, value.ErrNulKey, value.PathOf("a")},
		{"ErrMixedWrapper", `{"a":{"$numberInt":"5","$numberDouble":"5.0"}}`, value.ErrMixedWrapper, value.PathOf("a")},
		{"ErrMixedWrapper/other key", `{"$oid":"507f1f77bcf86cd799439011","name":"x"}`, value.ErrMixedWrapper, ""},
		{"ErrWrapper/oid", `{"a":{"$oid":"507f1f77bcf86cd79943901"}}`, value.ErrWrapper, value.PathOf("a", "$oid")},
		{"ErrWrapper/oid number", `{"$oid":5}`, value.ErrWrapper, value.PathOf("$oid")},
		{"ErrWrapper/int", `{"$numberInt":"2147483648"}`, value.ErrWrapper, value.PathOf("$numberInt")},
		{"ErrWrapper/long", `{"$numberLong":"5.0"}`, value.ErrWrapper, value.PathOf("$numberLong")},
		{"ErrWrapper/double", `{"$numberDouble":"0x1p3"}`, value.ErrWrapper, value.PathOf("$numberDouble")},
		{"ErrWrapper/double range", `{"$numberDouble":"1e999"}`, value.ErrWrapper, value.PathOf("$numberDouble")},
		{"ErrWrapper/double null", `{"$numberDouble":null}`, value.ErrWrapper, value.PathOf("$numberDouble")},
		{"ErrWrapper/decimal", `{"$numberDecimal":"x"}`, value.ErrWrapper, value.PathOf("$numberDecimal")},
		{"ErrWrapper/date", `{"$date":"yesterday"}`, value.ErrWrapper, value.PathOf("$date")},
		{"ErrWrapper/date object", `{"$date":{"$numberInt":"5"}}`, value.ErrWrapper, value.PathOf("$date")},
		{"ErrWrapper/timestamp", `{"$timestamp":{"t":1}}`, value.ErrWrapper, value.PathOf("$timestamp")},
		{"ErrWrapper/timestamp range", `{"$timestamp":{"t":4294967296,"i":1}}`, value.ErrWrapper, value.PathOf("$timestamp")},
		{"ErrWrapper/timestamp extra", `{"$timestamp":{"t":1,"i":1,"x":1}}`, value.ErrWrapper, value.PathOf("$timestamp")},
		{"ErrWrapper/binary", `{"$binary":{"base64":"A","subType":"00"}}`, value.ErrWrapper, value.PathOf("$binary")},
		{"ErrWrapper/binary subtype", `{"$binary":{"base64":"AQ==","subType":"100"}}`, value.ErrWrapper, value.PathOf("$binary")},
		{"ErrWrapper/binary alone", `{"$binary":"AQ=="}`, value.ErrWrapper, value.PathOf("$binary")},
		{"ErrWrapper/uuid", `{"$uuid":"00112233445566778899aabbccddeeff"}`, value.ErrWrapper, value.PathOf("$uuid")},
		{"ErrWrapper/regex", `{"$regularExpression":{"pattern":"a"}}`, value.ErrWrapper, value.PathOf("$regularExpression")},
		{"ErrWrapper/regex NUL", `{"$regularExpression":{"pattern":"a\u0000","options":""}}`, value.ErrWrapper, value.PathOf("$regularExpression")},
		{"ErrWrapper/dbPointer", `{"$dbPointer":{"$ref":"c","$id":5}}`, value.ErrWrapper, value.PathOf("$dbPointer")},
		{"ErrWrapper/symbol", `{"$symbol":5}`, value.ErrWrapper, value.PathOf("$symbol")},
		{"ErrWrapper/code", `{"$code":5}`, value.ErrWrapper, value.PathOf("$code")},
		{"ErrWrapper/scope", `{"$code":"f","$scope":5}`, value.ErrWrapper, value.PathOf("$code")},
		{"ErrWrapper/undefined", `{"$undefined":false}`, value.ErrWrapper, value.PathOf("$undefined")},
		{"ErrWrapper/minKey", `{"$minKey":2}`, value.ErrWrapper, value.PathOf("$minKey")},
		{"ErrWrapper/maxKey", `{"$maxKey":"1"}`, value.ErrWrapper, value.PathOf("$maxKey")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, err := value.Decode([]byte(tt.in), bson.RawValue{}, value.JSON)
			if !errors.Is(err, tt.class) {
				t.Fatalf("got %v, %v, want %v", v, err, tt.class)
			}
			if tt.class == nil {
				return
			}
			var e *value.Error
			if !errors.As(err, &e) || e.Path != tt.path {
				t.Errorf("%v: path %q, want %q", err, e.Path, tt.path)
			}
			if value.Equal(rv(t, "x"), []byte(tt.in), value.JSON) {
				t.Error("Equal: true")
			}
		})
	}
}
