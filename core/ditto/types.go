package ditto

import (
	"context"
	"encoding/json"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// API is the version of the HTTP API. V4 is strict (objects are registers),
// V5 is not (objects are maps).
type API string

const (
	V4 API = "v4"
	V5 API = "v5"
)

// Request is one DQL statement.
type Request struct {
	API       API
	Statement string
	Args      json.RawMessage // a JSON object of named arguments, or nil
	Txn       int64           // X-DITTO-TXN-ID, or 0 for none
	Write     bool            // the statement mutates: after a 408 it may have happened
}

// Response is a statement's answer.
type Response struct {
	Txn     int64             // transactionId: the highest transaction the answer reflects
	Items   []json.RawMessage // documents, keys sorted
	Mutated []json.RawMessage // ids of mutated documents
}

// Executor runs one statement. Client does so over HTTP, sim.Ditto in memory.
// Errors are *Error.
type Executor interface {
	Execute(ctx context.Context, r Request) (Response, error)
}

// Collection says how a collection is read and written.
type Collection struct {
	Name     string       // the Ditto collection
	Strict   bool         // V4: objects are registers
	Counters []value.Path // settable counters; none when Strict
}

// Document is what a read showed.
type Document struct {
	ID   docid.ID
	JSON []byte // the whole document as received, `_id` included, keys sorted
	Txn  int64  // of the answer that showed it; 0 if the server does not say
	// Registers are the counter paths at which a plain register shows instead
	// of a counter.
	Registers []value.Path
}

// Op changes one unit of a document: from Old to New, nil meaning absent.
type Op struct {
	Path    value.Path
	Old     []byte // as read; the write is conditional on it
	New     []byte
	Counter bool // New is an integer, written by RESTART WITH
}

// Paths lists the paths that ops change.
func Paths(ops []Op) []value.Path {
	out := make([]value.Path, len(ops))
	for i, op := range ops {
		out[i] = op.Path
	}
	return out
}

// Change is a conditional update of one document.
type Change struct {
	ID   docid.ID
	Doc  []byte       // the whole document as read
	Ops  []Op         // paths neither repeat nor contain each other
	Maps []value.Path // objects that the ledger knows as maps
	Txn  int64        // of the read that showed Doc: what is read besides reflects it too
}

// Result tells what a bulk write did, document by document. An id in neither
// map lost the race, or its fate is unknown: read it again.
type Result struct {
	Won      map[docid.ID]bool
	Rejected map[docid.ID]error // Ditto refuses this document; a retry cannot mend it
	Txn      int64              // highest transaction of the statements
	At       map[docid.ID]int64 // the transaction that mutated the document
	Unknown  bool               // of some writes it is not known whether they happened
	// Maps are objects that an update found, or made, to be maps, beyond those
	// that its Change named; only of documents won.
	Maps map[docid.ID][]value.Path
	// Covered are values that somebody may have written just when an update
	// removed something that hid there, or in an object that they took the place
	// of: they hide now, or are gone.
	Covered map[docid.ID][]Value
}

// Value is what shows, or hides, at a path.
type Value struct {
	Path value.Path
	JSON []byte
}
