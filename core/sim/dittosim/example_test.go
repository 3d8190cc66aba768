package dittosim_test

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
)

// Keys that a scalar hid come back when the field is an object again.
func Example() {
	s := dittosim.New()
	run := func(statement, args string) {
		_, err := s.Execute(context.Background(), ditto.Request{API: ditto.V5, Statement: statement, Args: json.RawMessage(args)})
		if err != nil {
			fmt.Println(err)
		}
	}
	run("INSERT INTO tasks DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"x":1}}}`)
	run("UPDATE tasks SET n = 5 WHERE _id = 'a'", "")
	run("UPDATE tasks SET n.y = 2 WHERE _id = 'a'", "")
	fmt.Printf("%s\n", s.Document(ditto.V5, "tasks", `"a"`))
	// Output: {"_id":"a","n":{"x":1,"y":2}}
}
