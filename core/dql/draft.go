package dql

import (
	"errors"
	"fmt"
	"slices"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

var (
	// ErrNotInteger says that a value at a counter path is no whole number.
	ErrNotInteger = errors.New("a settable counter takes a whole number")
	// ErrPath says that an edit's path cannot be written in this document.
	ErrPath = errors.New("path cannot be written")
)

// Edit changes one unit from Old, as it was read, to New; nil means absent.
type Edit struct {
	Path     value.Path
	Old, New []byte
	Counter  bool // the unit is a settable counter
}

// Change is what is to happen to one document.
type Change struct {
	ID       docid.ID
	Doc      []byte // the whole document as read
	Edits    []Edit // their paths neither repeat nor contain each other
	Maps     []value.Path
	Counters []value.Path
	Strict   bool
}

// Draft turns a Change into rows. It may have to know what hides in the
// document, and asks:
//
//	d := NewDraft(change)
//	for {
//		looks, err := d.Compile()
//		if err != nil || len(looks) == 0 {
//			break
//		}
//		// read the document with the looks declared as maps
//		d.Learn(looks, declared)
//	}
//	// read d.Checks(), with each of d.CheckTypes declared
//	d.Found(found)
//
// Then Before, Row and After are what to run, in that order. Each row is
// conditional; the change has won when Row has, and is lost when a row of
// Before is.
type Draft struct {
	Before []Row // take away what hides behind values that Row removes
	Row    Row
	After  []Row // take away what Row uncovered

	change Change
	kinds  map[value.Path]kind
	shown  map[value.Path][]byte // what showed at each look, declared a map
	looked map[value.Path]bool

	seen   map[value.Path][]byte // see at
	needs  map[value.Path]bool
	where  []Condition // of one path the last counts
	unsets []removal
}

type kind uint8

const (
	unknown  kind = iota
	mapped        // written key by key
	register      // one value, to be replaced as a whole
)

// removal is a path that Row unsets.
type removal struct {
	path  value.Path
	shows []byte // what shows there, or would show if hidden did not hide
	// hidden says that the path lies in a map that does not show.
	hidden bool
}

// NewDraft begins a draft.
func NewDraft(c Change) *Draft {
	d := &Draft{change: c}
	for _, p := range c.Maps {
		put(&d.kinds, p, mapped)
	}
	for _, e := range c.Edits {
		if e.Counter && !slices.Contains(d.change.Counters, e.Path) {
			d.change.Counters = append(slices.Clip(d.change.Counters), e.Path)
		}
	}
	return d
}

// put sets an element of a map, which is made for it: most drafts need none of
// theirs.
func put[V any](m *map[value.Path]V, p value.Path, v V) {
	if *m == nil {
		*m = map[value.Path]V{}
	}
	(*m)[p] = v
}

// Learn tells what the document showed when it was read with exactly looks
// declared as maps; nil if it was not there.
func (d *Draft) Learn(looks []value.Path, declared []byte) {
	for _, p := range looks {
		put(&d.looked, p, true)
		put(&d.shown, p, value.Lookup(declared, p))
	}
}

// Compile makes Row from what is known. It returns the paths that must be
// read declared as maps before it can; there are none when Row is ready.
func (d *Draft) Compile() (looks []value.Path, err error) {
	d.Row = Row{ID: d.change.ID}
	d.needs, d.where, d.unsets = nil, nil, nil
	var whole map[value.Path][]Edit // edits below a register, by the register
	for _, e := range d.change.Edits {
		at, err := d.parents(e.Path)
		if err != nil {
			return nil, err
		}
		if at != "" {
			put(&whole, at, append(whole[at], e))
			continue
		}
		d.requireAsRead(e.Path, e.Old)
		if err := d.write(e.Path, e.Old, e.New); err != nil {
			return nil, err
		}
	}
	for p, edits := range whole {
		if err := d.rewrite(p, edits); err != nil {
			return nil, err
		}
	}
	if len(d.needs) > 0 {
		// All that was looked at before goes along, so that one read shows all.
		for p := range d.looked {
			d.needs[p] = true
		}
		return sorted(d.needs), nil
	}
	d.finish()
	return nil, nil
}

// parents checks that p can be written, and returns the topmost object above it
// that is a register, "" if none is.
func (d *Draft) parents(p value.Path) (value.Path, error) {
	if p == "" || d.change.Strict && p != p.Top() {
		return "", fmt.Errorf("%w: %q in a strict collection", ErrPath, p)
	}
	for _, up := range p.Parents() {
		v := d.at(up)
		switch {
		case v == nil:
			return "", nil
		case !isObject(v):
			return "", fmt.Errorf("%w: %q is no object", ErrPath, up)
		case d.kind(up) == register:
			return up, nil
		}
	}
	return "", nil
}

// kind says how the object that shows at p is written. A map, read declared as
// one, shows just what shows undeclared; a register hides then, and what shows
// instead is an older map or nothing. A map that holds a register passes for a
// register as well: it is replaced as a whole, which is right for both.
func (d *Draft) kind(p value.Path) kind {
	switch {
	case d.kinds[p] != unknown:
	case !d.looked[p]:
		put(&d.needs, p, true)
	case same(d.at(p), d.shown[p]):
		put(&d.kinds, p, mapped)
	default:
		put(&d.kinds, p, register)
	}
	return d.kinds[p]
}

// requireAsRead adds the condition under which p may be written: that the field
// in which it lies is as it was read, or still missing (invariant 5). For a
// nested path it would not do that the values written are as read and that what
// is around them is an object. A strict peer may have put a register in the map's
// place, and a nested write would show the map again and hide that register; what
// an object is shows only in what it holds.
func (d *Draft) requireAsRead(p value.Path, old []byte) {
	top := p.Top()
	if top != p {
		old = d.at(top)
	}
	if v := old; v != nil {
		d.require(Condition{Path: top, Test: Equal, Value: v})
	} else {
		d.require(Condition{Path: top, Test: Missing})
	}
}

func (d *Draft) require(c Condition) { d.where = append(d.where, c) }

// at is what shows at an object's path. It is asked for many times where a
// document has many units.
func (d *Draft) at(p value.Path) []byte {
	v, ok := d.seen[p]
	if !ok {
		v = value.Lookup(d.change.Doc, p)
		put(&d.seen, p, v)
	}
	return v
}

// Shown is what showed at a path when the document was read.
func (d *Draft) Shown(p value.Path) []byte { return d.at(p) }

func sorted(set map[value.Path]bool) []value.Path {
	out := make([]value.Path, 0, len(set))
	for p := range set {
		out = append(out, p)
	}
	slices.Sort(out)
	return out
}
