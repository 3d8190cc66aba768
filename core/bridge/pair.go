package bridge

import (
	"bytes"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

// pair is one document pair on its way through a batch.
type pair struct {
	key    ledger.Key
	rules  *manifest.Collection
	mapper docid.Mapper
	hints  []int

	// What the hints said.
	mongoIDs   []bson.RawValue
	named      bool // by its Ditto id
	sweep      bool
	removedAt  int64 // the latest transaction that removed the document, 0 for none
	dittoEvent bool
	// mongoRemoved: one of mongoIDs was removed, it may be of another document
	// with the same Ditto id.
	mongoRemoved bool
	txn          int64 // the latest of the events
	seen         int64 // the latest that a write in Ditto saw
	readAt       int64 // what the last read of Ditto reflects

	entry   ledger.Entry // as read, or as last written under our claim
	mine    bool         // we hold the claim
	carried []ledger.Announcement
	behind  bool                  // a claim was left behind, and what it may have hidden is not known
	prior   []ledger.Announcement // carried before the claim of this round

	mongo  bson.Raw
	others []bson.Raw // further MongoDB documents with the same Ditto id
	ditto  *ditto.Document
	plan   reconcile.Plan

	problem *problem // found while reading: the pair is parked
	newID   bson.RawValue

	lastMongo bson.Raw // of the round before
	lastDitto *ditto.Document
	unmatched int  // rounds in a row that lost although nothing moved
	unknown   bool // whether this round's write happened is not known
	// unanswered counts the rounds of which that is so.
	unanswered int

	wonDitto, wonMongo     bool // in this round
	wroteDitto, wroteMongo bool // in any round

	parked   bool // the stored entry was parked
	newcomer bool // its MongoDB document may have been parked without a pair

	finding Finding

	stale            bool // the entry is to be read again
	taken            bool // another live pair has its MongoDB document
	rounds, restarts int
	done             bool
	err              error
}

// add takes in what a hint says of the pair.
func (p *pair) add(i int, h change.Hint) {
	if !slices.Contains(p.hints, i) {
		p.hints = append(p.hints, i)
	}
	p.named = p.named || !h.DittoID.IsZero()
	for _, id := range h.MongoIDs {
		if !slices.ContainsFunc(p.mongoIDs, id.Equal) {
			p.mongoIDs = append(p.mongoIDs, id)
		}
	}
	p.sweep = p.sweep || h.Op == change.Sweep
	if h.Side == value.Ditto && h.Op == change.Remove {
		p.removedAt = max(p.removedAt, h.Txn)
	}
	p.mongoRemoved = p.mongoRemoved || h.Side == value.MongoDB && h.Op == change.Remove
	if h.Side == value.Ditto && h.Op != change.Sweep {
		p.dittoEvent = true
	}
	p.txn = max(p.txn, h.Txn)
}

// removed reports whether Ditto said that it removed the document. What the
// entry has seen since says that the document came back.
func (p *pair) removed() bool {
	return p.sweep || p.removedAt > 0 && p.removedAt >= p.entry.Txn
}

// end is the pair's last word in this batch.
func (p *pair) end(err error) { p.done, p.err = true, err }

// restart begins again from the ledger: somebody else wrote the entry.
func (p *pair) restart() {
	p.mine, p.carried, p.stale, p.done, p.err = false, nil, true, false, nil
	if p.restarts++; p.restarts > restarts {
		p.end(errRaced)
	}
}

// unmoved reports whether conditional writes keep losing although the same
// values are read before and after them, which must not happen.
func (p *pair) unmoved() bool {
	unknown := p.unknown
	if p.unknown = false; unknown {
		p.unanswered++
	}
	if unknown || p.rounds < 2 || !bytes.Equal(p.mongo, p.lastMongo) || (p.ditto == nil) != (p.lastDitto == nil) ||
		p.ditto != nil && !bytes.Equal(p.ditto.JSON, p.lastDitto.JSON) {
		p.unmatched = 0
		return false
	}
	p.unmatched++
	return p.unmatched >= 2
}

// learnMaps notes which objects of the Ditto document a write found to be
// maps: a top-level field is known once it and every object below it are.
func (p *pair) learnMaps(paths []value.Path) {
	for _, q := range paths {
		top := q.Top()
		if q != top || p.ditto == nil || slices.Contains(p.plan.Next.Maps, top) {
			continue
		}
		all := appendObjects(nil, top, value.Lookup(p.ditto.JSON, top))
		if slices.ContainsFunc(all, func(o value.Path) bool { return !slices.Contains(paths, o) }) {
			continue
		}
		p.plan.Next.Maps = append(slices.Clone(p.plan.Next.Maps), top)
	}
	slices.Sort(p.plan.Next.Maps)
}
