package mongodb_test

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/value"
)

// A change is made of what was read, and only where it still stands.
func Example() {
	ctx, sim := context.Background(), mongosim.New(time.Now)
	read, _ := bson.Marshal(bson.D{{Key: "_id", Value: "t1"}, {Key: "title", Value: "old"}, {Key: "done", Value: false}})
	after, _ := bson.Marshal(bson.D{{Key: "title", Value: "new"}})
	_ = sim.Set("tasks", read)

	store := mongodb.Store{DB: sim}
	change := mongodb.Change{ID: bson.Raw(read).Lookup("_id"), Doc: read, Ops: []mongodb.Op{
		{Path: value.PathOf("title"), Old: bson.Raw(read).Lookup("title"), New: bson.Raw(after).Lookup("title")},
	}}
	for range 2 {
		outcomes, _, err := store.Write(ctx, "tasks", []mongodb.Change{change})
		fmt.Println(outcomes[0] == mongodb.Won, err)
	}
	fmt.Println(sim.All("tasks"))
	// Output:
	// true <nil>
	// false <nil>
	// [{"_id": "t1","title": "new","done": false}]
}
