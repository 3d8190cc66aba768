package sim

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// mustBeEqual compares both sides, pair by pair. What a rule leaves alone is
// left out: detached pairs, what only the target of a one-way collection has,
// and what no user has changed since a baseline.
func (w *World) mustBeEqual(when string) {
	c := w.rules()
	for _, k := range w.keys {
		m, d := w.unitsOfMongo(w.mongoDoc(k)), w.unitsOfDitto(w.dittoNow[k])
		inMongo, inDitto := w.mongoDoc(k) != nil, w.dittoNow[k] != nil
		source, target := m, d
		if c.Direction == manifest.DittoToMongo {
			source, target = d, m
		}
		e := w.entries[k]
		switch {
		case e.State == ledger.Detached, w.baseline && !w.touched[k]:
			continue
		case e.State == ledger.Parked && w.parkedFor[k.String()] == "value":
			continue // a wrapper into which a device wrote one more key
		case w.loose && (w.baseline || w.swept < 2 || e.State == ledger.Parked):
			continue // which of two documents is the pair's may be open until a sweep
		case c.Direction != manifest.Both && source == nil && e.State == ledger.Parked:
			continue
		case c.Direction != manifest.Both:
			for p := range target {
				if _, ok := source[p]; !ok {
					delete(target, p)
				}
			}
		}
		if w.baseline {
			w.leaveAlone(k, m, d)
			if len(m)+len(d) == 0 {
				continue
			}
		}
		same := func(a, b cell) bool { return a.val == b.val }
		if inMongo != inDitto || !maps.EqualFunc(m, d, same) {
			w.fail("%s: the sides differ %s: MongoDB %v, Ditto %s, entry %s", k, when, w.mongoDoc(k), w.dittoNow[k], describe(e))
		}
	}
}

// checkRegisters: a number that an app wrote at a counter's path without knowing
// of the counter is one now: read as a counter it shows the same.
func (w *World) checkRegisters() {
	c := w.rules()
	if len(c.Counters) == 0 || c.Direction != manifest.Both || w.baseline || w.loose || w.Did[RegisterAtMap] || w.Did[ObjectToScalar] {
		return
	}
	for _, k := range w.keys {
		shown := value.Lookup(w.dittoNow[k], counterPath)
		if shown == nil || shown[0] < '0' || shown[0] > '9' || w.entries[k].State != ledger.Live {
			continue
		}
		args, _ := json.Marshal(map[string]any{"id": json.RawMessage(k.ID)})
		r, err := w.Ditto.Execute(context.Background(), ditto.Request{API: ditto.V5, Statement: "SELECT * FROM COLLECTION " + c.DittoName + " (o MAP(q COUNTER)) WHERE _id = :id", Args: args})
		if err != nil || len(r.Items) != 1 {
			w.fail("%s: read declared: %v", k, err)
		} else if got := value.Lookup(r.Items[0], counterPath); string(got) != string(shown) {
			w.fail("%s: %s shows at the counter's path, and the counter is %s", k, shown, got)
		}
	}
}

// leaveAlone takes out the units that no user has changed since the activation,
// or that hold what they held then.
func (w *World) leaveAlone(k ledger.Key, m, d map[value.Path]cell) {
	for u, t := range w.units {
		old := func(side value.Side) bool {
			return t.uid[at(side)] <= w.activeAt || t.now[at(side)].val == t.before[at(side)]
		}
		oldMongo, oldDitto := old(value.MongoDB) || m == nil, old(value.Ditto) || d == nil
		if u.key == k && oldMongo && oldDitto {
			delete(m, u.path)
			delete(d, u.path)
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
	if len(w.errors) == 0 {
		w.checkIncrements()
	}
	if len(w.errors) == 0 {
		return nil
	}
	slices.Sort(w.errors)
	return errors.New(strings.Join(w.errors[:min(5, len(w.errors))], "\n"))
}

// checkIncrements: where no user reset or removed the counter, it holds what
// the document was made with, and the increments since (invariant 7).
func (w *World) checkIncrements() {
	c := w.rules()
	if c.Direction != manifest.Both || w.loose || w.baseline || len(c.Counters) == 0 {
		return
	}
	for _, k := range w.keys {
		n := w.counts(k)
		if n.unknown || n.births != 1 {
			continue
		}
		got := w.unitsOfDitto(w.dittoNow[k])[counterPath].val
		if want := fmt.Sprint(n.start + int64(n.increments)); got != "" && got != want {
			w.fail("%s: the counter holds %s, not %s", k, got, want)
		}
	}
}
