package change

import (
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// Op is what an event says happened.
type Op string

const (
	Upsert Op = "upsert" // inserted, updated or replaced
	Remove Op = "remove"
	Sweep  Op = "sweep" // nothing happened that we know of: look at the pair, and trust absence
)

// Hint names a document pair that may differ. It never carries contents.
type Hint struct {
	Collection string // the MongoDB collection
	// MongoIDs are the `_id`s that the event can mean: one, unless it came in
	// plain JSON, where a hexadecimal string may be an ObjectId or a string.
	MongoIDs []bson.RawValue
	DittoID  docid.ID // zero when only MongoDB's side is known
	Side     value.Side
	Op       Op
	Txn      int64 // Ditto's transaction
	// Digest stands for the document in Ditto after Txn: value.DigestJSON, or
	// Absent. It tells Causeway's own writes from a device's.
	Digest value.Hash
	At     time.Time // when the change happened; zero if unknown
	Tries  int       // how often it was sent again
}
