package dittosim

import (
	"cmp"
	"math"
	"sort"
	"strings"
)

// kind is the type of a value. The order is the one in which ORDER BY sorts.
type kind uint8

const (
	kindBool kind = iota
	kindInt
	kindUint // above the range of int64
	kindFloat
	kindString
	kindArray
	kindObject
	kindNull
)

// node is a value; it never changes. The nil node is MISSING.
type node struct {
	kind  kind
	num   uint64 // a bool, the bits of a number
	str   string
	keys  []string // of an object, sorted
	elems []*node  // of an array, or of an object beside keys
}

// The fixed values, so that conditions allocate nothing.
func null() *node { return &nodeNull }

func boolean(b bool) *node {
	if b {
		return &nodeTrue
	}
	return &nodeFalse
}

var (
	nodeNull  = node{kind: kindNull}
	nodeTrue  = node{kind: kindBool, num: 1}
	nodeFalse = node{kind: kindBool}
)

func integer(i int64) *node  { return &node{kind: kindInt, num: uint64(i)} }
func text(s string) *node    { return &node{kind: kindString, str: s} }
func float(f float64) *node  { return &node{kind: kindFloat, num: math.Float64bits(f)} }
func (n *node) int() int64   { return int64(n.num) }
func (n *node) flt() float64 { return math.Float64frombits(n.num) }
func (n *node) isTrue() bool { return n != nil && n.kind == kindBool && n.num == 1 }
func (n *node) isNull() bool { return n != nil && n.kind == kindNull }

func (n *node) isNumber() bool {
	return n != nil && (n.kind == kindInt || n.kind == kindUint || n.kind == kindFloat)
}

// typeName is what type() answers.
func (n *node) typeName() string {
	if n == nil {
		return "missing"
	}
	switch n.kind {
	case kindBool:
		return "boolean"
	case kindInt, kindUint:
		return "integer"
	case kindFloat:
		return "float"
	case kindString:
		return "string"
	case kindArray:
		return "array"
	case kindObject:
		return "object"
	}
	return "null"
}

// jsonName is the kind as the engine's messages about documents call it.
func (n *node) jsonName() string {
	if n.isNumber() {
		return "number"
	}
	return n.typeName()
}

// field is an object's member, nil when it has none of that name.
func (n *node) field(name string) *node {
	if n == nil || n.kind != kindObject {
		return nil
	}
	if i := sort.SearchStrings(n.keys, name); i < len(n.keys) && n.keys[i] == name {
		return n.elems[i]
	}
	return nil
}

// hasFloat reports a float at any depth, which Ditto refuses in ids.
func (n *node) hasFloat() bool {
	if n.kind == kindFloat {
		return true
	}
	for _, e := range n.elems {
		if e.hasFloat() {
			return true
		}
	}
	return false
}

// same reports whether a and b have the same JSON text: unlike =, it tells 1
// from 1.0 and 0.0 from -0.0, and nulls are alike.
func same(a, b *node) bool {
	if a == b {
		return true
	}
	if a.kind != b.kind || a.num != b.num || a.str != b.str || len(a.elems) != len(b.elems) {
		return false
	}
	for i, k := range a.keys {
		if b.keys[i] != k {
			return false
		}
	}
	for i, e := range a.elems {
		if !same(e, b.elems[i]) {
			return false
		}
	}
	return true
}

// rank puts the three number kinds in one class.
func (k kind) rank() kind {
	if k == kindUint || k == kindFloat {
		return kindInt
	}
	return k
}

// collate is the total order of ORDER BY: by kind, then by value; an object by
// its pairs of key and value in turn.
func collate(a, b *node) int {
	if c := cmp.Compare(a.kind.rank(), b.kind.rank()); c != 0 {
		return c
	}
	switch a.kind.rank() {
	case kindBool:
		return cmp.Compare(a.num, b.num)
	case kindInt:
		return compareNumbers(a, b)
	case kindString:
		return strings.Compare(a.str, b.str)
	}
	for i := range min(len(a.elems), len(b.elems)) {
		if a.kind == kindObject {
			if c := strings.Compare(a.keys[i], b.keys[i]); c != 0 {
				return c
			}
		}
		if c := collate(a.elems[i], b.elems[i]); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a.elems), len(b.elems))
}

// outcome is what a comparison of two values can come to.
type outcome uint8

const (
	ordered outcome = iota
	unknown         // a null was met: the comparison is null
	unlike          // the kinds differ: the comparison is missing
)

// compare is the order that =, < and > see. Containers are compared element by
// element, and the first pair that is not equal decides, also when it is null
// or of different kinds.
func compare(a, b *node) (int, outcome) {
	if a.kind == kindNull || b.kind == kindNull {
		return 0, unknown
	}
	if a.kind.rank() != b.kind.rank() {
		return 0, unlike
	}
	switch a.kind.rank() {
	case kindArray:
		for i := range min(len(a.elems), len(b.elems)) {
			if c, o := compare(a.elems[i], b.elems[i]); c != 0 || o != ordered {
				return c, o
			}
		}
		return cmp.Compare(len(a.elems), len(b.elems)), ordered
	case kindObject:
		return compareObjects(a, b)
	}
	return collate(a, b), ordered
}

// compareObjects walks the keys of both in order; the side that lacks one is
// the lesser.
func compareObjects(a, b *node) (int, outcome) {
	i, j := 0, 0
	for i < len(a.keys) && j < len(b.keys) {
		switch k := strings.Compare(a.keys[i], b.keys[j]); {
		case k < 0:
			return 1, ordered
		case k > 0:
			return -1, ordered
		}
		if c, o := compare(a.elems[i], b.elems[j]); c != 0 || o != ordered {
			return c, o
		}
		i, j = i+1, j+1
	}
	return cmp.Compare(len(a.keys)-i, len(b.keys)-j), ordered
}
