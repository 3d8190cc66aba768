package reconcile

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// compile turns decided groups into writes, announcements and entries.
// Invariant 6: only units that differ are written.
func (x *decision) compile() *Problem {
	c := x.in.Rules
	claimed, next := make([]ledger.Unit, 0, len(x.groups)), make([]ledger.Unit, 0, len(x.groups))
	x.plan.Announced = slices.DeleteFunc(x.plan.Announced, func(a ledger.Announcement) bool { return a.Path != "" })
	x.plan.Next.Counters = nil
	for i := range x.groups {
		g := &x.groups[i]
		from := len(next)
		next = appendUnits(next, g.mu, g.du)
		if g.agree {
			claimed = append(claimed, next[from:]...)
		} else {
			claimed = append(claimed, g.base...)
			x.plan.Announced = append(x.plan.Announced, g.ann...)
		}
		switch g.target {
		case value.Ditto:
			x.plan.ToDitto.Ops = append(x.plan.ToDitto.Ops, ditto.Op{Path: g.path, Old: g.d, New: g.new.d, Counter: g.counter})
			du, err := dittoUnits(c, g.path, g.new.d)
			if err != nil {
				return problemOf(g.path, err)
			}
			next = appendUnits(next[:from], g.mu, du)
			x.announce(g.path, value.Ditto, value.HashJSON(g.new.d))
		case value.MongoDB:
			x.plan.ToMongo.Ops = append(x.plan.ToMongo.Ops, mongodb.Op{Path: g.path, Old: g.m, New: g.new.m})
			mu, err := mongoUnits(c, g.path, g.new.m)
			if err != nil {
				return problemOf(g.path, err)
			}
			next = appendUnits(next[:from], mu, g.du)
			x.announce(g.path, value.MongoDB, hashMongo(c, g.path, g.new.m))
		}
		if g.register && g.target != value.Ditto && !x.untouched {
			n, _ := dittoInteger(g.d)
			x.plan.ToDitto.Ops = append(x.plan.ToDitto.Ops, ditto.Op{Path: g.path, Old: g.d, New: integerJSON(n), Counter: true})
		}
		x.convertBelow(g)
		if g.counter {
			if n, ok := counterValue(g); ok {
				if x.plan.Next.Counters == nil {
					x.plan.Next.Counters = map[value.Path]int64{}
				}
				x.plan.Next.Counters[g.path] = n
			}
		}
		if g.d != nil && g.differs(value.Ditto) {
			x.forgetMaps(g.path)
		}
	}
	x.plan.ToDitto.Ops = foldDitto(x.plan.ToDitto.Ops, x.du, x.in.Mongo, x.in.Ditto)
	x.plan.ToMongo.Ops = foldMongo(x.plan.ToMongo.Ops, x.mu, x.in.Mongo, x.in.Ditto)
	x.plan.Claimed.Units, x.plan.Next.Units = present(claimed), present(next)
	return nil
}

// convertBelow makes counters of the registers below a group that is decided as
// a whole, where Ditto keeps its value.
func (x *decision) convertBelow(g *group) {
	if g.target == value.Ditto || x.untouched {
		return
	}
	for _, p := range x.in.Registers {
		if p == g.path || !g.path.Contains(p) {
			continue
		}
		old := value.Lookup(x.in.Ditto, p)
		if n, ok := dittoInteger(old); ok {
			x.plan.ToDitto.Ops = append(x.plan.ToDitto.Ops, ditto.Op{Path: p, Old: old, New: integerJSON(n), Counter: true})
		}
	}
}

// counterValue is what both sides will hold of a counter.
func counterValue(g *group) (int64, bool) {
	if g.target == value.Ditto || g.agree {
		return integer(g.m)
	}
	return dittoInteger(g.d)
}

func present(units []ledger.Unit) []ledger.Unit {
	return slices.DeleteFunc(units, func(u ledger.Unit) bool { return u.M.IsAbsent() && u.D.IsAbsent() })
}

func (x *decision) announce(p value.Path, side value.Side, h value.Hash) {
	a := ledger.Announcement{Path: p, Side: side, Hash: h}
	if !slices.Contains(x.plan.Announced, a) {
		x.plan.Announced = append(x.plan.Announced, a)
	}
}

func compareAnnouncements(a, b ledger.Announcement) int {
	if n := strings.Compare(string(a.Path), string(b.Path)); n != 0 {
		return n
	}
	if n := strings.Compare(string(a.Side), string(b.Side)); n != 0 {
		return n
	}
	return strings.Compare(string(a.Hash[:]), string(b.Hash[:]))
}

// forgetMaps drops what the entry knows of the objects around p: a device
// wrote there, and a strict one writes registers.
func (x *decision) forgetMaps(p value.Path) {
	for _, e := range []*ledger.Entry{&x.plan.Claimed, &x.plan.Next} {
		if slices.Contains(e.Maps, p.Top()) {
			e.Maps = slices.DeleteFunc(slices.Clone(e.Maps), func(q value.Path) bool { return q == p.Top() })
		}
	}
}

// foldDitto turns the removal of every unit below an object that MongoDB no
// longer has into the removal of the object: an empty one would be left.
func foldDitto(ops []ditto.Op, units []leaf, m bson.Raw, d []byte) []ditto.Op {
	return fold(ops, units,
		func(o ditto.Op) (value.Path, bool) { return o.Path, o.New == nil && o.Old != nil },
		func(p value.Path) bool { return value.LookupBSON(m, p).Type == 0 },
		func(p value.Path) ditto.Op { return ditto.Op{Path: p, Old: value.Lookup(d, p)} })
}

// foldMongo is foldDitto with the sides exchanged.
func foldMongo(ops []mongodb.Op, units []leaf, m bson.Raw, d []byte) []mongodb.Op {
	return fold(ops, units,
		func(o mongodb.Op) (value.Path, bool) { return o.Path, o.New.Type == 0 && o.Old.Type != 0 },
		func(p value.Path) bool { return value.Lookup(d, p) == nil },
		func(p value.Path) mongodb.Op { return mongodb.Op{Path: p, Old: value.LookupBSON(m, p)} })
}

func fold[O any](ops []O, units []leaf, removal func(O) (value.Path, bool), gone func(value.Path) bool, whole func(value.Path) O) []O {
	for i := 0; i < len(ops); i++ {
		p, ok := removal(ops[i])
		if !ok {
			continue
		}
		for _, parent := range p.Parents() {
			if !gone(parent) {
				continue
			}
			removed := 0
			for _, o := range ops {
				if q, ok := removal(o); ok && parent.Contains(q) {
					for _, u := range units {
						if q.Contains(u.Path) {
							removed++
						}
					}
				}
			}
			all, touched := 0, 0
			for _, u := range units {
				if parent.Contains(u.Path) {
					all++
				}
			}
			for _, o := range ops {
				if _, ok := removal(o); !ok && parent.Contains(pathOf(o)) {
					touched++
				}
			}
			if removed != all || touched > 0 {
				continue
			}
			rest := slices.DeleteFunc(slices.Clone(ops), func(o O) bool { return parent.Contains(pathOf(o)) })
			at := 0
			for at < len(rest) && pathOf(rest[at]) < parent {
				at++
			}
			ops = slices.Insert(rest, at, whole(parent))
			break
		}
	}
	return ops
}

func pathOf(op any) value.Path {
	switch o := op.(type) {
	case ditto.Op:
		return o.Path
	case mongodb.Op:
		return o.Path
	}
	return ""
}
