package dittosim

import (
	"slices"
	"strings"
)

type modOp uint8

const (
	modMap modOp = iota // go into the map, making it if need be
	modSet
	modUnset
	modRestart
	modIncrement
	modPN
)

// mod is what one statement does to one field of a document or map.
type mod struct {
	name  string
	op    modOp
	value *node // of modSet
	count int64 // of modRestart and modIncrement
	pn    float64
	def   *def
	below []mod // of modMap
}

// counter is the slot that a modification counts in.
func (o modOp) counter() slot {
	switch o {
	case modRestart, modIncrement:
		return slotCounter
	case modPN:
		return slotPN
	}
	return slotNone
}

// plan gathers the modifications of one document.
type plan struct {
	strict bool
	mods   []mod
}

func unsupported(s slot, name string) error {
	return evaluationf("Update failed: Unsupported DML operation on %s field %q", s, name)
}

// add puts a modification at a path. Two at one path, or one below the other,
// are an error, except that maps join.
func (p *plan) add(path []string, defs []def, m mod) error {
	if path[0] == "_id" {
		return evaluationf("Update failed: The document id `_id` cannot be modified")
	}
	list := &p.mods
	for i, s := range path[:len(path)-1] {
		d := findDef(defs, s)
		switch {
		case d != nil && d.slot != slotMap:
			return unsupported(d.slot, s)
		case d == nil && p.strict:
			return unsupported(slotRegister, s)
		}
		at := slices.IndexFunc(*list, func(m mod) bool { return m.name == s })
		if at < 0 {
			at = len(*list)
			*list = append(*list, mod{name: s, def: d})
		}
		if (*list)[at].op != modMap {
			return twice(path[:i+1])
		}
		list, defs = &(*list)[at].below, d.children()
	}
	m.name = path[len(path)-1]
	m.def = findDef(defs, m.name)
	if m.op == modSet {
		if m.def != nil && m.def.slot >= slotCounter {
			return unsupported(m.def.slot, m.name)
		}
		var bad *mismatch
		if m, bad = p.spread(m.name, m.value, m.def); bad != nil {
			return unsupported(bad.def.slot, bad.def.name)
		}
	}
	if want := m.op.counter(); want != slotNone {
		switch {
		case m.def == nil && p.strict:
			return unsupported(slotRegister, m.name)
		case m.def != nil && m.def.slot != want:
			return unsupported(m.def.slot, m.name)
		}
	}
	return join(list, m, path)
}

// join adds m to the list of its siblings.
func join(list *[]mod, m mod, path []string) error {
	at := slices.IndexFunc(*list, func(o mod) bool { return o.name == m.name })
	if at < 0 {
		*list = append(*list, m)
		return nil
	}
	have := &(*list)[at]
	if have.op != modMap || m.op != modMap {
		return twice(path)
	}
	for _, b := range m.below {
		if err := join(&have.below, b, append(path[:len(path):len(path)], b.name)); err != nil {
			return err
		}
	}
	return nil
}

func twice(path []string) error {
	return evaluationf("Update failed: More than one modification specified for the path %s", strings.Join(path, "."))
}

// mismatch is a value that its declaration does not allow.
type mismatch struct {
	def   *def
	value *node
}

// spread turns a value into modifications: an object becomes a map unless the
// statement is strict or declares a register.
func (p *plan) spread(name string, n *node, d *def) (mod, *mismatch) {
	m := mod{name: name, op: modSet, value: n, def: d}
	object := n.kind == kindObject
	switch {
	case d == nil && (p.strict || !object), d != nil && d.slot == slotRegister:
		return m, nil
	case d != nil && d.slot == slotPN:
		return m, &mismatch{d, n}
	case d != nil && d.slot == slotCounter:
		var ok bool
		if m.count, ok = n.count(); !ok {
			return m, &mismatch{d, n}
		}
		m.op = modRestart
		return m, nil
	case !object:
		return m, &mismatch{d, n}
	}
	m.op = modMap
	m.below = make([]mod, len(n.keys))
	for i, k := range n.keys {
		var bad *mismatch
		if m.below[i], bad = p.spread(k, n.elems[i], findDef(d.children(), k)); bad != nil {
			return m, bad
		}
	}
	return m, nil
}

// apply is t after the modifications, made at the transaction now.
func (t *tree) apply(mods []mod, strict bool, now int64) tree {
	n := tree{fields: make([]field, len(t.fields), len(t.fields)+len(mods))}
	copy(n.fields, t.fields)
	for i := range mods {
		n.change(&mods[i], strict, now)
	}
	return n
}

func (t *tree) change(m *mod, strict bool, now int64) {
	at, ok := t.find(m.name)
	if !ok {
		if m.op == modUnset {
			return
		}
		t.fields = slices.Insert(t.fields, at, field{name: m.name})
	}
	f := &t.fields[at]
	switch m.op {
	case modSet:
		f.register, f.at[slotRegister] = m.value, now
	case modRestart:
		f.count, f.at[slotCounter] = m.count, now
	case modIncrement:
		// Wraps around silently, as in the engine.
		f.count, f.at[slotCounter] = f.count+m.count, now
	case modPN:
		f.pn, f.at[slotPN] = f.pn+m.pn, now
	case modMap:
		if f.tree == nil {
			f.tree = &tree{}
		}
		t := f.tree.apply(m.below, strict, now)
		f.tree, f.at[slotMap] = &t, now
	case modUnset:
		// Only the value that shows goes; what it hid may show now.
		f.clear(view{strict: strict}.slot(f, m.def))
		if f.at == [slots]int64{} {
			t.fields = slices.Delete(t.fields, at, at+1)
		}
	}
}

func (f *field) clear(s slot) {
	f.at[s] = 0
	switch s {
	case slotRegister:
		f.register = nil
	case slotMap:
		f.tree = nil
	case slotCounter:
		f.count = 0
	case slotPN:
		f.pn = 0
	}
}
