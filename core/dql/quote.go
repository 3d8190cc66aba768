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

func writeField(b *strings.Builder, p value.Path) {
	for i, s := range p.Segments() {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(Quote(s))
	}
}

func writeQualified(b *strings.Builder, collection string, p value.Path) {
	b.WriteString(Quote(collection))
	b.WriteByte('.')
	writeField(b, p)
}
