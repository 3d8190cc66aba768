package bridge

import (
	"context"
	"fmt"
	"slices"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/value"
)

// spelledElsewhere gives back the pairs that are about to be born in Ditto under
// the id that Causeway computes, while a device has spelled the same id in
// another way. That pair's entry was there before its MongoDB document was, so
// it is in the ledger by now, though it may not have been when this batch read
// it. Only Extended JSON knows several spellings: 5 and {"$numberInt": "5"}.
func (t *batch) spelledElsewhere(ctx context.Context, pairs []*pair) []*pair {
	var born []*pair
	var refs []ledger.MongoRef
	for _, p := range pairs {
		if p.rules.Mode == value.EJSON && p.mapper.OneToOne() && p.plan.ToDitto.Insert != nil && !p.entry.Exists() {
			born = append(born, p)
			refs = append(refs, ledger.MongoRef{Collection: p.key.Collection, ID: p.mongo.Lookup("_id")})
		}
	}
	if len(born) == 0 {
		return pairs
	}
	entries, err := t.ledger.Read(ctx, nil, refs)
	if err != nil {
		t.abandon(ctx, born, fmt.Errorf("look for another spelling of an id: read ledger: %w", err))
		return undone(pairs)
	}
	for _, p := range born {
		if slices.ContainsFunc(entries, func(e ledger.Entry) bool {
			return e.Key.Collection == p.key.Collection && e.Key != p.key && sameID(e.MongoID, p.mongo.Lookup("_id"))
		}) {
			p.end(errRaced) // the next try finds the other pair
		}
	}
	return undone(pairs)
}
