package sweep

import (
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// The brackets of `_id`: a comparison sees only values of its own, so each is
// paged by itself. Arrays, regular expressions and undefined cannot be an
// `_id`.
//
// NaN is one of its own: it sorts before all numbers, and yet no comparison
// with it, or of it, matches anything else.
const (
	minKey     = "minKey"
	null       = "null"
	nan        = "nan"
	number     = "number"
	text       = "string" // symbols too: they compare as strings
	object     = "object"
	binary     = "binData"
	objectID   = "objectId"
	boolean    = "bool"
	date       = "date"
	timestamp  = "timestamp"
	dbPointer  = "dbPointer"
	code       = "javascript"
	scopedCode = "javascriptWithScope"
	maxKey     = "maxKey"
)

var brackets = []string{
	minKey, null, nan, number, text, object, binary, objectID, boolean, date, timestamp, dbPointer, code, scopedCode, maxKey,
}

// bracketOf is the bracket that v is in, "" for a type that is none's.
func bracketOf(v bson.RawValue) string {
	switch v.Type {
	case bson.TypeMinKey:
		return minKey
	case bson.TypeNull:
		return null
	case bson.TypeDouble:
		if math.IsNaN(v.Double()) {
			return nan
		}
		return number
	case bson.TypeDecimal128:
		if v.Decimal128().IsNaN() {
			return nan
		}
		return number
	case bson.TypeInt32, bson.TypeInt64:
		return number
	case bson.TypeString, bson.TypeSymbol:
		return text
	case bson.TypeEmbeddedDocument:
		return object
	case bson.TypeBinary:
		return binary
	case bson.TypeObjectID:
		return objectID
	case bson.TypeBoolean:
		return boolean
	case bson.TypeDateTime:
		return date
	case bson.TypeTimestamp:
		return timestamp
	case bson.TypeDBPointer:
		return dbPointer
	case bson.TypeJavaScript:
		return code
	case bson.TypeCodeWithScope:
		return scopedCode
	case bson.TypeMaxKey:
		return maxKey
	}
	return ""
}

// filter matches the `_id`s of a bracket from one inclusive to one exclusive,
// either of which may be zero.
func filter(bracket string, from, to bson.RawValue) bson.D {
	switch {
	case bracket == nan:
		return byID("$in", bson.A{math.NaN(), decimalNaN})
	case bracket == minKey || bracket == null || bracket == maxKey:
		return byID("$type", bracket) // one value; `$gte: MinKey` matches all types
	case bracket == number && from.IsZero():
		from = negativeInfinity // `$type: number` would bring NaN
	}
	var bounds, exprs bson.D
	if !from.IsZero() {
		bounds = append(bounds, bson.E{Key: "$gte", Value: from})
	}
	if !to.IsZero() {
		bounds = append(bounds, bson.E{Key: "$lt", Value: to})
	}
	if bracket == binary {
		// In an expression SecantusDB orders binaries as it sorts them (and
		// MongoDB too): by length first; in a filter, by their bytes. An
		// expression knows no brackets.
		bounds, exprs = nil, bounds
	}
	// SecantusDB has both sorts of code in one bracket.
	if len(bounds) == 0 || from.IsZero() || bracket == code || bracket == scopedCode {
		bounds = append(bson.D{{Key: "$type", Value: typesOf(bracket)}}, bounds...)
	}
	f := bson.D{{Key: "_id", Value: bounds}}
	if len(exprs) > 0 {
		var and bson.A
		for _, e := range exprs {
			and = append(and, bson.D{{Key: e.Key, Value: bson.A{"$_id", bson.D{{Key: "$literal", Value: e.Value}}}}})
		}
		f = append(f, bson.E{Key: "$expr", Value: bson.D{{Key: "$and", Value: and}}})
	}
	return f
}

func byID(operator string, v any) bson.D {
	return bson.D{{Key: "_id", Value: bson.D{{Key: operator, Value: v}}}}
}

var (
	negativeInfinity = rawDouble(math.Inf(-1))
	decimalNaN       = bson.NewDecimal128(0x7c00000000000000, 0)
)

func rawDouble(f float64) bson.RawValue {
	t, v, _ := bson.MarshalValue(f)
	return bson.RawValue{Type: t, Value: v}
}

// typesOf are a bracket's types, as $type takes them.
func typesOf(bracket string) any {
	if bracket == text {
		return bson.A{"string", "symbol"}
	}
	return bracket
}
