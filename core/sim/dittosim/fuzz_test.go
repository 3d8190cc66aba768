package dittosim_test

import (
	"encoding/json"
	"testing"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
)

// FuzzExecute wants an answer or a refusal of any text, and valid JSON in the
// answer.
func FuzzExecute(f *testing.F) {
	for _, st := range []string{
		"SELECT * FROM COLLECTION c (n MAP(q COUNTER)) WHERE _id IN :v ORDER BY _id LIMIT 1",
		"SELECT COUNT(*) FROM c WHERE c.n.x IS NOT MISSING AND NOT (n = :v[array_position(:v, _id)] OR type(c) != 'object')",
		"SELECT `a``b`.c, -1.5e3 + 2 AS x, {'k':[true, null]} FROM `c` AS t WHERE t.n < \"a\\u0041\"",
		"INSERT INTO COLLECTION c (q COUNTER) DOCUMENTS (:v), ({'_id': 1}) ON ID CONFLICT DO UPDATE",
		"UPDATE c APPLY q RESTART WITH 3, n.q INCREMENT BY -1, p PN_INCREMENT BY 1 SET n = :v UNSET n.z WHERE serialize_json(c) = serialize_json(:v)",
		"DELETE FROM c WHERE _id = 'a' OR _id IN (1, 'b')",
	} {
		f.Add(st, `[1,"a",{"_id":"a","x":1.0}]`)
	}
	f.Fuzz(func(t *testing.T, statement, v string) {
		s := dittosim.New()
		execute(t, s, ditto.V5, "INSERT INTO COLLECTION c (q COUNTER) DOCUMENTS (:d)", `{"d":[{"_id":"a","n":{"x":1},"q":2},{"_id":{"k":1},"n":null}]}`)
		for _, api := range []ditto.API{ditto.V5, ditto.V4} {
			r, err := s.Execute(t.Context(), ditto.Request{API: api, Statement: statement, Args: json.RawMessage(`{"v":` + v + `}`)})
			if err != nil {
				continue
			}
			for _, js := range append(r.Items, r.Mutated...) {
				if !json.Valid(js) {
					t.Errorf("not JSON: %s", js)
				}
			}
		}
	})
}
