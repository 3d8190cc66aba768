package dql

import (
	"strconv"
	"strings"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// Row is one document's conditional update. Rows of the same shape go into one
// statement.
type Row struct {
	ID     docid.ID
	Types  Types // only for taking away what hides: UNSET and a condition on it
	Apply  []Assign
	Set    []Assign
	Unset  []value.Path
	Where  []Condition
	length int // of the values, see Size
}

// Assign gives the value at a path: for Row.Apply that of a counter.
type Assign struct {
	Path  value.Path
	Value []byte
}

// Test is what a Condition asks of its path.
type Test uint8

const (
	Object  Test = iota // an object shows there
	Missing             // nothing shows there
	Equal               // exactly Value shows there, 1 and 1.0 told apart
)

// Condition is one part of a WHERE clause.
type Condition struct {
	Path  value.Path
	Test  Test
	Value []byte // with Equal
}

// Shape is the row's statement without its values: equal shapes, one
// statement.
func (r *Row) Shape() string { return r.text("", "", noValue) }

func noValue(string) string { return "?" }

// Size is the number of bytes that the row adds to a statement's arguments.
func (r *Row) Size() int {
	if r.length == 0 {
		r.length = len(r.ID) + 1
		for _, v := range r.values() {
			r.length += len(v.js) + 1
		}
	}
	return r.length
}

// Update changes all rows, which must be of one shape, their ids of one kind
// and each there once. It reports the ids of those whose conditions held.
func Update(collection string, rows []Row) Statement {
	var a args
	a.list("ids", len(rows), func(i int) []byte { return rows[i].ID.JSON() })
	columns := make([][]named, len(rows))
	for i := range rows {
		columns[i] = rows[i].values()
	}
	for c, v := range columns[0] {
		a.list(v.name, len(rows), func(i int) []byte { return columns[i][c].js })
	}
	return Statement{rows[0].text(collection, "_id IN :ids", inBulk), a.done()}
}

// UpdateOne is Update for one row, in plainer words.
func UpdateOne(collection string, row Row) Statement {
	var a args
	a.one("id", row.ID.JSON())
	for _, v := range row.values() {
		a.one(v.name, v.js)
	}
	return Statement{row.text(collection, "_id = :id", func(name string) string { return ":" + name }), a.done()}
}

type named struct {
	name string
	js   []byte
}

// values are the row's arguments in the order of their use in the text: n0, n1,
// … for new ones, o0, o1, … for old ones.
func (r *Row) values() []named {
	out := make([]named, 0, len(r.Apply)+len(r.Set)+len(r.Where))
	for _, list := range [][]Assign{r.Apply, r.Set} {
		for _, s := range list {
			out = append(out, named{"n" + strconv.Itoa(len(out)), s.Value})
		}
	}
	n := len(out)
	for _, c := range r.Where {
		if c.Test == Equal {
			out = append(out, named{"o" + strconv.Itoa(len(out)-n), c.Value})
		}
	}
	return out
}

func (r *Row) text(collection, ids string, arg func(name string) string) string {
	var b strings.Builder
	b.Grow(256)
	b.WriteString("UPDATE ")
	b.WriteString(source(collection, r.Types))
	in := r.scope(collection)
	b.WriteString(in.as())
	n := 0
	for i, s := range r.Apply {
		b.WriteString(word(i, " APPLY "))
		writeField(&b, s.Path)
		b.WriteString(" RESTART WITH " + arg("n"+strconv.Itoa(n)))
		n++
	}
	for i, s := range r.Set {
		b.WriteString(word(i, " SET "))
		writeField(&b, s.Path)
		b.WriteString(" = " + arg("n"+strconv.Itoa(n)))
		n++
	}
	for i, p := range r.Unset {
		b.WriteString(word(i, " UNSET "))
		writeField(&b, p)
	}
	b.WriteString(" WHERE " + ids)
	n = 0
	for _, c := range r.Where {
		b.WriteString(" AND ")
		switch c.Test {
		case Object:
			b.WriteString("type(")
			in.write(&b, c.Path)
			b.WriteString(") = 'object'")
		case Missing:
			in.write(&b, c.Path)
			b.WriteString(" IS MISSING")
		case Equal:
			b.WriteString("serialize_json(")
			in.write(&b, c.Path)
			b.WriteString(") = serialize_json(" + arg("o"+strconv.Itoa(n)) + ")")
			n++
		}
	}
	return b.String()
}

func (r *Row) scope(collection string) scope {
	paths := make([]value.Path, len(r.Where))
	for i, c := range r.Where {
		paths[i] = c.Path
	}
	return scopeOf(collection, r.Types, paths...)
}

// word begins a list with its keyword and goes on with commas.
func word(i int, keyword string) string {
	if i == 0 {
		return keyword
	}
	return ", "
}
