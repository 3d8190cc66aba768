package dql

import (
	"slices"
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

// Like reports that two rows are of one shape, without spelling it out. It may be
// that they are although it reports false.
func (r *Row) Like(o *Row) bool {
	return len(r.Types) == 0 && len(o.Types) == 0 &&
		slices.EqualFunc(r.Apply, o.Apply, Assign.samePath) && slices.EqualFunc(r.Set, o.Set, Assign.samePath) &&
		slices.Equal(r.Unset, o.Unset) && slices.EqualFunc(r.Where, o.Where, Condition.sameTest)
}

func (a Assign) samePath(b Assign) bool { return a.Path == b.Path }

func (c Condition) sameTest(d Condition) bool { return c.Path == d.Path && c.Test == d.Test }

// Size is the number of bytes that the row adds to a statement's arguments.
func (r *Row) Size() int {
	if r.length == 0 {
		r.length = len(r.ID) + 1
		r.values(func(_ argument, js []byte) { r.length += len(js) + 1 })
	}
	return r.length
}

// Update changes all rows, which must be of one shape, their ids of one kind
// and each there once. It reports the ids of those whose conditions held.
func Update(collection string, rows []Row) Statement {
	var a args
	list(&a, "ids", len(rows), func(i int) docid.ID { return rows[i].ID })
	width := 0
	rows[0].values(func(argument, []byte) { width++ })
	values := make([][]byte, 0, len(rows)*width) // row by row
	for i := range rows {
		rows[i].values(func(_ argument, js []byte) { values = append(values, js) })
	}
	at := 0
	rows[0].values(func(v argument, _ []byte) {
		list(&a, v.name(), len(rows), func(i int) []byte { return values[i*width+at] })
		at++
	})
	return Statement{rows[0].text(collection, "_id IN :ids", inBulk), a.done()}
}

// UpdateOne is Update for one row, in plainer words.
func UpdateOne(collection string, row Row) Statement {
	var a args
	a.one("id", row.ID.JSON())
	row.values(func(v argument, js []byte) { a.one(v.name(), js) })
	return Statement{row.text(collection, "_id = :id", func(name string) string { return ":" + name }), a.done()}
}

// argument is the place of a row's value among those of its kind.
type argument struct {
	kind byte // n for a new value, o for an old one
	n    int
}

func (a argument) name() string { return string(a.kind) + strconv.Itoa(a.n) }

// values calls f with the row's arguments in the order of their use in the text:
// n0, n1, … for new ones, o0, o1, … for old ones.
func (r *Row) values(f func(a argument, js []byte)) {
	n := 0
	for _, list := range [...][]Assign{r.Apply, r.Set} {
		for i := range list {
			f(argument{'n', n}, list[i].Value)
			n++
		}
	}
	n = 0
	for i := range r.Where {
		if c := &r.Where[i]; c.Test == Equal {
			f(argument{'o', n}, c.Value)
			n++
		}
	}
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
