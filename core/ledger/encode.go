package ledger

import (
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/causeway-sync/causeway/core/value"
)

// Field names of a stored entry. `at`, `expires` and `claim.until` are times
// of the database's clock.
const (
	fieldCollection = "collection"
	fieldMongoID    = "mongoId"
	fieldRev        = "rev"
	fieldState      = "state"
	fieldBy         = "by"
	fieldUnits      = "units"    // Binary: of each unit its path, MongoDB's hash, Ditto's hash
	fieldCounters   = "counters" // [[segment, …, int64], …]
	fieldMaps       = "maps"     // [[segment, …], …]
	fieldTxn        = "txn"
	fieldSize       = "size"
	fieldAt         = "at"
	fieldExpires    = "expires" // tombstones only
	fieldSettled    = "settled" // of conflict records only
	fieldWriter     = "w"       // who wrote this revision: tells mine after an ambiguous answer
	fieldClaim      = "claim"
	fieldOwner      = "owner"
	fieldUntil      = "until"
	fieldAnnounced  = "announced" // Binary: of each value its path, 'm' or 'd' for the side, its hash
	fieldNow        = "now"       // computed when read
	fieldTaken      = "taken"     // baselines only: {from, to, fromTxn, toTxn}
	fieldFrom       = "from"
	fieldTo         = "to"
	fieldFromTxn    = "fromTxn"
	fieldToTxn      = "toTxn"
)

// times are those of an entry that the database's clock sets; zero for none.
type times struct {
	at, until, taken, expires time.Time
}

// encode is the stored form of e, without the times that the database sets.
func encode(e *Entry, rev int64, writer string) bson.Raw {
	return encodeAt(e, rev, writer, times{})
}

// encodeAt is the stored form of e.
func encodeAt(e *Entry, rev int64, writer string, set times) bson.Raw {
	doc, b := bsoncore.AppendDocumentStart(make([]byte, 0, e.room()+len(writer)))
	b = appendID(b, e.Key)
	b = bsoncore.AppendStringElement(b, fieldCollection, e.Key.Collection)
	if e.MongoID.Type != 0 {
		b = bsoncore.AppendValueElement(b, fieldMongoID, bsoncore.Value{Type: bsoncore.Type(e.MongoID.Type), Data: e.MongoID.Value})
	}
	b = bsoncore.AppendInt64Element(b, fieldRev, rev)
	b = bsoncore.AppendStringElement(b, fieldState, string(e.State))
	if e.By != "" {
		b = bsoncore.AppendStringElement(b, fieldBy, string(e.By))
	}
	if len(e.Units) > 0 {
		var list int
		list, b = beginBinary(b, fieldUnits)
		for i := range e.Units {
			u := &e.Units[i]
			b = append(append(appendPath(b, u.Path), u.M[:]...), u.D[:]...)
		}
		endBinary(b, list)
	}
	if len(e.Counters) > 0 {
		paths := make([]value.Path, 0, len(e.Counters))
		for p := range e.Counters {
			paths = append(paths, p)
		}
		slices.Sort(paths)
		var list int32
		list, b = bsoncore.AppendArrayElementStart(b, fieldCounters)
		for i, p := range paths {
			row, at := int32(0), 0
			row, b = bsoncore.AppendArrayElementStart(b, index(i))
			b, at = appendSegments(b, p)
			b = bsoncore.AppendInt64Element(b, index(at), e.Counters[p])
			b, _ = bsoncore.AppendArrayEnd(b, row)
		}
		b, _ = bsoncore.AppendArrayEnd(b, list)
	}
	if len(e.Maps) > 0 {
		var list int32
		list, b = bsoncore.AppendArrayElementStart(b, fieldMaps)
		for i, p := range e.Maps {
			var row int32
			row, b = bsoncore.AppendArrayElementStart(b, index(i))
			b, _ = appendSegments(b, p)
			b, _ = bsoncore.AppendArrayEnd(b, row)
		}
		b, _ = bsoncore.AppendArrayEnd(b, list)
	}
	if e.Txn != 0 {
		b = bsoncore.AppendInt64Element(b, fieldTxn, e.Txn)
	}
	if e.Size != 0 {
		b = bsoncore.AppendInt64Element(b, fieldSize, int64(e.Size))
	}
	b = bsoncore.AppendStringElement(b, fieldWriter, writer)
	if e.State == Baseline && e.Taken != nil {
		window := *e.Taken
		if !set.taken.IsZero() {
			window.To = set.taken
		}
		b = appendWindow(b, &window)
	}
	if e.Claim != nil {
		b = appendClaim(b, e.Claim, set.until)
	}
	b = appendTime(b, fieldAt, set.at)
	b = appendTime(b, fieldExpires, set.expires)
	b, _ = bsoncore.AppendDocumentEnd(b, doc)
	return b
}

// room is about how many bytes the stored entry takes, with some to spare: one
// that needs more grows.
func (e *Entry) room() int {
	n := 160 + len(e.Key.ID) + 2*len(e.Key.Collection) + len(e.MongoID.Value) + 64*len(e.Counters) + 64*len(e.Maps)
	for i := range e.Units {
		n += 2 + len(e.Units[i].Path) + 2*len(value.Hash{})
	}
	if e.Claim != nil {
		n += 64 + len(e.Claim.Owner)
		for i := range e.Claim.Announced {
			n += 3 + len(e.Claim.Announced[i].Path) + len(value.Hash{})
		}
	}
	return n
}

// appendID appends the `_id`, which is k.String().
func appendID(b []byte, k Key) []byte {
	b = bsoncore.AppendHeader(b, bsoncore.TypeString, "_id")
	b = binary.LittleEndian.AppendUint32(b, uint32(len(k.Collection)+1+len(k.ID)+1))
	b = append(append(b, k.Collection...), '/')
	return append(append(b, k.ID...), 0)
}

// beginBinary begins a Binary, which endBinary ends; at is where it begins.
func beginBinary(b []byte, name string) (at int, out []byte) {
	b = bsoncore.AppendHeader(b, bsoncore.TypeBinary, name)
	return len(b), append(b, 0, 0, 0, 0, 0) // its length, and the subtype
}

func endBinary(b []byte, at int) {
	binary.LittleEndian.PutUint32(b[at:], uint32(len(b)-at-5))
}

func appendWindow(b []byte, w *Window) []byte {
	window, b := bsoncore.AppendDocumentElementStart(b, fieldTaken)
	b = bsoncore.AppendDateTimeElement(b, fieldFrom, w.From.UnixMilli())
	if !w.To.IsZero() {
		b = bsoncore.AppendDateTimeElement(b, fieldTo, w.To.UnixMilli())
	}
	b = bsoncore.AppendInt64Element(b, fieldFromTxn, w.FromTxn)
	b = bsoncore.AppendInt64Element(b, fieldToTxn, w.ToTxn)
	b, _ = bsoncore.AppendDocumentEnd(b, window)
	return b
}

func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	return bsoncore.AppendDateTimeElement(b, name, t.UnixMilli())
}

func appendClaim(b []byte, c *Claim, until time.Time) []byte {
	claim, b := bsoncore.AppendDocumentElementStart(b, fieldClaim)
	b = bsoncore.AppendStringElement(b, fieldOwner, c.Owner)
	if len(c.Announced) > 0 {
		var list int
		list, b = beginBinary(b, fieldAnnounced)
		for i := range c.Announced {
			a := &c.Announced[i]
			b = append(append(appendPath(b, a.Path), sideByte(a.Side)), a.Hash[:]...)
		}
		endBinary(b, list)
	}
	b = appendTime(b, fieldUntil, until)
	b, _ = bsoncore.AppendDocumentEnd(b, claim)
	return b
}

// appendPath appends the path after its length, a uvarint.
func appendPath(b []byte, p value.Path) []byte {
	return append(binary.AppendUvarint(b, uint64(len(p))), p...)
}

func sideByte(s value.Side) byte {
	if s == value.Ditto {
		return 'd'
	}
	return 'm'
}

// appendSegments appends the path's names as array elements, and says how many.
func appendSegments(b []byte, p value.Path) ([]byte, int) {
	if p == "" {
		return b, 0
	}
	n, rest, more := 0, string(p[1:]), true
	for more {
		var name string
		name, rest, more = strings.Cut(rest, "\x00")
		b = bsoncore.AppendStringElement(b, index(n), name)
		n++
	}
	return b, n
}

// index is an array index as BSON's key. Small ones cost no allocation.
func index(i int) string { return strconv.Itoa(i) }
