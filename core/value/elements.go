package value

import (
	"bytes"
	"encoding/binary"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// element is one element of a BSON document.
type element struct {
	key, val []byte
	typ      bson.Type
}

// elementReader walks the elements of a BSON document or array.
type elementReader struct{ rest []byte }

// elements checks the frame of the document v.
func elements(v []byte) (elementReader, error) {
	if len(v) < 5 || int64(binary.LittleEndian.Uint32(v)) != int64(len(v)) || v[len(v)-1] != 0 {
		return elementReader{}, badBSON("a document with a wrong length")
	}
	return elementReader{v[4 : len(v)-1]}, nil
}

// next is the next element, false at the end. Its value has the length that
// its type asks for.
func (r *elementReader) next() (element, bool, error) {
	if len(r.rest) == 0 {
		return element{}, false, nil
	}
	t := bson.Type(r.rest[0])
	n := bytes.IndexByte(r.rest[1:], 0)
	if n < 0 {
		return element{}, false, badBSON("a field name without an end")
	}
	key := r.rest[1 : 1+n : 1+n]
	v, rest, ok := bsoncore.ReadValue(r.rest[n+2:], bsoncore.Type(t))
	if !ok {
		return element{}, false, under(key, badBSON("a value that is cut short or of an unknown type"))
	}
	r.rest = rest
	return element{key: key, val: v.Data, typ: t}, true, nil
}
