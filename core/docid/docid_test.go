package docid_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

const hex = "507f1f77bcf86cd799439011"

func oid(t testing.TB) bson.ObjectID {
	t.Helper()
	id, err := bson.ObjectIDFromHex(hex)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func dec(t testing.TB, s string) bson.Decimal128 {
	t.Helper()
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func raw(t testing.TB, d bson.D) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func rv(t testing.TB, v any) bson.RawValue {
	t.Helper()
	return raw(t, bson.D{{Key: "v", Value: v}}).Lookup("v")
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     docid.ID
		err      error
	}{
		{"String", `"a"`, `"a"`, nil},
		{"StringEmpty", `""`, `""`, nil},
		{"StringEscaped", `"\u0061\/"`, `"a/"`, nil},
		{"StringNul", `"\u0000"`, `"\u0000"`, nil},
		{"Integer", ` 5 `, `5`, nil},
		{"IntegerFirst", `-9223372036854775808`, `-9223372036854775808`, nil},
		{"IntegerUnsigned", `18446744073709551615`, `18446744073709551615`, nil},
		{"IntegralFloat", `5.0`, `5`, nil},
		{"IntegralExponent", `1e2`, `100`, nil},
		{"NegativeZero", `-0.0`, `0`, nil},
		{"Bool", `true`, `true`, nil},
		{"Object", `{"b":1.0, "a":{"d":1,"c":null}}`, `{"a":{"c":null,"d":1},"b":1}`, nil},
		{"ObjectEmpty", `{}`, `{}`, nil},
		{"Array", `[1, null]`, `[1,null]`, nil},
		{"ErrNull", `null`, "", docid.ErrNull},
		{"ErrFraction", `5.5`, "", docid.ErrFraction},
		{"ErrFractionNested", `{"a":[5.5]}`, "", docid.ErrFraction},
		{"ErrFractionHuge", `18446744073709551616`, "", docid.ErrFraction},
		{"ErrFractionBeyondFloat", `1e999`, "", docid.ErrFraction},
		{"ErrSyntax", `{`, "", docid.ErrValue},
		{"ErrEmpty", ``, "", docid.ErrValue},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := docid.Parse([]byte(tt.in))
			if !errors.Is(err, tt.err) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// The limits were found on the engine, one element more being refused.
func TestParseSize(t *testing.T) {
	list := func(elem string) func(int) string {
		return func(n int) string { return "[" + strings.TrimSuffix(strings.Repeat(elem+",", n), ",") + "]" }
	}
	for _, tt := range []struct {
		name string
		most int
		make func(n int) string
	}{
		{"ASCII", 254, func(n int) string { return `"` + strings.Repeat("x", n) + `"` }},
		{"TwoBytes", 127, func(n int) string { return `"` + strings.Repeat("é", n) + `"` }},
		{"FourBytes", 63, func(n int) string { return `"` + strings.Repeat("😀", n) + `"` }},
		{"Escaped", 254, func(n int) string { return `"` + strings.Repeat(`\u0001`, n) + `"` }},
		{"Object", 251, func(n int) string { return `{"a":"` + strings.Repeat("x", n) + `"}` }},
		{"ObjectKey", 252, func(n int) string { return `{"` + strings.Repeat("x", n) + `":1}` }},
		{"SmallIntegers", 254, list("0")},
		{"Integers", 84, list("1000")},
		{"LargeIntegers", 28, list("9223372036854775807")},
		{"Booleans", 254, list("true")},
		{"Nulls", 254, list("null")},
		{"Nested", 200, func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := docid.Parse([]byte(tt.make(tt.most))); err != nil {
				t.Errorf("%d: %v", tt.most, err)
			}
			want := docid.ErrTooLong
			if tt.name == "Nested" {
				want = docid.ErrValue // the depth limit comes first
			}
			if _, err := docid.Parse([]byte(tt.make(tt.most + 1))); !errors.Is(err, want) {
				t.Errorf("%d: err = %v, want %v", tt.most+1, err, want)
			}
		})
	}
}

func TestFromMongo(t *testing.T) {
	doc := bson.D{
		{Key: "_id", Value: oid(t)},
		{Key: "orderId", Value: "7c0c20ed"},
		{Key: "location", Value: "LondonLiverpoolStreet"},
		{Key: "n", Value: 5.0},
		{Key: "f", Value: 5.5},
		{Key: "nan", Value: math.NaN()},
		{Key: "huge", Value: 1e300},
		{Key: "null", Value: nil},
		{Key: "list", Value: bson.A{1}},
		{Key: "obj", Value: bson.D{{Key: "a", Value: 1}}},
		{Key: "long", Value: strings.Repeat("x", 255)},
		{Key: "when", Value: bson.DateTime(0)},
		{Key: "regex", Value: bson.Regex{Pattern: "a"}},
	}
	for _, tt := range []struct {
		name   string
		fields []string
		mode   value.Mode
		want   docid.ID
		err    error
	}{
		{"OneToOne", []string{"_id"}, value.JSON, `"` + hex + `"`, nil},
		{"OneToOneEJSON", []string{"_id"}, value.EJSON, `{"$oid":"` + hex + `"}`, nil},
		{"OneField", []string{"orderId"}, value.JSON, `"7c0c20ed"`, nil},
		{"SeveralFields", []string{"orderId", "location"}, value.JSON, `{"location":"LondonLiverpoolStreet","orderId":"7c0c20ed"}`, nil},
		{"SeveralFieldsEJSON", []string{"n", "when"}, value.EJSON, `{"n":{"$numberDouble":"5.0"},"when":{"$date":{"$numberLong":"0"}}}`, nil},
		{"IntegralDouble", []string{"n"}, value.JSON, `5`, nil},
		{"FractionEJSON", []string{"f"}, value.EJSON, `{"$numberDouble":"5.5"}`, nil},
		{"NaN", []string{"nan"}, value.JSON, `{"$numberDouble":"NaN"}`, nil},
		{"Date", []string{"when"}, value.JSON, `"1970-01-01T00:00:00.000Z"`, nil},
		{"ErrMissing", []string{"nope"}, value.JSON, "", docid.ErrMissing},
		{"ErrMissingOfSeveral", []string{"orderId", "nope"}, value.JSON, "", docid.ErrMissing},
		{"ErrNull", []string{"null"}, value.JSON, "", docid.ErrNull},
		{"ErrKindArray", []string{"list"}, value.JSON, "", docid.ErrKind},
		{"ErrKindObject", []string{"obj"}, value.JSON, "", docid.ErrKind},
		{"ErrKindRegex", []string{"regex"}, value.JSON, "", docid.ErrKind},
		{"ErrFraction", []string{"f"}, value.JSON, "", docid.ErrFraction},
		{"ErrFractionOfSeveral", []string{"f", "orderId"}, value.JSON, "", docid.ErrFraction},
		{"ErrFractionHuge", []string{"huge"}, value.JSON, "", docid.ErrFraction},
		{"ErrTooLong", []string{"long"}, value.JSON, "", docid.ErrTooLong},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := docid.New(tt.fields, tt.mode)
			got, err := m.FromMongo(raw(t, doc))
			if !errors.Is(err, tt.err) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
			if err != nil {
				if docid.Code(err) != tt.err.Error() || docid.Mend(err) == "" {
					t.Errorf("code %q, mend %q", docid.Code(err), docid.Mend(err))
				}
				if !strings.Contains(err.Error(), hex) {
					t.Errorf("%q does not name the document", err)
				}
			}
		})
	}
}

func TestFromMongoID(t *testing.T) {
	m := docid.New([]string{"_id"}, value.JSON)
	for _, tt := range []struct {
		name string
		id   any
		want docid.ID
		err  error
	}{
		{"ObjectID", oid(t), `"` + hex + `"`, nil},
		{"Int64", int64(5), `5`, nil},
		{"Double", 5.0, `5`, nil},
		{"NegativeZero", math.Copysign(0, -1), `0`, nil},
		{"Decimal", dec(t, "5.0"), `"5.0"`, nil},
		{"Bool", false, `false`, nil},
		{"Binary", bson.Binary{Subtype: 4, Data: []byte("0123456789abcdef")}, `{"$binary":{"base64":"MDEyMzQ1Njc4OWFiY2RlZg==","subType":"04"}}`, nil},
		{"MinKey", bson.MinKey{}, `{"$minKey":1}`, nil},
		{"ErrArray", bson.A{}, "", docid.ErrKind},
		{"ErrObject", bson.D{}, "", docid.ErrKind},
		{"ErrCodeWithScope", bson.CodeWithScope{Code: "f", Scope: bson.D{}}, "", docid.ErrKind},
		{"ErrNull", nil, "", docid.ErrNull},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := m.FromMongoID(rv(t, tt.id))
			if !errors.Is(err, tt.err) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCandidates(t *testing.T) {
	for _, tt := range []struct {
		name string
		mode value.Mode
		id   docid.ID
		want []any
	}{
		{"Text", value.JSON, `"task-001"`, []any{"task-001"}},
		{"Hex", value.JSON, `"` + hex + `"`, []any{hex, oid(t)}},
		{"HexEJSON", value.EJSON, `"` + hex + `"`, []any{hex, oid(t)}},
		{"HexUpper", value.JSON, docid.ID(`"` + strings.ToUpper(hex) + `"`), []any{strings.ToUpper(hex)}},
		{"Date", value.JSON, `"1970-01-01T00:00:00.000Z"`, []any{"1970-01-01T00:00:00.000Z", bson.DateTime(0)}},
		{"DateOtherSpelling", value.JSON, `"1970-01-01T00:00:00Z"`, []any{"1970-01-01T00:00:00Z"}},
		{"Digits", value.JSON, `"12.50"`, []any{"12.50", dec(t, "12.50")}},
		{"DigitsOtherSpelling", value.JSON, `"012.50"`, []any{"012.50"}},
		{"Integer", value.JSON, `5`, []any{int32(5), int64(5), 5.0}},
		{"IntegerEJSON", value.EJSON, `5`, []any{int32(5), int64(5), 5.0}},
		{"IntegerNoDouble", value.JSON, `9007199254740993`, []any{int64(9007199254740993)}},
		{"Unsigned", value.JSON, `9223372036854775808`, []any{9223372036854775808.0}},
		{"UnsignedNoDouble", value.JSON, `9223372036854775809`, nil},
		{"Bool", value.JSON, `true`, []any{true}},
		{"WrapperOID", value.EJSON, `{"$oid":"` + hex + `"}`, []any{oid(t)}},
		{"WrapperInt", value.EJSON, `{"$numberInt":"5"}`, []any{int32(5)}},
		{"WrapperNaN", value.JSON, `{"$numberDouble":"NaN"}`, []any{math.NaN()}},
		{"WrapperBroken", value.EJSON, `{"$numberInt":"x"}`, nil},
		{"WrapperCodeWithScope", value.EJSON, `{"$code":"f","$scope":{}}`, nil},
		{"WrapperRegex", value.EJSON, `{"$regularExpression":{"options":"","pattern":"a"}}`, nil},
		{"Object", value.JSON, `{"a":1}`, nil},
		{"Array", value.JSON, `[1]`, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m := docid.New([]string{"_id"}, tt.mode)
			got := m.Candidates(tt.id)
			var want []bson.RawValue
			for _, v := range tt.want {
				want = append(want, rv(t, v))
			}
			if diff := cmp.Diff(want, got, cmp.Comparer(bson.RawValue.Equal)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, v := range got {
				if !m.Pairs(raw(t, bson.D{{Key: "_id", Value: v}}), tt.id) {
					t.Errorf("%s does not pair with the id", v)
				}
			}
			if len(got) == 0 {
				return
			}
			if born, err := m.Born(tt.id); err == nil && !born.Equal(got[0]) {
				t.Errorf("Born = %s, first candidate %s", born, got[0])
			}
		})
	}
}

func TestBorn(t *testing.T) {
	m := docid.New([]string{"_id"}, value.JSON)
	for _, tt := range []struct {
		name string
		id   docid.ID
		want any
		err  error
	}{
		{"Text", `"a"`, "a", nil},
		{"HexStaysString", `"` + hex + `"`, hex, nil},
		{"Int32", `5`, int32(5), nil},
		{"Int64", `2147483648`, int64(2147483648), nil},
		{"Wrapper", `{"$oid":"` + hex + `"}`, oid(t), nil},
		{"ErrRange", `9223372036854775808`, nil, docid.ErrRange},
		{"ErrArray", `[1]`, nil, docid.ErrKind},
		{"ErrObject", `{"a":1}`, nil, docid.ErrKind},
		{"ErrMixed", `{"$oid":"` + hex + `","$numberInt":"5"}`, nil, docid.ErrValue},
		{"ErrRegex", `{"$regularExpression":{"options":"","pattern":"a"}}`, nil, docid.ErrKind},
		{"ErrCodeWithScope", `{"$code":"f","$scope":{}}`, nil, docid.ErrKind},
		{"ErrUndefined", `{"$undefined":true}`, nil, docid.ErrKind},
		{"ErrNone", ``, nil, docid.ErrMissing},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := m.Born(tt.id)
			if !errors.Is(err, tt.err) {
				t.Fatalf("err = %v, want %v", err, tt.err)
			}
			if err == nil && !got.Equal(rv(t, tt.want)) {
				t.Errorf("got %s", got)
			}
		})
	}
}

func TestMapped(t *testing.T) {
	one := docid.New([]string{"orderId"}, value.JSON)
	two := docid.New([]string{"orderId", "location"}, value.JSON)
	t.Run("OneField", func(t *testing.T) {
		got, err := one.MappedCandidates(`"` + hex + `"`)
		if err != nil {
			t.Fatal(err)
		}
		want := []docid.FieldCandidates{{Name: "orderId", Values: []bson.RawValue{rv(t, hex), rv(t, oid(t))}}}
		if diff := cmp.Diff(want, got, cmp.Comparer(bson.RawValue.Equal)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]docid.Field{{Name: "orderId", JSON: []byte(`"` + hex + `"`)}}, one.Fill(`"`+hex+`"`)); diff != "" {
			t.Errorf("Fill (-want +got):\n%s", diff)
		}
	})
	t.Run("SeveralFields", func(t *testing.T) {
		id := docid.ID(`{"location":"x","orderId":true}`)
		got, err := two.MappedCandidates(id)
		if err != nil {
			t.Fatal(err)
		}
		want := []docid.FieldCandidates{
			{Name: "orderId", Values: []bson.RawValue{rv(t, true)}},
			{Name: "location", Values: []bson.RawValue{rv(t, "x")}},
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(bson.RawValue.Equal)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		doc := raw(t, bson.D{{Key: "orderId", Value: true}, {Key: "location", Value: "x"}, {Key: "z", Value: 1}})
		if !two.Matches(doc, id) || !two.Pairs(doc, id) {
			t.Error("the document does not match its id")
		}
		if two.Matches(doc, `{"location":"y","orderId":true}`) || two.Pairs(doc, `{"location":"y","orderId":true}`) {
			t.Error("the document matches another id")
		}
	})
	for _, tt := range []struct {
		name string
		id   docid.ID
		err  error
	}{
		{"ErrScalar", `"x"`, docid.ErrFields},
		{"ErrMissing", `{"location":"x"}`, docid.ErrFields},
		{"ErrOther", `{"location":"x","other":1}`, docid.ErrFields},
		{"ErrMore", `{"location":"x","orderId":1,"other":1}`, docid.ErrFields},
		{"ErrNull", `{"location":"x","orderId":null}`, docid.ErrNull},
		{"ErrKind", `{"location":{"a":1},"orderId":1}`, docid.ErrKind},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := two.MappedCandidates(tt.id); !errors.Is(err, tt.err) {
				t.Errorf("err = %v, want %v", err, tt.err)
			}
			if two.Fill(tt.id) != nil {
				t.Error("Fill of a bad id")
			}
		})
	}
	t.Run("OneToOneFillsNothing", func(t *testing.T) {
		if docid.New([]string{"_id"}, value.JSON).Fill(`"x"`) != nil {
			t.Error("one-to-one filled")
		}
	})
}

// In EJSON mode a device's plain 5 has another id than MongoDB's 5, and still
// belongs to it.
func TestPairsPlain(t *testing.T) {
	m := docid.New([]string{"_id"}, value.EJSON)
	doc := raw(t, bson.D{{Key: "_id", Value: int64(5)}})
	if m.Matches(doc, "5") {
		t.Error("Matches: 5 is not the computed id")
	}
	if !m.Pairs(doc, "5") {
		t.Error("Pairs: false")
	}
	if m.Pairs(doc, `{"$numberInt":"5"}`) {
		t.Error("Pairs: an int32 is no int64")
	}
}

func TestKind(t *testing.T) {
	for in, want := range map[docid.ID]docid.Kind{`"a"`: docid.String, `5`: docid.Number, `-5`: docid.Number, `true`: docid.Bool, `false`: docid.Bool, `{}`: docid.Object, `[]`: docid.Array} {
		if got := in.Kind(); got != want {
			t.Errorf("%s: %v, want %v", in, got, want)
		}
	}
}
