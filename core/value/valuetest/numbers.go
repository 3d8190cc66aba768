package valuetest

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
)

var minusZero = math.Copysign(0, -1)

// number is {"$number…":"s"}.
func number(typ, s string) string { return `{"$number` + typ + `":"` + s + `"}` }

func double(s string) string { return number("Double", s) }

// doubleEdits stay doubles, an integer too, and end as the integer that no
// double holds.
var doubleEdits = []Edit{
	{`3.25`, double("3.25"), 3.25},
	{`6`, "", 6.0},
	{`9007199254740993`, "", int64(9007199254740993)},
}

var doubles = []Case{
	{"double", 2.5, `2.5`, double("2.5"), Same, doubleEdits},
	{"double integral", 1.0, `1.0`, double("1.0"), Same, []Edit{
		{`2`, double("2.0"), 2.0},
		{`3.0`, "", 3.0},
		{`"1.0"`, "", "1.0"},
	}},
	{"double zero", 0.0, `0.0`, double("0.0"), Same, doubleEdits},
	{"double negative zero", minusZero, `-0.0`, double("-0.0"), Same, []Edit{
		{`1`, double("1.0"), 1.0},
		{`-0.0`, double("-0.0"), minusZero},
		{`true`, "", true},
	}},
	{"double large", 1e300, `1e+300`, double("1E+300"), Same, []Edit{
		{`-1e+301`, double("-1E+301"), -1e301},
		{`9223372036854775807`, "", int64(math.MaxInt64)},
	}},
	{"double largest", math.MaxFloat64, `1.7976931348623157e+308`, double("1.7976931348623157E+308"), Same, doubleEdits},
	{"double small", 5e-324, `5e-324`, double("5E-324"), Same, []Edit{
		{`-5e-324`, double("-5E-324"), -5e-324},
		{`1e-323`, double("1E-323"), 1e-323},
	}},
	{"double 1e15", 1e15, `1000000000000000.0`, double("1E+15"), Same, doubleEdits},
	{"double 1e16", 1e16, `1e+16`, double("1E+16"), Same, doubleEdits},
	{"double 1e-7", 1e-7, `1e-7`, double("1E-07"), Same, doubleEdits},
	{"double NaN", math.NaN(), double("NaN"), double("NaN"), Same, []Edit{
		{double("-Infinity"), double("-Infinity"), math.Inf(-1)},
		{`1.5`, double("1.5"), 1.5},
	}},
	{"double NaN with payload", math.Float64frombits(0x7ff8000000000123), double("NaN"), double("NaN"), Over, []Edit{
		{double("Infinity"), "", math.Inf(1)},
		{double("1.5"), "", 1.5},
		{`7`, "", 7.0},
	}},
	{"double NaN negative", math.Float64frombits(0xfff8dead00beef01), double("NaN"), double("NaN"), Over, []Edit{
		{`8`, double("8.0"), 8.0},
	}},
	{"double infinity", math.Inf(1), double("Infinity"), double("Infinity"), Same, []Edit{
		{double("-Infinity"), "", math.Inf(-1)},
		{`-1`, "", -1.0},
	}},
	{"double minus infinity", math.Inf(-1), double("-Infinity"), double("-Infinity"), Same, []Edit{
		{`0.5`, double("0.5"), 0.5},
		{`"low"`, "", "low"},
	}},
}

func int32Of(s string) string { return number("Int", s) }
func int64Of(s string) string { return number("Long", s) }

var integers = []Case{
	{"int32", int32(5), `5`, int32Of("5"), Same, []Edit{
		{`6`, int32Of("6"), int32(6)},
		{`7.0`, `7`, int32(7)},
		{`2147483648`, "", int64(2147483648)},
	}},
	{"int32 zero", int32(0), `0`, int32Of("0"), Same, []Edit{
		{`-1`, "", int32(-1)},
		{`6.5`, "", 6.5},
	}},
	{"int32 first", int32(math.MinInt32), `-2147483648`, int32Of("-2147483648"), Same, []Edit{
		{`2147483647`, int32Of("2147483647"), int32(math.MaxInt32)},
		{`"5"`, "", "5"},
	}},
	{"int32 last", int32(math.MaxInt32), `2147483647`, int32Of("2147483647"), Same, []Edit{
		{`2147483646`, int32Of("2147483646"), int32(math.MaxInt32 - 1)},
		{`null`, "", nil},
	}},
	{"int64 small", int64(5), `5`, int64Of("5"), Plain, []Edit{
		{`6`, int64Of("6"), int64(6)},
		{`7.0`, `7`, int64(7)},
		{`7.5`, "", 7.5},
	}},
	{"int64", int64(9007199254740993), `9007199254740993`, int64Of("9007199254740993"), Same, []Edit{
		{`9007199254740995`, int64Of("9007199254740995"), int64(9007199254740995)},
		{`1`, "", int64(1)},
		{`[1]`, "", bson.A{int32(1)}},
	}},
	{"int64 last", int64(math.MaxInt64), `9223372036854775807`, int64Of("9223372036854775807"), Same, []Edit{
		{`-9223372036854775808`, int64Of("-9223372036854775808"), int64(math.MinInt64)},
		{`9223372036854775806`, "", int64(math.MaxInt64 - 1)},
		{`1e+19`, "", 1e19},
	}},
	{"int64 first", int64(math.MinInt64), `-9223372036854775808`, int64Of("-9223372036854775808"), Same, []Edit{
		{`9223372036854775807`, int64Of("9223372036854775807"), int64(math.MaxInt64)},
		{`0`, "", int64(0)},
	}},
	{"timestamp", bson.Timestamp{T: 1712345678, I: 3}, `1712345678`, `{"$timestamp":{"i":3,"t":1712345678}}`, Plain, []Edit{
		{`1712345679`, `{"$timestamp":{"i":0,"t":1712345679}}`, bson.Timestamp{T: 1712345679}},
		{`1712345680`, "", bson.Timestamp{T: 1712345680}},
		{`-1`, "", int32(-1)},
	}},
	{"timestamp last", bson.Timestamp{T: math.MaxUint32, I: math.MaxUint32}, `4294967295`, `{"$timestamp":{"i":4294967295,"t":4294967295}}`, Plain, []Edit{
		{`{"$timestamp":{"i":7,"t":4294967294}}`, "", bson.Timestamp{T: math.MaxUint32 - 1, I: 7}},
		{`4294967296`, "", int64(4294967296)},
	}},
	{"timestamp zero", bson.Timestamp{}, `0`, `{"$timestamp":{"i":0,"t":0}}`, Plain, []Edit{
		{`1`, `{"$timestamp":{"i":0,"t":1}}`, bson.Timestamp{T: 1}},
		{`"now"`, "", "now"},
	}},
}

func decimal(s string) string { return number("Decimal", s) }

// decimalEdits end as text that is no number.
var decimalEdits = []Edit{
	{`"6.50"`, decimal("6.50"), dec("6.50")},
	{`6`, "", dec("6")},
	{`"12.5 kg"`, "", "12.5 kg"},
}

func decimalCase(name, s string, edits ...Edit) Case {
	if edits == nil {
		edits = decimalEdits
	}
	return Case{name, dec(s), `"` + s + `"`, decimal(s), Plain, edits}
}

var decimals = []Case{
	decimalCase("decimal128", "1.00"),
	decimalCase("decimal128 exponent", "1E+3", Edit{`"2E+3"`, decimal("2E+3"), dec("2E+3")}, Edit{`5.25`, "", dec("5.25")}),
	decimalCase("decimal128 zero with exponent", "0E+6", Edit{`"0E-7"`, decimal("0E-7"), dec("0E-7")}, Edit{`0`, "", dec("0")}),
	decimalCase("decimal128 negative zero", "-0", Edit{`"-0.0"`, decimal("-0.0"), dec("-0.0")}),
	decimalCase("decimal128 small fraction", "0.000001234"),
	decimalCase("decimal128 smallest", "1E-6176", Edit{`"-1E-6176"`, decimal("-1E-6176"), dec("-1E-6176")}),
	decimalCase("decimal128 largest", "9.999999999999999999999999999999999E+6144"),
	decimalCase("decimal128 34 digits", "-1234567890123456789012345678901234",
		Edit{`"0.1234567890123456789012345678901234"`, decimal("0.1234567890123456789012345678901234"), dec("0.1234567890123456789012345678901234")},
		Edit{`"12345678901234567890123456789012345"`, "", "12345678901234567890123456789012345"}),
	decimalCase("decimal128 NaN", "NaN", Edit{`"Infinity"`, decimal("Infinity"), dec("Infinity")}, Edit{`1`, "", dec("1")}),
	decimalCase("decimal128 infinity", "-Infinity", Edit{`"NaN"`, decimal("NaN"), dec("NaN")}, Edit{`"nan"`, "", "nan"}),
	{"decimal128 NaN with payload", bson.NewDecimal128(0x7c00000000000000, 0x123), `"NaN"`, decimal("NaN"), Over, []Edit{
		{`"1E-3"`, decimal("1E-3"), dec("0.001")},
	}},
}
