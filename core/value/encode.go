package value

import (
	"bytes"
	"cmp"
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
	if !wellFormed(v.Type, v.Value) {
		return dst, badBSON("a value of type " + v.Type.String() + " that is too short or too long")
	}
	r := borrow()
	defer r.free()
	e := encoder{src: v.Value, dst: dst, elems: r.elems[:0]}
	err := e.value(v.Type, 0, len(v.Value), m, 0)
	r.elems = e.elems
	if err != nil {
		return dst, err
	}
	return e.dst, nil
}

// encoder appends the JSON of values within src to dst.
type encoder struct {
	src, dst []byte
	elems    []elem // of the documents that are being written, the outermost first
	canon    bool   // spell numbers canonically
}

// elem is one element of a BSON document: where in src its key and its value
// lie. first has the key's first eight bytes, for sorting.
type elem struct {
	first                 uint64
	key, keyEnd, val, end uint32
	typ                   bson.Type
}

func badBSON(what string) error { return fail(ErrBSON, what) }

// wellFormed reports whether v is one whole value of type t.
func wellFormed(t bson.Type, v []byte) bool {
	got, rest, ok := bsoncore.ReadValue(v, bsoncore.Type(t))
	return ok && len(rest) == 0 && len(got.Data) == len(v)
}

// value appends the value at src[at:end], which has the length that its type
// asks for.
func (e *encoder) value(t bson.Type, at, end int, m Mode, depth int) error {
	switch t {
	case bson.TypeEmbeddedDocument:
		return e.document(at, end, m, depth+1)
	case bson.TypeArray:
		return e.array(at, end, m, depth+1)
	case bson.TypeString:
		return e.string(e.src[at:end])
	case bson.TypeBoolean:
		e.dst = strconv.AppendBool(e.dst, e.src[at] != 0)
		return nil
	case bson.TypeNull:
		e.dst = append(e.dst, "null"...)
		return nil
	}
	if m == JSON && e.plain(t, e.src[at:end]) {
		return nil
	}
	return e.wrapper(t, at, end, depth)
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
		e.dst = appendDecimal(e.dst, v)
		e.dst = append(e.dst, '"')
	default:
		return false
	}
	return true
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

func (e *encoder) document(at, end int, m Mode, depth int) error {
	if depth > MaxDepth {
		return fail(ErrDepth, "")
	}
	base := len(e.elems)
	if err := e.collect(at, end); err != nil {
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
		if err := e.text(e.key(el)); err != nil {
			return badBSON("a field name that is not UTF-8")
		}
		e.dst = append(e.dst, ':')
		if err := e.value(el.typ, int(el.val), int(el.end), m, depth); err != nil {
			return under(e.key(el), err)
		}
	}
	e.elems = e.elems[:base]
	e.dst = append(e.dst, '}')
	return nil
}

func (e *encoder) key(el elem) []byte { return e.src[el.key:el.keyEnd] }

// collect appends the elements of the document at src[at:end] to e.elems.
func (e *encoder) collect(at, end int) error {
	r, err := elements(e.src[at:end])
	if err != nil {
		return err
	}
	for {
		el, ok, err := r.next()
		if err != nil || !ok {
			return err
		}
		to := uint32(end - 1 - len(r.rest))
		from := to - uint32(len(el.val))
		e.elems = append(e.elems, elem{
			first: firstBytes(el.key), key: from - 1 - uint32(len(el.key)), keyEnd: from - 1, val: from, end: to, typ: el.typ,
		})
	}
}

// firstBytes is the start of a key as a number that sorts alike. A key holds
// no NUL, so a short one comes before all that it begins.
func firstBytes(key []byte) (n uint64) {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	for i, c := range key {
		n |= uint64(c) << (56 - 8*i)
	}
	return n
}

func (e *encoder) compare(a, b elem) int {
	if a.first != b.first {
		return cmp.Compare(a.first, b.first)
	}
	return bytes.Compare(e.key(a), e.key(b))
}

// sort orders e.elems from base on by key, and keeps the last of each key.
func (e *encoder) sort(base int) {
	all := e.elems[base:]
	if len(all) > 24 {
		slices.SortStableFunc(all, e.compare)
	} else {
		for i := 1; i < len(all); i++ {
			el, j := all[i], i
			for ; j > 0 && e.compare(el, all[j-1]) < 0; j-- {
				all[j] = all[j-1]
			}
			all[j] = el
		}
	}
	keep := all[:0]
	for i, el := range all {
		if i+1 == len(all) || el.first != all[i+1].first || !bytes.Equal(e.key(el), e.key(all[i+1])) {
			keep = append(keep, el)
		}
	}
	e.elems = e.elems[:base+len(keep)]
}

func (e *encoder) array(at, end int, m Mode, depth int) error {
	if depth > MaxDepth {
		return fail(ErrDepth, "")
	}
	r, err := elements(e.src[at:end])
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
		to := end - 1 - len(r.rest)
		if err := e.value(el.typ, to-len(el.val), to, m, depth); err != nil {
			return under(strconv.AppendInt(nil, int64(i), 10), err)
		}
	}
}
