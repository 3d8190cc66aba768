package bridge

import (
	"context"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

// rowEcho is the row of a pair whose event told nothing new.
const rowEcho = "echo"

// echoes ends the pairs whose events are those of writes that the ledger knows,
// Causeway's own mostly, without another look at Ditto. Such an event tells what
// both sides last agreed on, so it brings nothing; what has happened in Ditto
// since has an event of its own.
//
// An event is older than this look at the ledger, and a claim is older than any
// write under it. So where no claim stands, whoever wrote in Ditto before the
// event has settled, and the entry is not behind the event.
//
// MongoDB is looked at all the same. Whoever wrote in Ditto had read MongoDB
// before its claim. A change that came in between, and whose event found no claim
// and nothing to do, would not be found by anyone else.
func (t *batch) echoes(ctx context.Context) {
	var told []*pair
	for _, p := range t.pairs {
		if p.entry.State == ledger.Live && p.entry.Claim == nil && t.agreedInDitto(p) {
			told = append(told, p)
		}
	}
	sortByKey(told)
	for _, name := range collections(told) {
		of := inCollection(told, name)
		for _, p := range of {
			p.before()
		}
		if err := t.readMongo(ctx, of); err != nil {
			endAll(of, err)
			continue
		}
		for _, p := range of {
			if p.mongo != nil && p.problem == nil && len(p.others) == 0 && reconcile.Unchanged(p.rules, &p.entry, p.mongo) {
				p.plan.Row = rowEcho
				t.report.Equal++
				p.end(nil)
			}
		}
	}
	if len(told) > 0 {
		t.traced.mark("read")
	}
}

// agreedInDitto reports whether the latest of the pair's events, all of them
// Ditto's, tells the document that the entry knows.
func (t *batch) agreedInDitto(p *pair) bool {
	var latest change.Hint
	for _, i := range p.hints {
		h := t.hints[i]
		if h.Side != value.Ditto || h.Op != change.Upsert || h.Txn == 0 {
			return false
		}
		if h.Txn >= latest.Txn {
			latest = h
		}
	}
	// A later transaction than the entry's is to be noted: the table does.
	return !latest.Digest.IsAbsent() && latest.Txn <= p.entry.Txn && latest.Digest == p.entry.Digest(value.Ditto)
}
