package docid_test

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

func Example() {
	order, _ := bson.Marshal(bson.D{{Key: "location", Value: "London"}, {Key: "orderId", Value: int64(7)}})
	m := docid.New([]string{"orderId", "location"}, value.JSON)

	id, _ := m.FromMongo(order)
	fmt.Println(id)

	_, err := m.FromMongo(bson.Raw("\x05\x00\x00\x00\x00"))
	fmt.Println(docid.Code(err))
	// Output:
	// {"location":"London","orderId":7}
	// id-missing
}
