package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// field is a place in a document and what stands there.
type field struct {
	path string
	line int
	node *yaml.Node // nil when absent or null
	// excused: absent, but its misspelling is already reported
	excused bool
}

func (f field) absent() bool { return f.node == nil }

// child is the field at a key or index below f.
func (f field) child(seg string, line int, n *yaml.Node) field {
	path := f.path + "." + seg
	if f.path == "" || strings.HasPrefix(seg, "[") {
		path = f.path + seg
	}
	c := field{path: path, line: line, node: deref(n)}
	if c.node != nil && c.node.ShortTag() == "!!null" {
		c.node = nil
	}
	return c
}

func deref(n *yaml.Node) *yaml.Node {
	if n != nil && n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

// maxMerges bounds the work that `<<` keys can ask for, which nests and
// multiplies.
const maxMerges = 1000

// reader collects the problems of a file while it is read.
type reader struct {
	problems []Problem
	merges   int // `<<` keys that may still be followed
}

func (r *reader) bad(f field, what, mend string) {
	if !f.excused {
		r.problems = append(r.problems, Problem{Line: max(f.line, 1), Path: f.path, What: what, Mend: mend})
	}
}

// object is a map with its fields.
type object struct {
	field
	names  []string // in the order of the file
	fields map[string]field
	typos  []string // known names whose misspelling was reported
}

// get is the field of that name, absent if there is none.
func (o *object) get(name string) field {
	if f, ok := o.fields[name]; ok {
		return f
	}
	f := o.child(segment(name), o.line, nil)
	f.excused = slices.Contains(o.typos, name)
	return f
}

// open reads a map that may hold any field; nil if f is not a map.
func (r *reader) open(f field) *object {
	if f.absent() {
		return nil
	}
	if f.node.Kind != yaml.MappingNode {
		mend := "write its fields below it, indented"
		if strings.HasPrefix(f.node.Value, "cat <<") {
			mend = "remove the shell's lines around the manifest"
		}
		r.bad(f, "must be a map, not "+kindOf(f.node), mend)
		return nil
	}
	o := &object{field: f, fields: map[string]field{}}
	r.fill(o, f.node)
	return o
}

// fill adds the fields of n that o has not got: own keys win over merged ones.
func (r *reader) fill(o *object, n *yaml.Node) {
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := deref(n.Content[i]), n.Content[i+1]
		switch {
		case k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge":
			merged = append(merged, v)
		case k.Kind != yaml.ScalarNode || k.ShortTag() == "!!null":
			r.bad(field{path: o.path, line: n.Content[i].Line}, "has a key that is "+kindOf(k), "use a plain name")
		default:
			if _, ok := o.fields[k.Value]; !ok {
				o.names = append(o.names, k.Value)
				o.fields[k.Value] = o.child(segment(k.Value), n.Content[i].Line, v)
			}
		}
	}
	for _, m := range merged {
		r.merge(o, deref(m))
	}
}

func (r *reader) merge(o *object, n *yaml.Node) {
	if r.merges--; r.merges < 0 {
		if r.merges == -1 {
			r.bad(o.field, "has too many merge keys (<<)", "write the fields out")
		}
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		r.fill(o, n)
	case yaml.SequenceNode:
		for _, e := range n.Content {
			if e = deref(e); e.Kind == yaml.MappingNode {
				r.merge(o, e)
			} else {
				r.bad(field{path: o.path, line: e.Line}, "merges "+kindOf(e), "merge a map")
			}
		}
	default:
		r.bad(field{path: o.path, line: n.Line}, "merges "+kindOf(n), "merge a map")
	}
}

// object reads a map whose fields are all known; nil if f is absent or not a
// map.
func (r *reader) object(f field, known ...string) *object {
	o := r.open(f)
	if o != nil {
		r.known(o, known...)
	}
	return o
}

// known reports the fields of o that are not among names.
func (r *reader) known(o *object, names ...string) {
	for _, n := range o.names {
		if slices.Contains(names, n) {
			continue
		}
		near := nearest(n, names)
		mend := "known here: " + strings.Join(names, ", ")
		switch home := homes[n]; {
		case near != "" && strings.EqualFold(near, n):
			mend = "did you mean " + near + "?"
		case home != "":
			mend = "it belongs in " + home + "; check the indentation"
		case near != "":
			mend = "did you mean " + near + "?"
		}
		if near != "" {
			o.typos = append(o.typos, near)
		}
		r.bad(o.get(n), "is not a known field", mend)
	}
}

// required reports whether f is there, and a problem if not.
func (r *reader) required(f field, mend string) bool {
	if f.absent() {
		r.bad(f, "is missing", mend)
	}
	return !f.absent()
}

// list is the elements of a list; none if f is absent or not a list.
func (r *reader) list(f field) []field {
	if f.absent() {
		return nil
	}
	if f.node.Kind != yaml.SequenceNode {
		r.bad(f, "must be a list, not "+kindOf(f.node), "write [a, b], or one line with a dash for each")
		return nil
	}
	out := make([]field, 0, len(f.node.Content))
	for i, n := range f.node.Content {
		e := f.child("["+strconv.Itoa(i)+"]", n.Line, n)
		if e.absent() {
			r.bad(e, "is empty", "remove it, or put it in quotes if it is a name")
			continue
		}
		out = append(out, e)
	}
	return out
}

// text is the string at f. ok is false if it is absent or not a string.
func (r *reader) text(f field) (s string, ok bool) {
	if f.absent() {
		return "", false
	}
	if f.node.Kind == yaml.ScalarNode {
		switch f.node.ShortTag() {
		case "!!str", "!!timestamp":
			return f.node.Value, true
		}
	}
	mend := "write a string"
	if f.node.Kind == yaml.ScalarNode {
		mend = "put it in quotes"
	}
	r.bad(f, "must be a string, not "+kindOf(f.node), mend)
	return "", false
}

// enum is the string at f if it is one of values; def if f is absent.
func (r *reader) enum(f field, noun, def string, values ...string) string {
	if f.absent() {
		return def
	}
	s, ok := r.text(f)
	if !ok {
		return def
	}
	if !slices.Contains(values, s) {
		r.bad(f, show(s)+" is not a "+noun, "use "+oneOf(values))
		return def
	}
	return s
}

// bool is the boolean at f, def if it is absent. The words that YAML 1.1 takes
// for booleans are accepted, as the connector's own tools do.
func (r *reader) bool(f field, def bool) bool {
	if f.absent() {
		return def
	}
	if f.node.Kind == yaml.ScalarNode {
		plain := f.node.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
		switch v := strings.ToLower(f.node.Value); {
		case f.node.ShortTag() == "!!bool":
			return v == "true"
		case plain && (v == "yes" || v == "on"):
			return true
		case plain && (v == "no" || v == "off"):
			return false
		}
	}
	mend := "write true or false"
	if f.node.Kind == yaml.ScalarNode && f.node.ShortTag() == "!!str" {
		mend += ", without quotes"
	}
	r.bad(f, "must be true or false, not "+kindOf(f.node), mend)
	return def
}

// integer is the whole number at f, def if it is absent.
func (r *reader) integer(f field, def, least, most int) int {
	if f.absent() {
		return def
	}
	var n int
	if f.node.Kind != yaml.ScalarNode || f.node.ShortTag() != "!!int" || f.node.Decode(&n) != nil {
		r.bad(f, "must be a whole number, not "+kindOf(f.node), fmt.Sprintf("write one from %d to %d", least, most))
		return def
	}
	if n < least || n > most {
		r.bad(f, fmt.Sprintf("%d is out of range", n), fmt.Sprintf("use %d to %d", least, most))
		return def
	}
	return n
}

// duplicates reports every key that a map below f holds twice. Aliases are not
// followed: what they name is looked at where it stands.
func (r *reader) duplicates(f field) {
	n := f.node
	if n == nil {
		return
	}
	switch n.Kind {
	case yaml.SequenceNode:
		for i, e := range n.Content {
			if e.Kind != yaml.AliasNode {
				r.duplicates(f.child("["+strconv.Itoa(i)+"]", e.Line, e))
			}
		}
	case yaml.MappingNode:
		first := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k, v := n.Content[i], n.Content[i+1]
			if k.Kind != yaml.ScalarNode {
				continue
			}
			c := f.child(segment(k.Value), k.Line, v)
			if line, ok := first[k.Value]; ok {
				r.bad(c, fmt.Sprintf("is given twice, first on line %d", line), "keep one")
			} else {
				first[k.Value] = k.Line
			}
			if v.Kind != yaml.AliasNode {
				r.duplicates(c)
			}
		}
	}
}

// kindOf says for people what stands at n, without its value.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a map"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.ShortTag() {
	case "!!str":
		return "a string"
	case "!!int":
		return "a number"
	case "!!float":
		return "a decimal number"
	case "!!bool":
		return "a boolean"
	case "!!null":
		return "null"
	case "!!timestamp":
		return "a date"
	}
	return "a value of another type"
}
