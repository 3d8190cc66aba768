package sim

import (
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// someCollection draws a collection's rules.
func (w *World) someCollection() manifest.Collection {
	c := manifest.Collection{
		Name: "things", DittoName: "things", Fields: []string{"_id"}, Direction: manifest.Both,
		Deletes: manifest.Deletes{Ditto: manifest.DeleteApply},
	}
	if w.chance(0.1) {
		c.Name, c.DittoName = "o", "o" // a field is named like its collection
		w.hit("field named like its collection")
	}
	if w.chance(0.3) {
		c.Strict = true
		w.hit("strict collection")
	} else {
		c.Mode = value.Mode(w.rnd.IntN(2))
		if w.chance(0.7) {
			c.Counters = []value.Path{counterPath}
			w.possible("register at a counter path", "counter reset")
		}
		w.possible("object becomes a scalar", "husk")
	}
	if w.chance(0.2) {
		c.Fields = []string{"k"}
		w.possible("two MongoDB documents for one id", "mapped field filled in")
	}
	c.Conflicts.Default = []value.Side{value.MongoDB, value.Ditto}[w.rnd.IntN(2)]
	if w.chance(0.2) {
		c.Conflicts.Fields = map[value.Path]value.Side{value.PathOf("a"): c.Conflicts.Default.Other()}
		w.hit("conflict rule of a field")
	}
	switch r := w.rnd.Float64(); {
	case r < 0.1:
		c.Direction = manifest.MongoToDitto
		w.hit("one-way collection")
	case r < 0.2:
		c.Direction = manifest.DittoToMongo
		w.hit("one-way collection")
	case r < 0.3:
		c.Deletes.Resurrect = true
		w.hit("resurrect")
	case r < 0.4:
		c.Deletes.Ditto = manifest.DeleteIgnore
		w.hit("deletes ignored")
	case r < 0.5:
		c.Deletes.Ditto, c.Deletes.SoftField = manifest.DeleteSoft, value.PathOf("gone")
		w.hit("soft deletes")
	}
	w.expiring = w.chance(0.2)
	if w.expiring {
		w.possible("tombstones expire")
	}
	for hazard, rate := range map[string]float64{
		"event lost": w.Rates.Lose, "event duplicated": w.Rates.Duplicate, "handler killed": w.Rates.Crash,
		"write failed": w.Rates.FailedWrite, "write happened, answer lost": w.Rates.AmbiguousWrite,
		"node behind": w.Rates.Behind, "key sees nothing": w.Rates.Blind,
	} {
		if rate > 0 {
			w.possible(hazard)
		}
	}
	return c
}

// hazards notes what could happen in a history, and what did.
type hazards struct{ could, did map[string]bool }

func newHazards() hazards { return hazards{map[string]bool{}, map[string]bool{}} }

func (h *hazards) possible(names ...string) {
	for _, n := range names {
		h.could[n] = true
	}
}

func (h *hazards) hit(name string) { h.could[name], h.did[name] = true, true }

// Hazards lists what could have happened in the history, and whether it did.
func (w *World) Hazards() map[string]bool {
	out := map[string]bool{}
	for name := range w.could {
		out[name] = w.did[name]
	}
	return out
}
