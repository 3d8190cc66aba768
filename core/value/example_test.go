package value_test

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// A device changes one field of a document; the others keep their BSON types,
// and so does the changed one.
func Example() {
	doc, _ := bson.Marshal(bson.D{
		{Key: "price", Value: bson.NewDecimal128(0x303c000000000000, 1950)},
		{Key: "due", Value: bson.DateTime(1712345678901)},
		{Key: "qty", Value: int64(3)},
	})
	inMongo := bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}

	inDitto, _ := value.AppendDitto(nil, inMongo, value.JSON)
	fmt.Println(string(inDitto))

	changed, _ := value.ReplaceJSON(inDitto, value.ParsePath("due"), []byte(`"2024-05-01T00:00:00Z"`))
	back, _ := value.Decode(changed, inMongo, value.JSON)
	fmt.Println(back)
	// Output:
	// {"due":"2024-04-05T19:34:38.901Z","price":"19.50","qty":3}
	// {"price": {"$numberDecimal":"19.50"},"due": {"$date":{"$numberLong":"1714521600000"}},"qty": {"$numberLong":"3"}}
}

func ExampleEqual() {
	five := bson.RawValue{Type: bson.TypeInt32, Value: []byte{5, 0, 0, 0}}
	fmt.Println(value.Equal(five, []byte(`5.0`), value.JSON))
	fmt.Println(value.Equal(five, []byte(`{"$numberInt":"5"}`), value.EJSON))
	fmt.Println(value.Equal(five, []byte(`{"$numberLong":"5"}`), value.EJSON))
	// Output:
	// true
	// true
	// false
}
