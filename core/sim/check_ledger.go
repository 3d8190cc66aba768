package sim

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

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
	if w.log != nil {
		w.trace("ledger", "handler", w.actor != nil, "entry", describe(e))
	}
	if e.Claim != nil {
		w.carried[e.Key] = was.Claim != nil && len(was.Claim.Announced) > 0
	} else if w.actor != nil {
		w.agreedAt[e.Key] = w.actor.readAt
	}
	w.entries[e.Key] = e
	for u, t := range w.units {
		if u.key != e.Key {
			continue
		}
		if unitOf(was, u.path) != unitOf(e, u.path) || !announced(e.Claim, u.path) {
			t.agreedAt = w.now
		}
	}
	w.checkState(was, e)
}

func announced(c *ledger.Claim, p value.Path) bool {
	if c == nil {
		return false
	}
	for _, a := range c.Announced {
		if a.Path == p {
			return true
		}
	}
	return false
}

// checkState watches the states that a pair goes through.
func (w *World) checkState(was, e ledger.Entry) {
	c := w.rules()
	if was.MongoID.Type != 0 && e.MongoID.Type != 0 && !e.MongoID.Equal(was.MongoID) && w.actor != nil && w.bornAt[e.Key] <= w.actor.startAt {
		for _, d := range w.mongoNow[e.Key] {
			if d.Lookup("_id").Equal(was.MongoID) {
				w.fail("%s: the pair went from document %s, which is there, to %s", e.Key, was.MongoID, e.MongoID)
			}
		}
	}
	if e.State != was.State {
		switch e.State {
		case ledger.Baseline:
			w.hit(BaselineTaken)
			if was.Exists() {
				w.fail("%s: a baseline was taken of a pair that has an entry", e.Key)
			}
		case ledger.Detached:
			if c.Deletes.Ditto == manifest.DeleteIgnore {
				w.hit(DeleteIgnored)
			}
			soft := unit{e.Key, c.Deletes.SoftField}
			if _, marked := w.track(soft).stems[at(value.MongoDB)]["true"]; c.Deletes.Ditto == manifest.DeleteSoft && !marked && !w.loose {
				w.fail("%s: left alone after a delete in Ditto without its mark", e.Key)
			}
		}
	}
}

// sawConflict takes in a record of a value that is about to be overwritten.
func (w *World) sawConflict(doc bson.Raw) {
	if doc == nil {
		return
	}
	r, err := ledger.DecodeConflict(doc)
	if err != nil {
		w.fail("conflict record: %v: %s", err, doc)
		return
	}
	w.conflicts = append(w.conflicts, r)
	if w.log != nil {
		w.trace("record", "key", r.Key.String(), "path", r.Path.String(), "side", r.Side, "json", r.JSON, "value", r.Value.String(), "rule", r.Rule)
	}
	c := w.rules()
	side := value.Side(r.Rule)
	switch {
	case r.Rule == "one-way":
		w.hit(OneWay)
		return
	case side != value.MongoDB && side != value.Ditto, r.Path == "":
		return
	}
	winner := c.Conflicts.Default
	if s, ok := c.Conflicts.Fields[r.Path]; ok {
		winner = s
		w.hit(FieldRule)
	}
	if side != winner && r.Path != objectPath {
		w.fail("%s: %s won at %s, against the collection's rule", r.Key, side, r.Path)
	}
	u := unit{r.Key, r.Path}
	t, base := w.track(u), unitOf(w.entries[r.Key], r.Path)
	if base.M.IsAbsent() || base.D.IsAbsent() || w.carried[r.Key] || w.loose || w.entries[r.Key].State != ledger.Live {
		return
	}
	if len(c.Counters) > 0 && r.Path == counterPath {
		w.fail("%s: a counter's reset was settled by the conflicts rule", r.Key)
	}
	// Only a value that a user of that side set can lose a conflict.
	if now := t.now[at(r.Side)]; now.val != "" && r.Path != numberPath && t.seen[at(r.Side.Other())][t.uid[at(r.Side)]] && now.hash == w.hashOf(r) {
		w.fail("%s: %s=%s of %s lost a conflict, and no user had set it", r.Key, r.Path, now.val, r.Side)
	}
}

func (w *World) hashOf(r ledger.Conflict) value.Hash {
	if r.Side == value.Ditto {
		return value.HashJSON([]byte(r.JSON))
	}
	return value.HashBSON(r.Value)
}

// recorded reports whether a conflict record holds the value.
func (w *World) recorded(l loss) bool {
	for _, r := range w.conflicts {
		if r.Key != l.key || r.Side != l.side || !r.Path.Contains(l.path) {
			continue
		}
		units := map[value.Path]cell{}
		switch {
		case l.side == value.Ditto && r.Path == "":
			units = w.unitsOfDitto([]byte(r.JSON))
		case l.side == value.Ditto:
			w.flattenDitto(units, r.Path, []byte(r.JSON))
		case r.Path == "":
			units = w.unitsOfMongo(bson.Raw(r.Value.Value))
		default:
			w.flattenMongo(units, r.Path, r.Value)
		}
		if units[l.path].val == l.val {
			return true
		}
	}
	return false
}

// describe puts an entry on one line, for the trace.
func describe(e ledger.Entry) string {
	s := fmt.Sprintf("%s %s rev %d %s %s txn %d", e.Key, e.MongoID, e.Rev, e.State, e.By, e.Txn)
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
