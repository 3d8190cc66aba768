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
	var nodes [64]node
	t, err := scan(js, nodes[:])
	if err != nil || !wellFormed(mv.Type, mv.Value) {
		return false
	}
	var (
		elems   [32]elem
		members [32]member
		a, b    [256]byte
	)
	e := encoder{dst: a[:0], elems: elems[:0], canon: true}
	c := canonicalizer{tape: &t, dst: b[:0], members: members[:0]}
	if e.value(mv.Type, mv.Value, m, 0) != nil || c.value(0) != nil {
		return false
	}
	if bytes.Equal(e.dst, c.dst) {
		return true
	}
	d := decoder{tape: &t, mode: m, members: c.members[:0], dst: e.dst[:0]}
	typ, err := d.value(0, raw{mv.Type, mv.Value})
	return err == nil && typ == mv.Type && bytes.Equal(d.dst, mv.Value)
}
