package reconcile

import (
	"bytes"
	"encoding/json"
	"slices"
	"sort"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// insertDitto creates the document in Ditto from MongoDB's.
func (x *decision) insertDitto(row string) *Problem {
	x.plan.Row = row
	elems, err := bsoncore.Document(x.in.Mongo).Elements()
	if err != nil {
		return problemOf("", err)
	}
	js := make([]byte, 0, len(x.in.Mongo)+len(x.in.Mongo)/4+len(x.in.ID)+64)
	js = append(append(js, `{"_id":`...), x.in.ID...)
	var objects []value.Path
	for _, e := range elems {
		k := e.KeyBytes()
		if string(k) == "_id" || string(k) == metadata {
			continue
		}
		p, v := topPath(x.mu, k), e.Value()
		js = append(appendName(append(js, ','), string(p[1:])), ':')
		at := len(js)
		if js, err = appendAt(js, x.in.Rules, p, bson.RawValue{Type: bson.Type(v.Type), Value: v.Data}); err != nil {
			return problemOf(p, err)
		}
		if js[at] == '{' {
			objects = append(objects, p)
		}
	}
	js = append(js, '}')
	x.plan.ToDitto = DittoWrite{Insert: js}

	du, err := dittoLeaves(x.in.Rules, js)
	if err != nil {
		return problemOf("", err)
	}
	x.plan.Announced = slices.Grow(x.plan.Announced, len(du))
	for _, u := range du {
		x.announce(u.Path, value.Ditto, u.Hash)
	}
	x.agreed(x.mu, du)
	if !x.in.Rules.Strict {
		x.plan.Next.Maps = objects
		slices.Sort(x.plan.Next.Maps)
	}
	x.plan.Next.Size = len(js)
	x.carryWhole(value.Ditto)
	return nil
}

// appendName appends a field's name as JSON, as encoding/json spells it.
func appendName(dst []byte, name string) []byte {
	for i := range len(name) {
		if c := name[i]; c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			js, _ := json.Marshal(name)
			return append(dst, js...)
		}
	}
	return append(append(append(dst, '"'), name...), '"')
}

// topPath is the path of a field of the document, that of its unit if it is one.
func topPath(units []leaf, name []byte) value.Path {
	i := sort.Search(len(units), func(i int) bool { return string(units[i].Path[1:]) >= string(name) })
	if i < len(units) && string(units[i].Path[1:]) == string(name) {
		return units[i].Path
	}
	return value.PathOf(string(name))
}

// insertMongo creates the document in MongoDB from Ditto's.
func (x *decision) insertMongo(row string) *Problem {
	x.plan.Row = row
	id := x.in.Entry.MongoID
	if id.Type == 0 {
		id = x.in.NewID
	}
	js := x.in.Ditto
	var fill []ditto.Op
	for _, f := range x.in.Fill {
		p := value.PathOf(f.Name)
		if value.Lookup(js, p) != nil {
			continue
		}
		filled, err := value.ReplaceJSON(js, p, f.JSON)
		if err != nil {
			return problemOf(p, err)
		}
		js = filled
		fill = append(fill, ditto.Op{Path: p, New: f.JSON})
	}
	idx, doc := bsoncore.AppendDocumentStart(nil)
	doc = bsoncore.AppendValueElement(doc, "_id", bsoncore.Value{Type: bsoncore.Type(id.Type), Data: id.Value})
	fields, err := value.Members(js)
	if err != nil {
		return problemOf("", err)
	}
	for _, f := range fields {
		if f.Name == "_id" || f.Name == metadata {
			continue
		}
		v, err := value.Decode(f.Value, bson.RawValue{}, x.in.Rules.Mode)
		if err != nil {
			return problemOf(value.PathOf(f.Name), err)
		}
		doc = bsoncore.AppendValueElement(doc, f.Name, bsoncore.Value{Type: bsoncore.Type(v.Type), Data: v.Value})
	}
	doc, err = bsoncore.AppendDocumentEnd(doc, idx)
	if err != nil {
		return problemOf("", err)
	}
	if p := x.foreign(bson.Raw(doc)); p != "" {
		return mappedProblem(p)
	}
	for _, p := range x.in.Rules.Counters {
		if v := value.Lookup(js, p); v != nil {
			if _, ok := dittoInteger(v); !ok {
				return counterProblem(p, "Ditto", "not an integer")
			}
		}
	}
	x.plan.ToMongo = MongoWrite{Insert: bson.Raw(doc)}
	for _, p := range x.in.Registers {
		v := value.Lookup(js, p)
		n, _ := dittoInteger(v)
		fill = append(fill, ditto.Op{Path: p, Old: v, New: integerJSON(n), Counter: true})
	}
	x.plan.ToDitto = DittoWrite{Ops: fill}

	mu, err := mongoLeaves(x.in.Rules, bson.Raw(doc))
	if err != nil {
		return problemOf("", err)
	}
	du, err := dittoLeaves(x.in.Rules, js)
	if err != nil {
		return problemOf("", err)
	}
	x.plan.Announced = slices.Grow(x.plan.Announced, len(mu)+len(fill))
	for _, u := range mu {
		x.announce(u.Path, value.MongoDB, u.Hash)
	}
	for _, o := range fill {
		x.announce(o.Path, value.Ditto, value.HashJSON(o.New))
	}
	x.agreed(mu, du)
	x.plan.Claimed.MongoID, x.plan.Next.MongoID = id, id
	x.plan.Next.Size = len(js)
	x.carryWhole(value.MongoDB)
	return nil
}

// foreign is a mapped field of which the document has another value than the
// pair's Ditto id: it would belong to another pair.
func (x *decision) foreign(doc bson.Raw) value.Path {
	c := x.in.Rules
	if c.OneToOne() || docid.New(c.Fields, c.Mode).Pairs(doc, docid.ID(x.in.ID)) {
		return ""
	}
	for _, f := range x.in.Fill {
		if p := value.PathOf(f.Name); !value.Equal(value.LookupBSON(doc, p), f.JSON, c.Mode) {
			return p
		}
	}
	return value.PathOf(c.Fields...)
}

// agreed makes Next a live entry of these units.
func (x *decision) agreed(mu, du []leaf) {
	n := &x.plan.Next
	n.State, n.By, n.Maps = ledger.Live, "", nil
	n.Units = unitsOf(mu, du)
	n.Counters = nil
	for _, l := range mu {
		if !isCounter(x.in.Rules, l.Path) {
			continue
		}
		if v, ok := integer(l.M); ok {
			if n.Counters == nil {
				n.Counters = map[value.Path]int64{}
			}
			n.Counters[l.Path] = v
		}
	}
}

func (x *decision) deleteDitto(row string) *Problem {
	x.plan.Row = row
	x.plan.ToDitto = DittoWrite{Delete: true}
	x.announce("", value.Ditto, value.Absent)
	x.tombstone(value.MongoDB)
	x.carryWhole(value.Ditto)
	return nil
}

func (x *decision) deleteMongo(row string) *Problem {
	x.plan.Row = row
	x.plan.ToMongo = MongoWrite{Delete: true}
	x.announce("", value.MongoDB, value.Absent)
	x.tombstone(value.Ditto)
	x.carryWhole(value.MongoDB)
	return nil
}

// tombstone keeps MongoDB's `_id` where it is the Ditto id, for its BSON type.
// A mapped document that is created again is another one in MongoDB.
func (x *decision) tombstone(by value.Side) {
	n := &x.plan.Next
	if !x.in.Rules.OneToOne() {
		n.MongoID = bson.RawValue{}
	}
	n.State, n.By, n.Units, n.Counters, n.Maps, n.Size = ledger.Deleted, by, nil, nil, nil, 0
}

// softDelete sets the configured field in MongoDB instead of deleting.
func (x *decision) softDelete() *Problem {
	x.plan.Row = "deleted in Ditto, marked in MongoDB"
	p := x.in.Rules.Deletes.SoftField
	yes := bson.RawValue{Type: bson.TypeBoolean, Value: []byte{1}}
	old := value.LookupBSON(x.in.Mongo, p)
	doc := x.in.Mongo
	if !old.Equal(yes) {
		var err error
		if doc, err = value.ReplaceBSON(doc, p, yes); err != nil {
			return problemOf(p, err)
		}
		if old.Type != 0 && !slices.ContainsFunc(x.base, func(u ledger.Unit) bool {
			return u.Path.Contains(p) && u.M == hashMongo(x.in.Rules, u.Path, value.LookupBSON(x.in.Mongo, u.Path))
		}) {
			x.plan.Losers = append(x.plan.Losers, Loser{Path: p, Side: value.MongoDB, Mongo: old, Rule: RuleOneWay})
		}
		x.plan.ToMongo.Ops = []mongodb.Op{{Path: p, Old: old, New: yes}}
		x.announce(p, value.MongoDB, value.HashBSON(yes))
	}
	return x.detach(doc)
}

// detach leaves MongoDB's document to itself until it changes.
func (x *decision) detach(m bson.Raw) *Problem {
	mu, err := mongoLeaves(x.in.Rules, m)
	if err != nil {
		return problemOf("", err)
	}
	n := &x.plan.Next
	n.State, n.By, n.Counters, n.Maps = ledger.Detached, value.Ditto, nil, nil
	n.Units = unitsOf(mu, nil)
	return nil
}

// loseWhole notes that a whole document, or its absence, loses.
func (x *decision) loseWhole(side value.Side, rule Rule) {
	l := Loser{Side: side, Rule: rule}
	if side == value.MongoDB && x.in.Mongo != nil {
		l.Mongo = bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: x.in.Mongo}
	}
	if side == value.Ditto {
		l.Ditto = bytes.Clone(x.in.Ditto)
	}
	x.plan.Losers = append(x.plan.Losers, l)
}

// carryWhole records what a carried-on whole-document write discards.
func (x *decision) carryWhole(side value.Side) {
	there := side == value.MongoDB && x.in.Mongo != nil || side == value.Ditto && x.in.Ditto != nil
	if !there || len(x.in.Carried) == 0 || len(x.plan.Losers) > 0 {
		return
	}
	x.loseWhole(side, RuleCarried)
}
