package dql

import (
	"strings"

	"github.com/causeway-sync/causeway/core/value"
)

// Quote is name in backticks, the backticks in it doubled: any string is a
// name.
func Quote(name string) string {
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

// Field is p as it stands in SET, UNSET and APPLY, where a leading collection
// name would mean a field of that name.
func Field(p value.Path) string {
	var b strings.Builder
	writeField(&b, p)
	return b.String()
}

// Qualified is p as it stands in a condition or a projection, where a first
// field named like the collection would mean the whole document.
func Qualified(collection string, p value.Path) string {
	var b strings.Builder
	writeQualified(&b, collection, p)
	return b.String()
}

// scope says how paths are written in the conditions and projections of one
// statement.
//
// Without declarations they are qualified by the collection. With them they
// must stand bare: `c.n`, declared, is shown without those of its members that
// are named like another declared field. Should a field be named like the
// collection then, the statement gets an alias, so that the bare name is free.
type scope struct {
	collection string
	bare       bool
	alias      string
}

func scopeOf(collection string, types Types, paths ...value.Path) scope {
	s := scope{collection: collection, bare: len(types) > 0}
	taken := func(name string) bool {
		for _, p := range paths {
			if p.Top() == value.PathOf(name) {
				return true
			}
		}
		return false
	}
	if s.bare && taken(collection) {
		for s.alias = "t"; taken(s.alias) || s.alias == collection; {
			s.alias += "_"
		}
	}
	return s
}

// as is what follows the collection in FROM and UPDATE.
func (s scope) as() string {
	if s.alias == "" {
		return ""
	}
	return " AS " + Quote(s.alias)
}

func (s scope) write(b *strings.Builder, p value.Path) {
	if s.bare {
		writeField(b, p)
		return
	}
	writeQualified(b, s.collection, p)
}

func writeField(b *strings.Builder, p value.Path) {
	for i := 0; p != ""; i++ {
		if i > 0 {
			b.WriteByte('.')
		}
		top := p.Top()
		writeQuoted(b, string(top[1:]))
		p = p[len(top):]
	}
}

func writeQuoted(b *strings.Builder, name string) {
	b.WriteByte('`')
	for {
		part, rest, more := strings.Cut(name, "`")
		b.WriteString(part)
		if !more {
			break
		}
		b.WriteString("``")
		name = rest
	}
	b.WriteByte('`')
}

func writeQualified(b *strings.Builder, collection string, p value.Path) {
	writeQuoted(b, collection)
	b.WriteByte('.')
	writeField(b, p)
}
