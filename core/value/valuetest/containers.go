package valuetest

import (
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

var containers = []Case{
	{
		"object",
		bson.D{{Key: "b", Value: int32(1)}, {Key: "a", Value: "x"}, {Key: "c", Value: int64(2)}},
		`{"a":"x","b":1,"c":2}`, `{"a":"x","b":{"$numberInt":"1"},"c":{"$numberLong":"2"}}`, Over,
		[]Edit{
			{
				`{"a":"x","b":3,"c":2}`, `{"a":"x","b":{"$numberInt":"3"},"c":{"$numberLong":"2"}}`,
				bson.D{{Key: "b", Value: int32(3)}, {Key: "a", Value: "x"}, {Key: "c", Value: int64(2)}},
			},
			{`4`, "", int32(4)},
		},
	},
	{"object empty", bson.D{}, `{}`, `{}`, Same, []Edit{
		{`{"z":1,"y":"new"}`, "", bson.D{{Key: "y", Value: "new"}, {Key: "z", Value: int32(1)}}},
		{`null`, "", nil},
	}},
	{
		"object that looks like Extended JSON",
		bson.D{{Key: "$oid", Value: "5"}},
		`{"$oid":"5"}`, `{"$oid":"5"}`, Over,
		[]Edit{
			{`{"$oid":"6"}`, "", bson.D{{Key: "$oid", Value: "6"}}},
			{`6`, "", int32(6)},
		},
	},
	over("object with odd keys",
		bson.D{{Key: "z", Value: true}, {Key: "", Value: true}, {Key: "a.b", Value: true}, {Key: "$x", Value: true}, {Key: "_id", Value: true}, {Key: "é\"", Value: true}},
		`{"":true,"$x":true,"_id":true,"a.b":true,"z":true,"é\"":true}`,
		Edit{
			`{"":null,"$x":true,"_id":true,"a.b":false,"z":true,"é\"":1}`, "",
			bson.D{{Key: "z", Value: true}, {Key: "", Value: nil}, {Key: "a.b", Value: false}, {Key: "$x", Value: true}, {Key: "_id", Value: true}, {Key: "é\"", Value: int32(1)}},
		}),
	{
		"object like a DBRef",
		bson.D{{Key: "$ref", Value: "c"}, {Key: "$id", Value: oid("507f1f77bcf86cd799439011")}},
		`{"$id":"507f1f77bcf86cd799439011","$ref":"c"}`, `{"$id":{"$oid":"507f1f77bcf86cd799439011"},"$ref":"c"}`, Over,
		[]Edit{{
			`{"$id":"507f1f77bcf86cd799439012","$ref":"c"}`, `{"$id":{"$oid":"507f1f77bcf86cd799439012"},"$ref":"c"}`,
			bson.D{{Key: "$ref", Value: "c"}, {Key: "$id", Value: oid("507f1f77bcf86cd799439012")}},
		}},
	},
	{
		"array",
		bson.A{int64(2), "x", nil, bson.A{}, dec("1.00")},
		`[2,"x",null,[],"1.00"]`, `[{"$numberLong":"2"},"x",null,[],{"$numberDecimal":"1.00"}]`, Plain,
		[]Edit{
			{
				`[3,"x",null,[],"1.00"]`, `[{"$numberLong":"3"},"x",null,[],{"$numberDecimal":"1.00"}]`,
				bson.A{int64(3), "x", nil, bson.A{}, dec("1.00")},
			},
			{`["new",3,"1.00"]`, "", bson.A{"new", int64(3), dec("1.00")}},
			{`"none"`, "", "none"},
		},
	},
	{"array empty", bson.A{}, `[]`, `[]`, Same, []Edit{
		{`[2147483648]`, "", bson.A{int64(2147483648)}},
		{`{"a":1}`, "", bson.D{{Key: "a", Value: int32(1)}}},
	}},
}

// Everything is an array of those of cases that Ditto shows in different ways.
// Devices move its elements about and add others: each keeps its type.
func Everything(t testing.TB, cases []Case) Case {
	var values, turned bson.A
	var forms, eforms []string
	seen := map[string]bool{}
	for _, c := range cases {
		if c.JSON == "-0.0" {
			continue // equals 0.0
		}
		form, eform := strings.TrimSuffix(c.JSON, ".0"), strings.TrimSuffix(c.EJSON, ".0")
		if seen[form] || seen[eform] {
			continue
		}
		seen[form], seen[eform] = true, true
		values, forms, eforms = append(values, Raw(t, c.Value)), append(forms, c.JSON), append(eforms, c.EJSON)
	}
	list := func(forms []string) string { return "[" + strings.Join(forms, ",") + "]" }
	c := Case{Name: "array of everything", Value: slices.Clone(values), JSON: list(forms), EJSON: list(eforms), Back: Over}
	slices.Reverse(values)
	slices.Reverse(forms)
	slices.Reverse(eforms)
	turned = slices.Clone(values)
	c.Edits = []Edit{{list(forms), list(eforms), turned}}
	const middle = 5
	values = slices.Insert(values[1:], middle, any("new"))
	forms, eforms = slices.Insert(forms[1:], middle, `"new"`), slices.Insert(eforms[1:], middle, `"new"`)
	c.Edits = append(c.Edits, Edit{list(forms), list(eforms), values})
	return c
}
