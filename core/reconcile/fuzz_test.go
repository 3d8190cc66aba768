package reconcile_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

// pair is a document pair between two decisions.
type pair struct {
	t testing.TB
	c *manifest.Collection
	e ledger.Entry
	m bson.Raw
	d []byte

	registers []value.Path
	carried   []ledger.Announcement
	losers    []reconcile.Loser
	story     string
	// where the documents of a one-way collection met, the target keeps what it
	// had of its own
	leftAlone bool
}

// FuzzDecide: a pair is settled, users edit both sides, and a plan is applied,
// at once or after a crash that let one of its two writes happen. Then the
// sides agree in every unit and a second plan is empty (invariants 3, 4). Every
// write is conditional on what was there (5) and changes something (6). What a
// user changed and the plans overwrote is recorded (1).
func FuzzDecide(f *testing.F) {
	for i := range 24 {
		seed := make([]byte, 120)
		for j := range seed {
			seed[j] = byte(i*i*31 + j*j*(i+7) + j*13)
		}
		f.Add(seed[:40+i*3])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &tape{t, b}
		p := &pair{t: t, c: s.rules(), e: ledger.Entry{Key: ledger.Key{Collection: "c", ID: `"d"`}}}
		p.m = s.mongoEdit(p.c, mongoBase(s, p.c))
		if s.pick(3) == 1 {
			p.d = s.dittoEdit(p.c, nil)
		}
		for round := range 3 {
			if round > 0 {
				p.edit(s)
			}
			if p.m == nil && p.d == nil || !p.round(s) {
				return
			}
		}
	})
}

// edit is what users do between two rounds.
func (p *pair) edit(s *tape) {
	if s.pick(4) > 0 {
		p.m = s.mongoEdit(p.c, p.m)
	}
	if s.pick(4) > 0 {
		p.d = s.dittoEdit(p.c, p.d)
	}
	p.registers = nil
	if len(p.c.Counters) > 0 && s.pick(4) == 3 && value.Lookup(p.d, counterPath) != nil {
		p.registers = p.c.Counters
	}
}

// round settles the pair; false if it was parked, or has to wait.
func (p *pair) round(s *tape) bool {
	m0, d0, base := p.m, p.d, p.e
	p.losers, p.carried = nil, nil
	p.story = fmt.Sprintf("%+v\nentry of %d units, %s", *p.c, len(p.e.Units), p.e.State)
	plan, ok := p.decide()
	if !ok {
		return false
	}
	var own own
	if s.pick(3) == 2 { // a crash: the claim is there, and at most one write
		p.e, p.carried = plan.Claimed, plan.Announced
		base = p.e // the claim notes where the sides agreed
		half := plan
		if s.yes() {
			half.ToMongo = reconcile.MongoWrite{}
		} else {
			half.ToDitto = reconcile.DittoWrite{}
		}
		if s.pick(3) == 0 {
			half.ToMongo, half.ToDitto = reconcile.MongoWrite{}, reconcile.DittoWrite{}
		}
		own.m, own.d = p.m, p.d
		p.apply(&half)
		own.writtenM, own.writtenD = p.m, p.d
		p.edit(s)
		m0, d0 = p.m, p.d
		if plan, ok = p.decide(); !ok {
			return false
		}
	}
	p.apply(&plan)
	if plan.Writes() || plan.Changed {
		p.e = plan.Next
		p.e.Rev++
	}
	p.nothingLost(base, own, m0, d0)
	p.carried = nil
	p.settled()
	return true
}

// decide makes a plan, and checks its form.
func (p *pair) decide() (reconcile.Plan, bool) {
	if p.c.Direction != manifest.Both && p.m != nil && p.d != nil && (len(p.e.Units) == 0 || p.e.State == ledger.Detached) {
		p.leftAlone = true
	}
	if v := value.Lookup(p.d, counterPath); len(p.c.Counters) > 0 && value.IsWrapper(v) {
		p.registers = p.c.Counters // no counter looks like that
	}
	in := func() reconcile.Input {
		in := reconcile.Input{
			Rules: p.c, Entry: p.e, Carried: p.carried, Mongo: p.m, Ditto: p.d, Registers: p.registers, Removed: true, ID: []byte(`"d"`),
			NewID: bson.RawValue{Type: bson.TypeString, Value: []byte("\x02\x00\x00\x00d\x00")},
		}
		in.Fill = docid.New(p.c.Fields, p.c.Mode).Fill(`"d"`)
		return in
	}
	plan, again := reconcile.Decide(in()), reconcile.Decide(in())
	p.story += fmt.Sprintf("\n%s | %s\n%s: %s", p.m, p.d, plan.Row, describe(&plan))
	if a, b := describe(&plan), describe(&again); a != b {
		p.fatalf("the same input makes %s", b)
	}
	if plan.Problem != nil {
		if plan.Writes() || plan.Problem.Code == "" || plan.Problem.Message == "" || plan.Problem.Mend == "" {
			p.fatalf("parked with %+v", plan)
		}
		return plan, false
	}
	if plan.Wait {
		p.fatalf("waits for a delete that was confirmed")
	}
	for _, o := range plan.ToDitto.Ops {
		if old := value.Lookup(p.d, o.Path); !bytes.Equal(old, o.Old) || bytes.Equal(o.Old, o.New) && !slices.Contains(p.registers, o.Path) {
			p.fatalf("%s is %s in Ditto, and the write goes from %s to %s", o.Path, old, o.Old, o.New)
		}
	}
	for _, o := range plan.ToMongo.Ops {
		if old := value.LookupBSON(p.m, o.Path); !old.Equal(o.Old) || o.Old.Equal(o.New) {
			p.fatalf("%s is %s in MongoDB, and the write goes from %s to %s", o.Path, old, o.Old, o.New)
		}
	}
	p.losers = append(p.losers, plan.Losers...)
	return plan, true
}

func (p *pair) apply(plan *reconcile.Plan) {
	p.m, p.d = apply(p.t, plan, p.m, p.d)
	for _, o := range plan.ToDitto.Ops {
		if o.Counter {
			p.registers = nil
		}
	}
	if p.d == nil || plan.ToDitto.Insert != nil {
		p.registers = nil
	}
	if p.d != nil {
		var err error
		if p.d, err = value.Canonical(nil, p.d); err != nil {
			p.fatalf("%v", err)
		}
	}
}

// settled: nothing is left to do, and the sides agree.
func (p *pair) settled() {
	for range 2 {
		plan, ok := p.decide()
		if !ok || plan.Writes() || len(plan.Announced) > 0 {
			p.fatalf("the second plan is not empty")
		}
		if plan.Changed {
			p.e = plan.Next
			p.e.Rev++
		}
	}
	if plan, _ := p.decide(); plan.Changed {
		p.fatalf("the ledger does not come to rest")
	}
	if p.m == nil || p.d == nil {
		return
	}
	for _, name := range p.fields() {
		f := value.PathOf(name)
		m, d := value.LookupBSON(p.m, f), value.Lookup(p.d, f)
		if f == counterPath.Top() && len(p.c.Counters) > 0 {
			if m, d = p.withoutCounter(m, d); m.Type == 0 {
				continue
			}
		}
		if !value.Equal(m, d, p.c.Mode) && !p.leftAlone {
			p.fatalf("the sides differ in %q: %s | %s", name, m, d)
		}
	}
}

// fields are the names of the top-level fields on either side that are synced.
func (p *pair) fields() (out []string) {
	elems, err := p.m.Elements()
	if err != nil {
		p.fatalf("%v", err)
	}
	for _, e := range elems {
		out = append(out, e.Key())
	}
	members, err := value.Members(p.d)
	if err != nil {
		p.fatalf("%v", err)
	}
	for _, f := range members {
		out = append(out, f.Name)
	}
	slices.Sort(out)
	return slices.DeleteFunc(slices.Compact(out), func(n string) bool { return n == "_id" || n == "_mdb" })
}

func (p *pair) fatalf(format string, args ...any) {
	p.t.Helper()
	p.t.Fatalf("%s\n%s", p.story, fmt.Sprintf(format, args...))
}
