package value

import (
	"bytes"

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
