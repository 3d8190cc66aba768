package bridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

var errDeadline = caused{errors.New("the batch ran out of time; its pairs are handled again"), causeTime}

// writeAll claims the pairs, records what loses, writes both sides, and
// settles the pairs whose every write won.
func (t *batch) writeAll(ctx context.Context, pairs []*pair) {
	defer t.parkAll(ctx)
	pairs = t.shadowed(ctx, t.spelledElsewhere(ctx, pairs))
	if len(pairs) == 0 {
		return
	}
	// A request that hangs must not outlive the claim either.
	inTime, cancel := context.WithTimeout(ctx, batchTime)
	defer cancel()
	pairs = t.claim(inTime, pairs)
	t.traced.mark("claim")
	pairs = t.record(inTime, pairs)
	t.traced.mark("record")
	for _, name := range collections(pairs) {
		of := inCollection(pairs, name)
		if t.late() {
			t.abandon(ctx, of, errDeadline)
			continue
		}
		t.writeDitto(inTime, of)
		if t.late() {
			t.abandon(ctx, undone(of), errDeadline)
			continue
		}
		t.writeMongo(inTime, undone(of))
	}
	var won, failed []*pair
	for _, p := range pairs {
		p.absorb()
	}
	for _, p := range planned(pairs) {
		switch {
		case p.err != nil:
			p.end(p.err)
			failed = append(failed, p)
		case p.wonDitto && p.wonMongo:
			won = append(won, p)
		default:
			t.again(ctx, p)
		}
	}
	t.traced.mark("write")
	t.release(ctx, failed)
	t.settle(ctx, won)
	t.traced.mark("settle")
}

// absorb takes what one side has taken, while the other has not, for agreed:
// it is no longer announced, and what becomes of it from now on is a user's.
func (p *pair) absorb() {
	if p.wonDitto == p.wonMongo || len(p.plan.ToDitto.Ops) == 0 || len(p.plan.ToMongo.Ops) == 0 {
		return
	}
	toDitto, toMongo := ditto.Paths(p.plan.ToDitto.Ops), mongodb.Paths(p.plan.ToMongo.Ops)
	taken, open := toDitto, toMongo
	if p.wonMongo {
		taken, open = toMongo, toDitto
	}
	meets := func(p value.Path) bool {
		return slices.ContainsFunc(open, func(q value.Path) bool { return p.Contains(q) || q.Contains(p) })
	}
	taken = slices.DeleteFunc(taken, meets)
	in := func(p value.Path) bool {
		return slices.ContainsFunc(taken, func(q value.Path) bool { return q.Contains(p) })
	}
	e := &p.entry
	e.Units = slices.DeleteFunc(slices.Clone(e.Units), func(u ledger.Unit) bool { return in(u.Path) })
	for _, u := range p.plan.Next.Units {
		if in(u.Path) {
			e.Units = append(e.Units, u)
		}
	}
	slices.SortFunc(e.Units, func(a, b ledger.Unit) int { return strings.Compare(string(a.Path), string(b.Path)) })
	e.Counters = maps.Clone(e.Counters)
	maps.DeleteFunc(e.Counters, func(p value.Path, _ int64) bool { return in(p) })
	for q, n := range p.plan.Next.Counters {
		if in(q) {
			if e.Counters == nil {
				e.Counters = map[value.Path]int64{}
			}
			e.Counters[q] = n
		}
	}
	p.carried = slices.DeleteFunc(slices.Clone(p.carried), func(a ledger.Announcement) bool { return a.Path != "" && in(a.Path) })
}

// late reports whether the time in which this batch may write is over: its
// claims must still be live when the last write arrives.
func (t *batch) late() bool { return t.cfg.Now().Sub(t.claimed) > batchTime }

// claim announces what is about to be written, for the batch in one request.
func (t *batch) claim(ctx context.Context, pairs []*pair) []*pair {
	if len(pairs) == 0 {
		return nil
	}
	puts := make([]ledger.Put, len(pairs))
	for i, p := range pairs {
		next := p.plan.Claimed
		next.Claim = &ledger.Claim{Owner: t.owner, Announced: p.plan.Announced}
		puts[i] = ledger.Put{Prev: p.entry.Rev, Next: next, ClaimFor: claimTime}
	}
	t.claimed = t.cfg.Now()
	won, err := t.put(ctx, puts)
	if err != nil {
		endAll(pairs, fmt.Errorf("claim: %w", err))
		return nil
	}
	mine := make([]*pair, 0, len(pairs))
	for i, p := range pairs {
		if !won[i] {
			p.restart()
			continue
		}
		p.prior, p.wonDitto, p.wonMongo = p.carried, false, false
		p.entry, p.mine, p.carried = puts[i].Next, true, p.plan.Announced
		p.plan.Next.Rev = p.entry.Rev
		mine = append(mine, p)
	}
	return mine
}

// record stores the losing values before they are written over (invariant 1).
func (t *batch) record(ctx context.Context, pairs []*pair) []*pair {
	var conflicts []ledger.Conflict
	for _, p := range pairs {
		for _, l := range p.plan.Losers {
			conflicts = append(conflicts, ledger.Conflict{
				Key: p.key, MongoID: p.entry.MongoID, Rev: p.entry.Rev, Path: l.Path, Side: l.Side,
				Value: l.Mongo, JSON: string(l.Ditto), Rule: string(l.Rule),
			})
		}
	}
	if len(conflicts) == 0 {
		return pairs
	}
	t.report.Conflicts += len(conflicts)
	if err := t.records.PutConflicts(ctx, conflicts); err != nil {
		t.abandon(ctx, pairs, fmt.Errorf("record losing values: %w", err))
		return nil
	}
	if t.cfg.Log.Enabled(ctx, slog.LevelDebug) {
		for i := range conflicts {
			t.logLost(ctx, &conflicts[i])
		}
	}
	return pairs
}

func (t *batch) writeDitto(ctx context.Context, pairs []*pair) {
	var inserts []ditto.Document
	var updates []ditto.Change
	var deletes []ditto.Document
	writing := make(map[docid.ID]*pair, len(pairs))
	for _, p := range pairs {
		w := p.plan.ToDitto
		if p.wonDitto = w.IsZero(); p.wonDitto {
			continue
		}
		writing[p.key.ID] = p
		switch {
		case w.Insert != nil:
			inserts = append(inserts, ditto.Document{ID: p.key.ID, JSON: w.Insert})
		case w.Delete:
			deletes = append(deletes, *p.ditto)
		default:
			change := ditto.Change{ID: p.key.ID, Doc: p.ditto.JSON, Ops: w.Ops, Maps: knownMaps(p)}
			if t.tries(p) < oldTries {
				change.Txn = p.readAt
			}
			updates = append(updates, change)
		}
	}
	if len(writing) == 0 {
		return
	}
	c := dittoCollection(pairs[0].rules)
	// After an error nothing more is sent: the key is refused, the server down,
	// or the time over.
	take := func(r ditto.Result, err error) bool {
		for id := range r.Won {
			if p := writing[id]; p != nil {
				p.wonDitto, p.wroteDitto = true, true
			}
		}
		for id, why := range r.Rejected {
			if p := writing[id]; p != nil {
				t.refuse(ctx, p, value.Ditto, why)
			}
		}
		for id, p := range writing {
			p.plan.Next.Txn = max(p.plan.Next.Txn, r.At[id])
			p.seen = max(p.seen, r.Txn) // the next round reads at least what this write saw
			p.unknown = p.unknown || r.Unknown
		}
		t.recordCovered(ctx, writing, r.Covered)
		for id, maps := range r.Maps {
			if p := writing[id]; p != nil {
				p.learnMaps(maps)
			}
		}
		if err != nil {
			for _, p := range writing {
				if p.wonDitto || p.done || p.err != nil {
					continue
				}
				if p.err = fmt.Errorf("write to Ditto: %w", err); ditto.IsBehind(err) {
					p.err = errBehind
				}
			}
		}
		return err == nil
	}
	if len(inserts) > 0 && !take(t.ditto.Insert(ctx, c, inserts)) {
		return
	}
	if len(updates) > 0 && !take(t.ditto.Update(ctx, c, updates)) {
		return
	}
	if len(deletes) > 0 {
		take(t.ditto.Delete(ctx, c, deletes))
	}
}

// recordCovered stores the values that a write may have hidden, which could not
// be known before it.
func (t *batch) recordCovered(ctx context.Context, writing map[docid.ID]*pair, covered map[docid.ID][]ditto.Value) {
	var conflicts []ledger.Conflict
	for id, values := range covered {
		p := writing[id]
		if p == nil {
			continue
		}
		for _, v := range values {
			conflicts = append(conflicts, ledger.Conflict{
				Key: p.key, MongoID: p.entry.MongoID, Rev: p.entry.Rev, Path: v.Path, Side: value.Ditto,
				JSON: string(v.JSON), Rule: string(reconcile.RuleCovered),
			})
		}
	}
	t.report.Conflicts += len(conflicts)
	err := t.records.PutConflicts(ctx, conflicts)
	for i := range conflicts {
		if err != nil {
			writing[conflicts[i].Key.ID].err = fmt.Errorf("record values that hide: %w", err)
			continue
		}
		t.logLost(ctx, &conflicts[i])
	}
}

func (t *batch) writeMongo(ctx context.Context, pairs []*pair) {
	var changes []mongodb.Change
	var of []*pair
	for _, p := range pairs {
		w := p.plan.ToMongo
		if p.wonMongo = w.IsZero(); p.wonMongo || p.err != nil {
			continue
		}
		ch := mongodb.Change{ID: p.entry.MongoID, Insert: w.Insert, Ops: w.Ops, Doc: p.mongo}
		if w.Delete {
			ch.Delete = p.mongo
		}
		changes, of = append(changes, ch), append(of, p)
	}
	if len(changes) == 0 {
		return
	}
	outcomes, reasons, err := t.mongo.Write(ctx, of[0].rules.Name, changes)
	for i, p := range of {
		switch {
		case i < len(outcomes) && outcomes[i] == mongodb.Won:
			p.wonMongo, p.wroteMongo = true, true
		case i < len(outcomes) && outcomes[i] == mongodb.Rejected && !p.overtaken(reasons[i]):
			t.refuse(ctx, p, value.MongoDB, reasons[i])
		case i < len(reasons) && reasons[i] != nil && outcomes[i] == mongodb.Unknown:
			p.err = fmt.Errorf("write to MongoDB: %w", reasons[i])
		case err != nil:
			p.err = fmt.Errorf("write to MongoDB: %w", err)
		}
	}
}

// refuse parks a pair that one side refuses to take. What this round announced
// there has not happened; MongoDB, which is written last, has not been written
// at all if Ditto refuses.
func (t *batch) refuse(ctx context.Context, p *pair, side value.Side, why error) {
	p.carried = slices.DeleteFunc(slices.Clone(p.carried), func(a ledger.Announcement) bool {
		return (a.Side == side || side == value.Ditto) && !slices.Contains(p.prior, a)
	})
	name := "MongoDB"
	if side == value.Ditto {
		name = "Ditto"
	}
	t.park(ctx, p, rejectedBy(name, why))
}

// overtaken reports whether an insert may have met a document of the same
// mapped fields that was inserted meanwhile: another look will find it.
func (p *pair) overtaken(why error) bool {
	var e mongodb.WriteError
	return p.plan.ToMongo.Insert != nil && !p.mapper.OneToOne() && p.rounds == 0 && errors.As(why, &e) && mongodb.IsDuplicate(e)
}

// again sends a pair into its next round, under its own claim: a write found
// other values, or its fate is unknown.
func (t *batch) again(ctx context.Context, p *pair) {
	p.rounds++
	if p.unmoved() {
		t.park(ctx, p, problem{
			Code:    "defect",
			Message: "a conditional write did not match although the same values were read before and after it",
			Mend:    "report this with the pair's key; for a new document, check that the API key may read it",
		})
		return
	}
	if p.rounds >= rounds {
		reason := caused{fmt.Errorf("the pair changed during each of %d rounds", rounds), causeRaced}
		if p.unanswered > 0 {
			reason = caused{fmt.Errorf("%d of %d writes to Ditto were not answered", p.unanswered, rounds), causeUnanswered}
		}
		t.abandon(ctx, []*pair{p}, reason)
	}
}

func collections(pairs []*pair) []string {
	var names []string
	for _, p := range pairs {
		if !slices.Contains(names, p.key.Collection) {
			names = append(names, p.key.Collection)
		}
	}
	slices.Sort(names)
	return names
}

func inCollection(pairs []*pair, name string) []*pair {
	var out []*pair
	for _, p := range pairs {
		if p.key.Collection == name {
			out = append(out, p)
		}
	}
	return out
}

// knownMaps lists the objects of the document that the ledger knows as maps:
// an entry's path stands for every object below it too.
func knownMaps(p *pair) []value.Path {
	var out []value.Path
	for _, top := range p.entry.Maps {
		out = appendObjects(out, top, value.Lookup(p.ditto.JSON, top))
	}
	return out
}

func appendObjects(out []value.Path, p value.Path, js []byte) []value.Path {
	if len(js) == 0 || js[0] != '{' {
		return out
	}
	out = append(out, p)
	fields, err := value.Members(js)
	if err != nil {
		return out
	}
	for _, f := range fields {
		out = appendObjects(out, p.Child(f.Name), f.Value)
	}
	return out
}
