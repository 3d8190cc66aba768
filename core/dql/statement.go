package dql

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// Statement is one DQL statement with its arguments.
type Statement struct {
	Text string
	Args json.RawMessage // a JSON object, its members in the order of use
}

// args builds the JSON object of a statement's arguments.
type args struct{ buf []byte }

func (a *args) name(name string) {
	if len(a.buf) == 0 {
		a.buf = append(a.buf, '{')
	} else {
		a.buf = append(a.buf, ',')
	}
	a.buf = strconv.AppendQuote(a.buf, name) // our own names: plain ASCII
	a.buf = append(a.buf, ':')
}

func (a *args) one(name string, js []byte) {
	a.name(name)
	a.buf = append(a.buf, js...)
}

// list adds an array of n values.
func list[T ~string | ~[]byte](a *args, name string, n int, at func(int) T) {
	size := len(name) + n + len(`,"":[]}`)
	for i := range n {
		size += len(at(i))
	}
	a.buf = slices.Grow(a.buf, size)
	a.name(name)
	a.buf = append(a.buf, '[')
	for i := range n {
		if i > 0 {
			a.buf = append(a.buf, ',')
		}
		a.buf = append(a.buf, at(i)...)
	}
	a.buf = append(a.buf, ']')
}

func (a *args) ids(ids []docid.ID) {
	list(a, "ids", len(ids), func(i int) docid.ID { return ids[i] })
}

func (a *args) done() json.RawMessage { return append(a.buf, '}') }

// Type is a type that a statement can declare for a path.
type Type string

const (
	Map       Type = "MAP"
	Counter   Type = "COUNTER"
	PNCounter Type = "PN_COUNTER" // the counter of SDK 4
	Register  Type = "REGISTER"
)

// Types declares paths. A path above a declared one is declared a MAP, since
// there is no other way to name the one below.
type Types map[value.Path]Type

// TypesOf declares all paths alike.
func TypesOf(t Type, paths ...value.Path) Types {
	out := make(Types, len(paths))
	for _, p := range paths {
		out[p] = t
	}
	return out
}

// source is the collection with its declarations: "`c`", or
// "COLLECTION `c` (`n` MAP (`q` COUNTER))".
func source(collection string, types Types) string {
	if len(types) == 0 {
		return Quote(collection)
	}
	var b strings.Builder
	b.WriteString("COLLECTION ")
	b.WriteString(Quote(collection))
	b.WriteByte(' ')
	writeTypes(&b, "", definitions(types), types)
	return b.String()
}

// definitions are the declared paths and all above them.
func definitions(types Types) map[value.Path][]value.Path {
	below := map[value.Path][]value.Path{}
	add := func(p value.Path) {
		var up value.Path
		if above := p.Parents(); len(above) > 0 {
			up = above[len(above)-1]
		}
		if !slices.Contains(below[up], p) {
			below[up] = append(below[up], p)
		}
	}
	for p := range types {
		add(p)
		for _, up := range p.Parents() {
			add(up)
		}
	}
	for _, paths := range below {
		slices.Sort(paths)
	}
	return below
}

func writeTypes(b *strings.Builder, up value.Path, below map[value.Path][]value.Path, types Types) {
	b.WriteByte('(')
	for i, p := range below[up] {
		if i > 0 {
			b.WriteString(", ")
		}
		writeQuoted(b, string(p[len(up)+1:]))
		b.WriteByte(' ')
		if len(below[p]) > 0 {
			b.WriteString("MAP ")
			writeTypes(b, p, below, types)
			continue
		}
		b.WriteString(string(types[p]))
	}
	b.WriteByte(')')
}
