package change

import "go.mongodb.org/mongo-driver/v2/bson"

// TriggerOperations are those that the Atlas trigger listens to, in its words.
var TriggerOperations = []string{"INSERT", "UPDATE", "REPLACE", "DELETE", "DROP_COLLECTION", "RENAME_COLLECTION"}

// TriggerMatch is the trigger's match expression: the configured collections, and
// the canary's. So the ledger, and whatever else is in the database, causes no
// event.
func TriggerMatch(collections []string) bson.D {
	names := bson.A{Canary}
	for _, name := range collections {
		names = append(names, name)
	}
	in := bson.D{{Key: "$in", Value: names}}
	return bson.D{{Key: "$or", Value: bson.A{
		bson.D{{Key: "ns.coll", Value: in}},
		bson.D{{Key: "to.coll", Value: in}},
		bson.D{{Key: "operationType", Value: bson.D{{Key: "$in", Value: bson.A{"dropDatabase", "invalidate"}}}}},
	}}}
}

// TriggerProject is the trigger's project expression: what names a document, and
// nothing of it (invariant 10). A trigger is suspended by an event that is too
// large.
func TriggerProject() bson.D {
	return bson.D{
		{Key: "_id", Value: 1}, // the resume token
		{Key: "operationType", Value: 1},
		{Key: "ns", Value: 1},
		{Key: "to", Value: 1},
		{Key: "documentKey", Value: 1},
		{Key: "clusterTime", Value: 1},
	}
}
