package ditto_test

import (
	"slices"
	"testing"

	"github.com/causeway-sync/causeway/local/ditto"
)

// TestExact: numbers and texts come back as they were sent, through every kind
// of statement that takes arguments.
func TestExact(t *testing.T) {
	s := start(t, ditto.Options{})
	const doc = `{"Z":"é😀\u0001","_id":"a","a":1.0,"b":-0.0,"c":9223372036854775807,"d":-9223372036854775808,` +
		`"e":9007199254740993,"f":[1,1.0,{"x":2.0}],"g":0.1,"h":4294967296,"i":1e300,"j":9007199254740991,"k":null,"l":{}}`
	const read = `{"Z":"é😀\u0001","_id":"a","a":1.0,"b":-0.0,"c":9223372036854775807,"d":-9223372036854775808,` +
		`"e":9007199254740993,"f":[1,1.0,{"x":2.0}],"g":0.1,"h":4294967296,"i":1e+300,"j":9007199254740991,"k":null,"l":{}}`
	for _, api := range []string{"v4", "v5"} {
		t.Run("Insert/"+api, func(t *testing.T) {
			run(t, s, call{api: api, statement: "INSERT INTO i" + api + " DOCUMENTS (:d)", args: `{"d":` + doc + `}`})
			if got := run(t, s, call{api: api, statement: "SELECT * FROM i" + api}).items(); got != read {
				t.Errorf("got  %s\nwant %s", got, read)
			}
		})
	}
	for _, tt := range []struct{ name, set, args, want string }{
		{
			"ArrayInsert", "INSERT INTO c DOCUMENTS (:d) ON ID CONFLICT DO UPDATE", `{"d":[{"_id":1,"v":1.0},{"_id":2,"v":2}]}`,
			`{"_id":1,"v":1.0} {"_id":2,"v":2}`,
		},
		{
			"BulkUpdate", "UPDATE c SET v = :n[array_position(:ids,_id)] WHERE _id IN :ids AND serialize_json(c.v) = serialize_json(:o[array_position(:ids,_id)])",
			`{"n":[10.0,20.0],"o":[1.0,2],"ids":[1,2]}`,
			`{"_id":1,"v":10.0} {"_id":2,"v":20.0}`,
		},
		{
			"BulkUpdateTellsFloatsApart", "UPDATE c SET v = :n[array_position(:ids,_id)] WHERE _id IN :ids AND serialize_json(c.v) = serialize_json(:o[array_position(:ids,_id)])",
			`{"n":[0,0],"o":[10,20.0],"ids":[1,2]}`,
			`{"_id":1,"v":10.0} {"_id":2,"v":0}`,
		},
		{
			"IDsBeyondFloats", "INSERT INTO c DOCUMENTS (:a), (:b)", `{"a":{"_id":9007199254740993,"v":1},"b":{"_id":9007199254740992,"v":2}}`,
			`{"_id":1,"v":10.0} {"_id":2,"v":0} {"_id":9007199254740992,"v":2} {"_id":9007199254740993,"v":1}`,
		},
		{
			"INOfExactIDs", "DELETE FROM c WHERE _id IN :ids", `{"ids":[9007199254740993,1]}`,
			`{"_id":2,"v":0} {"_id":9007199254740992,"v":2}`,
		},
		{
			"NamesInStrings", "UPDATE c SET v = ':x' , `:x` = :x -- :x\n WHERE /* :x */ _id = 2", `{"x":3.0}`,
			`{":x":3.0,"_id":2,"v":":x"} {"_id":9007199254740992,"v":2}`,
		},
		{
			"Counter", "UPDATE c APPLY n RESTART WITH :x SET v = :y WHERE _id = 2", `{"x":9007199254740993,"y":1.0}`,
			`{":x":3.0,"_id":2,"n":9007199254740993,"v":1.0} {"_id":9007199254740992,"v":2}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run(t, s, call{statement: tt.set, args: tt.args})
			if got := show(t, s, "c"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	t.Run("MutatedIDs", func(t *testing.T) {
		a := run(t, s, call{statement: "INSERT INTO ids DOCUMENTS (:d)", args: `{"d":[
			{"_id":9007199254740993},{"_id":{"b":1,"a":{"c":9007199254740993}}},{"_id":"é\"\\ "},{"_id":true},{"_id":[1,"a"]}]}`})
		var got []string
		for _, id := range a.Mutated {
			got = append(got, string(id))
		}
		slices.Sort(got)
		diff(t, got, []string{`"é\"\\ "`, `9007199254740993`, `[1,"a"]`, `true`, `{"a":{"c":9007199254740993},"b":1}`})
	})
	t.Run("Limit", func(t *testing.T) {
		got := run(t, s, call{statement: "SELECT _id FROM c WHERE _id = :n OR true LIMIT :n", args: `{"n":1.0}`}).items()
		if want := `{"_id":2}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
