package reconcile

import (
	"maps"
	"slices"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// decision is one Decide in the making.
type decision struct {
	in     Input
	plan   Plan
	mu, du []leaf
	base   []ledger.Unit
	ann    []ledger.Announcement // without those of whole documents, sorted
	groups []group

	firstContact, husk bool
	// untouched: of a baseline, and nothing of it has changed since.
	untouched bool
}

// Decide says what is left to do for a pair.
func Decide(in Input) Plan {
	x := &decision{in: in}
	if p := x.split(); p != nil {
		return Plan{Row: "parked", Problem: p}
	}
	for _, a := range in.Carried {
		if a.Path != "" {
			x.ann = append(x.ann, a)
		}
	}
	slices.SortFunc(x.ann, compareAnnouncements)
	x.base = in.Entry.Units

	e := &in.Entry
	x.plan.Claimed, x.plan.Next = *e, *e
	for _, p := range []*ledger.Entry{&x.plan.Claimed, &x.plan.Next} {
		p.Claim, p.Txn = nil, max(e.Txn, in.Txn, in.Shown)
		if in.Mongo != nil {
			p.MongoID = in.Mongo.Lookup("_id")
		}
	}
	x.plan.Announced = slices.Clone(in.Carried)

	var problem *Problem
	switch m, d := in.Mongo != nil, in.Ditto != nil; {
	case m && d:
		problem = x.both()
	case m:
		problem = x.onlyMongo()
	case d:
		problem = x.onlyDitto()
	default:
		x.neither()
	}
	if problem != nil {
		return Plan{Row: "parked", Problem: problem}
	}
	x.plan.Changed = x.changed()
	return x.plan
}

// Baseline is the entry of a pair that is to be left alone as it is until
// something changes it.
func Baseline(in Input) (ledger.Entry, *Problem) {
	x := &decision{in: in}
	if p := x.split(); p != nil {
		return ledger.Entry{}, p
	}
	e := ledger.Entry{Key: in.Entry.Key, State: ledger.Baseline, Units: unitsOf(x.mu, x.du), Size: len(in.Ditto)}
	if in.Mongo != nil {
		e.MongoID = in.Mongo.Lookup("_id")
	}
	return e, nil
}

// split cuts both documents into units.
func (x *decision) split() *Problem {
	var err error
	if x.in.Mongo != nil {
		if x.mu, err = mongoLeaves(x.in.Rules, x.in.Mongo); err != nil {
			return problemOf("", err)
		}
	}
	if x.in.Ditto != nil {
		if x.du, err = dittoLeaves(x.in.Rules, x.in.Ditto); err != nil {
			return problemOf("", err)
		}
	}
	return nil
}

// state is where the pair stands, for the decision: an entry that has agreed
// units is of a pair whose documents both existed.
func (x *decision) state() ledger.State {
	switch s := x.in.Entry.State; s {
	case ledger.Detached, ledger.Baseline, ledger.Live:
		return s
	case ledger.Parked:
		switch {
		case len(x.base) > 0:
			return ledger.Live
		case x.in.Entry.By != "":
			return ledger.Deleted
		}
		return ledger.None
	default:
		if len(x.base) > 0 {
			return ledger.Live
		}
		return s
	}
}

// oneSided reports whether a baseline or detached entry knows one side only.
func (x *decision) oneSided() bool {
	m, d := false, false
	for _, u := range x.base {
		m, d = m || !u.M.IsAbsent(), d || !u.D.IsAbsent()
	}
	return !m || !d
}

// both: the documents exist on both sides.
func (x *decision) both() *Problem {
	x.plan.Row = "both"
	s := x.state()
	if s == ledger.Detached || s == ledger.Baseline && x.oneSided() && (x.userChanged(value.MongoDB) || x.userChanged(value.Ditto)) {
		x.base = nil
	}
	x.firstContact = len(x.base) == 0 && s != ledger.Live
	x.group()
	if !x.firstContact {
		x.lookForHusk()
	}
	for i := range x.groups {
		if p := x.decideGroup(&x.groups[i]); p != nil {
			return p
		}
	}
	x.untouched = !x.anyGroup(func(g *group) bool { return !g.alone })
	if p := x.compile(); p != nil {
		return p
	}
	for _, e := range []*ledger.Entry{&x.plan.Claimed, &x.plan.Next} {
		if e.State != ledger.Baseline || x.firstContact {
			e.State = ledger.Live
		}
		e.By = ""
	}
	// A baseline is one until both sides have agreed on every unit, and every
	// counter is one.
	if !x.anyGroup(func(g *group) bool { return !g.agree && g.target == "" || x.untouched && g.register }) {
		x.plan.Next.State = ledger.Live
	}
	x.plan.Next.Size = len(x.in.Ditto)
	return nil
}

// onlyMongo: Ditto does not show the document.
func (x *decision) onlyMongo() *Problem {
	c := x.in.Rules
	switch s := x.state(); s {
	case ledger.Detached, ledger.Baseline:
		if s == ledger.Baseline && !x.oneSided() {
			return x.missingInDitto()
		}
		if !x.userChanged(value.MongoDB) {
			x.plan.Row = "left alone"
			return nil
		}
		return x.insertDitto("changed in MongoDB after it was left alone")
	case ledger.Live:
		return x.missingInDitto()
	default: // no entry, or a tombstone
		if x.ownCreation(value.MongoDB) {
			if x.in.Removed {
				return x.deleteMongo("created by Causeway, deleted in Ditto")
			}
		} else if c.Direction == manifest.DittoToMongo {
			return oneWay("Ditto to MongoDB", "MongoDB")
		}
		return x.insertDitto("new in MongoDB")
	}
}

// missingInDitto: both documents existed. Design: only an event that said so,
// confirmed by a read, makes the absence a delete (invariant 8).
func (x *decision) missingInDitto() *Problem {
	c := x.in.Rules
	own := x.announcedDelete(value.Ditto)
	cm := x.userChanged(value.MongoDB)
	switch {
	case own && !cm && !x.in.Removed:
		return x.insertDitto("Causeway's own delete, overtaken by MongoDB")
	case cm && c.Direction != manifest.DittoToMongo:
		if x.in.Removed {
			x.loseWhole(value.Ditto, RuleDelete)
		}
		return x.insertDitto("deleted in Ditto, but changed in MongoDB")
	case !x.in.Removed:
		x.plan.Row, x.plan.Wait = "not shown by Ditto, and nobody said that it was deleted", true
		return nil
	case c.Direction == manifest.MongoToDitto:
		x.loseWhole(value.Ditto, RuleOneWay)
		return x.insertDitto("deleted on the target side")
	}
	switch c.Deletes.Ditto {
	case manifest.DeleteIgnore:
		x.plan.Row = "deleted in Ditto, ignored"
		return x.detach(x.in.Mongo)
	case manifest.DeleteSoft:
		return x.softDelete()
	}
	switch {
	case cm:
		x.loseWhole(value.MongoDB, RuleOneWay)
	case x.state() == ledger.Baseline:
		x.loseWhole(value.MongoDB, RuleDelete)
	}
	return x.deleteMongo("deleted in Ditto")
}

// onlyDitto: MongoDB, read from its primary, does not have the document.
func (x *decision) onlyDitto() *Problem {
	c, e := x.in.Rules, &x.in.Entry
	switch s := x.state(); {
	case s == ledger.Live, s == ledger.Baseline && !x.oneSided():
		cd := x.userChanged(value.Ditto)
		switch {
		case x.announcedDelete(value.MongoDB):
			return x.insertMongo("Causeway's own delete, and a device has the document again")
		case c.Deletes.Resurrect && cd && c.Direction != manifest.MongoToDitto:
			x.loseWhole(value.MongoDB, RuleDelete)
			return x.insertMongo("deleted in MongoDB, but changed in Ditto")
		case c.Direction == manifest.DittoToMongo:
			x.loseWhole(value.MongoDB, RuleOneWay)
			return x.insertMongo("deleted on the target side")
		}
		if cd || s == ledger.Baseline {
			x.loseWhole(value.Ditto, RuleDelete)
		}
		return x.deleteDitto("deleted in MongoDB")
	case s == ledger.Baseline && !x.userChanged(value.Ditto):
		x.plan.Row = "left alone"
		return nil
	case s == ledger.Deleted && e.By == value.MongoDB && c.Direction != manifest.DittoToMongo && !x.ownCreation(value.MongoDB):
		x.loseWhole(value.Ditto, RuleDelete)
		return x.deleteDitto("re-created in Ditto after a delete in MongoDB")
	case x.ownCreation(value.Ditto):
		return x.deleteDitto("created by Causeway, deleted in MongoDB")
	case c.Direction == manifest.MongoToDitto:
		return oneWay("MongoDB to Ditto", "Ditto")
	}
	return x.insertMongo("new in Ditto")
}

// neither: the document is gone from both sides.
func (x *decision) neither() {
	e := &x.in.Entry
	if e.State == ledger.Deleted && len(x.base) == 0 {
		x.plan.Row = "tombstone"
		return
	}
	if !e.Exists() && !x.in.DittoEvent {
		x.plan.Row = "never synced"
		return
	}
	by := e.By
	if by == "" {
		by = value.Ditto
		if x.announcedDelete(value.Ditto) && !x.announcedDelete(value.MongoDB) {
			by = value.MongoDB
		}
	}
	x.plan.Row = "gone from both"
	x.tombstone(by)
}

func oneWay(way, side string) *Problem {
	return &Problem{
		Code:    "one-way",
		Message: "the collection is synced from " + way + " only, and this document was created in " + side,
		Mend:    "delete the document, or set direction: both",
	}
}

// group pairs up the units.
func (x *decision) group() {
	x.groups = groups(x.in.Rules, x.mu, x.du, x.base, x.ann, x.in.Registers)
	for i := range x.groups {
		x.groups[i].values(x.in.Mongo, x.in.Ditto)
	}
}

// userChanged reports whether anything on that side is a user's change.
func (x *decision) userChanged(side value.Side) bool {
	x.group()
	return x.anyGroup(func(g *group) bool { return g.changed(x.in.Rules, side) })
}

// anyGroup reports whether one of the groups is so.
func (x *decision) anyGroup(so func(g *group) bool) bool {
	for i := range x.groups {
		if so(&x.groups[i]) {
			return true
		}
	}
	return false
}

// ownCreation reports whether the document on that side is, to the last unit,
// what Causeway announced that it would create there.
func (x *decision) ownCreation(side value.Side) bool {
	units := x.mu
	if side == value.Ditto {
		units = x.du
	}
	for _, u := range units {
		if !slices.Contains(x.ann, ledger.Announcement{Path: u.Path, Side: side, Hash: u.Hash}) {
			return false
		}
	}
	return len(units) > 0
}

func (x *decision) announcedDelete(side value.Side) bool {
	return slices.Contains(x.in.Carried, ledger.Announcement{Side: side, Hash: value.Absent})
}

// lookForHusk: a document in Ditto that has lost all its agreed units, two or
// more, but those just changed, is what a delete on one device and an edit on
// another leave behind.
func (x *decision) lookForHusk() {
	agreed, vanished, present := 0, 0, false
	for i := range x.groups {
		g := &x.groups[i]
		cd := g.changed(x.in.Rules, value.Ditto)
		present = present || g.d != nil && cd
		if !g.knewDitto() {
			continue
		}
		agreed++
		switch {
		case g.d == nil && cd:
			vanished++
		case !cd:
			return
		}
	}
	if agreed >= 2 && vanished > 0 && present {
		x.husk = true
		x.plan.Losers = append(x.plan.Losers, Loser{Side: value.Ditto, Ditto: x.in.Ditto, Rule: RuleHusk})
	}
}

// changed reports whether Next says something that the stored entry does not.
func (x *decision) changed() bool {
	e, n := &x.in.Entry, &x.plan.Next
	if !e.Exists() {
		return n.State != ledger.None
	}
	event := x.in.DittoEvent && x.in.Txn > e.Txn
	if x.plan.Wait {
		return event
	}
	return e.Claim != nil || n.State != e.State || n.By != e.By || !slices.Equal(n.Units, e.Units) ||
		!maps.Equal(n.Counters, e.Counters) || !slices.Equal(n.Maps, e.Maps) || !n.MongoID.Equal(e.MongoID) ||
		event
}
