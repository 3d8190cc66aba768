package docid

import (
	"errors"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

func isRange(err error) bool { return errors.Is(err, value.ErrRange) }

// stringTypes are values of the types that a plain string can stand for.
func stringTypes() []bson.RawValue {
	return []bson.RawValue{
		{Type: bson.TypeObjectID, Value: make([]byte, 12)},
		{Type: bson.TypeDateTime, Value: make([]byte, 8)},
		{Type: bson.TypeDecimal128, Value: make([]byte, 16)},
	}
}

// numberTypes are values of the types that an integer can stand for.
func numberTypes() []bson.RawValue {
	return []bson.RawValue{
		{Type: bson.TypeInt64, Value: make([]byte, 8)},
		{Type: bson.TypeDouble, Value: make([]byte, 8)},
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
		for _, like := range numberTypes() {
			n, err := value.Decode(js, like, value.JSON)
			if err == nil && n.Type == like.Type && n.Type != v.Type {
				out = append(out, n)
			}
		}
	}
	return out
}
