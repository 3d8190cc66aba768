package dittosim_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
)

// trap is a sequence of statements, of which the last one's answer is wanted:
// its items, or its mutated ids, or "refused".
type trap struct {
	name       string
	statements []string // "v5 statement ;; args"
	want       string
}

// traps are what is easily got wrong, each on both engines.
func traps(t *testing.T, engine ditto.Executor) {
	for _, c := range trapTable {
		t.Run(c.name, func(t *testing.T) {
			p := &pair{real: engine, sim: dittosim.New()}
			collection := strings.ToLower(c.name)
			var last ditto.Response
			var err error
			for _, s := range c.statements {
				statement, args, _ := strings.Cut(strings.ReplaceAll(s, "$C", collection), ";;")
				r := ditto.Request{API: ditto.API(statement[:2]), Statement: statement[3:], Args: json.RawMessage(strings.TrimSpace(args))}
				last, err = p.Execute(t.Context(), r)
			}
			if p.diff != "" {
				t.Fatalf("%s\n%s", p.log.String(), p.diff)
			}
			got := strings.Join(texts(last.Items, true), " ") + strings.Join(texts(last.Mutated, false), " ")
			if err != nil {
				got = "refused"
			}
			if got != c.want {
				t.Errorf("got %s, want %s\n%s", got, c.want, p.log.String())
			}
		})
	}
}

const insertMapAndScalar = `v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":{"_id":"a","n":{"x":1},"s":5}}`

var trapTable = []trap{
	// Several values at one path.
	{"KeysComeBack", []string{insertMapAndScalar, `v5 UPDATE $C SET n = 5`, `v5 UPDATE $C SET n.y = 2`, `v5 SELECT n FROM $C`}, `{"n":{"x":1,"y":2}}`},
	{"EmptyObjectShowsHiddenMap", []string{insertMapAndScalar, `v5 UPDATE $C SET n = 5`, `v5 UPDATE $C SET n = :o ;; {"o":{}}`, `v5 SELECT n FROM $C`}, `{"n":{"x":1}}`},
	{"UnsetRevealsMap", []string{insertMapAndScalar, `v5 UPDATE $C SET n = 5`, `v5 UPDATE $C UNSET n`, `v5 SELECT n FROM $C`}, `{"n":{"x":1}}`},
	{"UnsetMapThenCleanMap", []string{insertMapAndScalar, `v5 UPDATE $C SET n = 5`, `v5 UPDATE $C SET n.y = 2`, `v5 UPDATE $C UNSET n`, `v5 UPDATE $C SET n.z = 3`, `v5 SELECT n FROM $C`}, `{"n":{"z":3}}`},
	{"UnsetOfMissingInHiddenMapShowsIt", []string{insertMapAndScalar, `v5 UPDATE $C SET n = 5`, `v5 UPDATE $C UNSET n.none`, `v5 SELECT n FROM $C`}, `{"n":{"x":1}}`},
	{"UnsetMakesParents", []string{insertMapAndScalar, `v5 UPDATE $C UNSET n.p.q`, `v5 SELECT n FROM $C`}, `{"n":{"p":{},"x":1}}`},
	{"NestedWriteHidesRegister", []string{`v4 INSERT INTO $C DOCUMENTS (:d) ;; {"d":{"_id":"a","n":{"x":1,"y":2}}}`, `v5 UPDATE $C SET n.x = 3`, `v5 SELECT n FROM $C`}, `{"n":{"x":3}}`},
	{"DeleteForgetsAll", []string{insertMapAndScalar, `v5 DELETE FROM $C`, `v5 INSERT INTO $C DOCUMENTS ({'_id': 'a', 'n': {}})`, `v5 SELECT * FROM $C`}, `{"_id":"a","n":{}}`},
	{"IncrementOfRegisterStartsFromZero", []string{insertMapAndScalar, `v5 UPDATE $C APPLY s INCREMENT BY -2`, `v5 SELECT s FROM $C`}, `{"s":-2}`},
	{"CounterWrapsAround", []string{insertMapAndScalar, `v5 UPDATE $C APPLY q RESTART WITH 9223372036854775807`, `v5 UPDATE $C APPLY q INCREMENT BY 1`, `v5 SELECT q FROM $C`}, `{"q":-9223372036854775808}`},
	{"CounterUnderScalarGoesOn", []string{insertMapAndScalar, `v5 UPDATE $C APPLY q RESTART WITH 8`, `v5 UPDATE $C SET q = 100`, `v5 UPDATE $C APPLY q INCREMENT BY 1`, `v5 SELECT q FROM $C`}, `{"q":9}`},
	{"RestartTwice", []string{insertMapAndScalar, `v5 UPDATE $C APPLY q RESTART, q RESTART`}, `refused`},
	{"ScalarAndBelow", []string{insertMapAndScalar, `v5 UPDATE $C SET n = 1 UNSET n.x`}, `refused`},
	{"ObjectAndBelow", []string{insertMapAndScalar, `v5 UPDATE $C SET n = :o, n.z = 2 UNSET n.x ;; {"o":{"y":1}}`, `v5 SELECT n FROM $C`}, `{"n":{"y":1,"z":2}}`},

	// Strict reads.
	{"StrictHidesMap", []string{insertMapAndScalar, `v4 SELECT * FROM $C`}, `{"_id":"a","s":5}`},
	{"StrictQualifiedPathSeesMap", []string{insertMapAndScalar, `v4 SELECT n IS MISSING AS bare, $C.n IS MISSING AS qualified FROM $C`}, `{"bare":true,"qualified":false}`},
	{"StrictConditionOnUnseenMap", []string{insertMapAndScalar, `v4 UPDATE $C SET n = 1 WHERE $C.n IS MISSING`}, ``},
	{"StrictWholeDocument", []string{insertMapAndScalar, `v4 DELETE FROM $C WHERE serialize_json($C) = serialize_json(:d) ;; {"d":{"_id":"a","s":5}}`}, `"a"`},
	{"DeclaredQualifiedPathHidesMembers", []string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":{"_id":"a","n":{"s":1,"x":2}}}`, `v5 SELECT n AS bare, $C.n AS qualified FROM COLLECTION $C (s COUNTER)`}, `{"bare":{"s":1,"x":2},"qualified":{"x":2}}`},

	// Ids.
	{"MixedIDsMatchNothing", []string{insertMapAndScalar, `v5 SELECT _id FROM $C WHERE _id IN :ids ;; {"ids":["a",1]}`}, ``},
	{"MixedIDsOfMoreThanFiveMatch", []string{insertMapAndScalar, `v5 SELECT _id FROM $C WHERE _id IN :ids ;; {"ids":[1,2,3,4,5,"a"]}`}, `{"_id":"a"}`},
	{"ObjectIDsOfOneShapeAndTwoKinds", []string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":[{"_id":{"k":1}},{"_id":{"k":"1"}}]}`, `v5 SELECT _id FROM $C WHERE _id IN :ids ;; {"ids":[{"k":1},{"k":"1"}]}`}, ``},
	{"ObjectIDsOfTwoShapes", []string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":[{"_id":{"k":1}},{"_id":{"l":"1"}}]}`, `v5 SELECT _id FROM $C WHERE _id IN :ids ORDER BY _id ;; {"ids":[{"k":1},{"l":"1"}]}`}, `{"_id":{"k":1}} {"_id":{"l":"1"}}`},
	{"ObjectIDWithNullIsNotFound", []string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":{"_id":{"k":null}}}`, `v5 SELECT _id FROM $C WHERE _id = :id ;; {"id":{"k":null}}`}, ``},
	{"FloatIDRefused", []string{insertMapAndScalar, `v5 SELECT _id FROM $C WHERE _id = :id ;; {"id":1.0}`}, `refused`},
	{"IDTwiceAlone", []string{insertMapAndScalar, `v5 UPDATE $C APPLY q INCREMENT BY 1 WHERE _id IN ('a', 'a')`}, `"a" "a"`},
	{"IDTwiceCountsOnce", []string{insertMapAndScalar, `v5 UPDATE $C APPLY q INCREMENT BY 1 WHERE _id IN ('a', 'a')`, `v5 SELECT q FROM $C`}, `{"q":1}`},
	{"IDTwiceBesideCondition", []string{insertMapAndScalar, `v5 UPDATE $C SET z = 1 WHERE _id IN ('a', 'a') AND s = 5`}, `"a"`},
	{
		"IDOrder",
		[]string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":[{"_id":{"a":null}},{"_id":{"a":"1"}},{"_id":{"a":1,"b":0}},{"_id":{}},{"_id":[2]},{"_id":["a"]},{"_id":"b"},{"_id":10},{"_id":9},{"_id":true}]}`, `v5 SELECT _id FROM $C ORDER BY _id`},
		`{"_id":true} {"_id":9} {"_id":10} {"_id":"b"} {"_id":[2]} {"_id":["a"]} {"_id":{}} {"_id":{"a":1,"b":0}} {"_id":{"a":"1"}} {"_id":{"a":null}}`,
	},
	{"GreaterThanWithinOneKind", []string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":[{"_id":"b"},{"_id":10},{"_id":9}]}`, `v5 SELECT _id FROM $C WHERE _id > 9 ORDER BY _id`}, `{"_id":10}`},

	// Names.
	{"PathsInSetAreNeverQualified", []string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":{"_id":"a","$C":{"x":1},"x":2}}`, `v5 UPDATE $C SET $C.x = $C.x + 1, y = x WHERE $C.x = 2`, `v5 SELECT * FROM $C`}, `{"_id":"a","pathsinsetareneverqualified":{"x":2},"x":2,"y":2}`},
	{"QuotedNames", []string{"v5 INSERT INTO `my-$C` DOCUMENTS (:d) ;; {\"d\":{\"_id\":1,\"a.b\":1,\"a`b\":2}}", "v5 UPDATE `my-$C` SET `a``b` = 3, `` = 4 WHERE `my-$C`.`a.b` = 1", "v5 SELECT * FROM `my-$C`"}, "{\"\":4,\"_id\":1,\"a.b\":1,\"a`b\":3}"},

	// Values.
	{"EqualityOfNumbers", []string{insertMapAndScalar, `v5 SELECT s = 5.0 AS a, serialize_json(s) = serialize_json(:f) AS b, :i = :g AS c FROM $C ;; {"f":5.0,"i":9007199254740993,"g":9007199254740992.0}`}, `{"a":true,"b":false,"c":false}`},
	{"EqualityWithNullInside", []string{insertMapAndScalar, `v5 SELECT :a = :b AS a, :a != :c AS b, serialize_json(:a) = serialize_json(:b) AS c, array_position([:a], :b) AS d FROM $C ;; {"a":[1,null],"b":[1,null],"c":[2,null]}`}, `{"a":null,"b":true,"c":true,"d":0}`},
	{"NullAndMissing", []string{insertMapAndScalar, `v5 SELECT z IS MISSING AS a, z IS NULL AS b, s IS NOT NULL AS c, z = 1 AS d, type(z) AS e FROM $C`}, `{"a":true,"b":false,"c":true,"e":"missing"}`},
	{
		"LongListIsExact",
		[]string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":{"_id":"a","s":5,"n":null,"o":{"k":null},"l":[1]}}`, `v5 SELECT s IN :a AS a, z IN :a AS b, n IN :a AS c, o IN :a AS d, l IN :a AS e FROM $C ;; {"a":[0,[1.0],null,{"k":null},"x",5]}`},
		`{"a":true,"c":null,"d":true,"e":false}`,
	},
	{"FailingConditionMatchesNothing", []string{insertMapAndScalar, `v5 SELECT _id FROM $C WHERE s IN ('x', 5) OR s = 5`}, ``},
	{"FailingValueRefused", []string{insertMapAndScalar, `v5 UPDATE $C SET z = s + 'x'`}, `refused`},
	{"IndexOutsideIsMissing", []string{insertMapAndScalar, `v5 SELECT :v[0] AS a, :v[1] AS b, :v[-1] AS c, :v[0.0] AS d FROM $C ;; {"v":[7]}`}, `{"a":7,"d":7}`},
	{
		"ExactNumbers",
		[]string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":{"_id":9223372036854775807,"a":[1.0,-0.0,1e20,1.5e-7,0.00001,1e15,18446744073709551615,-9223372036854775808]}}`, `v5 SELECT * FROM $C`},
		`{"_id":9223372036854775807,"a":[1.0,-0.0,1e+20,1.5e-7,0.00001,1000000000000000.0,18446744073709551615,-9223372036854775808]}`,
	},
	{"Strings", []string{`v5 INSERT INTO $C DOCUMENTS (:d) ;; {"d":{"_id":"\u00e9\u0001\n\"\\\/\u007f<\ud83d\ude00"}}`, `v5 SELECT * FROM $C`}, "{\"_id\":\"é\\u0001\\n\\\"\\\\/\x7f<😀\"}"},
}
