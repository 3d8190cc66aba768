package manifest

import (
	"fmt"
	"slices"
	"strings"
)

// Problem is one mistake in a manifest. It holds names and places, never a
// secret (invariant 11).
type Problem struct {
	Line int    // from 1
	Path string // "spec.bridge.mongoConnector.database"; empty for a whole document
	What string // what is wrong
	Mend string // what to write instead
}

// String is p on one line, without the file and the line number.
func (p Problem) String() string {
	s := p.What + "; " + p.Mend
	if p.Path == "" {
		return s
	}
	return p.Path + ": " + s
}

// Errors is every problem of one file, in the order of its lines.
type Errors struct {
	File     string
	Problems []Problem
}

// Error is one line per problem, each in the form that editors can jump to.
func (e *Errors) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = fmt.Sprintf("%s:%d: %s", e.File, p.Line, p)
	}
	return strings.Join(lines, "\n")
}

// errors is what r collected, nil if that is nothing.
func (r *reader) errors(file string) error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return a.Line - b.Line })
	return &Errors{File: file, Problems: slices.Compact(r.problems)}
}

// maxShown is how much of a bad value an error repeats, in runes.
const maxShown = 40

// show quotes a value for an error, unless it may be a connection string that
// was put in the wrong place.
func show(v string) string {
	if sensitive(v) {
		return "[redacted]"
	}
	if r := []rune(v); len(r) > maxShown {
		v = string(r[:maxShown]) + "…"
	}
	return fmt.Sprintf("%q", v)
}

// segment is a field's name as part of a path: quoted with backticks where a
// dot would be ambiguous.
func segment(name string) string {
	switch {
	case sensitive(name):
		return "[redacted]"
	case name == "" || strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || strings.ContainsRune(".`[]:", c) }):
		return "`" + strings.Trim(fmt.Sprintf("%q", name), `"`) + "`"
	}
	return name
}

func sensitive(v string) bool {
	v = strings.ToLower(v)
	return strings.Contains(v, "mongodb:") || strings.Contains(v, "mongodb+srv:") ||
		strings.Contains(v, "://") && strings.Contains(v, "@")
}

// oneOf joins alternatives: "a, b or c".
func oneOf(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
