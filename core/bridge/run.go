package bridge

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/value"
)

// run takes the pairs round and round until each has come to an end: read both
// sides, decide, claim, record, write, settle.
func (t *batch) run(ctx context.Context) {
	all := t.sorted()
	for {
		active := undone(all)
		if len(active) == 0 {
			return
		}
		if t.report.Rounds++; slices.ContainsFunc(active, func(p *pair) bool { return p.unanswered > 0 }) {
			t.pause(ctx)
		}
		if err := ctx.Err(); err != nil {
			t.abandon(ctx, active, fmt.Errorf("settle: %w", err))
			return
		}
		t.refresh(ctx, active)
		t.takeOver(active)
		t.traced.mark("ledger")
		t.read(ctx, undone(active))
		t.recordBehind(ctx, undone(active))
		t.traced.mark("read")
		t.decide(ctx, undone(active))
		t.traced.mark("decide")
		t.writeAll(ctx, planned(active))
	}
}

func (t *batch) sorted() []*pair {
	all := make([]*pair, 0, len(t.pairs))
	for _, p := range t.pairs {
		all = append(all, p)
	}
	sortByKey(all)
	return all
}

func sortByKey(pairs []*pair) {
	slices.SortFunc(pairs, func(a, b *pair) int { return a.key.Compare(b.key) })
}

func undone(pairs []*pair) []*pair {
	out := make([]*pair, 0, len(pairs))
	for _, p := range pairs {
		if !p.done {
			out = append(out, p)
		}
	}
	return out
}

// planned lists the pairs whose plan is to be carried out now: not those that
// lost a race for their entry while it was made.
func planned(pairs []*pair) []*pair {
	return slices.DeleteFunc(undone(pairs), func(p *pair) bool { return p.stale || !p.plan.Writes() })
}

func endAll(pairs []*pair, err error) {
	for _, p := range pairs {
		p.end(err)
	}
}

// refresh reads the entries of the pairs that lost a race for theirs. The
// ledger is read before the documents, never after (docs/architecture.md).
func (t *batch) refresh(ctx context.Context, pairs []*pair) {
	var stale []*pair
	var keys []ledger.Key
	var refs []ledger.MongoRef
	for _, p := range pairs {
		if p.stale {
			stale = append(stale, p)
			keys = append(keys, p.key)
			if p.mongo != nil {
				refs = append(refs, ledger.MongoRef{Collection: p.key.Collection, ID: p.mongo.Lookup("_id")})
			}
		}
	}
	if len(stale) == 0 {
		return
	}
	entries, err := t.ledger.Read(ctx, keys, refs)
	if err != nil {
		endAll(stale, fmt.Errorf("read ledger: %w", err))
		return
	}
	byKey := map[ledger.Key]ledger.Entry{}
	for _, e := range entries {
		byKey[e.Key] = e
	}
	for _, p := range stale {
		e, ok := byKey[p.key]
		if !ok {
			e = ledger.Entry{Key: p.key}
		}
		p.entry, p.stale = e, false
		p.taken = p.mongo != nil && slices.ContainsFunc(entries, func(e ledger.Entry) bool {
			return e.State == ledger.Live && e.Key != p.key && e.Key.Collection == p.key.Collection && sameID(e.MongoID, p.mongo.Lookup("_id"))
		})
	}
}

// takeOver turns away the pairs that somebody else is writing, and carries on
// the announcements of claims that were left behind.
func (t *batch) takeOver(pairs []*pair) {
	for _, p := range undone(pairs) {
		if p.mine || p.entry.Claim == nil {
			continue
		}
		if p.entry.Claim.Live && p.entry.Claim.Owner != t.owner {
			p.end(errClaimed)
			continue
		}
		p.carried, p.behind = p.entry.Claim.Announced, true
	}
}

// recordBehind records the values that a handler may have hidden before it died,
// as write does when it lives: its claim announced that it would remove something
// in an object, in whose place somebody has just put them.
func (t *batch) recordBehind(ctx context.Context, pairs []*pair) {
	for _, name := range collections(pairs) {
		of := map[docid.ID]*pair{}
		at := map[docid.ID][]value.Path{}
		var txn int64
		for _, p := range inCollection(pairs, name) {
			if paths := p.objectsBehind(); len(paths) > 0 {
				of[p.key.ID], at[p.key.ID], txn = p, paths, max(txn, p.readAt)
			}
		}
		if len(at) == 0 {
			continue
		}
		found, err := t.ditto.Registers(ctx, dittoCollection(t.cfg.Manifest.Collection(name)), at, txn)
		for id, p := range of {
			if err != nil {
				p.end(fmt.Errorf("look for values that hide: %w", err))
				continue
			}
			found[id] = slices.DeleteFunc(found[id], func(v ditto.Value) bool {
				return bytes.Equal(v.JSON, value.Lookup(p.ditto.JSON, v.Path)) // it shows
			})
		}
		t.recordCovered(ctx, of, found)
		for _, p := range of {
			if p.err != nil {
				p.end(p.err)
			}
		}
	}
}

// objectsBehind are the objects in which a claim that was left behind announced
// removals in Ditto.
func (p *pair) objectsBehind() []value.Path {
	if !p.behind || p.mine || p.ditto == nil || p.rules.Strict {
		return nil
	}
	var paths []value.Path
	for _, a := range p.carried {
		if a.Side == value.Ditto && a.Hash == (value.Hash{}) {
			paths = append(paths, a.Path.Parents()...)
		}
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// decide asks reconcile about each pair, and stores the entries of those that
// need no write.
func (t *batch) decide(ctx context.Context, pairs []*pair) {
	var only []*pair  // only the ledger is written
	var equal []*pair // nothing is written
	t.parkOthers(ctx, pairs)
	for _, p := range undone(pairs) {
		if p.taken && p.problem == nil {
			p.problem = takenDocument(p.rules)
		}
		p.parked = p.parked || p.entry.State == ledger.Parked
		if p.problem != nil {
			t.park(ctx, p, *p.problem)
			continue
		}
		var unborn *problem
		if p.mongo == nil && p.ditto != nil {
			unborn = t.born(p)
		}
		p.plan = reconcile.Decide(t.input(p))
		if unborn != nil && (p.plan.Problem != nil || p.plan.ToMongo.Insert != nil) {
			p.plan.Problem = unborn
		}
		p.newcomer = p.newcomer || p.mongo != nil && !p.entry.MongoID.Equal(p.mongo.Lookup("_id")) &&
			(p.entry.MongoID.Type != 0 || !p.mapper.OneToOne())
		if why := p.plan.Problem; why != nil {
			t.park(ctx, p, *why)
			continue
		}
		if t.sweep {
			p.find(p.stateOf())
		}
		switch plan := &p.plan; {
		case t.hold(ctx, p):
		case plan.Writes():
		case plan.Wait && p.mine:
			t.abandon(ctx, []*pair{p}, errUnsure)
		case plan.Wait && p.entry.Claim != nil && plan.Changed:
			plan.Next.Claim = p.entry.Claim // it stays as it is, ended
			only = append(only, p)
		case plan.Changed || p.mine:
			only = append(only, p)
		default:
			t.report.Equal++
			p.end(nil)
			equal = append(equal, p)
		}
	}
	t.settle(ctx, undone(only))
	t.unpark(ctx, equal)
	t.parkAll(ctx)
}

// parkOthers records the MongoDB documents whose Ditto id belongs to another
// one.
func (t *batch) parkOthers(ctx context.Context, pairs []*pair) {
	var of []*pair
	for _, p := range pairs {
		for _, doc := range p.others {
			t.parkMongo(ctx, p.key.Collection, doc.Lookup("_id"), hashOf(doc), conflictingID(p.rules))
			of = append(of, p)
		}
	}
	if err := t.recordOrphans(ctx); err != nil {
		t.abandon(ctx, of, err)
	}
}

func (t *batch) input(p *pair) reconcile.Input {
	if p.writtenMeanwhile(t.hints) || p.replaced() {
		// Even if the pair is only parked now: the event does not come again.
		p.entry.State, p.entry.Units, p.entry.Taken = ledger.None, nil, nil
	}
	in := reconcile.Input{
		Rules:      p.rules,
		Entry:      p.entry,
		Carried:    p.carried,
		Mongo:      p.mongo,
		Removed:    p.removed(),
		DittoEvent: p.dittoEvent,
		Txn:        p.txn,
		ID:         p.key.ID.JSON(),
	}
	if p.ditto != nil {
		in.Ditto, in.Registers, in.Shown = p.ditto.JSON, p.ditto.Registers, p.ditto.Txn
	}
	if p.mongo == nil && p.ditto != nil {
		in.NewID, in.Fill = p.newID, p.mapper.Fill(p.key.ID)
	}
	return in
}

// settle stores Next for pairs on which both sides are as it says, without a
// claim, and ends them.
func (t *batch) settle(ctx context.Context, pairs []*pair) {
	if len(pairs) == 0 {
		return
	}
	puts := make([]ledger.Put, len(pairs))
	for i, p := range pairs {
		puts[i] = ledger.Put{Prev: p.entry.Rev, Next: p.plan.Next}
	}
	won, err := t.put(ctx, puts)
	if err != nil {
		endAll(pairs, fmt.Errorf("settle: %w", err))
		return
	}
	var settled []*pair
	for i, p := range pairs {
		if !won[i] {
			p.restart()
			continue
		}
		t.count(p)
		settled = append(settled, p)
		p.end(nil)
	}
	t.unpark(ctx, settled)
}

// put writes entries. A claim that was made, and a write that was won, are
// worth a moment more than the invocation has.
func (t *batch) put(ctx context.Context, puts []ledger.Put) ([]bool, error) {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), graceTime)
		defer cancel()
	}
	for i := range puts {
		puts[i].Next.Rev = puts[i].Prev + 1
	}
	return t.ledger.Put(ctx, puts)
}

func (t *batch) count(p *pair) {
	switch {
	case !p.wroteDitto && !p.wroteMongo:
		t.report.Equal++
	default:
		if p.wroteDitto {
			t.report.ToDitto++
		}
		if p.wroteMongo {
			t.report.ToMongo++
		}
	}
}

// abandon gives pairs back with their announcements kept and the claim ended,
// so that whoever comes next carries on at once.
func (t *batch) abandon(ctx context.Context, pairs []*pair, reason error) {
	endAll(pairs, reason)
	t.release(ctx, pairs)
}

// release ends the claims of pairs that have come to an end without success.
func (t *batch) release(ctx context.Context, pairs []*pair) {
	var puts []ledger.Put
	for _, p := range pairs {
		if !p.mine {
			continue
		}
		next := p.entry
		next.Claim = &ledger.Claim{Owner: t.owner, Announced: p.carried}
		puts = append(puts, ledger.Put{Prev: p.entry.Rev, Next: next})
	}
	if len(puts) == 0 {
		return
	}
	// Should this fail, the claims run out by themselves.
	if _, err := t.put(ctx, puts); err != nil {
		t.cfg.Log.WarnContext(ctx, "claims left to run out", telemetry.KeyKeys, len(puts), telemetry.KeyError, err)
	}
}
