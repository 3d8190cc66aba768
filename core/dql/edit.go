package dql

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/causeway-sync/causeway/core/value"
)

// write brings the value at p from old to new.
func (d *Draft) write(p value.Path, old, new []byte) error {
	switch {
	case new == nil:
		if old != nil {
			d.unset(p, old)
		}
		return nil
	case d.change.Strict:
		d.Row.Set = append(d.Row.Set, Assign{p, new})
		return nil
	case slices.Contains(d.change.Counters, p):
		return d.restart(p, new)
	case !isObject(new):
		// Over a map this hides the map; what it holds is unset when the path
		// becomes an object again.
		d.Row.Set = append(d.Row.Set, Assign{p, new})
		return nil
	case old == nil:
		return d.setObject(p, nil, new) // what is missing hides nothing
	case isObject(old):
		switch d.kind(p) {
		case unknown:
			return d.compare(p, old, new, true)
		case mapped:
			return d.compare(p, old, new, false)
		}
	}
	return d.convert(p, old, new)
}

// rewrite applies edits to the register at p and replaces it by a map. Invariant
// 5: a nested write would hide the register's other keys.
func (d *Draft) rewrite(p value.Path, edits []Edit) error {
	old := d.at(p)
	new := old
	for _, e := range edits {
		var err error
		if new, err = value.ReplaceJSON(new, e.Path[len(p):], e.New); err != nil {
			return fmt.Errorf("%w: %q: %w", ErrPath, e.Path, err)
		}
	}
	d.requireAsRead(p, old)
	return d.convert(p, old, new)
}

// compare brings a map from old to new, key by key. With lookOnly it only finds
// out what else must be known.
func (d *Draft) compare(p value.Path, old, new []byte, lookOnly bool) error {
	for _, f := range zip(old, new) {
		q := p.Child(f.name)
		switch {
		case lookOnly:
			if isObject(f.a) && isObject(f.b) && !same(f.a, f.b) {
				d.kind(q)
				_ = d.compare(q, f.a, f.b, true)
			}
		case f.b == nil:
			d.unset(q, f.a)
		case !same(f.a, f.b):
			if err := d.write(q, f.a, f.b); err != nil {
				return err
			}
		}
	}
	return nil
}

// convert makes a map of what shows at p and is none: a scalar, an array, null
// or a register. SET merges into the map that hides there, if one does, so its
// keys that new lacks are unset.
func (d *Draft) convert(p value.Path, old, new []byte) error {
	for _, q := range objects(p, new) {
		if !d.looked[q] {
			put(&d.needs, q, true)
		}
	}
	if len(d.needs) > 0 {
		return nil
	}
	d.uncover(p, d.shown[p], new)
	return d.setObject(p, old, new)
}

// uncover unsets what the map that hides at p has and new lacks.
func (d *Draft) uncover(p value.Path, hidden, new []byte) {
	if !isObject(hidden) {
		return
	}
	for _, f := range zip(hidden, new) {
		q := p.Child(f.name)
		switch {
		case f.b == nil:
			d.Row.Unset = append(d.Row.Unset, q)
			d.unsets = append(d.unsets, removal{q, f.a, true})
		case isObject(f.b):
			d.uncover(q, f.a, f.b)
		}
	}
}

// setObject sets an object whole, the counters in it apart. What stood at a
// counter's path in old, stays, and is no whole number, is left as it is.
func (d *Draft) setObject(p value.Path, old, new []byte) error {
	for _, c := range d.change.Counters {
		if c == p || !p.Contains(c) {
			continue
		}
		n := value.Lookup(new, c[len(p):])
		if n == nil {
			continue
		}
		if _, ok := integer(n); !ok && same(n, value.Lookup(old, c[len(p):])) {
			continue
		}
		if err := d.restart(c, n); err != nil {
			return err
		}
		var err error
		if new, err = value.ReplaceJSON(new, c[len(p):], nil); err != nil {
			return fmt.Errorf("%w: %q: %w", ErrPath, c, err)
		}
	}
	d.Row.Set = append(d.Row.Set, Assign{p, new})
	return nil
}

// restart gives a counter a value. It turns a register into a counter as well.
func (d *Draft) restart(p value.Path, js []byte) error {
	n, ok := integer(js)
	if !ok {
		return fmt.Errorf("%w: %q", ErrNotInteger, p)
	}
	d.Row.Apply = append(d.Row.Apply, Assign{p, n})
	return nil
}

func (d *Draft) unset(p value.Path, shows []byte) {
	d.Row.Unset = append(d.Row.Unset, p)
	d.unsets = append(d.unsets, removal{path: p, shows: shows})
}

// finish puts the row in order, so that equal changes have equal shapes.
func (d *Draft) finish() {
	byPath := func(a, b Assign) int { return cmp.Compare(a.Path, b.Path) }
	slices.SortFunc(d.Row.Apply, byPath)
	slices.SortFunc(d.Row.Set, byPath)
	slices.Sort(d.Row.Unset)
	slices.SortStableFunc(d.where, func(a, b Condition) int { return cmp.Compare(a.Path, b.Path) })
	for i, c := range d.where {
		if i+1 == len(d.where) || d.where[i+1].Path != c.Path {
			d.Row.Where = append(d.Row.Where, c)
		}
	}
}

// IsEmpty reports whether there is nothing to write.
func (d *Draft) IsEmpty() bool {
	return len(d.Row.Apply) == 0 && len(d.Row.Set) == 0 && len(d.Row.Unset) == 0
}

// Maps are the objects that are maps once Row has won, beyond those that the
// Change named, as far as the draft found out: what it looked at, what it
// writes, and what lies above that.
func (d *Draft) Maps() []value.Path {
	if d.change.Strict {
		return nil
	}
	out := map[value.Path]bool{}
	for p, k := range d.kinds {
		out[p] = k == mapped
	}
	for _, s := range d.Row.Set {
		maps.DeleteFunc(out, func(p value.Path, _ bool) bool { return s.Path.Contains(p) })
		for _, p := range objects(s.Path, s.Value) {
			out[p] = true
		}
	}
	for _, u := range d.Row.Unset {
		maps.DeleteFunc(out, func(p value.Path, _ bool) bool { return u.Contains(p) })
	}
	for _, list := range [][]Assign{d.Row.Apply, d.Row.Set} {
		for _, a := range list {
			for _, p := range a.Path.Parents() {
				out[p] = true
			}
		}
	}
	maps.DeleteFunc(out, func(p value.Path, is bool) bool { return !is || slices.Contains(d.change.Maps, p) })
	return sorted(out)
}
