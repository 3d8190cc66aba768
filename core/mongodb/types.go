package mongodb

import (
	"context"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// Database is the part of a MongoDB database that Causeway uses: primary,
// majority reads and writes. Client wraps the driver, sim.Mongo is in memory.
type Database interface {
	// Find returns the matching documents. A nil projection returns all fields.
	// A projection may compute fields from "$$NOW".
	Find(ctx context.Context, collection string, filter, projection bson.D) ([]bson.Raw, error)
	// Write runs the models as one unordered bulk write. The error is for the
	// request as a whole (what happened to its models is then unknown); a
	// model's own failure is in BulkResult.Errors, which are in the models' order.
	Write(ctx context.Context, collection string, models []Model) (BulkResult, error)
	// Now is the primary's time, to the millisecond: "$$NOW".
	Now(ctx context.Context) (time.Time, error)
}

// Model is one write of a bulk: an insert when Insert is set, a deleteMany
// when Update is nil, else an updateOne.
type Model struct {
	Insert bson.Raw
	Filter bson.D
	Update bson.A // an aggregation pipeline
	Upsert bool
}

// BulkResult has the totals of a bulk write, and the models that failed.
type BulkResult struct {
	Inserted, Matched, Modified, Upserted, Deleted int64
	Errors                                         []WriteError
}

// WriteError is the failure of one model.
type WriteError struct {
	Index   int
	Code    int // the server's: 11000 duplicate key, 121 schema validation
	Message string
	// KeyIndex is the index that a duplicate key belongs to, "_id_" for `_id`.
	KeyIndex string
}

// Op changes one unit of a document: from Old to New; the zero RawValue means
// absent.
type Op struct {
	Path     value.Path
	Old, New bson.RawValue
}

// Paths lists the paths that ops change.
func Paths(ops []Op) []value.Path {
	out := make([]value.Path, len(ops))
	for i, op := range ops {
		out[i] = op.Path
	}
	return out
}

// Change is a conditional write of one document: an insert when Insert is set,
// a delete when Delete is the whole document as read, else an update.
type Change struct {
	ID     bson.RawValue
	Insert bson.Raw
	Delete bson.Raw
	Ops    []Op     // paths neither repeat nor contain each other
	Doc    bson.Raw // with Ops: the whole document as read
}

// Outcome is what became of one Change.
type Outcome uint8

const (
	Unknown  Outcome = iota // it lost a race, or the answer was short: read it again
	Won                     // it was applied
	Rejected                // the server refuses it; a retry cannot mend it
)
