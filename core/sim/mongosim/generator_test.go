package mongosim_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// generator makes documents, changes of them, and what others did meanwhile.
type generator struct{ *rand.Rand }

var names = []string{"a", "b", "c", "x.y", "$d", "e f", "0", "ä"}

func (g generator) document(id int) bson.D {
	return append(bson.D{{Key: "_id", Value: int32(id)}}, g.object(3)...)
}

func (g generator) object(depth int) bson.D {
	d := bson.D{}
	for _, i := range g.Perm(len(names))[:g.IntN(5)] {
		d = append(d, bson.E{Key: names[i], Value: g.value(depth - 1)})
	}
	return d
}

func (g generator) value(depth int) any {
	if depth > 0 && g.IntN(2) == 0 {
		return g.object(depth)
	}
	n := g.IntN(3)
	decimal := func(text string) bson.Decimal128 {
		d, err := bson.ParseDecimal128(text)
		if err != nil {
			panic(err)
		}
		return d
	}
	switch g.IntN(22) {
	case 0, 1, 2:
		return int32(n)
	case 3:
		return int64(n)
	case 4:
		return float64(n) + float64(g.IntN(2))/2
	case 5:
		return decimal([]string{"1", "1.0", "1.00", "NaN", "Infinity", "-1E+3", "123456789012345678901234567890.1234"}[g.IntN(7)])
	case 6, 7, 8:
		return []string{"", "x", "$a", "$$ROOT", "ä", "longer text"}[g.IntN(6)]
	case 9:
		return nil
	case 10:
		return n == 0
	case 11:
		return bson.DateTime(1700000000000 + int64(n))
	case 12:
		return bson.ObjectID{0: byte(n)}
	case 13:
		return bson.Binary{Subtype: byte(n), Data: []byte{1, 2}}
	case 14:
		return bson.Regex{Pattern: "a", Options: []string{"", "i"}[g.IntN(2)]}
	case 15:
		return bson.Timestamp{T: uint32(n), I: 1}
	case 16:
		return bson.JavaScript("f()")
	case 17:
		return []any{math.Inf(1), bson.MinKey{}, bson.MaxKey{}}[g.IntN(3)]
	}
	a := bson.A{}
	for range n {
		a = append(a, g.value(depth-1))
	}
	return a
}

// tamper is doc after somebody else's change.
func (g generator) tamper(doc bson.D) bson.D {
	doc = slices.Clone(doc)
	if len(doc) == 1 || g.IntN(5) == 0 {
		name := names[g.IntN(len(names))]
		if !slices.ContainsFunc(doc, func(e bson.E) bool { return e.Key == name }) {
			return append(doc, bson.E{Key: name, Value: g.value(2)})
		}
	}
	first := 0
	if doc[0].Key == "_id" {
		first = 1
	}
	if len(doc) == first {
		return doc
	}
	i := first + g.IntN(len(doc)-first)
	switch v := doc[i].Value.(type) {
	case bson.D:
		if len(v) > 0 && g.IntN(3) > 0 {
			doc[i].Value = g.tamper(v)
			return doc
		}
	case int32:
		if g.IntN(3) == 0 {
			doc[i].Value = []any{int64(v), float64(v), bson.A{v}}[g.IntN(3)]
			return doc
		}
	}
	if g.IntN(4) == 0 {
		return slices.Delete(doc, i, i+1)
	}
	doc[i].Value = g.value(2)
	return doc
}

// change is a write made from doc: an update of some units, or a delete.
func (g generator) change(doc bson.D) mongodb.Change {
	raw := marshal(doc)
	c := mongodb.Change{ID: raw.Lookup("_id"), Doc: raw}
	if g.IntN(6) == 0 {
		c.Delete = raw
		return c
	}
	for range 1 + g.IntN(4) {
		path := g.path(doc)
		op := mongodb.Op{Path: value.PathOf(path...), Old: lookup(raw, path)}
		if g.IntN(4) > 0 {
			op.New = marshal(bson.D{{Key: "v", Value: g.value(2)}}).Lookup("v")
		}
		overlaps := slices.ContainsFunc(c.Ops, func(o mongodb.Op) bool { return o.Path.Contains(op.Path) || op.Path.Contains(o.Path) })
		if !overlaps {
			c.Ops = append(c.Ops, op)
		}
	}
	return c
}

// path leads through objects of doc, to a value or to where none is.
func (g generator) path(doc bson.D) []string {
	name := names[g.IntN(len(names))]
	if len(doc) > 0 && g.IntN(4) > 0 {
		if e := doc[g.IntN(len(doc))]; e.Key != "_id" {
			name = e.Key
		}
	}
	i := slices.IndexFunc(doc, func(e bson.E) bool { return e.Key == name })
	if i >= 0 {
		if inner, ok := doc[i].Value.(bson.D); ok && g.IntN(4) > 0 {
			return append([]string{name}, g.path(inner)...)
		}
		return []string{name}
	}
	if g.IntN(3) == 0 {
		return append([]string{name}, strings.Split("a b", " ")[:1+g.IntN(2)]...)
	}
	return []string{name}
}
