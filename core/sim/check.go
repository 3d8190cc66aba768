package sim

import (
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// check watches every write. A value that a user set counts as lost when
// Causeway overwrites it although it was not recorded as a conflict, differs
// from the new value, was never held by the other side since both were last
// equal, and is not the value of the last agreement (a value that returned to
// that one is no change).
type check struct {
	units     map[unit]*track
	deletedBy map[ledger.Key]map[value.Side]int // the last delete by a user
	equalAt   map[ledger.Key]int                // users' actions when both sides were last equal
	agreedAt  map[ledger.Key]int                // … when the settling handler read
	entries   map[ledger.Key]ledger.Entry
	carried   map[ledger.Key]bool // the claim carries announcements of one before
	lostValue map[loss]string
	counters  map[ledger.Key]*counting
	conflicts []ledger.Conflict
	parkedFor map[string]string // reasons of unsynced records
	mongoNow  map[ledger.Key][]bson.Raw
	dittoNow  map[ledger.Key][]byte
	unitsNow  [2]map[ledger.Key]map[value.Path]cell
	mongoAt   map[ledger.Key]int  // the last change by a user in MongoDB
	bornAt    map[ledger.Key]int  // the last insert by a user in MongoDB
	touched   map[ledger.Key]bool // a user changed it after the activation

	writes int  // by Causeway
	loose  bool // two MongoDB documents share an id
	quiet  bool // from now on Causeway must write nothing
	errors []string
}

type unit struct {
	key  ledger.Key
	path value.Path
}

type loss struct {
	unit
	side value.Side
	val  string
}

// cell is one unit's value on one side: as comparable text, and as hashed in
// the ledger. The zero cell is an absent value.
type cell struct {
	val  string
	hash value.Hash
	typ  bson.Type // MongoDB's
}

// track is the history of one unit, by side (see at).
type track struct {
	now      [2]cell
	seen     [2]map[int]bool   // users' actions whose value the side has held
	uid      [2]int            // the user's action that the value stems from
	stems    [2]map[string]int // the last action that set a value
	held     [2]map[string]bool
	before   [2]string // the values at the activation
	common   string
	written  [2]written // by Causeway
	agreedAt int        // when the ledger last agreed on it
}

// written is the first write by Causeway since the last agreement. A later one
// takes it back when it restores the value from before: something came to show
// between two statements, and nothing has changed.
type written struct {
	at      int
	from    string
	touched bool // by a user, since
}

// at is a side's place in what is kept of both.
func at(side value.Side) int {
	if side == value.MongoDB {
		return 0
	}
	return 1
}

// counting is what becomes of a document's counter.
type counting struct {
	start              int64
	increments, births int
	register           bool // an app wrote a plain number, and Causeway has not seen it yet
	unknown            bool // users reset it, or removed what it lies in
}

func (c *check) init() {
	c.units = map[unit]*track{}
	c.deletedBy = map[ledger.Key]map[value.Side]int{}
	c.equalAt, c.agreedAt = map[ledger.Key]int{}, map[ledger.Key]int{}
	c.entries, c.carried = map[ledger.Key]ledger.Entry{}, map[ledger.Key]bool{}
	c.lostValue = map[loss]string{}
	c.counters = map[ledger.Key]*counting{}
	c.unitsNow = [2]map[ledger.Key]map[value.Path]cell{{}, {}}
	c.mongoNow, c.dittoNow = map[ledger.Key][]bson.Raw{}, map[ledger.Key][]byte{}
	c.parkedFor, c.mongoAt = map[string]string{}, map[ledger.Key]int{}
	c.bornAt, c.touched = map[ledger.Key]int{}, map[ledger.Key]bool{}
}

func (c *check) counts(k ledger.Key) *counting {
	n := c.counters[k]
	if n == nil {
		n = &counting{}
		c.counters[k] = n
	}
	return n
}

func (w *World) fail(format string, args ...any) {
	w.errors = append(w.errors, fmt.Sprintf("step %d: ", w.now)+fmt.Sprintf(format, args...))
}

func (c *check) track(u unit) *track {
	t := c.units[u]
	if t == nil {
		t = &track{written: [2]written{{at: -1}, {at: -1}}, seen: [2]map[int]bool{{0: true}, {0: true}}, stems: [2]map[string]int{{}, {}}, held: [2]map[string]bool{{"": true}, {"": true}}}
		c.units[u] = t
	}
	return t
}

// saw takes in one write of one document, which there was, and is now, or not.
func (w *World) saw(k ledger.Key, side value.Side, old, doc map[value.Path]cell, was, is bool) {
	byBridge := w.actor != nil
	if byBridge {
		w.writes++
		w.checkWrite(k, side, old, doc, was, is)
	} else if w.touched[k] = w.touched[k] || w.active; !is {
		w.counts(k).unknown = true
		if w.deletedBy[k] == nil {
			w.deletedBy[k] = map[value.Side]int{}
		}
		w.deletedBy[k][side] = w.uid
	}
	if !byBridge && side == value.MongoDB {
		w.mongoAt[k] = w.uid
	}
	paths := make([]value.Path, 0, len(old)+len(doc))
	for p := range old {
		paths = append(paths, p)
	}
	for p := range doc {
		if _, ok := old[p]; !ok {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	for _, p := range paths {
		u := unit{k, p}
		t := w.track(u)
		if old[p].val == doc[p].val {
			t.now[at(side)] = doc[p]
			continue
		}
		if byBridge {
			w.overwrite(u, t, side, old[p], doc[p])
		} else {
			if _, held := t.stems[at(side)][doc[p].val]; held && doc[p].val != "" {
				w.hit(ValueReturns)
			}
			t.now[at(side)], t.uid[at(side)], t.written[at(side)].touched = doc[p], w.uid, true
		}
		t.seen[at(side)][t.uid[at(side)]] = true
		t.stems[at(side)][doc[p].val] = t.uid[at(side)]
	}
	w.compare(k)
}

// checkWrite holds a write by Causeway against the rules of the collection.
func (w *World) checkWrite(k ledger.Key, side value.Side, old, doc map[value.Path]cell, was, is bool) {
	switch {
	case w.quiet:
		w.fail("%s %s was written although all was quiet", side, k)
	case w.baseline && !w.touched[k] && !w.Did[KeyBlind]: // what it did not see looks new
		w.fail("%s %s was written although nothing has changed since the baseline", side, k)
	case !slices.Contains(w.keys, k) && !(w.deviceOnly && w.Did[TombstoneExpired]): // then nothing tells how the device spelled it
		w.fail("%s %s: a document that nobody made", side, k)
	}
	c, e := w.rules(), w.entries[k]
	switch {
	case was && !is:
		w.checkDelete(k, side, old)
		w.checkDeleteRule(k, side, old)
	case is && !was:
		w.checkBirth(k, side)
	case side == value.Ditto:
		w.counts(k).register = false
	}
	if side == value.MongoDB && c.Deletes.Ditto == manifest.DeleteSoft && doc[c.Deletes.SoftField].val == "true" && old[c.Deletes.SoftField].val == "" && w.dittoNow[k] == nil {
		w.hit(SoftDelete)
	}
	if side == value.MongoDB && is && was && e.Claim != nil {
		w.checkHusk(k, old, doc)
	}
}

// overwrite is a write by Causeway of one unit.
func (w *World) overwrite(u unit, t *track, side value.Side, prev, next cell) {
	other := side.Other()
	base := w.baseOf(u, side)
	returned := prev.hash == base && max(t.written[0].at, t.written[1].at) < t.agreedAt
	if prev.val != "" && !t.seen[at(other)][t.uid[at(side)]] && prev.val != next.val &&
		!t.held[at(other)][prev.val] && prev.val != t.common && !returned {
		w.lostValue[loss{u, side, prev.val}] = fmt.Sprintf("step %d: lost %s %s=%s on %s, overwritten by %q", w.now, u.key, u.path, prev.val, side, next.val)
	}
	if side == value.MongoDB && w.rules().Mode == value.JSON && prev.typ == bson.TypeDecimal128 && next.val != "" && next.typ != prev.typ {
		w.fail("%s %s: a number became a %s where MongoDB holds a decimal", u.key, u.path, next.typ)
	}
	t.now[at(side)] = next
	switch o := &t.written[at(side)]; {
	case o.at <= t.agreedAt:
		*o = written{at: w.now, from: prev.val}
	case next.val == o.from && !o.touched:
		*o = written{at: -1}
	}
	t.uid[at(side)] = t.stems[at(other)][next.val]
}

// asAgreed reports whether the document is what the ledger last agreed on.
func (w *World) asAgreed(k ledger.Key, side value.Side, doc map[value.Path]cell) bool {
	for p, c := range doc {
		if w.baseOf(unit{k, p}, side) != c.hash {
			return false
		}
	}
	return true
}

func (w *World) baseOf(u unit, side value.Side) value.Hash {
	b := unitOf(w.entries[u.key], u.path)
	if side == value.Ditto {
		return b.D
	}
	return b.M
}

func unitOf(e ledger.Entry, p value.Path) ledger.Unit {
	for _, b := range e.Units {
		if b.Path == p {
			return b
		}
	}
	return ledger.Unit{}
}

// compare notes which units are equal on both sides now.
func (w *World) compare(k ledger.Key) {
	equal := true
	for u, t := range w.units {
		if u.key != k {
			continue
		}
		m, d := t.now[at(value.MongoDB)].val, t.now[at(value.Ditto)].val
		t.held[at(value.MongoDB)][m], t.held[at(value.Ditto)][d] = true, true
		if m == d {
			t.common = m
			for _, held := range t.held {
				clear(held)
				held[m] = true
			}
		} else {
			equal = false
		}
	}
	if equal {
		w.equalAt[k] = w.uid
	}
}
