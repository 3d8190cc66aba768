package ledger

import (
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// Collection is the ledger's collection in the synced database.
const Collection = "__causeway_ledger"

// Key names a document pair: the MongoDB collection and the Ditto id.
type Key struct {
	Collection string
	ID         docid.ID
}

// String is the entry's `_id`: "<collection>/<canonical Ditto id>".
func (k Key) String() string { return k.Collection + "/" + string(k.ID) }

// Compare orders keys as their texts are.
func (k Key) Compare(o Key) int {
	if k.Collection == o.Collection {
		return strings.Compare(string(k.ID), string(o.ID))
	}
	return strings.Compare(k.String(), o.String())
}

// ParseKey is the inverse of Key.String. A Ditto id holds no raw '/', outside
// a string, and no collection name begins one, so the first '/' followed by a
// JSON value divides the two.
func ParseKey(s string) (Key, bool) {
	coll, id, ok := strings.Cut(s, "/")
	return Key{coll, docid.ID(id)}, ok && coll != "" && id != ""
}

// State is where a pair stands.
type State string

const (
	None     State = ""         // no entry
	Live     State = "live"     // both documents exist and agreed
	Deleted  State = "deleted"  // tombstone; By names the side that deleted
	Detached State = "detached" // deleted on one side, left alone on the other
	Parked   State = "parked"   // cannot be synced until something changes
	Baseline State = "baseline" // existed before activation and was not copied
)

// Unit is one unit's two hashes from when the sides last agreed.
type Unit struct {
	Path value.Path
	M, D value.Hash
}

// Announcement is a write that a claim's owner is about to make: the value
// with this hash, on this side, at this path. The root path with value.Absent
// announces a delete.
type Announcement struct {
	Path value.Path
	Side value.Side
	Hash value.Hash
}

// Claim is the right to write a pair, for a while, by the database's clock.
type Claim struct {
	Owner     string // random per invocation
	Live      bool   // as of the read: until > $$NOW; set by Read, ignored by Put
	Announced []Announcement
}

// Entry is one document pair's entry. The zero Rev is no entry.
type Entry struct {
	Key      Key
	MongoID  bson.RawValue // zero if MongoDB never had the document
	Rev      int64
	State    State
	By       value.Side           // with Deleted and Detached: the side that deleted
	Units    []Unit               // sorted by path
	Counters map[value.Path]int64 // settable counters' agreed values
	Maps     []value.Path         // objects known to be maps on the Ditto side, sorted
	Txn      int64                // highest Ditto transaction seen
	Size     int                  // bytes of the Ditto document, for cutting batches
	At       time.Time            // when it was written, by the database's clock
	Claim    *Claim
	Taken    *Window // with Baseline: when it was taken
}

// Window is the time from a collection's activation until a baseline was taken.
// A change that an event places in it may or may not be in the baseline.
type Window struct {
	From, To       time.Time // by the database's clock; Put sets To when it creates the entry
	FromTxn, ToTxn int64     // in Ditto; ToTxn is what the baseline reflects
}

// Digest stands for what the entry says that the document holds on a side.
func (e *Entry) Digest(side value.Side) value.Hash {
	return value.Digest(func(yield func(value.Path, value.Hash) bool) {
		for _, u := range e.Units {
			h := u.M
			if side == value.Ditto {
				h = u.D
			}
			if !yield(u.Path, h) {
				return
			}
		}
	})
}

// Exists reports whether the entry is stored.
func (e *Entry) Exists() bool { return e.Rev != 0 }
