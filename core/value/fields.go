package value

import (
	"iter"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Field is one member of an object.
type Field struct {
	Name  string
	Value []byte // raw JSON
}

// Members lists the members of the object js in their order, of a repeated
// name the last only. Anything but an object is an error, as is anything
// malformed inside it. The values share memory with js.
func Members(js []byte) ([]Field, error) {
	r := borrow()
	defer r.free()
	t, err := scan(js, r)
	if err != nil {
		return nil, err
	}
	if t.nodes[0].kind != objectKind {
		return nil, fail(ErrSyntax, "want an object")
	}
	out := make([]Field, 0, t.nodes[0].size)
	for i := 1; i < len(t.nodes); i = int(t.nodes[i+1].next) {
		out = append(out, Field{Name: string(t.str(i)), Value: t.raw(i + 1)})
	}
	if t.nodes[0].ordered {
		return out, nil
	}
	last := make(map[string]int, len(out))
	for i, f := range out {
		last[f.Name] = i
	}
	keep := out[:0]
	for i, f := range out {
		if last[f.Name] == i {
			keep = append(keep, f)
		}
	}
	return keep, nil
}

// Fields walks the Members of js, none if it is malformed or no object.
func Fields(js []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		all, err := Members(js)
		if err != nil {
			return
		}
		for _, f := range all {
			if !yield(f.Name, f.Value) {
				return
			}
		}
	}
}

// Lookup is the raw JSON at p in js; nil if it is absent, if a parent is no
// object, or if js is malformed. The empty path is js itself.
func Lookup(js []byte, p Path) []byte {
	r := borrow()
	defer r.free()
	t, err := scan(js, r)
	if err != nil {
		return nil
	}
	n := 0
	for p != "" {
		var name string
		name, p = p.cut()
		if n = t.member(n, name); n < 0 {
			return nil
		}
	}
	return t.raw(n)
}

// cut splits the first segment from the path.
func (p Path) cut() (first string, rest Path) {
	if p == "" {
		return "", ""
	}
	if i := strings.IndexByte(string(p[1:]), 0); i >= 0 {
		return string(p[1 : i+1]), p[i+1:]
	}
	return string(p[1:]), ""
}

// member is the value named name in the object n, the last one of that name;
// -1 if there is none, or n is no object.
func (t *tape) member(n int, name string) int {
	found := -1
	if t.nodes[n].kind != objectKind {
		return found
	}
	for i := n + 1; i < int(t.nodes[n].next); i = int(t.nodes[i+1].next) {
		if string(t.str(i)) == name {
			found = i + 1
		}
	}
	return found
}

// LookupBSON is the value at p in doc; the zero RawValue if it is absent, if a
// parent is no document, or if doc is malformed. The empty path is doc itself.
func LookupBSON(doc bson.Raw, p Path) bson.RawValue {
	v := raw{bson.TypeEmbeddedDocument, doc}
	for p != "" {
		var name string
		name, p = p.cut()
		if v.t != bson.TypeEmbeddedDocument {
			return bson.RawValue{}
		}
		if v = field(v.v, name); v.t == 0 {
			return bson.RawValue{}
		}
	}
	return bson.RawValue{Type: v.t, Value: v.v}
}

// field is the value of the last element named name of a document.
func field(doc []byte, name string) (found raw) {
	r, err := elements(doc)
	for err == nil {
		var el element
		var ok bool
		if el, ok, err = r.next(); !ok {
			break
		}
		if string(el.key) == name {
			found = raw{el.typ, el.val}
		}
	}
	return found
}
