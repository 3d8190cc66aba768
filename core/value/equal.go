package value

import (
	"bytes"
	"encoding/binary"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Equal reports whether MongoDB's mv and Ditto's js are equal in meaning: mv,
// as it would stand in Ditto, is js, integral floats counting as integers; or
// js, as it would stand in MongoDB over mv, is mv. The zero mv and an empty js
// stand for absence. What is malformed equals nothing.
func Equal(mv bson.RawValue, js []byte, m Mode) bool {
	if mv.Type == 0 || len(js) == 0 {
		return mv.Type == 0 && len(js) == 0
	}
	if spells(mv, js, m) {
		return true
	}
	r := borrow()
	defer r.free()
	t, err := scan(js, r)
	if err != nil || !wellFormed(mv.Type, mv.Value) {
		return false
	}
	e := encoder{src: mv.Value, dst: r.a[:0], elems: r.elems[:0], canon: true}
	c := canonicalizer{tape: t, dst: r.b[:0], members: r.members[:0]}
	ok := e.value(mv.Type, 0, len(mv.Value), m, 0) == nil && c.value(0) == nil
	r.a, r.b, r.elems, r.members = e.dst, c.dst, e.elems, c.members
	if !ok {
		return false
	}
	if bytes.Equal(e.dst, c.dst) {
		return true
	}
	d := decoder{tape: t, mode: m, members: r.members[:0], dst: r.a[:0]}
	typ, err := d.value(0, raw{mv.Type, mv.Value})
	r.a, r.members = d.dst, d.members
	return err == nil && typ == mv.Type && bytes.Equal(d.dst, mv.Value)
}

// spells reports whether js is, byte for byte, how mv stands in Ditto, for the
// common types and texts without escapes. It is the quick answer to Equal: false
// says nothing.
func spells(mv bson.RawValue, js []byte, m Mode) bool {
	v := mv.Value
	var number [20]byte
	switch {
	case mv.Type == bson.TypeString:
		n := len(v) - 5
		return n >= 0 && n+2 == len(js) && int64(binary.LittleEndian.Uint32(v)) == int64(n+1) && v[n+4] == 0 &&
			js[0] == '"' && js[n+1] == '"' && bytes.Equal(v[4:n+4], js[1:n+1]) && plainLen(js[1:n+1]) == n
	case mv.Type == bson.TypeInt32 && m == JSON && len(v) == 4:
		return bytes.Equal(strconv.AppendInt(number[:0], int64(int32(binary.LittleEndian.Uint32(v))), 10), js)
	case mv.Type == bson.TypeInt64 && m == JSON && len(v) == 8:
		return bytes.Equal(strconv.AppendInt(number[:0], int64(binary.LittleEndian.Uint64(v)), 10), js)
	}
	return false
}
