package valuetest

import (
	"go.mongodb.org/mongo-driver/v2/bson"
)

func text(name, form string, v string) Case {
	return Case{name, v, form, form, Same, []Edit{
		{`"2024-04-05T19:34:38.901Z"`, "", "2024-04-05T19:34:38.901Z"}, // no date, where MongoDB has none
		{`5`, "", int32(5)},
	}}
}

func regex(pattern, options string) string {
	return `{"$regularExpression":{"options":"` + options + `","pattern":"` + pattern + `"}}`
}

// regexBytes is a regular expression as it stands in BSON: the driver sorts
// the options.
func regexBytes(pattern, options string) bson.RawValue {
	return bson.RawValue{Type: bson.TypeRegex, Value: []byte(pattern + "\x00" + options + "\x00")}
}

// wrapped has one form in both modes.
func wrapped(name string, v any, form string, edits ...Edit) Case {
	return Case{name, v, form, form, Same, edits}
}

func over(name string, v any, form string, edits ...Edit) Case {
	return Case{name, v, form, form, Over, edits}
}

const (
	pointer  = `{"$dbPointer":{"$id":{"$oid":"507f1f77bcf86cd799439011"},"$ref":"db.c"}}`
	pointer2 = `{"$dbPointer":{"$id":{"$oid":"507f1f77bcf86cd799439012"},"$ref":"db.d"}}`
)

var texts = []Case{
	text("string", `"a \"b\"\n\u0001é😀"`, "a \"b\"\n\u0001é😀"),
	text("string empty", `""`, ""),
	text("string with NUL", `"a\u0000b"`, "a\x00b"),
	text("string like an ObjectId", `"507f1f77bcf86cd799439011"`, "507f1f77bcf86cd799439011"),
	text("string like a number", `"12.50"`, "12.50"),
	wrapped("regex", bson.Regex{Pattern: `^a\d"`, Options: "im"}, regex(`^a\\d\"`, "im"),
		Edit{regex("^b", "x"), "", bson.Regex{Pattern: "^b", Options: "x"}},
		Edit{regex("^c", "xim"), "", bson.Regex{Pattern: "^c", Options: "imx"}},
		Edit{`"^b"`, "", "^b"}),
	wrapped("regex all options", bson.Regex{Pattern: "ü", Options: "ilmsux"}, regex("ü", "ilmsux"),
		Edit{regex("", ""), "", bson.Regex{}}),
	over("regex options not sorted", regexBytes("a/b", "xsi"), regex("a/b", "isx"),
		Edit{regex("a/b", "si"), "", bson.Regex{Pattern: "a/b", Options: "is"}}),
	wrapped("regex empty", bson.Regex{}, regex("", ""),
		Edit{regex(".", "s"), "", bson.Regex{Pattern: ".", Options: "s"}}),
	wrapped("dbPointer", bson.DBPointer{DB: "db.c", Pointer: oid("507f1f77bcf86cd799439011")}, pointer,
		Edit{pointer2, "", bson.DBPointer{DB: "db.d", Pointer: oid("507f1f77bcf86cd799439012")}},
		Edit{`"507f1f77bcf86cd799439011"`, "", "507f1f77bcf86cd799439011"}),
	wrapped("dbPointer with an odd name", bson.DBPointer{DB: "a\"\\/\n", Pointer: oid("507f1f77bcf86cd799439011")},
		`{"$dbPointer":{"$id":{"$oid":"507f1f77bcf86cd799439011"},"$ref":"a\"\\/\n"}}`,
		Edit{pointer, "", bson.DBPointer{DB: "db.c", Pointer: oid("507f1f77bcf86cd799439011")}}),
	wrapped("javascript", bson.JavaScript("f(\"\\n\")"), `{"$code":"f(\"\\n\")"}`,
		Edit{`{"$code":""}`, "", bson.JavaScript("")},
		Edit{`"f()"`, "", "f()"}),
	wrapped("symbol", bson.Symbol("s"), `{"$symbol":"s"}`,
		Edit{`{"$symbol":"é"}`, "", bson.Symbol("é")},
		Edit{`"s"`, "", "s"}),
	over("javascript with scope", bson.CodeWithScope{Code: "f(y,x)", Scope: bson.D{{Key: "y", Value: int64(1)}, {Key: "x", Value: dec("1.0")}}},
		`{"$code":"f(y,x)","$scope":{"x":{"$numberDecimal":"1.0"},"y":{"$numberLong":"1"}}}`,
		Edit{
			`{"$code":"g()","$scope":{"x":{"$numberDecimal":"1.0"},"y":{"$numberLong":"2"}}}`, "",
			bson.CodeWithScope{Code: "g()", Scope: bson.D{{Key: "y", Value: int64(2)}, {Key: "x", Value: dec("1.0")}}},
		},
		Edit{`false`, "", false}),
	wrapped("javascript with empty scope", bson.CodeWithScope{Code: "f()", Scope: bson.D{}}, `{"$code":"f()","$scope":{}}`,
		Edit{`{"$code":"g()","$scope":{}}`, "", bson.CodeWithScope{Code: "g()", Scope: bson.D{}}}),
}
