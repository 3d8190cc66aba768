package dittosim

import "slices"

// env is what an expression is evaluated against.
type env struct {
	doc  *document
	view view
	args []*node // by the index of the statement's parameters
	// settled is the list of an _id IN that holds for every document visited.
	settled *expr
	places  *places
}

// failed is the outcome of an expression that the engine cannot evaluate, such
// as 1 + 'a'. Whatever it is part of fails too: a condition does not match, a
// column is left out, an UPDATE that assigns it is refused.
func failed() *node { return &nodeFailed }

var nodeFailed = node{kind: kindNull + 1}

// eval is the value of e; nil is MISSING.
func (v *env) eval(e *expr) *node {
	switch e.op {
	case opLiteral:
		return e.value
	case opParam:
		return v.args[e.param]
	case opPath:
		return v.doc.get(v.view, e.path, e.qualified)
	case opObject, opArray:
		return v.container(e)
	case opAnd, opOr:
		return v.logic(e)
	case opIn:
		if e.b == v.settled {
			return boolean(true)
		}
	case opType:
		if e.a.op == opPath && len(e.a.path) == 0 {
			return typeText("object") // the document itself
		}
	}
	var a, b *node
	if a = v.eval(e.a); a == failed() {
		return a
	}
	if e.b != nil {
		if b = v.eval(e.b); b == failed() {
			return b
		}
	}
	switch e.op {
	case opGet:
		for _, s := range e.path {
			a = a.field(s)
		}
		return a
	case opIndex:
		return index(a, b)
	case opNot:
		return not(a)
	case opIn:
		return in(a, b)
	case opIsMissing:
		return boolean(a == nil)
	case opIsNull:
		return boolean(a.isNull())
	case opAdd:
		return add(a, b, 1)
	case opSub:
		return add(a, b, -1)
	case opNegate:
		return negate(a)
	case opPosition:
		return v.position(a, b)
	case opType:
		return typeText(a.typeName())
	case opSerialize:
		if a == nil {
			return nil
		}
		return text(string(a.appendJSON(nil)))
	case opDeserialize:
		return deserialize(a)
	case opSameJSON:
		if a == nil || b == nil {
			return nil
		}
		return boolean(same(a, b))
	}
	return comparison(e, a, b)
}

// typeTexts are the answers of type(), so that conditions allocate nothing.
var typeTexts = func() map[string]*node {
	m := map[string]*node{}
	for _, name := range []string{"missing", "boolean", "integer", "float", "string", "array", "object", "null"} {
		m[name] = text(name)
	}
	return m
}()

func typeText(name string) *node { return typeTexts[name] }

func not(a *node) *node {
	switch {
	case a == nil, a.isNull():
		return a
	case a.kind == kindBool:
		return boolean(a.num == 0)
	}
	return failed()
}

func deserialize(a *node) *node {
	switch {
	case a == nil, a.isNull():
		return a
	case a.kind != kindString:
		return failed()
	}
	n, err := decode(a.str)
	if err != nil {
		return failed()
	}
	return n
}

func negate(n *node) *node {
	if n != nil && n.kind == kindFloat {
		return float(-n.flt())
	}
	return add(integer(0), n, -1)
}

// index is a[i] of an array; anything else is missing, objects included.
func index(a, i *node) *node {
	if a == nil || a.kind != kindArray || i == nil {
		return nil
	}
	at := -1
	switch {
	case i.kind == kindInt && i.int() >= 0 && i.int() < int64(len(a.elems)):
		at = int(i.int())
	case i.kind == kindFloat && i.flt() >= 0 && i.flt() < float64(len(a.elems)):
		if at = int(i.flt()); float64(at) != i.flt() {
			return nil
		}
	}
	if at < 0 {
		return nil
	}
	return a.elems[at]
}

// container builds an array or an object; the parser's lists in parentheses
// are arrays too, whose missing members count as null.
func (v *env) container(e *expr) *node {
	if e.op == opArray {
		n := &node{kind: kindArray, elems: make([]*node, len(e.list))}
		for i, x := range e.list {
			switch n.elems[i] = v.eval(x); n.elems[i] {
			case failed():
				return failed()
			case nil:
				n.elems[i] = null()
			}
		}
		return n
	}
	n := &node{kind: kindObject}
	for i, x := range e.list {
		m := v.eval(x)
		if m == failed() {
			return m
		}
		if m != nil {
			n.put(e.path[i], m)
		}
	}
	return n
}

// logic is AND and OR over true, false, null and missing. The answer is the
// strongest of the operands: false, missing, null, true for AND; true, null,
// missing, false for OR. What is no boolean fails unless another operand is the
// strongest. Once one is, those after it are not looked at.
func (v *env) logic(e *expr) *node {
	strongest, result := boolean(e.op == opOr), boolean(e.op == opAnd)
	odd, missing, nulls := false, false, false
	for _, x := range e.list {
		n := v.eval(x)
		switch {
		case n == strongest || n == failed():
			return n
		case n == nil:
			missing = true
		case n.isNull():
			nulls = true
		case n.kind != kindBool:
			odd = true
		}
	}
	switch {
	case odd:
		return failed()
	case nulls && (e.op == opOr || !missing):
		return null()
	case missing:
		return nil
	}
	return result
}

func comparison(e *expr, a, b *node) *node {
	if a == nil || b == nil || a.isNull() && e.a.op == opParam || b.isNull() && e.b.op == opParam {
		return nil // an argument that is null counts as NULL in the statement
	}
	c, o := compare(a, b)
	switch o {
	case unknown:
		return null()
	case unlike:
		return nil
	}
	switch e.op {
	case opEqual:
		return boolean(c == 0)
	case opNotEqual:
		return boolean(c != 0)
	case opLess:
		return boolean(c < 0)
	case opLessEqual:
		return boolean(c <= 0)
	case opGreater:
		return boolean(c > 0)
	}
	return boolean(c >= 0)
}

// longList is the number of members up to which IN compares one by one.
const longList = 5

// in is a IN list. In a list of up to five it fails when a member is of another
// kind than a, whatever the others are; so it never matches in a mixed list.
// Else it is true, null or false, in this order. A longer list is a set of
// exact values: 1 is not 1.0, and kinds may be mixed.
func in(a, list *node) *node {
	if a == nil || list == nil {
		return nil
	}
	if a.isNull() {
		return null()
	}
	if list.kind != kindArray {
		return failed()
	}
	if len(list.elems) > longList {
		return boolean(slices.ContainsFunc(list.elems, func(e *node) bool { return same(e, a) }))
	}
	result := boolean(false)
	for _, e := range list.elems {
		switch c, o := compare(a, e); {
		case o == unlike:
			return failed()
		case o == ordered && c == 0:
			result = boolean(true)
		case o == unknown && !result.isTrue():
			result = null()
		}
	}
	return result
}

// position is array_position: where a stands in the list, or -1. It finds
// what collates equal: 9 is 9.0, and nulls inside containers are alike.
func (v *env) position(list, a *node) *node {
	switch {
	case list == nil || a == nil:
		return nil
	case list.isNull() || a.isNull():
		return null()
	case list.kind != kindArray:
		return failed()
	}
	if a.kind == kindString {
		if at := v.places.of(list); at != nil {
			if i := at[a.str]; i != nil {
				return i
			}
			return integer(-1)
		}
	}
	i := slices.IndexFunc(list.elems, func(e *node) bool { return collate(e, a) == 0 })
	return integer(int64(i))
}

// places remembers where the strings of long lists stand, which a statement asks
// for again and again.
type places struct {
	list *node
	at   map[string]*node // nil when the list has other members
}

// of gives the places of a list's strings; nil for a short list, and for one that
// has other members.
func (p *places) of(list *node) map[string]*node {
	if len(list.elems) <= longList {
		return nil
	}
	if p.list != list {
		p.list, p.at = list, stringsOf(list)
	}
	return p.at
}

func stringsOf(list *node) map[string]*node {
	at := make(map[string]*node, len(list.elems))
	for i, e := range list.elems {
		if e.kind != kindString {
			return nil
		}
		if at[e.str] == nil {
			at[e.str] = integer(int64(i))
		}
	}
	return at
}
