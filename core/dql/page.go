package dql

import (
	"strconv"

	"github.com/causeway-sync/causeway/core/docid"
)

// IDKind is a part of a collection's ids that has one order.
//
// Ditto compares ids within one JSON kind, and has an order of objects for
// ORDER BY that > disagrees with. So what is neither string, integer nor
// boolean goes by its text.
type IDKind string

const (
	StringIDs   IDKind = "string"
	IntegerIDs  IDKind = "integer"
	BooleanIDs  IDKind = "boolean"
	CompoundIDs IDKind = "compound" // objects of any shape, arrays
)

// IDKinds are all of them: every id is of one.
func IDKinds() []IDKind { return []IDKind{StringIDs, IntegerIDs, BooleanIDs, CompoundIDs} }

// IDKindOf is the kind that id is of.
func IDKindOf(id docid.ID) IDKind {
	switch id.Kind() {
	case docid.String:
		return StringIDs
	case docid.Number:
		return IntegerIDs
	case docid.Bool:
		return BooleanIDs
	}
	return CompoundIDs
}

// lowest is the lowest id of each kind.
var lowest = map[IDKind]docid.ID{StringIDs: `""`, IntegerIDs: "-9223372036854775808", BooleanIDs: "false"}

// AllIDs reads up to n ids of any kind, in no order.
func AllIDs(collection string, n int) Statement {
	return Statement{Text: "SELECT _id FROM " + Quote(collection) + " LIMIT " + strconv.Itoa(n)}
}

// PageIDs reads the first n ids of one kind, in its order: all, or those after
// a given one.
func PageIDs(collection string, kind IDKind, after docid.ID, n int) Statement {
	var a args
	text := "SELECT _id FROM " + Quote(collection) + " WHERE "
	order := "_id"
	switch from := lowest[kind]; {
	case from != "" && after == "":
		text += "_id >= :x"
		a.one("x", from.JSON())
	case from != "":
		text += "_id > :x"
		a.one("x", after.JSON())
	default:
		order = "serialize_json(_id)"
		text += "NOT (type(_id) IN ('string', 'integer', 'boolean'))"
		if after != "" {
			text += " AND serialize_json(_id) > serialize_json(:x)"
			a.one("x", after.JSON())
		}
	}
	st := Statement{Text: text + " ORDER BY " + order + " LIMIT " + strconv.Itoa(n)}
	if a.buf != nil {
		st.Args = a.done()
	}
	return st
}

// Count counts the documents of a collection, as n.
func Count(collection string) Statement {
	return Statement{Text: "SELECT COUNT(*) AS n FROM " + Quote(collection)}
}
