package change_test

import (
	"fmt"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/manifest"
)

func Example() {
	d := change.Decoder{Manifest: &manifest.Manifest{
		Database:    "test-db",
		Collections: []manifest.Collection{{Name: "tasks", DittoName: "tasks", Fields: []string{"_id"}}},
	}}
	b := d.Ditto([]byte(`{"txnId":12,"type":"documentChanged","collection":"tasks",
		"change":{"method":"upsert","oldValue":null,"newValue":{"_id":"task-001","title":"Buy milk"}}}`))
	if err := b.Err(); err != nil {
		fmt.Println(err)
		return
	}
	body, err := b.Hints[0].Message()
	fmt.Println(string(body), err)
	// Output: {"v":1,"collection":"tasks","dittoId":"task-001","side":"ditto","op":"upsert","txn":12,"digest":"12a41a1b4d3bfc7f5a33720bc5ba083f","tries":0} <nil>
}
