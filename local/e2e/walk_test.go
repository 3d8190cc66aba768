package e2e_test

import "testing"

// walkers go through every kind of change, in both directions.
var walkers = []*collection{
	{name: "strict"},
	{name: "maps", maps: true},
	{name: "ejson", ejson: true},
	{name: "one", fields: []string{"sku"}},
	{name: "one_ejson", fields: []string{"sku"}, ejson: true},
	{name: "several", fields: []string{"store", "no"}},
	{name: "several_maps", fields: []string{"no", "store"}, maps: true},
	{name: "several_ejson", fields: []string{"store", "no"}, ejson: true, ditto: "or`der-s.v2"},
}

// walks are lives of documents, by key.
var walks = map[string][]step{
	"fields from MongoDB": {
		{
			name:        "insert",
			insertMongo: `{"a":"x","n":1,"f":2.5,"z":null,"e":{},"o":{"p":"q"},"l":["u",{"v":7}]}`,
			want:        `{"a":"x","n":"#1","f":"#2.5","z":null,"e":{},"o":{"p":"q"},"l":["u",{"v":"#7"}]}`,
		},
		{
			name:        "set one",
			updateMongo: `{"$set":{"a":"y"}}`,
			want:        `{"a":"y","n":"#1","f":"#2.5","z":null,"e":{},"o":{"p":"q"},"l":["u",{"v":"#7"}]}`,
		},
		{
			name:        "set, add and remove at once",
			updateMongo: `{"$inc":{"n":1},"$set":{"b":true,"z":"no null","c":{"d":null}},"$unset":{"a":1,"e":1}}`,
			want:        `{"b":true,"c":{"d":null},"n":"#2","f":"#2.5","z":"no null","o":{"p":"q"},"l":["u",{"v":"#7"}]}`,
		},
		{
			name:        "remove the rest but one",
			updateMongo: `{"$unset":{"b":1,"c":1,"n":1,"z":1,"o":1,"l":1}}`,
			want:        `{"f":"#2.5"}`,
		},
		{
			name:         "replace",
			replaceMongo: `{"f":3.5,"a":"again","o":{"p":{"new":1}}}`,
			want:         `{"f":"#3.5","a":"again","o":{"p":{"new":"#1"}}}`,
		},
		{name: "remove", deleteMongo: true},
	},
	"nested from MongoDB": {
		{
			insertMongo: `{"k":"k","o":{"p":"q","r":{"s":"t","u":1}}}`,
			want:        `{"k":"k","o":{"p":"q","r":{"s":"t","u":"#1"}}}`,
		},
		{
			name:        "set a leaf, add another",
			updateMongo: `{"$set":{"o.r.s":"T","o.r.v.w":["deep"]}}`,
			want:        `{"k":"k","o":{"p":"q","r":{"s":"T","u":"#1","v":{"w":["deep"]}}}}`,
		},
		{
			name:        "remove leaves",
			updateMongo: `{"$unset":{"o.p":1,"o.r.s":1}}`,
			want:        `{"k":"k","o":{"r":{"u":"#1","v":{"w":["deep"]}}}}`,
		},
		{
			name:        "remove the last field of an object",
			updateMongo: `{"$unset":{"o.r.v.w":1}}`,
			want:        `{"k":"k","o":{"r":{"u":"#1","v":{}}}}`,
		},
		{
			name:        "remove an object, and what empties another",
			updateMongo: `{"$unset":{"o.r":1}}`,
			want:        `{"k":"k","o":{}}`,
		},
		{
			name:        "fill the empty object",
			updateMongo: `{"$set":{"o.x":"y"}}`,
			want:        `{"k":"k","o":{"x":"y"}}`,
		},
		{
			name:        "remove the whole object",
			updateMongo: `{"$unset":{"o":1}}`,
			want:        `{"k":"k"}`,
		},
	},
	"arrays from MongoDB": {
		{insertMongo: `{"k":"k","l":["a",{"b":"c"},[1]]}`, want: `{"k":"k","l":["a",{"b":"c"},["#1"]]}`},
		{name: "push", updateMongo: `{"$push":{"l":null}}`, want: `{"k":"k","l":["a",{"b":"c"},["#1"],null]}`},
		{name: "set in an element", updateMongo: `{"$set":{"l.1.b":"C"}}`, want: `{"k":"k","l":["a",{"b":"C"},["#1"],null]}`},
		{name: "empty", updateMongo: `{"$set":{"l":[]}}`, want: `{"k":"k","l":[]}`},
		{name: "to object", updateMongo: `{"$set":{"l":{"x":"y"}}}`, want: `{"k":"k","l":{"x":"y"}}`},
		{name: "to array", updateMongo: `{"$set":{"l":["z"]}}`, want: `{"k":"k","l":["z"]}`},
		{name: "to null", updateMongo: `{"$set":{"l":null}}`, want: `{"k":"k","l":null}`},
	},
	"types from MongoDB": {
		{insertMongo: `{"k":"k","v":1}`, want: `{"k":"k","v":"#1"}`},
		{name: "to object", updateMongo: `{"$set":{"v":{"x":{"y":"z"}}}}`, want: `{"k":"k","v":{"x":{"y":"z"}}}`},
		{name: "to string", updateMongo: `{"$set":{"v":"text"}}`, want: `{"k":"k","v":"text"}`},
		{name: "to another object", updateMongo: `{"$set":{"v":{"w":2}}}`, want: `{"k":"k","v":{"w":"#2"}}`},
		{name: "to empty object", updateMongo: `{"$set":{"v":{}}}`, want: `{"k":"k","v":{}}`},
		{name: "to number", updateMongo: `{"$set":{"v":2.5}}`, want: `{"k":"k","v":"#2.5"}`},
		// Under the number lies the map of before, which is removed with it.
		{name: "removed", updateMongo: `{"$unset":{"v":1}}`, want: `{"k":"k"}`, dittoWritesMaps: 2},
		{name: "added", updateMongo: `{"$set":{"v":{"q":false}}}`, want: `{"k":"k","v":{"q":false}}`},
	},
	"deletes": {
		{name: "MongoDB inserts", insertMongo: `{"a":1}`, want: `{"a":"#1"}`},
		{name: "MongoDB deletes", deleteMongo: true},
		{name: "MongoDB inserts again", insertMongo: `{"b":{"c":"d"}}`, want: `{"b":{"c":"d"}}`},
		{name: "Ditto deletes", deleteDitto: true},
		{name: "Ditto inserts again", insertDitto: `{"e":"f"}`, want: `{"e":"f"}`},
		{name: "Ditto deletes", deleteDitto: true},
		{name: "MongoDB inserts again", insertMongo: `{"g":2}`, want: `{"g":"#2"}`},
	},
	"fields from Ditto": {
		{
			name:        "insert",
			insertDitto: `{"a":"x","n":1,"f":2.5,"z":null,"e":{},"o":{"p":"q"},"l":["u",{"v":7}]}`,
			want:        `{"a":"x","n":1,"f":2.5,"z":null,"e":{},"o":{"p":"q"},"l":["u",{"v":7}]}`,
		},
		{
			name:        "set one",
			updateDitto: []edit{{"a", `"y"`}},
			want:        `{"a":"y","n":1,"f":2.5,"z":null,"e":{},"o":{"p":"q"},"l":["u",{"v":7}]}`,
		},
		{
			name:        "set, add and remove at once",
			updateDitto: []edit{{"n", "2"}, {"b", "true"}, {"z", `"no null"`}, {"c", `{"d":null}`}, {"a", ""}, {"e", ""}},
			want:        `{"b":true,"c":{"d":null},"n":2,"f":2.5,"z":"no null","o":{"p":"q"},"l":["u",{"v":7}]}`,
		},
		{
			name:        "remove some",
			updateDitto: []edit{{"b", ""}, {"c", ""}, {"z", ""}, {"o", ""}, {"l", ""}},
			want:        `{"n":2,"f":2.5}`,
		},
		{name: "remove", deleteDitto: true},
	},
	"nested from Ditto": {
		{
			insertDitto: `{"k":"k","o":{"p":"q","r":{"s":"t","u":1}}}`,
			want:        `{"k":"k","o":{"p":"q","r":{"s":"t","u":1}}}`,
		},
		{
			name:        "set a leaf, add another",
			updateDitto: []edit{{"o.r.s", `"T"`}, {"o.r.v", `{"w":["deep"]}`}},
			want:        `{"k":"k","o":{"p":"q","r":{"s":"T","u":1,"v":{"w":["deep"]}}}}`,
		},
		{
			name:        "remove leaves",
			updateDitto: []edit{{"o.p", ""}, {"o.r.s", ""}},
			want:        `{"k":"k","o":{"r":{"u":1,"v":{"w":["deep"]}}}}`,
		},
		{
			name:        "remove the last field of an object",
			updateDitto: []edit{{"o.r.v.w", ""}},
			want:        `{"k":"k","o":{"r":{"u":1,"v":{}}}}`,
		},
		{
			name:        "remove an object, and what empties another",
			updateDitto: []edit{{"o.r", ""}},
			want:        `{"k":"k","o":{}}`,
		},
		{
			name:        "remove the whole object",
			updateDitto: []edit{{"o", ""}},
			want:        `{"k":"k"}`,
		},
	},
	"types from Ditto": {
		{insertDitto: `{"k":"k","v":1,"l":["a"]}`, want: `{"k":"k","v":1,"l":["a"]}`},
		{
			name:        "number to object, array to object",
			updateDitto: []edit{{"v", `{"x":{"y":"z"}}`}, {"l", `{"b":"c"}`}},
			want:        `{"k":"k","v":{"x":{"y":"z"}},"l":{"b":"c"}}`,
		},
		{
			name:        "object to string, object to array",
			updateDitto: []edit{{"v", `"text"`}, {"l", `[{"d":1}]`}},
			want:        `{"k":"k","v":"text","l":[{"d":1}]}`,
		},
		{
			name:        "to null, to empty",
			updateDitto: []edit{{"v", "null"}, {"l", "[]"}},
			want:        `{"k":"k","v":null,"l":[]}`,
		},
		{
			// A map that a scalar hid shows its keys again: Ditto's own rule.
			name:        "null to object",
			updateDitto: []edit{{"v", `{"w":2}`}},
			want:        `{"k":"k","v":{"w":2},"l":[]}`,
			maps:        `{"k":"k","v":{"w":2,"x":{"y":"z"}},"l":[]}`,
		},
	},
	"old connector's metadata": {
		{
			name: "Ditto inserts", insertDitto: `{"a":"x","_mdb":{"v":1}}`,
			ditto: `{"a":"x","_mdb":{"v":1}}`, mongo: `{"a":"x"}`,
		},
		{
			name: "MongoDB replaces", replaceMongo: `{"b":"y"}`,
			ditto: `{"b":"y","_mdb":{"v":1}}`, mongo: `{"b":"y"}`,
		},
		{
			name: "Ditto edits it alone", updateDitto: []edit{{"_mdb.v", "2"}},
			ditto: `{"b":"y","_mdb":{"v":2}}`, mongo: `{"b":"y"}`, mongoWrites: -1,
		},
		{name: "MongoDB deletes", deleteMongo: true},
	},
	"in turns": {
		{name: "MongoDB inserts", insertMongo: `{"n":1,"o":{"a":"a"},"l":["a"]}`, want: `{"n":"#1","o":{"a":"a"},"l":["a"]}`},
		{name: "Ditto edits", updateDitto: []edit{{"n", "2"}, {"o.b", `"b"`}}, want: `{"n":2,"o":{"a":"a","b":"b"},"l":["a"]}`},
		{name: "MongoDB edits", updateMongo: `{"$inc":{"n":1},"$set":{"o.a":"A"}}`, want: `{"n":"#3","o":{"a":"A","b":"b"},"l":["a"]}`},
		{
			name:        "both edit other fields",
			updateMongo: `{"$push":{"l":"b"}}`, updateDitto: []edit{{"n", "4"}},
			want:        `{"n":4,"o":{"a":"A","b":"b"},"l":["a","b"]}`,
			dittoWrites: 2, mongoWrites: 2,
		},
		{
			name:        "both edit other fields unheard",
			updateMongo: `{"$set":{"m":"m"}}`, updateDitto: []edit{{"l", `["c"]`}}, paused: true,
			want:        `{"n":4,"o":{"a":"A","b":"b"},"l":["c"],"m":"m"}`,
			dittoWrites: 2, mongoWrites: 2,
		},
		{name: "Ditto deletes", deleteDitto: true},
	},
}

func TestWalk(t *testing.T) {
	t.Parallel()
	w := open(t)
	again := w.again(t)
	var docs []*document
	for _, c := range walkers {
		for key, steps := range walks {
			docs = append(docs, &document{collection: c, key: key + again, steps: steps})
		}
	}
	w.play(t, docs)
}
