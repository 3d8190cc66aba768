package valuetest

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func date(ms string) string { return `{"$date":{"$numberLong":"` + ms + `"}}` }

var dates = []Case{
	{"date", bson.DateTime(1712345678901), `"2024-04-05T19:34:38.901Z"`, date("1712345678901"), Plain, []Edit{
		{`"2024-04-05T21:34:38.902+02:00"`, date("1712345678902"), bson.DateTime(1712345678902)},
		{`"1969-07-20T20:17:40Z"`, "", bson.DateTime(-14182940000)},
		{`"tomorrow"`, "", "tomorrow"},
	}},
	{"date epoch", bson.DateTime(0), `"1970-01-01T00:00:00.000Z"`, date("0"), Plain, []Edit{
		{`"1970-01-01T00:01Z"`, date("60000"), bson.DateTime(60000)},
	}},
	{"date before 1970", bson.DateTime(-1), `"1969-12-31T23:59:59.999Z"`, date("-1"), Plain, []Edit{
		{`"1815-12-10T00:00:00Z"`, `{"$date":"1815-12-10T00:00:00Z"}`, bson.DateTime(-4861728000000)},
		{`5`, "", int32(5)},
	}},
	{"date year 1", bson.DateTime(-62135596800000), `"0001-01-01T00:00:00.000Z"`, date("-62135596800000"), Plain, []Edit{
		{`"1066-10-14T09:00:00.000Z"`, date("-28502722800000"), bson.DateTime(-28502722800000)},
	}},
	{"date year 0", bson.DateTime(-62167219200000), `"0000-01-01T00:00:00.000Z"`, date("-62167219200000"), Plain, []Edit{
		{`"0001-01-01T00:00:00.000Z"`, date("-62135596800000"), bson.DateTime(-62135596800000)},
	}},
	{"date year 9999", bson.DateTime(253402300799999), `"9999-12-31T23:59:59.999Z"`, date("253402300799999"), Plain, []Edit{
		{`"9999-12-31T23:59:59.998Z"`, date("253402300799998"), bson.DateTime(253402300799998)},
		{`"9999-12-31"`, "", "9999-12-31"},
	}},
	{"date before year 0", bson.DateTime(-62167219200001), date("-62167219200001"), date("-62167219200001"), Same, []Edit{
		{date("-62167219200002"), "", bson.DateTime(-62167219200002)},
		{`"2024-04-05T19:34:38.901Z"`, "", bson.DateTime(1712345678901)},
	}},
	{"date after year 9999", bson.DateTime(253402300800000), date("253402300800000"), date("253402300800000"), Same, []Edit{
		{date("253402300800001"), "", bson.DateTime(253402300800001)},
		{`"9999-12-31T23:59:59.999Z"`, "", bson.DateTime(253402300799999)},
		{`"+010000-01-01T00:00:00.000Z"`, "", "+010000-01-01T00:00:00.000Z"},
	}},
	{"date last", bson.DateTime(math.MaxInt64), date("9223372036854775807"), date("9223372036854775807"), Same, []Edit{
		{date("-9223372036854775808"), "", bson.DateTime(math.MinInt64)},
	}},
	{"date first", bson.DateTime(math.MinInt64), date("-9223372036854775808"), date("-9223372036854775808"), Same, []Edit{
		{date("9223372036854775807"), "", bson.DateTime(math.MaxInt64)},
		{`{"$date":0}`, "", bson.DateTime(0)},
	}},
}
