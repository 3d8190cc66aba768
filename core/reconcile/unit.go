package reconcile

import (
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// leaf is one unit of one side, with its value there, and the hash that the
// ledger keeps of it.
type leaf = value.Leaf

// metadata is the old connector's field: never copied, never removed.
const metadata = "_mdb"

func isCounter(c *manifest.Collection, p value.Path) bool { return slices.Contains(c.Counters, p) }

// hashMongo is the hash that the ledger keeps of MongoDB's value at p. A
// counter's is that of the number, whatever its type.
func hashMongo(c *manifest.Collection, p value.Path, v bson.RawValue) value.Hash {
	if v.Type != 0 && isCounter(c, p) {
		if n, ok := integer(v); ok {
			return value.HashBSON(int64Value(n))
		}
	}
	return value.HashBSON(v)
}

// mongoLeaves splits a MongoDB document into its units, sorted by path.
func mongoLeaves(c *manifest.Collection, doc bson.Raw) ([]leaf, error) {
	units, err := value.BSONUnits(doc, c.Strict, c.Counters)
	if err != nil {
		return nil, err
	}
	hashCounters(c, units)
	return units, nil
}

// dittoLeaves splits a Ditto document into its units, sorted by path.
func dittoLeaves(c *manifest.Collection, js []byte) ([]leaf, error) {
	return value.JSONUnits(js, c.Strict, c.Counters)
}

// hashCounters gives MongoDB's counters their hashes.
func hashCounters(c *manifest.Collection, units []leaf) {
	if len(c.Counters) == 0 {
		return
	}
	for i := range units {
		if u := &units[i]; isCounter(c, u.Path) {
			u.Hash = hashMongo(c, u.Path, u.M)
		}
	}
}

// inside is the field under which a value stands when it is split on its own.
const inside = value.Path("\x00v")

// mongoUnits lists the hashes of the units that MongoDB will have below p once
// it holds v there.
func mongoUnits(c *manifest.Collection, p value.Path, v bson.RawValue) ([]leaf, error) {
	if v.Type == 0 {
		return nil, nil
	}
	doc := bsoncore.BuildDocument(nil, bsoncore.AppendValueElement(nil, "v", bsoncore.Value{Type: bsoncore.Type(v.Type), Data: v.Value}))
	units, err := value.BSONUnits(bson.Raw(doc), c.Strict, countersBelow(c, p))
	if err != nil {
		return nil, err
	}
	moveTo(p, units)
	hashCounters(c, units)
	return units, nil
}

// dittoUnits is mongoUnits for Ditto.
func dittoUnits(c *manifest.Collection, p value.Path, js []byte) ([]leaf, error) {
	if js == nil {
		return nil, nil
	}
	doc := append([]byte(`{"v":`), js...)
	units, err := value.JSONUnits(append(doc, '}'), c.Strict, countersBelow(c, p))
	if err != nil {
		return nil, err
	}
	moveTo(p, units)
	return units, nil
}

// moveTo puts units that were split inside to p.
func moveTo(p value.Path, units []leaf) {
	for i := range units {
		units[i].Path = p + units[i].Path[len(inside):]
	}
}

func countersBelow(c *manifest.Collection, p value.Path) []value.Path {
	var out []value.Path
	for _, q := range c.Counters {
		if p.Contains(q) {
			out = append(out, inside+q[len(p):])
		}
	}
	return out
}

// Unchanged reports whether a MongoDB document is, to the last unit, what the
// entry says that it was when the sides last agreed.
func Unchanged(c *manifest.Collection, e *ledger.Entry, doc bson.Raw) bool {
	leaves, err := mongoLeaves(c, doc)
	if err != nil || !e.MongoID.Equal(doc.Lookup("_id")) {
		return false
	}
	for _, u := range e.Units {
		if u.M.IsAbsent() {
			continue
		}
		if len(leaves) == 0 || leaves[0].Path != u.Path || leaves[0].Hash != u.M {
			return false
		}
		leaves = leaves[1:]
	}
	return len(leaves) == 0
}

// unitsOf pairs both sides' leaves, sorted by path.
func unitsOf(m, d []leaf) []ledger.Unit {
	return appendUnits(make([]ledger.Unit, 0, max(len(m), len(d))), m, d)
}

func appendUnits(out []ledger.Unit, m, d []leaf) []ledger.Unit {
	for len(m) > 0 || len(d) > 0 {
		switch {
		case len(d) == 0 || len(m) > 0 && m[0].Path < d[0].Path:
			out = append(out, ledger.Unit{Path: m[0].Path, M: m[0].Hash})
			m = m[1:]
		case len(m) == 0 || d[0].Path < m[0].Path:
			out = append(out, ledger.Unit{Path: d[0].Path, D: d[0].Hash})
			d = d[1:]
		default:
			out = append(out, ledger.Unit{Path: m[0].Path, M: m[0].Hash, D: d[0].Hash})
			m, d = m[1:], d[1:]
		}
	}
	return out
}
