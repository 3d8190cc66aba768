package mongosim

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/big"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

func isNumber(t bson.Type) bool {
	return t == bson.TypeInt32 || t == bson.TypeInt64 || t == bson.TypeDouble || t == bson.TypeDecimal128
}

// class is MongoDB's order of types; types of one class compare by value.
func class(t bson.Type) int {
	switch t {
	case bson.TypeMinKey:
		return -1
	case 0:
		return 0
	case bson.TypeUndefined:
		return 1
	case bson.TypeNull:
		return 5
	case bson.TypeInt32, bson.TypeInt64, bson.TypeDouble, bson.TypeDecimal128:
		return 10
	case bson.TypeString, bson.TypeSymbol:
		return 15
	case bson.TypeEmbeddedDocument:
		return 20
	case bson.TypeArray:
		return 25
	case bson.TypeBinary:
		return 30
	case bson.TypeObjectID:
		return 35
	case bson.TypeBoolean:
		return 40
	case bson.TypeDateTime:
		return 45
	case bson.TypeTimestamp:
		return 47
	case bson.TypeRegex:
		return 50
	case bson.TypeDBPointer:
		return 55
	case bson.TypeJavaScript:
		return 60
	case bson.TypeCodeWithScope:
		return 65
	}
	return 127 // MaxKey
}

// compare orders values as MongoDB does.
func compare(a, b bson.RawValue) int {
	if a.Type == b.Type && bytes.Equal(a.Value, b.Value) {
		return 0
	}
	if n := cmp.Compare(class(a.Type), class(b.Type)); n != 0 {
		return n
	}
	switch class(a.Type) {
	case 10:
		return compareNumbers(a, b)
	case 20, 25:
		return compareDocuments(a.Value, b.Value, a.Type == bson.TypeEmbeddedDocument)
	case 30:
		if n := cmp.Compare(len(a.Value), len(b.Value)); n != 0 {
			return n
		}
		return bytes.Compare(a.Value[4:], b.Value[4:])
	case 15:
		return bytes.Compare(a.Value[4:], b.Value[4:])
	case 45:
		return cmp.Compare(int64(binary.LittleEndian.Uint64(a.Value)), int64(binary.LittleEndian.Uint64(b.Value)))
	case 47:
		return cmp.Compare(binary.LittleEndian.Uint64(a.Value), binary.LittleEndian.Uint64(b.Value))
	}
	return bytes.Compare(a.Value, b.Value)
}

// compareDocuments compares field by field, in order: type, name, value.
func compareDocuments(a, b []byte, names bool) int {
	a, b = a[4:], b[4:]
	for {
		switch {
		case len(a) <= 1 && len(b) <= 1:
			return 0
		case len(a) <= 1:
			return -1
		case len(b) <= 1:
			return 1
		}
		var x, y bsoncore.Element
		x, a, _ = bsoncore.ReadElement(a)
		y, b, _ = bsoncore.ReadElement(b)
		v, w := x.Value(), y.Value()
		if n := cmp.Compare(class(bson.Type(v.Type)), class(bson.Type(w.Type))); n != 0 {
			return n
		}
		if names {
			if n := cmp.Compare(x.Key(), y.Key()); n != 0 {
				return n
			}
		}
		if n := compare(bson.RawValue{Type: bson.Type(v.Type), Value: v.Data}, bson.RawValue{Type: bson.Type(w.Type), Value: w.Data}); n != 0 {
			return n
		}
	}
}

// number is a numeric value: an integer, or exact, or NaN or infinite.
type number struct {
	n    int64
	rat  *big.Rat // when not an int64
	rank int      // -2 NaN, -1 and 1 infinities
}

func numberOf(v bson.RawValue) number {
	switch v.Type {
	case bson.TypeInt32:
		return number{n: int64(v.Int32())}
	case bson.TypeInt64:
		return number{n: v.Int64()}
	case bson.TypeDouble:
		f := v.Double()
		switch {
		case math.IsNaN(f):
			return number{rank: -2}
		case math.IsInf(f, -1):
			return number{rank: -1}
		case math.IsInf(f, 1):
			return number{rank: 1}
		case f == math.Trunc(f) && math.Abs(f) < 1<<62:
			return number{n: int64(f)}
		}
		return simplify(new(big.Rat).SetFloat64(f))
	}
	d := v.Decimal128()
	switch {
	case d.IsNaN():
		return number{rank: -2}
	case d.IsInf() != 0:
		return number{rank: d.IsInf()}
	}
	coefficient, exponent, err := d.BigInt()
	if err != nil || coefficient.Sign() == 0 {
		return number{}
	}
	power := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exponent, -exponent))), nil)
	rat := new(big.Rat).SetInt(coefficient)
	if exponent >= 0 {
		return simplify(rat.Mul(rat, new(big.Rat).SetInt(power)))
	}
	return simplify(rat.Quo(rat, new(big.Rat).SetInt(power)))
}

func simplify(r *big.Rat) number {
	if r.IsInt() && r.Num().IsInt64() {
		return number{n: r.Num().Int64()}
	}
	return number{rat: r}
}

func (x number) exact() *big.Rat {
	if x.rat != nil {
		return x.rat
	}
	return new(big.Rat).SetInt64(x.n)
}

func compareNumbers(a, b bson.RawValue) int {
	x, y := numberOf(a), numberOf(b)
	switch {
	case x.rank != 0 || y.rank != 0:
		return cmp.Compare(x.rank, y.rank)
	case x.rat == nil && y.rat == nil:
		return cmp.Compare(x.n, y.n)
	}
	return x.exact().Cmp(y.exact())
}

// key is a text that two values share exactly when MongoDB takes them for
// equal (5, 5.0 and Decimal128 5).
func key(v bson.RawValue) string {
	var room [64]byte
	return string(appendKey(room[:0], v))
}

// sameKey reports whether two values have one key.
func sameKey(a, b bson.RawValue) bool {
	return a.Type == b.Type && bytes.Equal(a.Value, b.Value) || key(a) == key(b)
}

func appendKey(b []byte, v bson.RawValue) []byte {
	b = append(b, byte(class(v.Type)))
	switch class(v.Type) {
	case 10:
		x := numberOf(v)
		switch {
		case x.rank != 0:
			return append(b, 'r', byte(x.rank))
		case x.rat != nil:
			return append(append(append(b, 'q'), x.rat.RatString()...), 0)
		}
		return binary.BigEndian.AppendUint64(append(b, 'n'), uint64(x.n))
	case 20, 25:
		for rest := v.Value[4:]; len(rest) > 1; {
			element, tail, ok := bsoncore.ReadElement(rest)
			if !ok {
				break
			}
			rest = tail
			b = append(append(b, element.KeyBytes()...), 0)
			inner := element.Value()
			b = appendKey(b, bson.RawValue{Type: bson.Type(inner.Type), Value: inner.Data})
		}
		return append(b, 0xff)
	}
	return append(b, v.Value...)
}
