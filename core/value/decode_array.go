package value

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// isBytes reports whether the array n holds nothing but integers 0 to 255: how
// a Ditto binary shows over HTTP.
func (d *decoder) isBytes(n int) bool {
	for i := n + 1; i < int(d.nodes[n].next); i = int(d.nodes[i].next) {
		if d.nodes[i].kind != intKind {
			return false
		}
		if v, u, ok := integer(d.raw(i)); !ok || u != 0 || v < 0 || v > 255 {
			return false
		}
	}
	return true
}

// bytes appends the array n as binary data of like's subtype.
func (d *decoder) bytes(n int, like []byte) error {
	if len(like) < 5 {
		return badBSON("binary data that is cut short")
	}
	data := make([]byte, 0, d.nodes[n].size)
	for i := n + 1; i < int(d.nodes[n].next); i = int(d.nodes[i].next) {
		v, _, _ := integer(d.raw(i))
		data = append(data, byte(v))
	}
	d.binary(like[4], data)
	return nil
}

// binary appends binary data; the old subtype 2 has a second length inside.
func (d *decoder) binary(sub byte, data []byte) {
	n := len(data)
	if sub == bson.TypeBinaryBinaryOld {
		n += 4
	}
	d.dst = binary.LittleEndian.AppendUint32(d.dst, uint32(n))
	d.dst = append(d.dst, sub)
	if sub == bson.TypeBinaryBinaryOld {
		d.dst = binary.LittleEndian.AppendUint32(d.dst, uint32(len(data)))
	}
	d.dst = append(d.dst, data...)
}

// array appends an array. An element takes what like holds at its place if
// that is equal in meaning, else another element of like that is, each of them
// once; else it is decoded towards the one at its place, and beyond like's end
// towards the type that all of like's elements share.
func (d *decoder) array(n int, like raw) error {
	at := d.open()
	var old likeArray
	if like.t == bson.TypeArray {
		old.read(like.v)
	}
	var items []item
	if len(old.elems) > 0 {
		items = make([]item, 0, d.nodes[n].size)
	}
	var errs map[int]error
	moved := false
	for i, pos := n+1, 0; i < int(d.nodes[n].next); i, pos = int(d.nodes[i].next), pos+1 {
		typ := d.index(pos)
		val, hint := len(d.dst), old.hint(pos)
		t, err := d.value(i, hint)
		d.dst[typ] = byte(t)
		if err != nil {
			err = under(strconv.AppendInt(nil, int64(pos), 10), err)
			if items == nil {
				return err
			}
			if errs == nil {
				errs = map[int]error{}
			}
			errs[pos] = err
		}
		if items != nil {
			done := err == nil && t == hint.t && bytes.Equal(d.dst[val:], hint.v)
			moved = moved || !done
			items = append(items, item{node: i, from: typ, val: val, to: len(d.dst), old: -1, done: done})
		}
	}
	if moved {
		if err := d.match(items, errs, &old); err != nil {
			return err
		}
		d.assemble(items, old.elems)
	}
	d.shut(at)
	return nil
}

// item is an element of an array that is being written: key and value lie in
// dst, decoded towards the element at its place.
type item struct {
	node, from, val, to int
	old                 int  // the element of like that it is instead, or -1
	done                bool // it is what like holds at its place
}

// match finds for the items that are not done what they are in the old array.
// errs are of those that cannot be decoded.
func (d *decoder) match(items []item, errs map[int]error, old *likeArray) error {
	old.index(d.mode)
	c := canonicalizer{tape: d.tape}
	texts := make([]*matches, len(items))
	for i := range items {
		if items[i].done {
			old.take(i)
			continue
		}
		c.dst, c.members = c.dst[:0], c.members[:0]
		if c.value(items[i].node) != nil {
			continue
		}
		texts[i] = old.byText[string(c.dst)]
		if texts[i] != nil && old.is(i, texts[i]) {
			items[i].old, items[i].done = i, true
			old.take(i)
		}
	}
	for i := range items {
		it := &items[i]
		if it.done {
			continue
		}
		if it.old = old.next(texts[i]); it.old >= 0 {
			continue
		}
		// No element is left that it could be: a changed one, which keeps the
		// type of its place if it can, or a copy.
		err := errs[i]
		if i < len(old.elems) && err == nil && bson.Type(d.dst[it.from]) == old.elems[i].t {
			continue
		}
		if texts[i] != nil {
			it.old = texts[i].at[0]
		} else if err != nil {
			return err
		}
	}
	return nil
}

// assemble writes the items anew, with what like holds of them.
func (d *decoder) assemble(items []item, like []raw) {
	begin := items[0].from
	decoded := slices.Clone(d.dst[begin:])
	d.dst = d.dst[:begin]
	for _, it := range items {
		if it.old < 0 {
			d.dst = append(d.dst, decoded[it.from-begin:it.to-begin]...)
			continue
		}
		at := len(d.dst)
		d.dst = append(d.dst, decoded[it.from-begin:it.val-begin]...)
		d.dst[at] = byte(like[it.old].t)
		d.dst = append(d.dst, like[it.old].v...)
	}
}

// likeArray is the array that MongoDB holds.
type likeArray struct {
	elems  []raw
	shared raw                 // the last element, if all have its type
	byText map[string]*matches // by canonical Ditto JSON, made on first use
	forms  [][2]*matches       // of each element, in its one or two forms
	taken  []bool
}

// matches are the elements with one text, of which those before next are taken.
type matches struct {
	at   []int
	next int
}

func (a *likeArray) read(v []byte) {
	r, err := elements(v)
	for err == nil {
		var el element
		var ok bool
		if el, ok, err = r.next(); !ok {
			break
		}
		a.elems = append(a.elems, raw{el.typ, el.val})
	}
	if len(a.elems) == 0 {
		return
	}
	a.shared = a.elems[len(a.elems)-1]
	for _, e := range a.elems {
		if e.t != a.shared.t {
			a.shared = raw{}
			return
		}
	}
}

func (a *likeArray) hint(pos int) raw {
	if pos < len(a.elems) {
		return a.elems[pos]
	}
	return a.shared
}

// is reports whether m are the elements with a form of the one at pos.
func (a *likeArray) is(pos int, m *matches) bool {
	return pos < len(a.elems) && (a.forms[pos][0] == m || a.forms[pos][1] == m)
}

func (a *likeArray) take(pos int) {
	if pos < len(a.elems) {
		a.taken[pos] = true
	}
}

// next takes one of m; -1 if none is left.
func (a *likeArray) next(m *matches) int {
	for ; m != nil && m.next < len(m.at); m.next++ {
		if i := m.at[m.next]; !a.taken[i] {
			a.taken[i] = true
			return i
		}
	}
	return -1
}

// index makes byText. In EJSON mode a device may also have written the plain
// form of what MongoDB holds.
func (a *likeArray) index(m Mode) {
	a.byText = make(map[string]*matches, len(a.elems))
	a.forms, a.taken = make([][2]*matches, len(a.elems)), make([]bool, len(a.elems))
	e := encoder{canon: true}
	for n := 0; ; n++ {
		for i, el := range a.elems {
			e.src, e.dst, e.elems = el.v, e.dst[:0], e.elems[:0]
			if e.value(el.t, 0, len(el.v), m, 0) != nil {
				continue
			}
			found := a.byText[string(e.dst)]
			if found == nil {
				found = &matches{}
				a.byText[string(e.dst)] = found
			}
			found.at = append(found.at, i)
			a.forms[i][n] = found
		}
		if m == JSON {
			return
		}
		m = JSON
	}
}
