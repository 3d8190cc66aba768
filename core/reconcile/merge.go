package reconcile

import (
	"errors"
	"fmt"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// decideGroup is the table of docs/conflicts.md for one group, rows from the
// top. It sets the group's target, and reports what loses.
func (x *decision) decideGroup(g *group) *Problem {
	c := x.in.Rules
	if p := x.checkCounter(g); p != nil {
		return p
	}
	cm, cd := g.changed(c, value.MongoDB), g.changed(c, value.Ditto)
	switch {
	case x.state() == ledger.Baseline && !x.firstContact && !cm && !cd && len(g.ann) == 0:
		g.alone, g.agree = true, x.equal(g) // a mapped field too, and a register
		return nil
	case isMapped(c, g.path) && !x.equal(g):
		if g.d != nil {
			return mappedProblem(g.path)
		}
		g.target = value.Ditto // it stays in the body
	case x.equal(g):
		g.agree = true
	case x.husk && g.d == nil && g.knewDitto():
		g.target = value.Ditto // what vanished is restored
	case value.IsAttachment(g.d) && cm:
		x.lose(g, value.MongoDB, RuleDitto)
		g.target = value.MongoDB
	case c.Direction == manifest.MongoToDitto && cd:
		if x.firstContact && g.m.Type == 0 {
			break // it was there before: left alone
		}
		x.lose(g, value.Ditto, RuleOneWay)
		g.target = value.Ditto
	case c.Direction == manifest.DittoToMongo && cm:
		if x.firstContact && g.d == nil {
			break
		}
		x.lose(g, value.MongoDB, RuleOneWay)
		g.target = value.MongoDB
	case cm && cd && g.counter && x.created(g):
		g.target = value.MongoDB
	case cm && cd && g.counter && len(g.base) > 0: // else nothing was agreed on, and nothing reset
		x.lose(g, value.Ditto, RuleReset) // invariant 7: only a real change in MongoDB resets
		g.target = value.Ditto
	case cm && cd:
		winner, rule := value.MongoDB, RuleMongo
		if c.Conflicts.Winner(g.path) == value.Ditto {
			winner, rule = value.Ditto, RuleDitto
		}
		x.lose(g, winner.Other(), rule)
		g.target = winner.Other()
	case cm:
		g.target = value.Ditto
	case cd:
		g.target = value.MongoDB
	case len(g.ann) > 0:
		return x.finish(g)
	}
	return x.convert(g)
}

// isMapped reports whether the field at p makes the Ditto id.
func isMapped(c *manifest.Collection, p value.Path) bool {
	return !c.OneToOne() && slices.ContainsFunc(c.Fields, func(name string) bool { return p == value.PathOf(name) })
}

func mappedProblem(p value.Path) *Problem {
	return &Problem{
		Code:    "mapped-field-changed",
		Message: fmt.Sprintf("%s makes the Ditto id, and differs from it in Ditto", p),
		Mend:    "set the field back in Ditto, or insert a new document",
	}
}

// created reports whether Causeway announced to create in Ditto what MongoDB
// holds: then MongoDB's value is no reset of what a device made of it since.
func (x *decision) created(g *group) bool {
	js, err := x.encode(g)
	return err == nil && !g.knewDitto() && g.announced(value.Ditto, g.path, value.HashJSON(js))
}

// finish carries an interrupted write on in the direction that was announced.
func (x *decision) finish(g *group) *Problem {
	g.target = value.MongoDB
	js, err := x.encode(g)
	if err != nil {
		return problemOf(g.path, err)
	}
	if g.announced(value.Ditto, g.path, value.HashJSON(js)) ||
		g.anyAnnounced(value.Ditto) && g.differs(value.MongoDB) {
		g.target = value.Ditto
	}
	return x.convert(g)
}

// convert works out the value that the target takes.
func (x *decision) convert(g *group) *Problem {
	var err error
	switch g.target {
	case value.Ditto:
		g.new = &converted{}
		g.new.d, err = x.encode(g)
	case value.MongoDB:
		g.new = &converted{}
		g.new.m, err = x.decode(g)
	}
	if err != nil {
		return problemOf(g.path, err)
	}
	// While announcements are carried on, whatever is overwritten is recorded:
	// a user may have set that very value in the meantime. The announcement of a
	// whole document's delete goes for each of its units.
	if g.target != "" && (len(g.ann) > 0 || x.announcedDelete(value.Ditto) || x.announcedDelete(value.MongoDB)) {
		x.lose(g, g.target, RuleCarried)
	}
	// A user may have set what a baseline holds while it was taken.
	if g.target != "" && x.state() == ledger.Baseline {
		x.lose(g, g.target, RuleBase)
	}
	return nil
}

// lose notes that the side's value of the group is about to be overwritten.
func (x *decision) lose(g *group, side value.Side, rule Rule) {
	if (rule == RuleCarried || rule == RuleBase) && x.absent(g, side) {
		return
	}
	for _, l := range x.plan.Losers {
		if l.Path == g.path && l.Side == side {
			return
		}
	}
	l := Loser{Path: g.path, Side: side, Rule: rule}
	if side == value.MongoDB {
		l.Mongo = g.m
	} else {
		l.Ditto = g.d
	}
	x.plan.Losers = append(x.plan.Losers, l)
}

func (x *decision) absent(g *group, side value.Side) bool {
	if side == value.MongoDB {
		return g.m.Type == 0
	}
	return g.d == nil
}

// equal reports whether both sides hold the same value, in meaning.
func (x *decision) equal(g *group) bool {
	if g.m.Type == 0 || g.d == nil {
		return g.m.Type == 0 && g.d == nil
	}
	if g.counter {
		m, mok := integer(g.m)
		d, dok := dittoInteger(g.d)
		return mok && dok && m == d
	}
	return value.Equal(g.m, g.d, x.in.Rules.Mode)
}

// encode is Ditto's form of MongoDB's value; nil when that is absent.
func (x *decision) encode(g *group) ([]byte, error) {
	if g.m.Type == 0 {
		return nil, nil
	}
	return encodeAt(x.in.Rules, g.path, g.m)
}

// decode is MongoDB's form of Ditto's value; zero when that is absent.
func (x *decision) decode(g *group) (bson.RawValue, error) {
	if g.d == nil {
		return bson.RawValue{}, nil
	}
	js := g.d
	if g.counter {
		n, _ := dittoInteger(js)
		js = integerJSON(n)
	}
	return value.Decode(js, g.m, x.in.Rules.Mode)
}

// checkCounter refuses what cannot be a counter, on either side.
func (x *decision) checkCounter(g *group) *Problem {
	if !g.counter {
		return nil
	}
	if _, ok := integer(g.m); !ok && g.m.Type != 0 {
		return counterProblem(g.path, "MongoDB", g.m.Type.String())
	}
	if _, ok := dittoInteger(g.d); !ok && g.d != nil {
		return counterProblem(g.path, "Ditto", "not an integer")
	}
	return nil
}

func counterProblem(p value.Path, side, what string) *Problem {
	return &Problem{
		Code:    "counter",
		Message: fmt.Sprintf("%s: a settable counter must hold an integer, in %s it is %s", p, side, what),
		Mend:    "set the field to an integer, or take its path out of dittoTypes.settableCounters",
	}
}

// notInteger is a MongoDB value at a counter path that is no integer.
type notInteger struct {
	path value.Path
	typ  bson.Type
}

func (e notInteger) Error() string { return fmt.Sprintf("%s: %s is not an integer", e.path, e.typ) }

func problemOf(p value.Path, err error) *Problem {
	var not notInteger
	if errors.As(err, &not) {
		return counterProblem(not.path, "MongoDB", not.typ.String())
	}
	return &Problem{
		Code:    "value",
		Message: fmt.Sprintf("%s: %v", p, err),
		Mend:    "change the value to one that the other side can hold",
	}
}

// encodeAt is Ditto's form of the MongoDB value v at p, counters below it as
// plain integers.
func encodeAt(c *manifest.Collection, p value.Path, v bson.RawValue) ([]byte, error) {
	return appendAt(make([]byte, 0, len(v.Value)+8), c, p, v)
}

// appendAt appends what encodeAt gives. dst is of no use after an error.
func appendAt(dst []byte, c *manifest.Collection, p value.Path, v bson.RawValue) ([]byte, error) {
	if isCounter(c, p) {
		n, ok := integer(v)
		if !ok {
			return nil, notInteger{p, v.Type}
		}
		return strconv.AppendInt(dst, n, 10), nil
	}
	at := len(dst)
	dst, err := value.AppendDitto(dst, v, c.Mode)
	if err != nil {
		return nil, err
	}
	for _, path := range c.Counters {
		if p == path || !p.Contains(path) || v.Type != bson.TypeEmbeddedDocument {
			continue
		}
		rel := path[len(p):]
		cv := value.LookupBSON(v.Document(), rel)
		if cv.Type == 0 {
			continue
		}
		n, ok := integer(cv)
		if !ok {
			return nil, notInteger{path, cv.Type}
		}
		js, err := value.ReplaceJSON(dst[at:], rel, integerJSON(n))
		if err != nil {
			return nil, err
		}
		dst = append(dst[:at], js...)
	}
	return dst, nil
}
