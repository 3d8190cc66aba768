package mongosim

import (
	"bytes"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

var (
	empty = bson.Raw{5, 0, 0, 0, 0}
	null  = bson.RawValue{Type: bson.TypeNull}
	no    = []byte{0}
	yes   = []byte{1}
)

func object(doc bson.Raw) bson.RawValue {
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
}

func text(s string) bson.RawValue {
	return bson.RawValue{Type: bson.TypeString, Value: bsoncore.AppendString(make([]byte, 0, len(s)+5), s)}
}

func boolean(b bool) bson.RawValue {
	if b {
		return bson.RawValue{Type: bson.TypeBoolean, Value: yes}
	}
	return bson.RawValue{Type: bson.TypeBoolean, Value: no}
}

func dateTime(t time.Time) bson.RawValue {
	return bson.RawValue{Type: bson.TypeDateTime, Value: bsoncore.AppendDateTime(nil, t.UnixMilli())}
}

func array(values []bson.RawValue) bson.RawValue {
	b := bsoncore.NewArrayBuilder()
	for _, v := range values {
		b.AppendValue(bsoncore.Value{Type: bsoncore.Type(v.Type), Data: v.Value})
	}
	return bson.RawValue{Type: bson.TypeArray, Value: []byte(b.Build())}
}

// toRaw is a Go value as BSON.
func toRaw(v any) (bson.RawValue, error) {
	switch v := v.(type) {
	case bson.RawValue:
		return v, nil
	case bson.Raw:
		return object(v), nil
	case string:
		return text(v), nil
	case nil:
		return null, nil
	case bool:
		return boolean(v), nil
	case int32:
		return bson.RawValue{Type: bson.TypeInt32, Value: bsoncore.AppendInt32(nil, v)}, nil
	case int64:
		return bson.RawValue{Type: bson.TypeInt64, Value: bsoncore.AppendInt64(nil, v)}, nil
	case bson.DateTime:
		return bson.RawValue{Type: bson.TypeDateTime, Value: bsoncore.AppendDateTime(nil, int64(v))}, nil
	}
	t, data, err := bson.MarshalValue(v)
	if err != nil {
		return bson.RawValue{}, fmt.Errorf("%T: %w", v, err)
	}
	return bson.RawValue{Type: t, Value: data}, nil
}

func truthy(v bson.RawValue) bool {
	switch v.Type {
	case 0, bson.TypeNull, bson.TypeUndefined:
		return false
	case bson.TypeBoolean:
		return v.Boolean()
	}
	return !isNumber(v.Type) || compare(v, bson.RawValue{Type: bson.TypeInt32, Value: []byte{0, 0, 0, 0}}) != 0
}

// lookup is the first field of that name; the zero RawValue if there is none.
func lookup(doc []byte, name string) bson.RawValue {
	for rest := doc[min(4, len(doc)):]; len(rest) > 1; {
		element, tail, ok := bsoncore.ReadElement(rest)
		if !ok {
			break
		}
		if isNamed(element, name) {
			v := element.Value()
			return bson.RawValue{Type: bson.Type(v.Type), Value: v.Data}
		}
		rest = tail
	}
	return bson.RawValue{}
}

// elements are an array's values; none for anything else.
func elements(v bson.RawValue) []bson.RawValue {
	if v.Type != bson.TypeArray {
		return nil
	}
	values, _ := bson.RawArray(v.Value).Values()
	return values
}

// setField sets a field in place or at the end; a missing v removes it.
func setField(doc bson.Raw, name string, v bson.RawValue) bson.Raw {
	out := make([]byte, 4, len(doc)+len(name)+len(v.Value)+8)
	done := false
	for rest := doc[4:]; len(rest) > 1; {
		element, tail, ok := bsoncore.ReadElement(rest)
		if !ok {
			break
		}
		if isNamed(element, name) {
			if v.Type != 0 && !done {
				out = appendField(out, name, v)
			}
			done = true
		} else {
			out = append(out, element...)
		}
		rest = tail
	}
	if !done && v.Type != 0 {
		out = appendField(out, name, v)
	}
	return finish(out)
}

// merge is doc with the fields of more, each in place or at the end.
func merge(doc, more bson.Raw) bson.Raw {
	type fresh struct {
		name    []byte
		element bsoncore.Element
		done    bool
	}
	var room [8]fresh
	list := room[:0]
	find := func(name []byte) *fresh {
		for i := range list {
			if bytes.Equal(list[i].name, name) {
				return &list[i]
			}
		}
		return nil
	}
	for rest := more[4:]; len(rest) > 1; {
		element, tail, ok := bsoncore.ReadElement(rest)
		if !ok {
			break
		}
		rest = tail
		name := element.KeyBytes()
		if f := find(name); f != nil {
			f.element = element // of a repeated name the last counts
		} else {
			list = append(list, fresh{name: name, element: element})
		}
	}
	out := make([]byte, 4, len(doc)+len(more))
	for rest := doc[4:]; len(rest) > 1; {
		element, tail, ok := bsoncore.ReadElement(rest)
		if !ok {
			break
		}
		rest = tail
		switch f := find(element.KeyBytes()); {
		case f == nil:
			out = append(out, element...)
		case !f.done:
			out, f.done = append(out, f.element...), true
		}
	}
	for i := range list {
		if !list[i].done {
			out = append(out, list[i].element...)
		}
	}
	return finish(out)
}

// isNamed reports whether an element has that name.
func isNamed(element bsoncore.Element, name string) bool {
	n := 1 + len(name)
	return len(element) > n && element[n] == 0 && string(element[1:n]) == name
}

func appendField(b []byte, name string, v bson.RawValue) []byte {
	return bsoncore.AppendValueElement(b, name, bsoncore.Value{Type: bsoncore.Type(v.Type), Data: v.Value})
}

func finish(b []byte) bson.Raw {
	return bson.Raw(bsoncore.UpdateLength(append(b, 0), 0, int32(len(b)+1)))
}

func filterFields(doc bson.Raw, keep func(name []byte) bool, more bson.Raw) bson.Raw {
	out := make([]byte, 4, len(doc)+len(more))
	for rest := doc[4:]; len(rest) > 1; {
		element, tail, ok := bsoncore.ReadElement(rest)
		if !ok {
			break
		}
		if keep(element.KeyBytes()) {
			out = append(out, element...)
		}
		rest = tail
	}
	return finish(append(out, more[4:len(more)-1]...))
}

func typeName(t bson.Type) string {
	switch t {
	case 0:
		return "missing"
	case bson.TypeDouble:
		return "double"
	case bson.TypeString:
		return "string"
	case bson.TypeEmbeddedDocument:
		return "object"
	case bson.TypeArray:
		return "array"
	case bson.TypeBinary:
		return "binData"
	case bson.TypeUndefined:
		return "undefined"
	case bson.TypeObjectID:
		return "objectId"
	case bson.TypeBoolean:
		return "bool"
	case bson.TypeDateTime:
		return "date"
	case bson.TypeNull:
		return "null"
	case bson.TypeRegex:
		return "regex"
	case bson.TypeDBPointer:
		return "dbPointer"
	case bson.TypeJavaScript:
		return "javascript"
	case bson.TypeSymbol:
		return "symbol"
	case bson.TypeCodeWithScope:
		return "javascriptWithScope"
	case bson.TypeInt32:
		return "int"
	case bson.TypeTimestamp:
		return "timestamp"
	case bson.TypeInt64:
		return "long"
	case bson.TypeDecimal128:
		return "decimal"
	case bson.TypeMinKey:
		return "minKey"
	case bson.TypeMaxKey:
		return "maxKey"
	}
	return fmt.Sprintf("type %#x", byte(t))
}
