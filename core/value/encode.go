package value

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// AppendDitto appends the Ditto JSON of v: compact, keys sorted bytewise, of a
// repeated key the last, numbers spelled as Ditto spells them. On an error dst
// comes back as it was.
func AppendDitto(dst []byte, v bson.RawValue, m Mode) ([]byte, error) {
	var room [48]elem
	e := encoder{dst: dst, elems: room[:0]}
	if err := e.root(v, m); err != nil {
		return dst, err
	}
	return e.dst, nil
}

// encoder appends JSON to dst.
type encoder struct {
	dst   []byte
	elems []elem // of the documents that are being written, the outermost first
	canon bool   // spell numbers canonically
}

// elem is one element of a BSON document.
type elem struct {
	key, val []byte
	typ      bson.Type
}

func badBSON(what string) error { return fail(ErrBSON, what) }

// size reports whether v is one whole value of type t.
func wellFormed(t bson.Type, v []byte) bool {
	got, rest, ok := bsoncore.ReadValue(v, bsoncore.Type(t))
	return ok && len(rest) == 0 && len(got.Data) == len(v)
}

func (e *encoder) root(v bson.RawValue, m Mode) error {
	if !wellFormed(v.Type, v.Value) {
		return badBSON("a value of type " + v.Type.String() + " that is too short or too long")
	}
	return e.value(v.Type, v.Value, m, 0)
}

// value appends one value, which is well formed on the outside.
func (e *encoder) value(t bson.Type, v []byte, m Mode, depth int) error {
	switch t {
	case bson.TypeEmbeddedDocument:
		return e.document(v, m, depth+1)
	case bson.TypeArray:
		return e.array(v, m, depth+1)
	case bson.TypeString:
		return e.string(v)
	case bson.TypeBoolean:
		e.dst = strconv.AppendBool(e.dst, v[0] != 0)
		return nil
	case bson.TypeNull:
		e.dst = append(e.dst, "null"...)
		return nil
	}
	if m == JSON && e.plain(t, v) {
		return nil
	}
	return e.wrapper(t, v, depth)
}

// plain appends a value of the types that the connector's table has a plain
// form for; false if it needs a wrapper.
func (e *encoder) plain(t bson.Type, v []byte) bool {
	switch t {
	case bson.TypeInt32:
		e.dst = strconv.AppendInt(e.dst, int64(int32(binary.LittleEndian.Uint32(v))), 10)
	case bson.TypeInt64:
		e.dst = strconv.AppendInt(e.dst, int64(binary.LittleEndian.Uint64(v)), 10)
	case bson.TypeDouble:
		f := math.Float64frombits(binary.LittleEndian.Uint64(v))
		switch {
		case math.IsNaN(f) || math.IsInf(f, 0):
			return false
		case e.canon:
			e.dst = appendCanonicalFloat(e.dst, f)
		default:
			e.dst = appendFloat(e.dst, f)
		}
	case bson.TypeObjectID:
		e.dst = append(e.dst, '"')
		e.dst = hex.AppendEncode(e.dst, v)
		e.dst = append(e.dst, '"')
	case bson.TypeDateTime:
		ms := int64(binary.LittleEndian.Uint64(v))
		if ms < minISO || ms > maxISO {
			return false
		}
		e.dst = append(e.dst, '"')
		e.dst = appendISO(e.dst, ms)
		e.dst = append(e.dst, '"')
	case bson.TypeTimestamp:
		e.dst = strconv.AppendUint(e.dst, uint64(binary.LittleEndian.Uint32(v[4:])), 10)
	case bson.TypeDecimal128:
		e.dst = append(e.dst, '"')
		e.dst = append(e.dst, decimal(v).String()...)
		e.dst = append(e.dst, '"')
	default:
		return false
	}
	return true
}

func decimal(v []byte) bson.Decimal128 {
	return bson.NewDecimal128(binary.LittleEndian.Uint64(v[8:]), binary.LittleEndian.Uint64(v))
}

// string appends a BSON string: length, bytes, NUL.
func (e *encoder) string(v []byte) error {
	if len(v) < 5 || v[len(v)-1] != 0 {
		return badBSON("a string without its NUL")
	}
	return e.text(v[4 : len(v)-1])
}

func (e *encoder) text(s []byte) error {
	var ok bool
	if e.dst, ok = appendString(e.dst, s); !ok {
		return badBSON("a string that is not UTF-8")
	}
	return nil
}

func (e *encoder) document(v []byte, m Mode, depth int) error {
	if depth > MaxDepth {
		return fail(ErrDepth, "")
	}
	base := len(e.elems)
	if err := e.collect(v); err != nil {
		return err
	}
	e.sort(base)
	e.dst = append(e.dst, '{')
	// By index: what is nested grows e.elems, and may move it.
	for i, n := base, len(e.elems); i < n; i++ {
		if i > base {
			e.dst = append(e.dst, ',')
		}
		el := e.elems[i]
		if err := e.text(el.key); err != nil {
			return badBSON("a field name that is not UTF-8")
		}
		e.dst = append(e.dst, ':')
		if err := e.value(el.typ, el.val, m, depth); err != nil {
			return under(el.key, err)
		}
	}
	e.elems = e.elems[:base]
	e.dst = append(e.dst, '}')
	return nil
}

// collect appends the elements of the document v to e.elems.
func (e *encoder) collect(v []byte) error {
	r, err := elements(v)
	if err != nil {
		return err
	}
	for {
		el, ok, err := r.next()
		if err != nil {
			return err
		}
		if !ok {
			return nil
		}
		e.elems = append(e.elems, el)
	}
}

// sort orders e.elems from base on by key, and keeps the last of each key.
func (e *encoder) sort(base int) {
	all := e.elems[base:]
	sorted := true
	for i := 1; i < len(all) && sorted; i++ {
		sorted = string(all[i-1].key) < string(all[i].key)
	}
	if sorted {
		return
	}
	slices.SortStableFunc(all, func(a, b elem) int { return bytes.Compare(a.key, b.key) })
	keep := all[:0]
	for i, el := range all {
		if i+1 == len(all) || !bytes.Equal(el.key, all[i+1].key) {
			keep = append(keep, el)
		}
	}
	e.elems = e.elems[:base+len(keep)]
}

func (e *encoder) array(v []byte, m Mode, depth int) error {
	if depth > MaxDepth {
		return fail(ErrDepth, "")
	}
	r, err := elements(v)
	if err != nil {
		return err
	}
	e.dst = append(e.dst, '[')
	for i := 0; ; i++ {
		el, ok, err := r.next()
		if err != nil {
			return err
		}
		if !ok {
			e.dst = append(e.dst, ']')
			return nil
		}
		if i > 0 {
			e.dst = append(e.dst, ',')
		}
		if err := e.value(el.typ, el.val, m, depth); err != nil {
			return under(strconv.AppendInt(nil, int64(i), 10), err)
		}
	}
}
