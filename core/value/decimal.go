package value

import (
	"encoding/binary"
	"math/bits"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	minDecimalExp = -6176
	maxDecimalExp = 6111
	e19           = 10_000_000_000_000_000_000
	// 10^34 - 1, the largest coefficient.
	maxCoefficientHi = 0x1ed09bead87c0
	maxCoefficientLo = 0x378d8e63ffffffff
)

// appendDecimal appends the text of a Decimal128: plain digits where the
// exponent is 0 or a little below, else scientific, every digit kept.
func appendDecimal(dst, v []byte) []byte {
	lo, hi := binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[8:])
	c := hi & (1<<49 - 1)
	if hi>>61&3 == 3 || c > maxCoefficientHi || c == maxCoefficientHi && lo > maxCoefficientLo {
		return append(dst, bson.NewDecimal128(hi, lo).String()...) // NaN, infinite, or not canonical
	}
	if hi>>63 == 1 {
		dst = append(dst, '-')
	}
	exp := int(hi>>49&(1<<14-1)) + minDecimalExp
	var room [40]byte
	digits := appendUint128(room[:0], c, lo)
	n := len(digits)
	switch point := n + exp; {
	case exp == 0:
		return append(dst, digits...)
	case exp > 0 || point < -5:
		dst = append(dst, digits[0])
		if n > 1 {
			dst = append(dst, '.')
			dst = append(dst, digits[1:]...)
		}
		dst = append(dst, 'E')
		if point > 0 {
			dst = append(dst, '+')
		}
		return strconv.AppendInt(dst, int64(point-1), 10)
	case point > 0:
		dst = append(dst, digits[:point]...)
		dst = append(dst, '.')
		return append(dst, digits[point:]...)
	default:
		dst = append(dst, '0', '.')
		for range -point {
			dst = append(dst, '0')
		}
		return append(dst, digits...)
	}
}

// appendUint128 appends the digits of a number below 10^38.
func appendUint128(dst []byte, hi, lo uint64) []byte {
	if hi == 0 {
		return strconv.AppendUint(dst, lo, 10)
	}
	q, r := bits.Div64(hi, lo, e19) // hi is far below e19
	dst = strconv.AppendUint(dst, q, 10)
	at := len(dst)
	dst = append(dst, "0000000000000000000"...)
	for i := len(dst) - 1; i >= at; i-- {
		dst[i] = byte('0' + r%10)
		r /= 10
	}
	return dst
}

// parseDecimal reads a number of the JSON grammar, NaN, Infinity or -Infinity.
func parseDecimal(s []byte) (hi, lo uint64, ok bool) {
	switch string(s) {
	case "NaN", "Infinity", "-Infinity":
		return slowDecimal(s)
	}
	if !isNumber(s) {
		return 0, 0, false
	}
	var sign uint64
	i, n, exp := 0, 0, 0
	if s[0] == '-' || s[0] == '+' {
		i = 1
		if s[0] == '-' {
			sign = 1 << 63
		}
	}
	point := false
	for ; i < len(s) && s[i] != 'e' && s[i] != 'E'; i++ {
		if s[i] == '.' {
			point = true
			continue
		}
		if point {
			exp--
		}
		if n > 0 || s[i] != '0' {
			if n++; n > 34 {
				return slowDecimal(s)
			}
		}
		h1, l1 := bits.Mul64(lo, 10)
		l2, carry := bits.Add64(l1, uint64(s[i]-'0'), 0)
		hi, lo = hi*10+h1+carry, l2
	}
	if i < len(s) {
		e, err := strconv.Atoi(string(s[i+1:]))
		if err != nil || e > 1<<20 || e < -1<<20 {
			return slowDecimal(s)
		}
		exp += e
	}
	if exp < minDecimalExp || exp > maxDecimalExp {
		return slowDecimal(s)
	}
	return sign | uint64(exp-minDecimalExp)<<49 | hi, lo, true
}

// slowDecimal is for what has to be clamped, if it can be without a loss.
func slowDecimal(s []byte) (hi, lo uint64, ok bool) {
	dec, err := bson.ParseDecimal128(string(s))
	hi, lo = dec.GetBytes()
	return hi, lo, err == nil
}

// decimal appends digits as a Decimal128, if they fit one.
func (d *decoder) decimal(s []byte, like raw) (bson.Type, bool) {
	if like.t == bson.TypeDecimal128 && len(like.v) == 16 {
		var room [48]byte
		if string(appendDecimal(room[:0], like.v)) == string(s) {
			d.dst = append(d.dst, like.v...) // also when it is not in its canonical form
			return bson.TypeDecimal128, true
		}
	}
	hi, lo, ok := parseDecimal(s)
	if !ok {
		return 0, false
	}
	d.int64(int64(lo))
	d.int64(int64(hi))
	return bson.TypeDecimal128, true
}

// isNumber reports whether s is a number as JSON spells them; leading zeros
// and a plus sign are allowed.
func isNumber(s []byte) bool {
	if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	i := skipDigits(s, 0)
	if i == 0 {
		return false
	}
	if i < len(s) && s[i] == '.' {
		j := skipDigits(s, i+1)
		if j == i+1 {
			return false
		}
		i = j
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		j := skipDigits(s, i)
		if j == i {
			return false
		}
		i = j
	}
	return i == len(s)
}
