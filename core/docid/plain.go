package docid

import (
	"errors"
	"math"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

func isRange(err error) bool { return errors.Is(err, value.ErrRange) }

func appendName(dst []byte, name string) []byte {
	// A BSON string through the codec, so that names are spelled one way.
	s, _ := value.AppendDitto(dst, bsonString(name), value.JSON)
	return append(s, ':')
}

func bsonString(s string) bson.RawValue {
	v := make([]byte, 0, len(s)+5)
	n := uint32(len(s) + 1)
	v = append(v, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
	v = append(v, s...)
	return bson.RawValue{Type: bson.TypeString, Value: append(v, 0)}
}

// types that a plain string can stand for, by a value of that type.
func stringTypes() []bson.RawValue {
	return []bson.RawValue{
		{Type: bson.TypeObjectID, Value: make([]byte, 12)},
		{Type: bson.TypeDateTime, Value: make([]byte, 8)},
		{Type: bson.TypeDecimal128, Value: make([]byte, 16)},
	}
}

// candidates are the values that js, one mapped value, can mean.
func candidates(js []byte) []bson.RawValue {
	var out []bson.RawValue
	v, err := born("", ID(js))
	if err == nil {
		out = append(out, v)
	}
	switch js[0] {
	case '"':
		for _, like := range stringTypes() {
			v, err := value.Decode(js, like, value.JSON)
			if err != nil || v.Type != like.Type {
				continue
			}
			// Only the spelling that MongoDB's value has in Ditto: another
			// one is another Ditto id.
			if back, err := value.AppendDitto(nil, v, value.JSON); err == nil && string(back) == string(js) {
				out = append(out, v)
			}
		}
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if err == nil {
			break
		}
		// Over int64: only a double can have it.
		like := bson.RawValue{Type: bson.TypeDouble, Value: make([]byte, 8)}
		if v, err := value.Decode(js, like, value.JSON); err == nil && v.Type == bson.TypeDouble && !math.IsNaN(v.Double()) {
			out = append(out, v)
		}
	}
	return out
}
