package e2e_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// identified have ids of every kind.
var identified = []*collection{
	{name: "ids"},
	{name: "ids_ejson", ejson: true},
	{name: "ids_one", fields: []string{"ref"}, maps: true},
	{name: "ids_one_ejson", fields: []string{"ref"}, ejson: true},
	{name: "ids_several", fields: []string{"store", "no"}, ejson: true},
}

// ids are the values that may make an id: as canonical Extended JSON, and in
// Ditto in json mode. In ejson mode both are the same.
var ids = [][2]string{
	{`{"$oid":"507f1f77bcf86cd799439011"}`, `"507f1f77bcf86cd799439011"`},
	{`{"$numberInt":"7"}`, `7`},
	{`{"$numberInt":"0"}`, `0`},
	{`{"$numberLong":"-8"}`, `-8`},
	{`{"$numberLong":"9007199254740993"}`, `9007199254740993`},
	{`{"$numberDouble":"5.0"}`, `5`},
	{`{"$numberDecimal":"1.50"}`, `"1.50"`},
	{`{"$date":{"$numberLong":"1712345678901"}}`, `"2024-04-05T19:34:38.901Z"`},
	{`{"$binary":{"base64":"c//SZESzTGmQ6OfR38A11A==","subType":"04"}}`, `{"$binary":{"base64":"c//SZESzTGmQ6OfR38A11A==","subType":"04"}}`},
	{`{"$timestamp":{"i":3,"t":1712345678}}`, `1712345678`},
	{`true`, `true`},
	{`""`, `""`},
	{`"a/b \"c\" 'd' \\ ` + "`e`" + ` ☕ {\"$oid\": 1}"`, `"a/b \"c\" 'd' \\ ` + "`e`" + ` ☕ {\"$oid\": 1}"`},
	{`"` + strings.Repeat("x", 254) + `"`, `"` + strings.Repeat("x", 254) + `"`},
}

// deviceIDs are ids as devices write them, and MongoDB's for them, in the
// modes in which that is their meaning.
var deviceIDs = []struct{ ditto, mongo, modes string }{
	{`70`, `{"$numberInt":"70"}`, "json ejson"},
	{`9007199254740995`, `{"$numberLong":"9007199254740995"}`, "json ejson"},
	{`false`, `false`, "json ejson"},
	{`"607f1f77bcf86cd799439011"`, `"607f1f77bcf86cd799439011"`, "json ejson"},
	{`{"$oid":"607f1f77bcf86cd799439012"}`, `{"$oid":"607f1f77bcf86cd799439012"}`, "json ejson"},
	{`{"$numberLong":"71"}`, `{"$numberLong":"71"}`, "ejson"},
	{`"` + strings.Repeat("y", 254) + `"`, `"` + strings.Repeat("y", 254) + `"`, "json ejson"},
}

// TestIDs: a document keeps its id on both sides, with its type, from the
// first insert to the delete, whichever side it was born on.
func TestIDs(t *testing.T) {
	t.Parallel()
	w := open(t)
	var docs []*document
	add := func(c *collection, key string, a address, steps []step) {
		c.odd[key] = a
		docs = append(docs, &document{collection: c, key: key, steps: steps})
	}
	for _, c := range identified {
		c.odd = map[string]address{}
		longest := math.MaxInt
		if len(c.fields) > 1 {
			longest = 200 // the limit is one for all fields
		}
		for _, id := range ids {
			// What EventBridge's rule makes of an event without an id looks like
			// an empty `_id`: the event is refused, and a sweep finds the document.
			if len(id[0]) > longest || c.fields == nil && id[0] == `""` {
				continue
			}
			// The field keeps its form, 5.0; the id is 5.
			if c.fields != nil && !c.ejson && strings.Contains(id[0], "Double") {
				continue
			}
			ditto := id[1]
			if c.ejson {
				ditto = id[0]
			}
			add(c, "MongoDB's "+id[0], c.address(t, id[0], ditto), []step{
				{name: "MongoDB inserts", insertMongo: `{"a":"m"}`, want: `{"a":"m"}`},
				{name: "Ditto edits", updateDitto: []edit{{"a", `"d"`}}, want: `{"a":"d"}`},
				{name: "MongoDB edits", updateMongo: `{"$set":{"b":"m"}}`, want: `{"a":"d","b":"m"}`},
				{name: "Ditto deletes", deleteDitto: true},
				{name: "MongoDB inserts again", insertMongo: `{"c":"m"}`, want: `{"c":"m"}`},
				{name: "MongoDB deletes", deleteMongo: true},
			})
		}
		mode := map[bool]string{false: "json", true: "ejson"}[c.ejson]
		for _, id := range deviceIDs {
			if !strings.Contains(" "+id.modes, " "+mode) || len(id.ditto) > longest {
				continue
			}
			add(c, "Ditto's "+id.ditto, c.address(t, id.mongo, id.ditto), []step{
				{name: "Ditto inserts", insertDitto: `{"a":"d"}`, want: `{"a":"d"}`},
				{name: "MongoDB edits", updateMongo: `{"$set":{"b":"m"}}`, want: `{"a":"d","b":"m"}`},
				{name: "Ditto edits", updateDitto: []edit{{"a", `"D"`}}, want: `{"a":"D","b":"m"}`},
				{name: "Ditto deletes", deleteDitto: true},
				{name: "Ditto inserts again", insertDitto: `{"c":"d"}`, want: `{"c":"d"}`},
				{name: "Ditto deletes again", deleteDitto: true},
			})
		}
	}
	w.play(t, docs)
}

// address is a document's, of which an id, or one field of it, has this value.
func (c *collection) address(t *testing.T, mongo, ditto string) address {
	t.Helper()
	v := extJSON(t, `{"v":`+mongo+`}`)[0].Value
	switch len(c.fields) {
	case 0:
		return address{bson.D{{Key: "_id", Value: v}}, json.RawMessage(ditto)}
	case 1:
		return address{bson.D{{Key: c.fields[0], Value: v}}, json.RawMessage(ditto)}
	}
	first, second := c.fields[0], c.fields[1]
	return address{
		bson.D{{Key: first, Value: "s"}, {Key: second, Value: v}},
		json.RawMessage(text(t, map[string]any{first: "s", second: json.RawMessage(ditto)})),
	}
}
