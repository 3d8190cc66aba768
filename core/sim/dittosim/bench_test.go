package dittosim_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
)

// BenchmarkExecute runs the statements that a settled batch of ten documents
// takes; a history of the simulation has some dozens of them.
func BenchmarkExecute(b *testing.B) {
	const docs = 10
	list := func(format string) string {
		parts := make([]string, docs)
		for i := range parts {
			parts[i] = strings.ReplaceAll(format, "#", fmt.Sprint(i))
		}
		return "[" + strings.Join(parts, ",") + "]"
	}
	ids := list(`"d#"`)
	insert := ditto.Request{
		API: ditto.V5, Statement: "INSERT INTO `c` DOCUMENTS (:docs) ON ID CONFLICT DO NOTHING",
		Args: json.RawMessage(`{"docs":` + list(`{"_id":"d#","a":1,"b":"text","o":{"x":1,"y":[1,2,3]},"v":0}`) + `}`),
	}
	read := ditto.Request{API: ditto.V5, Statement: "SELECT * FROM `c` WHERE _id IN :ids", Args: json.RawMessage(`{"ids":` + ids + `}`)}
	update := ditto.Request{
		API: ditto.V5, Statement: "UPDATE `c` SET `o`.`x` = :n0[array_position(:ids, _id)] WHERE _id IN :ids" +
			" AND type(`c`.`o`) = 'object' AND serialize_json(`c`.`o`.`x`) = serialize_json(:o0[array_position(:ids, _id)])",
		Args: json.RawMessage(`{"ids":` + ids + `,"n0":` + list(`1`) + `,"o0":` + list(`1`) + `}`),
	}
	run := func(b *testing.B, s *dittosim.Store, r ditto.Request, items, mutated int) {
		res, err := s.Execute(b.Context(), r)
		if err != nil || len(res.Items) != items || len(res.Mutated) != mutated {
			b.Fatal(res, err)
		}
	}
	b.Run("Insert", func(b *testing.B) {
		statements := &dittosim.Statements{}
		for b.Loop() {
			run(b, dittosim.NewShared(statements), insert, 0, docs)
		}
	})
	b.Run("Read", func(b *testing.B) {
		s := dittosim.New()
		run(b, s, insert, 0, docs)
		for b.Loop() {
			run(b, s, read, docs, 0)
		}
	})
	b.Run("Update", func(b *testing.B) {
		s := dittosim.New()
		run(b, s, insert, 0, docs)
		for b.Loop() {
			run(b, s, update, 0, docs)
		}
	})
	b.Run("Parse", func(b *testing.B) {
		for b.Loop() {
			run(b, dittosim.New(), update, 0, 0)
		}
	})
}
