package value

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Decode turns the Ditto value js into the BSON value that it means where
// MongoDB holds like (the zero RawValue: nothing). It takes like's type where
// js parses as one, keeps the key order of like's objects, and the elements of
// its arrays that are equal in meaning (invariant 9). docs/types.md has the rules. Errors
// are *Error.
//
// Extended JSON objects and plain values are understood in both modes; m only
// says which form like has in Ditto.
func Decode(js []byte, like bson.RawValue, m Mode) (bson.RawValue, error) {
	r := borrow()
	defer r.free()
	t, err := scan(js, r)
	if err != nil {
		return bson.RawValue{}, err
	}
	d := decoder{tape: t, mode: m, members: r.members[:0], dst: r.a[:0]}
	typ, err := d.value(0, raw{like.Type, like.Value})
	r.a, r.members = d.dst, d.members
	if err != nil {
		return bson.RawValue{}, err
	}
	return bson.RawValue{Type: typ, Value: append(make([]byte, 0, len(d.dst)), d.dst...)}, nil
}

// raw is a BSON value; the zero raw is none.
type raw struct {
	t bson.Type
	v []byte
}

// decoder appends BSON to dst.
type decoder struct {
	*tape
	mode    Mode
	dst     []byte
	members []member // of the objects that are being written, the outermost first
}

// value appends node n as it stands towards like, and returns its type.
func (d *decoder) value(n int, like raw) (bson.Type, error) {
	v := &d.nodes[n]
	switch v.kind {
	case nullKind:
		return bson.TypeNull, nil
	case falseKind:
		d.dst = append(d.dst, 0)
		return bson.TypeBoolean, nil
	case trueKind:
		d.dst = append(d.dst, 1)
		return bson.TypeBoolean, nil
	case intKind, floatKind:
		return d.number(d.raw(n), v.kind, like)
	case stringKind:
		return d.string(d.str(n), like), nil
	case arrayKind:
		if like.t == bson.TypeBinary && d.isBytes(n) {
			return bson.TypeBinary, d.bytes(n, like.v)
		}
		return bson.TypeArray, d.array(n, like)
	}
	if key := d.typeKey(n); key >= 0 && !d.isDocument(n, like) {
		return d.wrapper(n, key, like)
	}
	return bson.TypeEmbeddedDocument, d.object(n, like)
}

func (d *decoder) int64(i int64) { d.dst = binary.LittleEndian.AppendUint64(d.dst, uint64(i)) }

func (d *decoder) int32(i int32) { d.dst = binary.LittleEndian.AppendUint32(d.dst, uint32(i)) }

// plainInt appends an integer of no known type.
func (d *decoder) plainInt(i int64) bson.Type {
	if i == int64(int32(i)) {
		d.int32(int32(i))
		return bson.TypeInt32
	}
	d.int64(i)
	return bson.TypeInt64
}

func (d *decoder) double(f float64, like raw) bson.Type { //nolint:unparam // its siblings return their type too
	if like.t == bson.TypeDouble && len(like.v) == 8 {
		// 0 and -0.0 are one value, and so are all NaNs: keep MongoDB's.
		if g := math.Float64frombits(binary.LittleEndian.Uint64(like.v)); f == g || f != f && g != g {
			d.dst = append(d.dst, like.v...)
			return bson.TypeDouble
		}
	}
	d.int64(int64(math.Float64bits(f)))
	return bson.TypeDouble
}

// number appends a number towards like. An integral float counts as an
// integer where MongoDB holds an integer type.
func (d *decoder) number(s []byte, k kind, like raw) (bson.Type, error) {
	i, u, ok := int64(0), uint64(0), false
	var f float64
	if k == intKind {
		i, u, ok = integer(s)
	}
	if !ok {
		var err error
		if f, err = float(s); err != nil {
			return 0, err
		}
		if f == math.Trunc(f) && f >= -1<<63 && f < 1<<63 {
			i, ok = int64(f), true
			k = floatKind
		}
	}
	if like.t == bson.TypeDecimal128 {
		if t, done := d.decimal(s, like); done {
			return t, nil
		}
	}
	switch {
	case u != 0: // over int64
		if f = float64(u); like.t == bson.TypeDouble && f < 1<<64 && uint64(f) == u {
			return d.double(f, like), nil
		}
		return 0, fail(ErrRange, "an integer over int64")
	case !ok: // a fraction, or beyond int64
		return d.double(f, like), nil
	}
	switch like.t {
	case bson.TypeInt32:
		return d.plainInt(i), nil
	case bson.TypeInt64:
		d.int64(i)
		return bson.TypeInt64, nil
	case bson.TypeTimestamp:
		if i >= 0 && i <= math.MaxUint32 && len(like.v) == 8 {
			d.timestamp(uint32(i), like)
			return bson.TypeTimestamp, nil
		}
	case bson.TypeDouble:
		if k == intKind {
			if f = float64(i); f < 1<<63 && int64(f) == i {
				return d.double(f, like), nil
			}
		}
	}
	if k == floatKind {
		if f == 0 && s[0] == '-' {
			f = math.Copysign(0, -1)
		}
		return d.double(f, like), nil
	}
	return d.plainInt(i), nil
}

// timestamp appends seconds: unchanged ones keep their increment.
func (d *decoder) timestamp(seconds uint32, like raw) {
	if binary.LittleEndian.Uint32(like.v[4:]) == seconds {
		d.dst = append(d.dst, like.v...)
		return
	}
	d.dst = binary.LittleEndian.AppendUint32(d.dst, 0)
	d.dst = binary.LittleEndian.AppendUint32(d.dst, seconds)
}

// string appends a string towards like.
func (d *decoder) string(s []byte, like raw) bson.Type {
	switch like.t {
	case bson.TypeObjectID:
		if d.objectID(s) {
			return bson.TypeObjectID
		}
	case bson.TypeDateTime:
		if ms, ok := parseISO(s); ok {
			d.int64(ms)
			return bson.TypeDateTime
		}
	case bson.TypeDecimal128:
		if t, ok := d.decimal(s, like); ok {
			return t
		}
	}
	d.text(s)
	return bson.TypeString
}

// text appends a BSON string.
func (d *decoder) text(s []byte) {
	d.int32(int32(len(s) + 1))
	d.dst = append(d.dst, s...)
	d.dst = append(d.dst, 0)
}

// objectID appends 24 hexadecimal digits as an ObjectId; false for other text.
func (d *decoder) objectID(s []byte) bool {
	var id [12]byte
	if len(s) != 24 {
		return false
	}
	if _, err := hex.Decode(id[:], s); err != nil {
		return false
	}
	d.dst = append(d.dst, id[:]...)
	return true
}

// open appends room for a document's length; shut fills it in.
func (d *decoder) open() int {
	d.dst = append(d.dst, 0, 0, 0, 0)
	return len(d.dst) - 4
}

func (d *decoder) shut(at int) {
	d.dst = append(d.dst, 0)
	binary.LittleEndian.PutUint32(d.dst[at:], uint32(len(d.dst)-at))
}

// object appends an object: the keys of like in their order, then the others.
func (d *decoder) object(n int, like raw) error {
	base := len(d.members)
	d.members = d.tape.members(d.members, n)
	end := len(d.members)
	at := d.open()
	if like.t == bson.TypeEmbeddedDocument {
		r, err := elements(like.v)
		for err == nil {
			var el element
			var ok bool
			if el, ok, err = r.next(); !ok {
				break
			}
			i := d.find(d.members[base:end], el.key)
			if i < 0 || d.members[base+i].used {
				continue
			}
			d.members[base+i].used = true
			if err := d.element(d.members[base+i], raw{el.typ, el.val}); err != nil {
				return err
			}
		}
	}
	for i := base; i < end; i++ {
		if !d.members[i].used {
			if err := d.element(d.members[i], raw{}); err != nil {
				return err
			}
		}
	}
	d.members = d.members[:base]
	d.shut(at)
	return nil
}

// element appends type, key and value of a member.
func (d *decoder) element(m member, like raw) error {
	at := len(d.dst)
	d.dst = append(d.dst, 0)
	d.dst = append(d.dst, d.key(m)...)
	if m.copied && bytes.IndexByte(d.dst[at+1:], 0) >= 0 { // only an escape can make a NUL
		return fail(ErrNulKey, "")
	}
	d.dst = append(d.dst, 0)
	t, err := d.value(int(m.node), like)
	if err != nil {
		return under(d.key(m), err)
	}
	d.dst[at] = byte(t)
	return nil
}

// index appends the key of an array's element, and returns where its type goes.
func (d *decoder) index(i int) int {
	at := len(d.dst)
	d.dst = append(d.dst, 0)
	d.dst = strconv.AppendInt(d.dst, int64(i), 10)
	d.dst = append(d.dst, 0)
	return at
}
