package mongodb

import "go.mongodb.org/mongo-driver/v2/bson"

// Index describes an index that Causeway relies on.
type Index struct {
	Name   string
	Keys   []string // all ascending
	Unique bool
	Where  bson.D // partial index: only documents with these values
	// Expires makes it a TTL index: a document goes when the time in its
	// only key has passed.
	Expires bool
}
