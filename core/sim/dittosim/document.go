package dittosim

import (
	"slices"
	"sort"
)

// document is one state of a document. It never changes: a write makes a new
// one, so that older states can be read again.
type document struct {
	id   *node
	root tree
	size int // in bytes, at most
	// Cached for the view without declarations, strict and not.
	whole [2]*node
	text  [2][]byte
}

// tree is the content of a document or of a map.
type tree struct{ fields []field } // sorted by name

// field holds up to four typed values at once. What shows is the one that was
// written last, or the one that the statement declares.
type field struct {
	name     string
	register *node
	tree     *tree
	count    int64
	pn       float64
	// at says when each slot was written, as a transaction; 0 for a value that
	// is not there. A map counts as written when anything below it was.
	at [slots]int64
}

func (t *tree) find(name string) (int, bool) {
	i := sort.Search(len(t.fields), func(i int) bool { return t.fields[i].name >= name })
	return i, i < len(t.fields) && t.fields[i].name == name
}

// view decides which value of a field a statement sees.
type view struct {
	strict bool
	defs   []def
}

// slot is the value of f that shows, given its declaration.
func (v view) slot(f *field, d *def) slot {
	if d == nil && v.strict {
		d = &registerDef
	}
	if d != nil {
		if f.at[d.slot] == 0 {
			return slotNone
		}
		return d.slot
	}
	latest := slotNone
	for s := slotNone + 1; s < slots; s++ {
		if f.at[s] > f.at[latest] {
			latest = s
		}
	}
	return latest
}

var registerDef = def{slot: slotRegister}

// scalar is the value of a slot that is no map.
func (f *field) scalar(s slot) *node {
	switch s {
	case slotRegister:
		return f.register
	case slotCounter:
		return integer(f.count)
	}
	return float(f.pn)
}

// get is the value at a path, nil when it is missing. The empty path is the
// document.
//
// A path that is qualified by the collection is another matter. It finds what
// was written last also in strict mode, where the same path without the
// collection, and the document as a whole, have registers only. And when it
// ends at a map, the members are shown as the declarations have it for fields
// of the document.
func (d *document) get(v view, path []string, qualified bool) *node {
	find := v
	if qualified {
		find.strict = false
	}
	if len(path) == 0 {
		return d.value(v)
	}
	if path[0] == "_id" {
		n := d.id
		for _, s := range path[1:] {
			n = n.field(s)
		}
		return n
	}
	t, defs := &d.root, v.defs
	for i, s := range path {
		at, ok := t.find(s)
		if !ok {
			return nil
		}
		f, fd := &t.fields[at], findDef(defs, s)
		show := find.slot(f, fd)
		if show == slotNone {
			return nil
		}
		if show != slotMap {
			n := f.scalar(show)
			for _, s := range path[i+1:] {
				n = n.field(s)
			}
			return n
		}
		t, defs = f.tree, fd.children()
	}
	if qualified {
		defs = v.defs
	}
	return t.value(v, defs)
}

// value is a map as an object.
func (t *tree) value(v view, defs []def) *node {
	n := &node{kind: kindObject, keys: make([]string, 0, len(t.fields)+1), elems: make([]*node, 0, len(t.fields)+1)}
	for i := range t.fields {
		f := &t.fields[i]
		fd := findDef(defs, f.name)
		var e *node
		switch show := v.slot(f, fd); show {
		case slotNone:
			continue
		case slotMap:
			e = f.tree.value(v, fd.children())
		default:
			e = f.scalar(show)
		}
		n.keys, n.elems = append(n.keys, f.name), append(n.elems, e)
	}
	return n
}

// value is the whole document, `_id` included.
func (d *document) value(v view) *node {
	i, plain := v.cache()
	if plain && d.whole[i] != nil {
		return d.whole[i]
	}
	n := d.root.value(v, v.defs)
	n.put("_id", d.id)
	if plain {
		d.whole[i] = n
	}
	return n
}

// json is the text of the whole document. Callers may keep it, not change it.
func (d *document) json(v view) []byte {
	i, plain := v.cache()
	if !plain {
		return d.root.appendJSON(nil, v, v.defs, d.id)
	}
	if d.text[i] == nil {
		d.text[i] = slices.Clip(d.root.appendJSON(make([]byte, 0, min(d.size, 512)), v, v.defs, d.id))
	}
	return d.text[i]
}

// appendJSON appends the text of a map, or of a document with its id.
func (t *tree) appendJSON(dst []byte, v view, defs []def, id *node) []byte {
	dst = append(dst, '{')
	first := true
	name := func(s string) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, s), ':')
	}
	for i := range t.fields {
		f := &t.fields[i]
		fd := findDef(defs, f.name)
		show := v.slot(f, fd)
		if show == slotNone {
			continue
		}
		if id != nil && f.name > "_id" {
			name("_id")
			dst, id = id.appendJSON(dst), nil
		}
		name(f.name)
		if show == slotMap {
			dst = f.tree.appendJSON(dst, v, fd.children(), nil)
		} else {
			dst = f.scalar(show).appendJSON(dst)
		}
	}
	if id != nil {
		name("_id")
		dst = id.appendJSON(dst)
	}
	return append(dst, '}')
}

// forget drops what was cached of a state that is over.
func (d *document) forget() {
	if d != nil {
		d.whole, d.text = [2]*node{}, [2][]byte{}
	}
}

func (v view) cache() (i int, plain bool) {
	if v.strict {
		i = 1
	}
	return i, len(v.defs) == 0
}
