package bridge

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

// Activation is when Causeway began to look at a collection: by MongoDB's
// clock, and Ditto's latest transaction then. Events were on by that time.
type Activation struct {
	At  time.Time
	Txn int64
}

// Baseline notes what both sides hold of the pairs that hints name and that
// have no entry yet, so that they are left alone until something changes them.
// Nothing is copied. verdicts[i] belongs to hints[i]; one with an error is to
// be tried again, which does no harm to those that are done.
//
// Users may write meanwhile. Whether such a change is in the baseline cannot be
// told, so an event from between the activation and the taking makes its pair
// one that Causeway sees for the first time (design, section 13).
func (b *Bridge) Baseline(ctx context.Context, hints []change.Hint, since Activation) []Verdict {
	hints = slices.Clone(hints)
	for i := range hints {
		hints[i].Op, hints[i].Txn = change.Sweep, max(hints[i].Txn, since.Txn)
	}
	t := b.batch(hints)
	t.do(ctx, func() { t.takeBaselines(ctx, since) })
	return t.verdicts
}

func (t *batch) takeBaselines(ctx context.Context, since Activation) {
	pairs := t.sorted()
	for _, p := range pairs {
		if p.entry.Exists() {
			p.end(nil)
		}
	}
	t.read(ctx, undone(pairs))
	pairs = undone(pairs)
	puts := make([]ledger.Put, 0, len(pairs))
	var taken []*pair
	for _, p := range pairs {
		p.end(nil)
		if p.problem != nil || p.mongo == nil && p.ditto == nil {
			continue // an event, or a sweep, parks it
		}
		e, problem := reconcile.Baseline(t.input(p))
		if problem != nil {
			continue
		}
		if e.Txn = p.readAt; p.ditto != nil {
			e.Txn = max(e.Txn, p.ditto.Txn)
		}
		e.Taken = &ledger.Window{From: since.At, FromTxn: since.Txn, ToTxn: e.Txn}
		puts, taken = append(puts, ledger.Put{Next: e}), append(taken, p)
	}
	won, err := t.put(ctx, puts)
	for i, p := range taken {
		switch {
		case err != nil:
			p.end(fmt.Errorf("take baseline: %w", err))
		case !won[i]:
			p.end(errRaced) // whoever made an entry first knows more: the next try sees it
		}
	}
}

// replaced reports whether another MongoDB document has the mapped fields of the
// one that the baseline was taken of: that one is new, whatever it holds.
func (p *pair) replaced() bool {
	return p.entry.State == ledger.Baseline && p.mongo != nil && p.entry.MongoID.Type != 0 && !sameID(p.entry.MongoID, p.mongo.Lookup("_id"))
}

// writtenMeanwhile reports whether a hint of the pair is of an event from the
// time in which the pair's baseline was taken.
func (p *pair) writtenMeanwhile(hints []change.Hint) bool {
	w := p.entry.Taken
	if p.entry.State != ledger.Baseline || w == nil {
		return false
	}
	return slices.ContainsFunc(p.hints, func(i int) bool {
		switch h := hints[i]; {
		case h.Op == change.Sweep:
			return false
		case h.Side == value.Ditto && h.Txn != 0:
			return h.Txn > w.FromTxn && h.Txn <= w.ToTxn
		case h.At.IsZero():
			return true
		default: // events may tell whole seconds only, and the ledger milliseconds
			return !h.At.Before(w.From.Truncate(time.Second)) && !h.At.Truncate(time.Millisecond).After(w.To)
		}
	})
}
