package reconcile

import (
	"encoding/binary"
	"math"
	"math/big"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// integer is the whole number that v holds: of any numeric type, 10.0 too.
func integer(v bson.RawValue) (int64, bool) {
	switch v.Type {
	case bson.TypeInt32:
		return int64(v.Int32()), true
	case bson.TypeInt64:
		return v.Int64(), true
	case bson.TypeDouble:
		return wholeFloat(v.Double())
	case bson.TypeDecimal128:
		d := v.Decimal128()
		n, exp, err := d.BigInt()
		if err != nil {
			return 0, false
		}
		for ; exp > 0 && n.IsInt64(); exp-- {
			n.Mul(n, bigTen)
		}
		for ; exp < 0; exp++ {
			var rem big.Int
			n.QuoRem(n, bigTen, &rem)
			if rem.Sign() != 0 {
				return 0, false
			}
		}
		return n.Int64(), n.IsInt64()
	}
	return 0, false
}

func wholeFloat(f float64) (int64, bool) {
	if f != math.Trunc(f) || f < -(1<<63) || f >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}

// dittoInteger is the whole number that Ditto shows at a counter path: a plain
// number, or the wrapper that an app wrote without knowing of the counter.
func dittoInteger(js []byte) (int64, bool) {
	if len(js) > 0 && js[0] == '{' {
		v, err := value.Decode(js, bson.RawValue{}, value.EJSON)
		if err != nil {
			return 0, false
		}
		return integer(v)
	}
	if n, err := strconv.ParseInt(string(js), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(js), 64)
	if err != nil {
		return 0, false
	}
	return wholeFloat(f)
}

func int64Value(n int64) bson.RawValue {
	return bson.RawValue{Type: bson.TypeInt64, Value: binary.LittleEndian.AppendUint64(nil, uint64(n))}
}

func integerJSON(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

var bigTen = big.NewInt(10)
