package sweep

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
)

// Source is where a range's keys come from.
type Source string

const (
	MongoDB Source = "mongodb"
	Ditto   Source = "ditto"
	Ledger  Source = "ledger"
)

// Range is a part of one collection's keys, as one source has them. It travels
// as JSON in the state machine's data.
type Range struct {
	ID         string `json:"id"`         // unique within a plan: "tasks/mongodb/objectId/3"
	Collection string `json:"collection"` // the MongoDB collection
	Source     Source `json:"source"`
	// Type is the bracket of MongoDB's `_id`, or the kind of Ditto's, that the
	// range is a part of; empty for all that are not in Except. The ledger's
	// keys are of one type.
	Type   string   `json:"type,omitempty"`
	Except []string `json:"except,omitempty"`
	// From is inclusive, To exclusive, in canonical Extended JSON; absent
	// means open. Only with a Type, or of the ledger.
	From json.RawMessage `json:"from,omitempty"`
	To   json.RawMessage `json:"to,omitempty"`
}

// types are the types that the range covers, in the order of its pages.
func (r *Range) types(all []string) ([]string, error) {
	if r.Type != "" {
		if !slices.Contains(all, r.Type) {
			return nil, fmt.Errorf("%w: unknown type %q", errRange, r.Type)
		}
		return []string{r.Type}, nil
	}
	var out []string
	for _, t := range all {
		if !slices.Contains(r.Except, t) {
			out = append(out, t)
		}
	}
	return out, nil
}

var (
	errRange    = errors.New("malformed range")
	errPosition = errors.New("malformed position")
)

// Page is some keys of a range, in its order; one of the three lists has them.
type Page struct {
	MongoIDs []bson.RawValue
	DittoIDs []docid.ID
	Ledger   []ledger.Key // without tombstones
	// Next is the position to go on from, nil when the range is done. A page
	// may be short, or even empty, and not the last.
	Next json.RawMessage

	before json.RawMessage // where the page began
	at     func(i int) (json.RawMessage, error)
}

// From completes a page that begins behind a position, for a source of keys
// other than Pager: at is the position behind its i-th key.
func (p Page) From(before json.RawMessage, at func(i int) (json.RawMessage, error)) Page {
	p.before, p.at = before, at
	return p
}

// Len is the number of keys.
func (p *Page) Len() int { return len(p.MongoIDs) + len(p.DittoIDs) + len(p.Ledger) }

// After is the position behind the first n keys, for who has to stop in the
// middle of a page: Next when that is all of them, and what the page was asked
// for when it is none.
func (p *Page) After(n int) (json.RawMessage, error) {
	switch {
	case n >= p.Len():
		return p.Next, nil
	case n <= 0:
		return p.before, nil
	}
	return p.at(n - 1)
}
