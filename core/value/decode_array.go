package value

import (
	"bytes"
	"encoding/binary"
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
// that is equal in meaning, else any element of like that is; else it is
// decoded towards the one at its place, and beyond like's end towards the type
// that all of like's elements share.
func (d *decoder) array(n int, like raw) error {
	at := d.open()
	var old likeArray
	if like.t == bson.TypeArray {
		old.read(like.v)
	}
	pos := 0
	for i := n + 1; i < int(d.nodes[n].next); i = int(d.nodes[i].next) {
		if err := d.item(i, pos, &old); err != nil {
			return under(strconv.AppendInt(nil, int64(pos), 10), err)
		}
		pos++
	}
	d.shut(at)
	return nil
}

// item appends element pos of an array.
func (d *decoder) item(n, pos int, old *likeArray) error {
	typ := d.index(pos)
	at := len(d.dst)
	hint := old.hint(pos)
	t, err := d.value(n, hint)
	if len(old.elems) > 0 && (err != nil || t != hint.t || !bytes.Equal(d.dst[at:], hint.v)) {
		if same, ok := old.find(d, n); ok {
			t, err = same.t, nil
			d.dst = append(d.dst[:at], same.v...)
		}
	}
	if err != nil {
		return err
	}
	d.dst[typ] = byte(t)
	return nil
}

// likeArray is the array that MongoDB holds.
type likeArray struct {
	elems  []raw
	shared raw            // the last element, if all have its type
	byText map[string]int // canonical Ditto JSON to position, made on first use
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

// find is an element that is equal in meaning to node n.
func (a *likeArray) find(d *decoder, n int) (raw, bool) {
	if a.byText == nil {
		a.index(d.mode)
	}
	var some [16]member
	var room [256]byte
	c := canonicalizer{tape: d.tape, dst: room[:0], members: some[:0]}
	if c.value(n) != nil {
		return raw{}, false
	}
	i, ok := a.byText[string(c.dst)]
	if !ok {
		return raw{}, false
	}
	return a.elems[i], true
}

// index makes byText. In EJSON mode a device may also have written the plain
// form of what MongoDB holds.
func (a *likeArray) index(m Mode) {
	a.byText = make(map[string]int, len(a.elems))
	e := encoder{canon: true}
	for {
		for i, el := range a.elems {
			e.src, e.dst, e.elems = el.v, e.dst[:0], e.elems[:0]
			if e.value(el.t, 0, len(el.v), m, 0) != nil {
				continue
			}
			if _, ok := a.byText[string(e.dst)]; !ok {
				a.byText[string(e.dst)] = i
			}
		}
		if m == JSON {
			return
		}
		m = JSON
	}
}
