package valuetest

import (
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// Case is a BSON value.
type Case struct {
	Name        string
	Value       any
	JSON, EJSON string // as Ditto shows it in each mode
	Back        Back   // what becomes of that where MongoDB holds nothing
	Edits       []Edit // by devices, each over the one before
}

// Back is what a form becomes in a field that MongoDB does not have. Over the
// value, every form is that value.
type Back uint8

const (
	Same  Back = iota // the value
	Plain             // in JSON mode another type
	Over              // the value only in meaning, in both modes: a NaN's payload, key order
)

// Edit is a value that a device writes.
type Edit struct {
	JSON, EJSON string // in collections of each mode; EJSON is empty if it is the same
	Want        any    // what it becomes in MongoDB
}

// In is the text of the edit in a collection of k.
func (e Edit) In(k Kind) string {
	if k.EJSON && e.EJSON != "" {
		return e.EJSON
	}
	return e.JSON
}

// Form is how Ditto shows the value in a collection of k.
func (c Case) Form(k Kind) string {
	if k.EJSON {
		return c.EJSON
	}
	return c.JSON
}

// HasNaN reports whether c has a NaN, of which SecantusDB says in containers
// that it differs from itself.
func (c Case) HasNaN() bool {
	return strings.Contains(c.EJSON, `"NaN"`) && strings.Contains(c.EJSON, "Double")
}

// Kind is a kind of collections: EJSON needs objects that are maps.
type Kind struct{ EJSON, Strict bool }

// Kinds are all kinds of collections.
var Kinds = []Kind{{Strict: true}, {}, {EJSON: true}}

func (k Kind) String() string {
	switch {
	case k.EJSON:
		return "ejson"
	case k.Strict:
		return "json, strict"
	}
	return "json, maps"
}

// Types are all types of BSON's specification, deprecated ones too.
var Types = []bson.Type{
	bson.TypeDouble, bson.TypeString, bson.TypeEmbeddedDocument, bson.TypeArray, bson.TypeBinary, bson.TypeUndefined,
	bson.TypeObjectID, bson.TypeBoolean, bson.TypeDateTime, bson.TypeNull, bson.TypeRegex, bson.TypeDBPointer,
	bson.TypeJavaScript, bson.TypeSymbol, bson.TypeCodeWithScope, bson.TypeInt32, bson.TypeTimestamp, bson.TypeInt64,
	bson.TypeDecimal128, bson.TypeMinKey, bson.TypeMaxKey,
}

// Deprecated are those that newer servers only keep for old data.
var Deprecated = []bson.Type{bson.TypeUndefined, bson.TypeDBPointer, bson.TypeSymbol, bson.TypeCodeWithScope}

// All are the values of every type.
var All = slices.Concat(doubles, integers, decimals, dates, texts, containers, others)

// Raw is v as the driver writes it.
func Raw(t testing.TB, v any) bson.RawValue {
	t.Helper()
	if raw, ok := v.(bson.RawValue); ok {
		return raw
	}
	if v == nil {
		return bson.RawValue{Type: bson.TypeNull}
	}
	typ, data, err := bson.MarshalValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return bson.RawValue{Type: typ, Value: data}
}

func oid(hex string) bson.ObjectID {
	id, err := bson.ObjectIDFromHex(hex)
	if err != nil {
		panic(err)
	}
	return id
}

func dec(s string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		panic(err)
	}
	return d
}
