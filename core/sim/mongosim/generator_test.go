package mongosim_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// generator makes documents, changes of them, and what others did meanwhile.
type generator struct{ *rand.Rand }

var names = []string{"a", "b", "c", "x.y", "$d", "e f", "0", "ä", ""}

func (g generator) document(id any) bson.D {
	return append(bson.D{{Key: "_id", Value: id}}, g.object(3)...)
}

// ids are different as MongoDB compares them, of every type that it takes.
func ids() []any {
	return []any{
		int32(1), int64(2), 3.5, decimal("4.0"), "x", "", "$a", nil, true, false,
		bson.ObjectID{1},
		bson.DateTime(1), bson.DateTime(-1),
		bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 2}},
		bson.D{{Key: "b", Value: 2}, {Key: "a", Value: 1}},
		bson.D{},
		math.NaN(),
		math.Copysign(0, -1),
		bson.MinKey{},
		bson.MaxKey{},
		bson.Binary{Subtype: 4, Data: make([]byte, 16)},
		bson.Binary{Data: []byte{1}},
		bson.Timestamp{T: 1, I: 1},
		bson.JavaScript("f()"),
		bson.D{{Key: "a", Value: bson.A{1}}},
		math.Inf(1), int64(1) << 60, decimal("1E+3"),
	}
}

// twin is another value that MongoDB takes for the same id, if there is one.
func twin(id any) any {
	switch v := id.(type) {
	case int32:
		return float64(v)
	case int64:
		return decimal(strconv.FormatInt(v, 10) + ".0")
	case bson.Decimal128:
		if n, err := strconv.ParseFloat(v.String(), 64); err == nil {
			return n
		}
	case float64:
		if v == 0 {
			return int32(0)
		}
		if v != v {
			return decimal("NaN")
		}
		if v == 3.5 {
			return decimal("3.50")
		}
	}
	return id
}

func decimal(text string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(text)
	if err != nil {
		panic(err)
	}
	return d
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
	switch g.IntN(24) {
	case 0, 1, 2:
		return int32(n)
	case 3:
		return int64(n)
	case 4:
		return []float64{float64(n), float64(n) + 0.5, math.Copysign(0, -1), math.NaN(), 1 << 60}[g.IntN(5)]
	case 5:
		return decimal([]string{"1", "1.0", "1.00", "NaN", "Infinity", "-1E+3", "-0", "0E+3", "123456789012345678901234567890.1234"}[g.IntN(9)])
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
		return []any{bson.JavaScript("f()"), bson.CodeWithScope{Code: "f()", Scope: bson.D{{Key: "a", Value: n}}}}[g.IntN(2)]
	case 17:
		return []any{math.Inf(1), bson.MinKey{}, bson.MaxKey{}, int64(1) << 60, int64(1<<60) + 1}[g.IntN(5)]
	case 18:
		if g.IntN(3) == 0 {
			return []any{bson.Undefined{}, bson.Symbol("x"), bson.DBPointer{DB: "d", Pointer: bson.ObjectID{1}}}[n]
		}
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
	if v, ok := doc[i].Value.(bson.D); ok && len(v) > 0 && g.IntN(3) > 0 {
		doc[i].Value = g.tamper(v)
		return doc
	}
	if g.IntN(2) == 0 {
		doc[i].Value = g.likeness(doc[i].Value)
		return doc
	}
	if g.IntN(4) == 0 {
		return slices.Delete(doc, i, i+1)
	}
	doc[i].Value = g.value(2)
	return doc
}

// likeness is a value that might pass for v: of another type, order or sign.
func (g generator) likeness(v any) any {
	switch v := v.(type) {
	case int32:
		return []any{int64(v), float64(v), decimal(strconv.Itoa(int(v))), bson.A{v}}[g.IntN(4)]
	case int64:
		return []any{int32(v), float64(v), bson.A{v}}[g.IntN(3)]
	case float64:
		if v == 0 {
			return -v
		}
		return decimal(strconv.FormatFloat(v, 'g', -1, 64))
	case bson.Decimal128:
		if s := v.String(); strings.Contains(s, ".") {
			return decimal(s + "0")
		}
	case string:
		return []any{bson.Symbol(v), bson.A{v}, v + " "}[g.IntN(3)]
	case bson.Binary:
		return bson.Binary{Subtype: v.Subtype ^ 1, Data: v.Data}
	case nil:
		return []any{bson.A{nil}, bson.A{}, bson.Undefined{}, false, bson.D{}}[g.IntN(5)]
	case bson.D:
		switch g.IntN(3) {
		case 0:
			return bson.A{v}
		case 1:
			v = slices.Clone(v)
			slices.Reverse(v)
			return v
		}
		return nil
	case bson.A:
		if len(v) > 0 {
			w := slices.Clone(v)
			i := g.IntN(len(w))
			w[i] = g.likeness(w[i])
			return w
		}
		return bson.D{}
	}
	return bson.A{v}
}

// change is a write made from doc: an update of some units, or a delete.
func (g generator) change(doc bson.D) mongodb.Change {
	raw := marshal(doc)
	c := mongodb.Change{ID: raw.Lookup("_id"), Doc: raw}
	if g.IntN(6) == 0 {
		c.Delete = raw
		return c
	}
	if g.IntN(20) == 0 { // more than one stage takes
		for i := range 20 + g.IntN(20) {
			p := value.PathOf([]string{"a", "b"}[g.IntN(2)], "f"+strconv.Itoa(i))
			if v := lookup(raw, p.Segments()[:1]).Type; v == 0 || v == bson.TypeEmbeddedDocument {
				c.Ops = append(c.Ops, mongodb.Op{Path: p, Old: lookup(raw, p.Segments()), New: idOf(int32(i))})
			}
		}
		if len(c.Ops) > 0 {
			return c
		}
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

// mapped is a value of a field that makes a Ditto id.
func (g generator) mapped() bson.RawValue {
	for {
		if v := idOf(g.value(0)); !isContainer(v) && !isDeprecated(v) && v.Type != bson.TypeRegex {
			return v
		}
	}
}

func insertOf(doc bson.D) mongodb.Change {
	raw := marshal(doc)
	return mongodb.Change{ID: raw.Lookup("_id"), Insert: raw}
}

func idOf(v any) bson.RawValue { return marshal(d("v", v)).Lookup("v") }

// key is an id by type and value, as text.
func key(v bson.RawValue) string { return v.Type.String() + v.String() }
