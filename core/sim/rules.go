package sim

import (
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
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
		w.hit(NamedLikeField)
	}
	if w.chance(0.25) {
		c.Strict = true
		w.hit(StrictCollection)
	} else {
		c.Mode = value.Mode(w.rnd.IntN(2))
		if w.chance(0.7) {
			c.Counters = []value.Path{counterPath}
			w.possible(RegisterAtCounter, CounterReset)
		}
		w.possible(ObjectToScalar, ScalarToObject, UnitsContain, RegisterAtMap, Husk)
	}
	if w.chance(0.2) {
		c.Fields = []string{"k"}
		w.possible(TwoForOneID, MappedFieldFilled)
		if w.Rates.Crash > 0 {
			w.possible(KilledBeforeInsert)
		}
	}
	c.Conflicts.Default = []value.Side{value.MongoDB, value.Ditto}[w.rnd.IntN(2)]
	if w.chance(0.2) {
		c.Conflicts.Fields = map[value.Path]value.Side{value.PathOf("a"): c.Conflicts.Default.Other()}
		w.possible(FieldRule)
	}
	switch r := w.rnd.Float64(); {
	case r < 0.1:
		c.Direction = manifest.MongoToDitto
		w.possible(OneWay)
	case r < 0.2:
		c.Direction = manifest.DittoToMongo
		w.possible(OneWay)
	case r < 0.3:
		c.Deletes.Resurrect = true
		w.possible(Resurrected)
	case r < 0.4:
		c.Deletes.Ditto = manifest.DeleteIgnore
		w.possible(DeleteIgnored)
	case r < 0.5:
		c.Deletes.Ditto, c.Deletes.SoftField = manifest.DeleteSoft, value.PathOf("gone")
		w.possible(SoftDelete)
	}
	w.possible(BornTwice, ValueReturns, OldMetadata)
	return c
}

// someKeys draws the pairs that the history is about. Most histories are about
// one document, so that users meet.
func (w *World) someKeys(c *manifest.Collection) {
	ids := []docid.ID{`"d0"`, `"d1"`, `"d2"`}
	if w.chance(0.3) {
		ids = []docid.ID{`5`, `"65a000000000000000000001"`, `true`}
		if c.Mode == value.EJSON {
			ids = []docid.ID{`{"$numberInt":"5"}`, `{"$oid":"65a000000000000000000001"}`, `true`}
			if c.OneToOne() && w.chance(0.3) {
				// Born on a device alone: MongoDB's 5 would be another pair.
				ids[0] = `5`
				w.deviceOnly = true
			}
		}
		w.rnd.Shuffle(2, func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	}
	ids = ids[:[]int{1, 1, 1, 2, 3}[w.rnd.IntN(5)]]
	for _, id := range ids {
		w.keys = append(w.keys, ledger.Key{Collection: c.Name, ID: id})
		if w.deviceSpelled(id) {
			w.possible(DeviceSpelling)
		}
		if kind(id) != kind(ids[0]) {
			w.possible(MixedIDs)
		}
		if id == `"65a000000000000000000001"` && c.OneToOne() {
			w.possible(TwoForOneID) // an ObjectId and its hex string
		}
	}
}

// deviceSpelled reports whether only a device gives a document this id.
func (w *World) deviceSpelled(id docid.ID) bool { return w.deviceOnly && id == `5` }

// kind is the JSON kind of an id.
func kind(id docid.ID) byte { return id[0] }

// possibleAt notes what the rates make possible.
func (w *World) possibleAt(r Rates) {
	for _, x := range []struct {
		rate    float64
		hazards []Hazard
	}{
		{r.Lose, []Hazard{EventLost}},
		{r.Duplicate, []Hazard{EventDuplicated}},
		{r.Crash, []Hazard{HandlerKilled, KilledBeforeClaim, KilledBeforeRecord, KilledBeforeDitto, KilledBeforeMongo, KilledBeforeSettle}},
		{r.FailedWrite, []Hazard{WriteFailed}},
		{r.AmbiguousWrite, []Hazard{AnswerLost}},
		{r.Behind, []Hazard{NodeBehind}},
		{r.Blind, []Hazard{KeyBlind}},
	} {
		if x.rate > 0 {
			w.possible(x.hazards...)
		}
	}
}
