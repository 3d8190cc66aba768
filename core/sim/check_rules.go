package sim

import (
	"slices"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

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
			since = max(since, w.track(unit{k, p}).uid[at(side)])
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

// checkDeleteRule holds a delete against the collection's rules for deletes.
func (w *World) checkDeleteRule(k ledger.Key, side value.Side, old map[value.Path]cell) {
	c, e := w.rules(), w.entries[k]
	if e.State != ledger.Live || w.carried[k] || w.loose {
		return
	}
	if side == value.MongoDB && c.Deletes.Ditto != manifest.DeleteApply {
		w.fail("%s: deleted in MongoDB although deletes in Ditto are only to %s", k, c.Deletes.Ditto)
	}
	if side == value.MongoDB && c.Direction != manifest.DittoToMongo && !w.asAgreed(k, side, old) {
		w.fail("%s: deleted in MongoDB although it was changed there", k)
	}
	if side == value.Ditto && c.Deletes.Resurrect && c.Direction != manifest.MongoToDitto && !w.asAgreed(k, side, old) {
		w.fail("%s: deleted in Ditto although a device changed it, and may resurrect it", k)
	}
}

// checkBirth holds the insert of a document against the rules.
func (w *World) checkBirth(k ledger.Key, side value.Side) {
	c, e := w.rules(), w.entries[k]
	switch {
	case side == value.MongoDB:
		if e.State == ledger.Live && c.Deletes.Resurrect && w.deletedBy[k][value.MongoDB] > 0 {
			w.hit(Resurrected)
		}
		if e.State == ledger.Deleted && e.By == value.MongoDB && c.Direction != manifest.DittoToMongo && !w.carried[k] {
			w.fail("%s: MongoDB deleted it, and a device brought it back", k)
		}
	case (e.State == ledger.Detached || e.State == ledger.Baseline) && !w.carried[k] && w.mongoAt[k] <= w.actor.startAt:
		if m := w.unitsOfMongo(w.mongoDoc(k)); len(e.Units) > 0 && !w.hasEmptyObject(k) && w.asAgreed(k, value.MongoDB, m) && w.allThere(e, m) && !w.written(k) {
			w.fail("%s: came to Ditto although it was left alone and has not changed", k)
		}
	}
}

// hasEmptyObject reports whether MongoDB's object has no field: a unit that is
// not looked at here.
func (w *World) hasEmptyObject(k ledger.Key) bool {
	o, ok := value.LookupBSON(w.mongoDoc(k), objectPath).DocumentOK()
	return ok && len(o) == len("\x05\x00\x00\x00\x00")
}

// allThere reports whether no agreed unit of MongoDB's has vanished.
func (w *World) allThere(e ledger.Entry, m map[value.Path]cell) bool {
	return !slices.ContainsFunc(e.Units, func(u ledger.Unit) bool { return !u.M.IsAbsent() && m[u.Path].val == "" })
}

// written reports whether a user wrote the document while its baseline was
// taken: then it counts as new whatever the baseline says.
func (w *World) written(k ledger.Key) bool { return w.baseline && w.touched[k] }

// checkHusk: nothing is removed from MongoDB because a husk lacks it. Which of a
// handler's looks at Ditto it decided by is not known: all must have shown one.
func (w *World) checkHusk(k ledger.Key, old, doc map[value.Path]cell) {
	e := w.entries[k]
	if w.carried[k] || w.rules().Direction != manifest.Both || len(w.actor.read[k]) == 0 {
		return
	}
	for _, js := range w.actor.read[k] {
		if !w.isHusk(e, js) {
			return
		}
	}
	js := w.actor.read[k][len(w.actor.read[k])-1]
	d := w.unitsOfDitto(js)
	for p, c := range old {
		if c.val != "" && doc[p].val == "" && value.Lookup(js, p) == nil && !unitOf(e, p).D.IsAbsent() && unitOf(e, p).M == c.hash && !w.inside(d, p) {
			w.fail("%s: %s was removed from MongoDB because of a husk", k, p)
		}
	}
}

// isHusk reports whether the document has lost all that was agreed on, two units
// or more, but what was just changed.
func (w *World) isHusk(e ledger.Entry, js []byte) bool {
	agreed, vanished, present := 0, false, false
	for p, c := range w.unitsOfDitto(js) {
		present = present || unitOf(e, p).D != c.hash
	}
	for _, u := range e.Units {
		if u.D.IsAbsent() {
			continue
		}
		agreed++
		if v := value.Lookup(js, u.Path); v == nil {
			vanished = true
		} else if value.HashJSON(v) == u.D {
			return false
		}
	}
	return agreed >= 2 && vanished && present
}

// inside reports whether d has a unit above or below p, of which p is a part.
func (w *World) inside(d map[value.Path]cell, p value.Path) bool {
	for q := range d {
		if q.Contains(p) || p.Contains(q) {
			return true
		}
	}
	return false
}
