package mongosim_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
)

// difference is where SecantusDB departs from MongoDB's documented rules, which
// the simulation follows, in what core/mongodb and core/ledger send. TestRules
// shows each one.
type difference struct {
	name string
	// applies tells whether the sides may differ on a change of what is stored.
	applies func(c *mongodb.Change, stored bson.Raw) bool
}

// known are the differences of the server at hand: none of a mongod.
func known(t testing.TB, db *mongodb.Client) []*difference {
	t.Helper()
	if isSecantus(t, db) {
		return differences
	}
	return nil
}

func isSecantus(t testing.TB, db *mongodb.Client) bool {
	t.Helper()
	info, err := db.Driver().RunCommand(t.Context(), bson.D{{Key: "buildInfo", Value: 1}}).Raw()
	if err != nil {
		t.Fatal(err)
	}
	return info.Lookup("secantusVersion").Type != 0
}

var differences = []*difference{
	{"DeprecatedTypes", func(c *mongodb.Change, _ bson.Raw) bool {
		values := append(compared(c), whole(c.Insert), whole(c.Doc))
		for _, op := range c.Ops {
			values = append(values, op.New)
		}
		return slices.ContainsFunc(values, func(v bson.RawValue) bool { return anyIn(v, isDeprecated) })
	}},
	{"NaNAsID", func(c *mongodb.Change, _ bson.Raw) bool { return c.Insert == nil && isNaN(c.ID) }},
	{"NaNInContainer", func(c *mongodb.Change, _ bson.Raw) bool {
		return slices.ContainsFunc(compared(c), func(v bson.RawValue) bool { return isContainer(v) && anyIn(v, isNaN) })
	}},
	{"KeyOrder", likeStored(func(v bson.RawValue) string { return likeness(v, false) })},
	{"DecimalInContainer", likeStored(func(v bson.RawValue) string { return likeness(v, true) })},
}

// compared are the values that a change's conditions name.
func compared(c *mongodb.Change) []bson.RawValue {
	values := []bson.RawValue{whole(c.Delete)}
	for _, op := range c.Ops {
		values = append(values, op.Old)
	}
	return values
}

func whole(doc bson.Raw) bson.RawValue {
	if doc == nil {
		return bson.RawValue{}
	}
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
}

// likeStored applies where a container is stored otherwise than it was read,
// although the text of both is the same.
func likeStored(text func(bson.RawValue) string) func(*mongodb.Change, bson.Raw) bool {
	differ := func(read, stored bson.RawValue) bool {
		return isContainer(read) && isContainer(stored) && !slices.Equal(read.Value, stored.Value) && text(read) == text(stored)
	}
	return func(c *mongodb.Change, stored bson.Raw) bool {
		if differ(whole(c.Delete), whole(stored)) {
			return true
		}
		return slices.ContainsFunc(c.Ops, func(op mongodb.Op) bool { return differ(op.Old, lookup(stored, op.Path.Segments())) })
	}
}

// likeness is a value as text without the order of keys, and perhaps without
// the digits of decimals.
func likeness(v bson.RawValue, anyDigits bool) string {
	switch {
	case isContainer(v):
		elements, _ := bson.Raw(v.Value).Elements()
		parts := make([]string, len(elements))
		for i, e := range elements {
			parts[i] = e.Key() + ":" + likeness(e.Value(), anyDigits)
		}
		if v.Type == bson.TypeEmbeddedDocument {
			slices.Sort(parts)
		}
		return v.Type.String() + "(" + strings.Join(parts, ",") + ")"
	case anyDigits && v.Type == bson.TypeDecimal128:
		if n, exponent, err := v.Decimal128().BigInt(); err == nil {
			digits := strings.TrimRight(n.String(), "0")
			return fmt.Sprintf("decimal %se%d", digits, exponent+len(n.String())-len(digits))
		}
	}
	return key(v)
}

func isContainer(v bson.RawValue) bool {
	return v.Type == bson.TypeEmbeddedDocument || v.Type == bson.TypeArray
}

func isNaN(v bson.RawValue) bool {
	f, ok := v.DoubleOK()
	return ok && math.IsNaN(f)
}

func isDeprecated(v bson.RawValue) bool {
	return v.Type == bson.TypeSymbol || v.Type == bson.TypeUndefined || v.Type == bson.TypeDBPointer
}

func anyIn(v bson.RawValue, is func(bson.RawValue) bool) bool {
	if is(v) {
		return true
	}
	if !isContainer(v) {
		return false
	}
	elements, _ := bson.Raw(v.Value).Elements()
	return slices.ContainsFunc(elements, func(e bson.RawElement) bool { return anyIn(e.Value(), is) })
}
