package sim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

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
	seen      map[value.Side]map[int]bool       // users' actions whose value the side has held
	deletedBy map[ledger.Key]map[value.Side]int // the last delete by a user
	equalAt   map[ledger.Key]int                // users' actions when both sides were last equal
	agreedAt  map[ledger.Key]int                // … when the settling handler read
	entries   map[ledger.Key]ledger.Entry
	lostValue map[loss]string

	births, resets, increments int
	writes                     int  // by Causeway
	loose                      bool // two MongoDB documents share an id
	quiet                      bool // from now on Causeway must write nothing
	errors                     []string
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
}

// track is the history of one unit.
type track struct {
	now      map[value.Side]cell
	uid      map[value.Side]int            // the user's action that the value stems from
	stems    map[value.Side]map[string]int // the last action that set a value
	held     map[value.Side]map[string]bool
	common   string
	dirty    int // when Causeway last wrote it
	agreedAt int // when the ledger last agreed on it
}

func (c *check) init(*World) {
	c.units = map[unit]*track{}
	c.seen = map[value.Side]map[int]bool{value.MongoDB: {0: true}, value.Ditto: {0: true}}
	c.deletedBy = map[ledger.Key]map[value.Side]int{}
	c.equalAt, c.agreedAt = map[ledger.Key]int{}, map[ledger.Key]int{}
	c.entries = map[ledger.Key]ledger.Entry{}
	c.lostValue = map[loss]string{}
}

func (w *World) fail(format string, args ...any) {
	w.errors = append(w.errors, fmt.Sprintf("step %d: ", w.now)+fmt.Sprintf(format, args...))
}

func (c *check) track(u unit) *track {
	t := c.units[u]
	if t == nil {
		t = &track{
			now: map[value.Side]cell{}, uid: map[value.Side]int{}, dirty: -1,
			stems: map[value.Side]map[string]int{value.MongoDB: {}, value.Ditto: {}},
			held:  map[value.Side]map[string]bool{value.MongoDB: {"": true}, value.Ditto: {"": true}},
		}
		c.units[u] = t
	}
	return t
}

// saw takes in one write of one document.
func (w *World) saw(k ledger.Key, side value.Side, old, doc map[value.Path]cell) {
	byBridge := w.actor != nil
	if byBridge {
		w.writes++
		if w.quiet {
			w.fail("%s %s was written although all was quiet", side, k)
		}
		if doc == nil {
			w.checkDelete(k, side, old)
		}
	} else if doc == nil {
		if w.deletedBy[k] == nil {
			w.deletedBy[k] = map[value.Side]int{}
		}
		w.deletedBy[k][side] = w.uid
	}
	paths := map[value.Path]bool{}
	for p := range old {
		paths[p] = true
	}
	for p := range doc {
		paths[p] = true
	}
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		if old[p].val == doc[p].val {
			continue
		}
		u := unit{k, p}
		t := w.track(u)
		if byBridge {
			w.overwrite(u, t, side, old[p], doc[p])
		} else {
			t.now[side], t.uid[side] = doc[p], w.uid
		}
		w.seen[side][t.uid[side]] = true
		t.stems[side][doc[p].val] = t.uid[side]
	}
	w.compare(k)
}

// overwrite is a write by Causeway of one unit.
func (w *World) overwrite(u unit, t *track, side value.Side, prev, next cell) {
	other := side.Other()
	base := w.baseOf(u, side)
	returned := prev.hash == base && t.dirty < t.agreedAt
	if prev.val != "" && !w.seen[other][t.uid[side]] && prev.val != next.val &&
		!t.held[other][prev.val] && prev.val != t.common && !returned {
		w.lostValue[loss{u, side, prev.val}] = fmt.Sprintf("step %d: lost %s %s=%s on %s, overwritten by %q", w.now, u.key, u.path, prev.val, side, next.val)
	}
	t.now[side], t.dirty = next, w.now
	t.uid[side] = t.stems[other][next.val]
}

// checkDelete: a document is deleted only if a user of the other side deleted
// it since both last agreed, or it is recorded.
func (w *World) checkDelete(k ledger.Key, side value.Side, old map[value.Path]cell) {
	if w.loose {
		return
	}
	other := side.Other()
	since := min(w.equalAt[k], w.agreedAt[k])
	if side == value.MongoDB {
		since = 0
		for p := range old {
			since = max(since, w.track(unit{k, p}).uid[side])
		}
	}
	deleted := w.deletedBy[k][other]
	e := w.entries[k]
	if deleted > since || deleted > 0 && w.asAgreed(k, side, old) || side == value.Ditto && e.By == value.MongoDB {
		return
	}
	for p, c := range old {
		if !w.recorded(loss{unit{k, p}, side, c.val}) {
			w.fail("%s %s deleted though no user of %s deleted it", side, k, other)
			return
		}
	}
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
	for _, b := range w.entries[u.key].Units {
		if b.Path == u.path {
			if side == value.Ditto {
				return b.D
			}
			return b.M
		}
	}
	return value.Absent
}

// compare notes which units are equal on both sides now.
func (w *World) compare(k ledger.Key) {
	equal := true
	for u, t := range w.units {
		if u.key != k {
			continue
		}
		m, d := t.now[value.MongoDB].val, t.now[value.Ditto].val
		t.held[value.MongoDB][m], t.held[value.Ditto][d] = true, true
		if m == d {
			t.common = m
			t.held[value.MongoDB], t.held[value.Ditto] = map[string]bool{m: true}, map[string]bool{m: true}
		} else {
			equal = false
		}
	}
	if equal {
		w.equalAt[k] = w.uid
	}
}

// sawLedger takes in a write of a ledger entry.
func (w *World) sawLedger(doc bson.Raw) {
	if doc == nil {
		return
	}
	e, err := ledger.Decode(doc)
	if err != nil {
		w.fail("ledger: %v: %s", err, doc)
		return
	}
	was := w.entries[e.Key]
	w.trace("ledger", "handler", w.actor != nil, "entry", describe(e))
	announced := map[value.Path]bool{}
	if e.Claim != nil {
		for _, a := range e.Claim.Announced {
			announced[a.Path] = true
		}
	} else if w.actor != nil {
		w.agreedAt[e.Key] = w.actor.readAt
	}
	w.entries[e.Key] = e
	for u, t := range w.units {
		if u.key != e.Key {
			continue
		}
		then := ledger.Unit{}
		if i := slices.IndexFunc(was.Units, func(b ledger.Unit) bool { return b.Path == u.path }); i >= 0 {
			then = was.Units[i]
		}
		if (then.M != w.baseOf(u, value.MongoDB)) || then.D != w.baseOf(u, value.Ditto) || !announced[u.path] {
			t.agreedAt = w.now
		}
	}
}

// recorded reports whether a conflict record holds the value.
func (w *World) recorded(l loss) bool {
	records := ledger.Records{DB: w.Mongo}
	conflicts, err := records.ListConflicts(context.Background())
	if err != nil {
		w.fail("list conflicts: %v", err)
		return true
	}
	c := w.manifest.Collection(l.key.Collection)
	for _, r := range conflicts {
		w.trace("record", "key", r.Key.String(), "path", r.Path.String(), "side", r.Side, "json", r.JSON, "value", r.Value.String(), "rule", r.Rule)
		if r.Key != l.key || r.Side != l.side || !r.Path.Contains(l.path) {
			continue
		}
		units := map[value.Path]cell{}
		switch {
		case l.side == value.Ditto && r.Path == "":
			units = unitsOfDitto(c, []byte(r.JSON))
		case l.side == value.Ditto:
			flattenDitto(c, units, r.Path, []byte(r.JSON))
		case r.Path == "":
			units = unitsOfMongo(c, bson.Raw(r.Value.Value))
		default:
			flattenMongo(c, units, r.Path, r.Value)
		}
		if units[l.path].val == l.val {
			return true
		}
	}
	return false
}

// mustBeEqual compares both sides, pair by pair. What a rule leaves alone is
// left out: detached pairs, and what only the target of a one-way collection
// has.
func (w *World) mustBeEqual(when string) {
	for _, k := range w.keys {
		c := w.manifest.Collection(k.Collection)
		m, d := w.mongoDoc(k), w.dittoDoc(k)
		mu, du := unitsOfMongo(c, m), unitsOfDitto(c, d)
		source, target := mu, du
		if c.Direction == manifest.DittoToMongo {
			source, target = du, mu
		}
		e := w.entries[k]
		switch {
		case e.State == ledger.Detached, w.loose:
			continue
		case c.Direction != manifest.Both && source == nil && e.State == ledger.Parked:
			continue
		case c.Direction != manifest.Both:
			for p := range target {
				if _, ok := source[p]; !ok {
					delete(target, p)
				}
			}
		}
		same := func(a, b cell) bool { return a.val == b.val }
		if (m == nil) != (d == nil) || !maps.EqualFunc(mu, du, same) {
			w.fail("%s: the sides differ %s: MongoDB %v, Ditto %s, entry %s", k, when, m, d, describe(e))
		}
	}
}

// verdict is the history's result.
func (w *World) verdict() error {
	if w.loose {
		clear(w.lostValue) // which of two documents is the pair's is not tracked
	}
	for l, text := range w.lostValue {
		if !w.recorded(l) {
			w.errors = append(w.errors, text)
		}
	}
	w.checkIncrements()
	if len(w.errors) == 0 {
		return nil
	}
	slices.Sort(w.errors)
	return errors.New(strings.Join(w.errors[:min(5, len(w.errors))], "\n"))
}

// checkIncrements: where no user reset or removed the counter, it holds the
// number of increments.
func (w *World) checkIncrements() {
	if w.manifest.Collections[0].Direction != manifest.Both || w.resets > 0 || w.births > 1 || len(w.keys) > 1 || len(w.deletedBy) > 0 || len(w.errors) > 0 {
		return
	}
	k := w.keys[0]
	c := unitsOfDitto(w.manifest.Collection(k.Collection), w.dittoDoc(k))[counterPath]
	if c.val != "" && c.val != fmt.Sprint(w.increments) {
		w.fail("%s: the counter holds %s after %d increments", k, c.val, w.increments)
	}
}

// unitsOfMongo lists a MongoDB document's units.
func unitsOfMongo(c *manifest.Collection, doc bson.Raw) map[value.Path]cell {
	if doc == nil {
		return nil
	}
	out := map[value.Path]cell{}
	elems, _ := doc.Elements()
	for _, e := range elems {
		if e.Key() != "_id" {
			flattenMongo(c, out, value.PathOf(e.Key()), e.Value())
		}
	}
	return out
}

func flattenMongo(c *manifest.Collection, out map[value.Path]cell, p value.Path, v bson.RawValue) {
	if d, ok := v.DocumentOK(); ok && !c.Strict {
		elems, _ := d.Elements()
		for _, e := range elems {
			flattenMongo(c, out, p.Child(e.Key()), e.Value())
		}
		return
	}
	js, _ := value.AppendDitto(nil, v, value.JSON)
	h := value.HashBSON(v)
	if n, ok := v.AsInt64OK(); ok && slices.Contains(c.Counters, p) {
		t, data, _ := bson.MarshalValue(n)
		h = value.HashBSON(bson.RawValue{Type: t, Value: data})
	}
	out[p] = cell{string(js), h}
}

// unitsOfDitto lists a Ditto document's units.
func unitsOfDitto(c *manifest.Collection, doc []byte) map[value.Path]cell {
	if doc == nil {
		return nil
	}
	out := map[value.Path]cell{}
	for k, v := range value.Fields(doc) {
		if k != "_id" {
			flattenDitto(c, out, value.PathOf(k), v)
		}
	}
	return out
}

func flattenDitto(c *manifest.Collection, out map[value.Path]cell, p value.Path, js []byte) {
	if len(js) > 0 && js[0] == '{' && !value.IsWrapper(js) && !c.Strict {
		for k, v := range value.Fields(js) {
			flattenDitto(c, out, p.Child(k), v)
		}
		return
	}
	val := string(js)
	if v, err := value.Decode(js, bson.RawValue{}, value.EJSON); err == nil {
		if text, err := value.AppendDitto(nil, v, value.JSON); err == nil {
			val = string(text)
		}
	}
	out[p] = cell{val, value.HashJSON(js)}
}

// describe puts an entry on one line, for the trace.
func describe(e ledger.Entry) string {
	s := fmt.Sprintf("%s rev %d %s %s txn %d", e.Key, e.Rev, e.State, e.By, e.Txn)
	for _, u := range e.Units {
		s += fmt.Sprintf(" %s=%.4s/%.4s", u.Path, u.M, u.D)
	}
	if e.Claim != nil {
		s += " claim " + e.Claim.Owner
		for _, a := range e.Claim.Announced {
			s += fmt.Sprintf(" %s:%s=%.4s", a.Side, a.Path, a.Hash)
		}
	}
	return s
}
