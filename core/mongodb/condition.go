package mongodb

import (
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

func d(key string, v any) bson.D    { return bson.D{{Key: key, Value: v}} }
func eq(a, b any) bson.D            { return d("$eq", bson.A{a, b}) }
func literal(v any) bson.D          { return d("$literal", v) }
func typeIs(expr any, t string) any { return eq(d("$type", expr), t) }

// plain reports whether a field name may stand in a "$a.b" path.
func plain(name string) bool {
	return name != "" && name[0] != '$' && !strings.Contains(name, ".")
}

// fieldName is a name for $getField and $setField.
func fieldName(name string) any {
	if plain(name) {
		return name
	}
	return literal(name)
}

// at is the expression for the field at path. Its parents are objects or
// missing: conditions check that first, since servers differ on fields of
// anything else.
func at(path value.Path) any {
	segments := path.Segments()
	n := 0
	for n < len(segments) && plain(segments[n]) {
		n++
	}
	var expr any = "$$ROOT"
	if n > 0 {
		expr = "$" + strings.Join(segments[:n], ".")
	}
	for _, name := range segments[n:] {
		expr = bson.D{{Key: "$getField", Value: bson.D{{Key: "field", Value: fieldName(name)}, {Key: "input", Value: expr}}}}
	}
	return expr
}

// typeName is a BSON type as $type names it.
var typeName = map[bson.Type]string{
	bson.TypeDouble: "double", bson.TypeString: "string", bson.TypeEmbeddedDocument: "object", bson.TypeArray: "array",
	bson.TypeBinary: "binData", bson.TypeUndefined: "undefined", bson.TypeObjectID: "objectId", bson.TypeBoolean: "bool",
	bson.TypeDateTime: "date", bson.TypeNull: "null", bson.TypeRegex: "regex", bson.TypeDBPointer: "dbPointer",
	bson.TypeJavaScript: "javascript", bson.TypeSymbol: "symbol", bson.TypeCodeWithScope: "javascriptWithScope",
	bson.TypeInt32: "int", bson.TypeTimestamp: "timestamp", bson.TypeInt64: "long", bson.TypeDecimal128: "decimal",
	bson.TypeMinKey: "minKey", bson.TypeMaxKey: "maxKey",
}

// wrappedSize is the size of {v: expr}, since $bsonSize takes no array; it is
// emptySize when expr is missing.
func wrappedSize(expr any) bson.D { return d("$bsonSize", bson.D{{Key: "v", Value: expr}}) }

const emptySize = 5

// isMissing is true where there is no such field. What $getField does not find
// has the $type "object" on SecantusDB, so its size tells.
func isMissing(expr any) any {
	if _, isPath := expr.(string); isPath {
		return typeIs(expr, "missing")
	}
	return eq(wrappedSize(expr), int32(emptySize))
}

// isObject is true where the field is an object.
func isObject(expr any) []any {
	if _, isPath := expr.(string); isPath {
		return []any{typeIs(expr, "object")}
	}
	return []any{typeIs(expr, "object"), d("$gt", bson.A{wrappedSize(expr), int32(emptySize)})}
}

// same is true where expr is v: equal and of the same type, since $eq alone
// takes 5 for 5.0. Containers are also compared by size, which tells
// [int32] from [int64], objects by the types of their longs and doubles, and
// decimals by their digits (1.0 from 1.00). Of null, MinKey and their like the
// type says all.
func same(path value.Path, v bson.RawValue) []any {
	expr := at(path)
	isType := typeIs(expr, typeName[v.Type])
	equal := eq(expr, literal(v))
	switch v.Type {
	case 0:
		return []any{isMissing(expr)}
	case bson.TypeNull, bson.TypeUndefined, bson.TypeMinKey, bson.TypeMaxKey:
		return []any{isType}
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		and := []any{isType, eq(wrappedSize(expr), int32(emptySize+len("\x03v\x00")+len(v.Value))), equal}
		if v.Type == bson.TypeEmbeddedDocument {
			and = longsAndDoubles(and, path, v.Value)
		}
		return and
	case bson.TypeDecimal128:
		// $toString fails on some types, hence $cond.
		digits := eq(d("$toString", expr), d("$toString", literal(v)))
		return []any{d("$cond", bson.A{isType, digits, false}), equal}
	}
	return []any{isType, equal}
}

// longsAndDoubles adds the types of doc's 64-bit numbers, which are at path: 5
// and 5.0 are equal and of one size. Those in arrays are not told apart.
func longsAndDoubles(and []any, path value.Path, doc bson.Raw) []any {
	elements, err := doc.Elements()
	if err != nil {
		return and // it equals nothing
	}
	for _, e := range elements {
		v, p := e.Value(), path.Child(e.Key())
		switch v.Type {
		case bson.TypeDouble, bson.TypeInt64:
			and = append(and, typeIs(at(p), typeName[v.Type]))
		case bson.TypeEmbeddedDocument:
			and = longsAndDoubles(and, p, v.Value)
		}
	}
	return and
}

// wholeDocument is true where the document is doc.
func wholeDocument(doc bson.Raw) any {
	return d("$and", bson.A(longsAndDoubles([]any{
		eq(d("$bsonSize", "$$ROOT"), int32(len(doc))),
		eq("$$ROOT", literal(doc)),
	}, "", doc)))
}

// DeleteFilter matches those of docs that are still as they were read.
func DeleteFilter(docs []bson.Raw) bson.D {
	ids, unchanged := make(bson.A, len(docs)), make(bson.A, len(docs))
	for i, doc := range docs {
		ids[i], unchanged[i] = doc.Lookup("_id"), wholeDocument(doc)
	}
	return bson.D{{Key: "_id", Value: d("$in", ids)}, {Key: "$expr", Value: d("$or", unchanged)}}
}
