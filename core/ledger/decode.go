package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// errForm is an entry that no version of this package wrote.
var errForm = errors.New("not in the ledger's form")

// decode reads a stored entry. now, the database's clock as of the read,
// decides whether the claim is live.
func decode(raw bson.Raw) (e Entry, writer []byte, err error) {
	var id string
	var collection []byte
	var now, until time.Time
	rest := raw[min(4, len(raw)):]
	for len(rest) > 1 {
		element, tail, ok := bsoncore.ReadElement(rest)
		if !ok {
			return e, nil, errForm
		}
		rest = tail
		v := element.Value()
		good := true
		switch string(element.KeyBytes()) {
		case "_id":
			id, good = v.StringValueOK()
		case fieldCollection:
			collection, good = textOf(v)
		case fieldMongoID:
			e.MongoID = bson.RawValue{Type: bson.Type(v.Type), Value: v.Data}
		case fieldRev:
			e.Rev, good = v.AsInt64OK()
		case fieldState:
			var s []byte
			s, good = textOf(v)
			e.State = known(s, Live, Deleted, Detached, Parked, Baseline)
		case fieldBy:
			var s []byte
			s, good = textOf(v)
			e.By = sideOf(s)
		case fieldUnits:
			e.Units, good = decodeUnits(v)
		case fieldCounters:
			e.Counters, good = decodeCounters(v)
		case fieldMaps:
			e.Maps, good = decodePaths(v)
		case fieldTxn:
			e.Txn, good = v.AsInt64OK()
		case fieldSize:
			var n int64
			n, good = v.AsInt64OK()
			e.Size = int(n)
		case fieldAt:
			e.At, good = timeOf(v)
		case fieldNow:
			now, good = timeOf(v)
		case fieldWriter:
			writer, good = textOf(v)
		case fieldTaken:
			e.Taken, good = decodeWindow(v)
		case fieldClaim:
			e.Claim, until, good = decodeClaim(v)
		}
		if !good {
			return e, nil, fmt.Errorf("field %s: %w", element.Key(), errForm)
		}
	}
	n := len(collection)
	if n == 0 || len(id) < n+2 || id[:n] != string(collection) || id[n] != '/' {
		return e, nil, fmt.Errorf("field _id: %w", errForm)
	}
	e.Key = Key{Collection: id[:n], ID: docid.ID(id[n+1:])}
	if e.Claim != nil {
		e.Claim.Live = until.After(now)
	}
	return e, writer, nil
}

func timeOf(v bsoncore.Value) (time.Time, bool) {
	ms, ok := v.DateTimeOK()
	return time.UnixMilli(ms).UTC(), ok
}

// known is s, as one of the values that it usually is: they cost no memory.
func known[T ~string](s []byte, usual ...T) T {
	for _, u := range usual {
		if string(s) == string(u) {
			return u
		}
	}
	return T(s)
}

func sideOf(s []byte) value.Side { return known(s, value.MongoDB, value.Ditto) }

// textOf is the text of a string.
func textOf(v bsoncore.Value) ([]byte, bool) {
	if v.Type != bsoncore.TypeString || len(v.Data) < 5 {
		return nil, false
	}
	s := v.Data[4:]
	n := int64(binary.LittleEndian.Uint32(v.Data))
	if n < 1 || n > int64(len(s)) || s[n-1] != 0 {
		return nil, false
	}
	return s[:n-1], true
}

func decodeWindow(v bsoncore.Value) (*Window, bool) {
	doc, ok := v.DocumentOK()
	if !ok {
		return nil, false
	}
	var w Window
	var good [4]bool
	w.From, good[0] = timeOf(doc.Lookup(fieldFrom))
	w.To, good[1] = timeOf(doc.Lookup(fieldTo))
	w.FromTxn, good[2] = doc.Lookup(fieldFromTxn).AsInt64OK()
	w.ToTxn, good[3] = doc.Lookup(fieldToTxn).AsInt64OK()
	return &w, good == [4]bool{true, true, true, true}
}

func decodeUnits(v bsoncore.Value) ([]Unit, bool) {
	l, ok := listOf(v)
	units := make([]Unit, 0, len(l.rest)/(2+2*len(value.Hash{}))+1)
	for ok && l.more() {
		var u Unit
		u.Path = l.path()
		copy(u.M[:], l.take(len(u.M)))
		copy(u.D[:], l.take(len(u.D)))
		units = append(units, u)
	}
	return units, ok && !l.bad
}

func decodeCounters(v bsoncore.Value) (map[value.Path]int64, bool) {
	r, ok := rowsOf(v)
	counters := map[value.Path]int64{}
	for ok && r.next() {
		n, ok := r.last().AsInt64OK()
		if !ok {
			return nil, false
		}
		counters[r.path()] = n
	}
	return counters, ok && !r.bad
}

func decodePaths(v bsoncore.Value) (paths []value.Path, good bool) {
	r, ok := rowsOf(v)
	for ok && r.next() {
		paths = append(paths, r.path())
	}
	return paths, ok && !r.bad
}

func decodeClaim(v bsoncore.Value) (c *Claim, until time.Time, ok bool) {
	doc, ok := v.DocumentOK()
	if !ok {
		return nil, until, false
	}
	c = &Claim{}
	if c.Owner, ok = doc.Lookup(fieldOwner).StringValueOK(); !ok {
		return nil, until, false
	}
	if until, ok = timeOf(doc.Lookup(fieldUntil)); !ok {
		return nil, until, false
	}
	if list, err := doc.LookupErr(fieldAnnounced); err == nil {
		c.Announced, ok = decodeAnnounced(list)
	}
	return c, until, ok
}

func decodeAnnounced(v bsoncore.Value) ([]Announcement, bool) {
	l, ok := listOf(v)
	all := make([]Announcement, 0, len(l.rest)/(2+len(value.Hash{}))+1)
	for ok && l.more() {
		var a Announcement
		a.Path = l.path()
		switch l.take(1) {
		case "m":
			a.Side = value.MongoDB
		case "d":
			a.Side = value.Ditto
		default:
			l.bad = true
		}
		copy(a.Hash[:], l.take(len(a.Hash)))
		all = append(all, a)
	}
	return all, ok && !l.bad
}

// packed walks a list in a Binary. bad tells that it was not of its form. It is
// one string, of which the paths are parts.
type packed struct {
	rest string
	bad  bool
}

func listOf(v bsoncore.Value) (packed, bool) {
	_, data, ok := v.BinaryOK()
	return packed{rest: string(data)}, ok
}

func (l *packed) more() bool { return !l.bad && len(l.rest) > 0 }

func (l *packed) take(n int) string {
	if n > len(l.rest) {
		l.bad, n = true, len(l.rest)
	}
	taken := l.rest[:n]
	l.rest = l.rest[n:]
	return taken
}

// path takes a path, which stands after its length.
func (l *packed) path() value.Path {
	size, n := binary.Uvarint([]byte(l.rest[:min(len(l.rest), binary.MaxVarintLen64)]))
	if n <= 0 || size > uint64(len(l.rest)-n) || size > 0 && l.rest[n] != 0 {
		l.bad = true
		return ""
	}
	l.rest = l.rest[n:]
	return value.Path(l.take(int(size)))
}

// rows walks the rows of a list, which are arrays: path segments, then fixed
// values. bad tells that the list was not of that form.
type rows struct {
	rest   []byte
	values []bsoncore.Value // what is left of the row
	text   []byte
	bad    bool
}

func rowsOf(v bsoncore.Value) (rows, bool) {
	list, ok := v.ArrayOK()
	if !ok {
		return rows{}, false
	}
	return rows{rest: list[4:], values: make([]bsoncore.Value, 0, 4)}, true
}

func (r *rows) next() bool {
	if r.bad || len(r.rest) <= 1 {
		return false
	}
	r.bad = !r.read()
	return !r.bad
}

func (r *rows) read() bool {
	element, tail, ok := bsoncore.ReadElement(r.rest)
	if !ok {
		return false
	}
	r.rest = tail
	inner, ok := element.Value().ArrayOK()
	if !ok {
		return false
	}
	r.values = r.values[:0]
	for in := []byte(inner)[4:]; len(in) > 1; {
		element, tail, ok := bsoncore.ReadElement(in)
		if !ok {
			return false
		}
		in = tail
		r.values = append(r.values, element.Value())
	}
	return true
}

// last takes the last value.
func (r *rows) last() bsoncore.Value {
	if len(r.values) == 0 {
		r.bad = true
		return bsoncore.Value{}
	}
	v := r.values[len(r.values)-1]
	r.values = r.values[:len(r.values)-1]
	return v
}

// path is what the remaining values spell.
func (r *rows) path() value.Path {
	r.text = r.text[:0]
	for _, v := range r.values {
		s, ok := textOf(v)
		if !ok {
			r.bad = true
		}
		r.text = append(append(r.text, 0), s...)
	}
	return value.Path(r.text)
}
