package bridge

import (
	"context"
	"crypto/sha256"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

// Mode is what a sweep may do.
type Mode uint8

const (
	// Settle does what is left to do, deletes included.
	Settle Mode = iota
	// List is Settle, but deletes are only listed: whether absence is a delete is
	// for the sweep's guard to say (invariant 8).
	List
	// Verify writes nothing, not even the ledger.
	Verify
)

// State is how a sweep found a pair.
type State string

const (
	Equal            State = "equal"
	Different        State = "different"
	MissingInDitto   State = "missingInDitto"
	MissingInMongoDB State = "missingInMongoDB"
	Unsynced         State = "unsynced"  // parked
	LeftAlone        State = "leftAlone" // of a baseline, or detached
	Gone             State = "gone"      // neither document exists
	Busy             State = "busy"      // somebody is writing it
)

// Finding is a pair as a sweep found it, before it did anything.
type Finding struct {
	Key     ledger.Key    // without an ID if no Ditto id can be made of the document
	MongoID bson.RawValue // zero if MongoDB never had the document
	State   State
	InMongo bool         // the document exists there
	InDitto bool         // likewise
	Size    int          // of both documents, in bytes
	Paths   []value.Path // with Verify and Different: the units that differ
	Reason  string       // with Unsynced: a code
	// Removes is the side on which the pair is to be deleted; with List, it was
	// not.
	Removes value.Side
	// What was done.
	ToDitto, ToMongo bool
	// Sum stands for the contents of both documents: two Findings with one Sum
	// saw the same.
	Sum value.Hash
	Err error // the pair is not done with
}

// Sweep looks at the pairs that hints name, whether or not anything is known to
// have happened to them, and trusts absence. verdicts[i] belongs to hints[i];
// the findings are one per pair, and one per MongoDB document that has none.
func (b *Bridge) Sweep(ctx context.Context, hints []change.Hint, mode Mode) ([]Verdict, []Finding, Report) {
	hints = slices.Clone(hints)
	for i := range hints {
		hints[i].Op = change.Sweep
	}
	t := b.batch(hints)
	t.mode, t.sweep = mode, true
	t.do(ctx, func() {
		if mode == Verify {
			t.verify(ctx)
			return
		}
		t.run(ctx)
		t.forget(ctx)
	})
	return t.verdicts, t.found(), t.report
}

func (t *batch) found() []Finding {
	out := t.loose
	for _, p := range t.sorted() {
		f := p.finding
		f.Key, f.MongoID, f.Err = p.key, p.mongoID(), p.err
		f.ToDitto, f.ToMongo = p.wroteDitto, p.wroteMongo
		out = append(out, f)
	}
	return out
}

// find notes how the pair was found, once.
func (p *pair) find(s State) {
	f := &p.finding
	if f.State != "" {
		return
	}
	f.State, f.InMongo, f.InDitto, f.Removes = s, p.mongo != nil, p.ditto != nil, p.plan.Removes()
	if f.Size = len(p.mongo); p.ditto != nil {
		f.Size += len(p.ditto.JSON)
	}
}

// stateOf is how the pair stands, by what its plan would do.
func (p *pair) stateOf() State {
	alone := p.entry.State == ledger.Baseline || p.entry.State == ledger.Detached
	idle := !p.plan.Writes() && !p.plan.Wait && p.plan.Removes() == ""
	switch m, d := p.mongo != nil, p.ditto != nil; {
	case !m && !d:
		return Gone
	case alone && idle:
		return LeftAlone
	case m && d && changes(&p.plan):
		return Different
	case m && d, idle:
		return Equal
	case m:
		return MissingInDitto
	default:
		return MissingInMongoDB
	}
}

// changes reports whether a plan changes a value: a register that becomes a
// counter keeps its own.
func changes(p *reconcile.Plan) bool {
	if !p.ToMongo.IsZero() {
		return true
	}
	for _, op := range p.ToDitto.Ops {
		if op.Old == nil || op.New == nil || value.HashJSON(op.Old) != value.HashJSON(op.New) {
			return true
		}
	}
	return false
}

// hold ends pairs whose plan deletes, where deletes are only listed.
func (t *batch) hold(ctx context.Context, p *pair) bool {
	if t.mode != List || p.plan.Removes() == "" {
		return false
	}
	p.finding.Removes = p.plan.Removes()
	t.abandon(ctx, []*pair{p}, nil)
	return true
}

// verify compares both sides and writes nothing. Values are compared, not what
// the ledger says of them.
func (t *batch) verify(ctx context.Context) {
	pairs := t.sorted()
	t.read(ctx, pairs)
	for _, p := range undone(pairs) {
		p.end(nil)
		p.finding.Sum = p.sum()
		if c := p.entry.Claim; c != nil && c.Live {
			p.find(Busy)
			continue
		} else if c != nil {
			p.carried = c.Announced
		}
		for _, doc := range p.others {
			t.looseFinding(p.key.Collection, doc.Lookup("_id"), conflictingID(p.rules))
		}
		t.compare(p)
	}
}

func (t *batch) compare(p *pair) {
	unsynced := func(why *problem) {
		p.find(Unsynced)
		p.finding.Reason = why.Code
	}
	if p.taken && p.problem == nil {
		p.problem = takenDocument(p.rules)
	}
	if p.problem != nil {
		unsynced(p.problem)
		return
	}
	var unborn *problem
	if p.mongo == nil && p.ditto != nil {
		unborn = t.born(p)
	}
	in := t.input(p)
	p.plan = reconcile.Decide(in)
	switch {
	case unborn != nil && (p.plan.Problem != nil || p.plan.ToMongo.Insert != nil):
		unsynced(unborn)
	case p.plan.Problem != nil:
		unsynced(p.plan.Problem)
	case p.mongo == nil || p.ditto == nil || p.entry.State == ledger.Baseline && p.stateOf() == LeftAlone:
		p.find(p.stateOf())
	default:
		paths, why := reconcile.Differences(in)
		if why != nil {
			unsynced(why)
			return
		}
		s := p.stateOf()
		if len(paths) > 0 {
			s = Different
		}
		p.find(s)
		p.finding.Paths = paths
	}
}

// sum stands for what the pair's documents hold.
func (p *pair) sum() value.Hash {
	h := sha256.New()
	h.Write(p.mongo)
	if p.ditto != nil {
		h.Write(p.ditto.JSON)
	}
	return value.Hash(h.Sum(nil)[:len(value.Hash{})])
}

// looseFinding notes a MongoDB document that has no pair.
func (t *batch) looseFinding(collection string, id bson.RawValue, why problem) {
	if t.sweep {
		t.loose = append(t.loose, Finding{
			Key: ledger.Key{Collection: collection}, MongoID: id, State: Unsynced, InMongo: true, Reason: why.Code,
		})
	}
}
