package ledger

import (
	"errors"
	"fmt"
	"strings"
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
func decode(raw bson.Raw) (e Entry, writer string, err error) {
	var id string
	var now, until time.Time
	rest := raw[min(4, len(raw)):]
	for len(rest) > 1 {
		element, tail, ok := bsoncore.ReadElement(rest)
		if !ok {
			return e, "", errForm
		}
		rest = tail
		v := element.Value()
		good := true
		switch element.Key() {
		case "_id":
			id, good = v.StringValueOK()
		case fieldCollection:
			e.Key.Collection, good = v.StringValueOK()
		case fieldMongoID:
			e.MongoID = bson.RawValue{Type: bson.Type(v.Type), Value: v.Data}
		case fieldRev:
			e.Rev, good = v.AsInt64OK()
		case fieldState:
			var s string
			s, good = v.StringValueOK()
			e.State = State(s)
		case fieldBy:
			var s string
			s, good = v.StringValueOK()
			e.By = value.Side(s)
		case fieldUnits:
			e.Units, good = decodeUnits(v)
		case fieldCounters:
			e.Counters, good = decodeCounters(v)
		case fieldMaps:
			good = rows(v, func(r *row) bool {
				e.Maps = append(e.Maps, r.path())
				return true
			})
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
			writer, good = v.StringValueOK()
		case fieldClaim:
			e.Claim, until, good = decodeClaim(v)
		}
		if !good {
			return e, "", fmt.Errorf("field %s: %w", element.Key(), errForm)
		}
	}
	ditto, ok := strings.CutPrefix(id, e.Key.Collection+"/")
	if !ok || e.Key.Collection == "" || ditto == "" {
		return e, "", fmt.Errorf("field _id: %w", errForm)
	}
	e.Key.ID = docid.ID(ditto)
	if e.Claim != nil {
		e.Claim.Live = until.After(now)
	}
	return e, writer, nil
}

func timeOf(v bsoncore.Value) (time.Time, bool) {
	ms, ok := v.DateTimeOK()
	return time.UnixMilli(ms).UTC(), ok
}

func decodeUnits(v bsoncore.Value) (units []Unit, ok bool) {
	ok = rows(v, func(r *row) bool {
		hashes, ok := r.binary(32)
		if !ok {
			return false
		}
		u := Unit{Path: r.path()}
		copy(u.M[:], hashes[:16])
		copy(u.D[:], hashes[16:])
		units = append(units, u)
		return true
	})
	return units, ok
}

func decodeCounters(v bsoncore.Value) (counters map[value.Path]int64, ok bool) {
	counters = map[value.Path]int64{}
	ok = rows(v, func(r *row) bool {
		n, ok := r.last().AsInt64OK()
		counters[r.path()] = n
		return ok
	})
	return counters, ok
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
		ok = rows(list, func(r *row) bool {
			a := Announcement{}
			hash, ok := r.binary(16)
			if !ok {
				return false
			}
			copy(a.Hash[:], hash)
			side, ok := r.last().StringValueOK()
			a.Side, a.Path = value.Side(side), r.path()
			c.Announced = append(c.Announced, a)
			return ok
		})
	}
	return c, until, ok
}

// row is one inner array: path segments, then fixed values.
type row struct {
	values []bsoncore.Value
	buf    [8]bsoncore.Value
	text   []byte
	bad    bool
}

// rows calls f for each inner array of v.
func rows(v bsoncore.Value, f func(*row) bool) bool {
	list, ok := v.ArrayOK()
	if !ok {
		return false
	}
	var r row
	rest := []byte(list)[4:]
	for len(rest) > 1 {
		element, tail, ok := bsoncore.ReadElement(rest)
		if !ok {
			return false
		}
		rest = tail
		inner, ok := element.Value().ArrayOK()
		if !ok {
			return false
		}
		r.values = r.buf[:0]
		for in := []byte(inner)[4:]; len(in) > 1; {
			element, tail, ok := bsoncore.ReadElement(in)
			if !ok {
				return false
			}
			in = tail
			r.values = append(r.values, element.Value())
		}
		if !f(&r) || r.bad {
			return false
		}
	}
	return true
}

// last takes the last value.
func (r *row) last() bsoncore.Value {
	if len(r.values) == 0 {
		r.bad = true
		return bsoncore.Value{}
	}
	v := r.values[len(r.values)-1]
	r.values = r.values[:len(r.values)-1]
	return v
}

func (r *row) binary(size int) ([]byte, bool) {
	_, data, ok := r.last().BinaryOK()
	return data, ok && len(data) == size
}

// path is what the remaining values spell.
func (r *row) path() value.Path {
	r.text = r.text[:0]
	for _, v := range r.values {
		s, ok := v.StringValueOK()
		if !ok {
			r.bad = true
		}
		r.text = append(append(r.text, 0), s...)
	}
	return value.Path(r.text)
}
