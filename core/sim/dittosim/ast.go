package dittosim

import "slices"

type verb uint8

const (
	verbSelect verb = iota
	verbInsert
	verbUpdate
	verbDelete
)

// statement is a parsed statement. It is shared between executions and never
// changes.
type statement struct {
	verb       verb
	collection string
	qualifier  string // the collection's name, or its alias
	defs       []def
	params     []string

	where *expr
	// constants are the parts of where and of the columns that hold no path and
	// may fail. Then the real engine drops the whole condition and matches
	// everything, which this one refuses to follow.
	constants []*expr
	scan      *scan // the ids that where confines the statement to, or nil

	// SELECT
	star    bool
	columns []column
	order   order
	limit   *expr

	// INSERT
	documents []*expr
	conflict  conflict

	// UPDATE
	changes []change
}

type order uint8

const (
	unsorted order = iota
	ascending
	descending
)

type conflict uint8

const (
	conflictFail conflict = iota
	conflictNothing
	conflictUpdate
)

// column is one element of a SELECT's list; a nil expr is COUNT(*).
type column struct {
	name string
	expr *expr
}

// change is one target of APPLY, SET or UNSET.
type change struct {
	op   modOp
	path []string
	expr *expr // of SET, INCREMENT BY and RESTART WITH
}

// slot is one of the typed values that a field can hold side by side.
type slot uint8

const (
	slotNone slot = iota
	slotRegister
	slotMap
	slotCounter // settable, a whole number
	slotPN      // the older PN_COUNTER, a float
	slots
)

// String is the type as the engine's messages spell it.
func (s slot) String() string {
	switch s {
	case slotMap:
		return "MAP"
	case slotCounter:
		return "STCOUNTER"
	case slotPN:
		return "PN_COUNTER"
	}
	return "REGISTER"
}

// def declares a field's type: FROM COLLECTION c (n MAP(q COUNTER)).
type def struct {
	name string
	slot slot
	defs []def
}

func findDef(defs []def, name string) *def {
	for i := range defs {
		if defs[i].name == name {
			return &defs[i]
		}
	}
	return nil
}

// children are the declarations below d.
func (d *def) children() []def {
	if d == nil {
		return nil
	}
	return d.defs
}

type op uint8

const (
	opLiteral op = iota
	opParam
	opPath   // of the document
	opGet    // a field of a's value
	opIndex  // a[b]
	opObject // path has the keys, list the values
	opArray
	opAnd // of list
	opOr
	opNot
	opEqual
	opNotEqual
	opLess
	opLessEqual
	opGreater
	opGreaterEqual
	opIn
	opIsMissing
	opIsNull
	opAdd
	opSub
	opNegate
	opPosition
	opSerialize
	opDeserialize
	opType
	opSameJSON // serialize_json(a) = serialize_json(b)
)

// expr is a node of an expression.
type expr struct {
	op        op
	a, b      *expr
	list      []*expr
	path      []string
	qualified bool // the collection stood before path
	value     *node
	param     int
	src       string // as written, for messages
}

// constant reports whether e has one value for all documents.
func (e *expr) constant() bool {
	if e == nil {
		return true
	}
	if e.op == opPath {
		return false
	}
	for _, x := range e.list {
		if !x.constant() {
			return false
		}
	}
	return e.a.constant() && e.b.constant()
}

// fallible appends the largest constant parts of e that may fail.
func (e *expr) fallible(to []*expr) []*expr {
	if e == nil {
		return to
	}
	if e.constant() && e.mayFail() {
		return append(to, e)
	}
	for _, x := range e.list {
		to = x.fallible(to)
	}
	return e.b.fallible(e.a.fallible(to))
}

func (e *expr) mayFail() bool {
	if e == nil {
		return false
	}
	switch e.op {
	case opAdd, opSub, opNegate, opNot, opAnd, opOr, opIn, opPosition, opDeserialize:
		return true
	}
	return e.a.mayFail() || e.b.mayFail() || slices.ContainsFunc(e.list, (*expr).mayFail)
}
