package dql

import (
	"strconv"
	"strings"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// Select reads whole documents as they show. The ids must be of one kind: a
// mixed list of up to five matches nothing.
func Select(collection string, ids []docid.ID) Statement {
	return SelectTyped(collection, nil, ids)
}

// SelectTyped reads whole documents with paths declared: at those paths it
// shows the value of the declared type, whether it hides or not, and nothing
// else.
//
// It selects everything: a projection of n would have to say which declarations
// below n it heeds.
func SelectTyped(collection string, types Types, ids []docid.ID) Statement {
	var a args
	a.ids(ids)
	return Statement{"SELECT * FROM " + source(collection, types) + " WHERE _id IN :ids", a.done()}
}

// SelectPaths reads the values of one type at the given paths, as v0, v1, …,
// a path without such a value left out. No path may contain another.
func SelectPaths(collection string, t Type, paths []value.Path, ids []docid.ID) Statement {
	types := TypesOf(t, paths...)
	in := scopeOf(collection, types, paths...)
	var b strings.Builder
	b.WriteString("SELECT _id")
	for i, p := range paths {
		b.WriteString(", ")
		in.write(&b, p)
		b.WriteString(" AS ")
		b.WriteString(Column(i))
	}
	b.WriteString(" FROM ")
	b.WriteString(source(collection, types))
	b.WriteString(in.as())
	b.WriteString(" WHERE _id IN :ids")
	var a args
	a.ids(ids)
	return Statement{b.String(), a.done()}
}

// Column is the name of the i-th path in the answer to SelectPaths.
func Column(i int) string { return "v" + strconv.Itoa(i) }

// Probe asks whether the server knows what the bulk statements are made of,
// by using it to read documents that exist: one that does answers with each
// document's id as v0.
func Probe(collection string, ids []docid.ID) Statement {
	var a args
	a.ids(ids)
	return Statement{"SELECT _id, " + inBulk("ids") + " AS v0 FROM " + Quote(collection) +
		" WHERE _id IN :ids AND type(" + Quote(collection) + ") = 'object'" +
		" AND serialize_json(" + Quote(collection) + "._id) = serialize_json(" + inBulk("ids") + ")", a.done()}
}

// inBulk is the document's own element of the list argument name.
func inBulk(name string) string { return ":" + name + "[array_position(:ids, _id)]" }
