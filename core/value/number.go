package value

import (
	"math"
	"strconv"
)

// appendFloat spells a finite f as Ditto does: the shortest digits that give f
// back, always with a point or an exponent, plain between 1e-5 and 1e16.
func appendFloat(dst []byte, f float64) []byte {
	if f == 0 {
		if math.Signbit(f) {
			dst = append(dst, '-')
		}
		return append(dst, "0.0"...)
	}
	if a := math.Abs(f); a < 1e-5 || a >= 1e16 {
		begin := len(dst)
		dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
		return trimExponent(dst, begin)
	}
	begin := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[begin:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// trimExponent takes the leading zero from a two-digit exponent: 1e-07.
func trimExponent(dst []byte, begin int) []byte {
	if n := len(dst); n-begin > 4 && dst[n-2] == '0' && (dst[n-3] == '-' || dst[n-3] == '+') {
		dst[n-2] = dst[n-1]
		return dst[:n-1]
	}
	return dst
}

// appendCanonicalFloat is appendFloat with an integral f as an integer, as far
// as Ditto has integers (int64 and uint64).
func appendCanonicalFloat(dst []byte, f float64) []byte {
	switch {
	case f != math.Trunc(f) || f < -1<<63 || f >= 1<<64:
		return appendFloat(dst, f)
	case f >= 1<<63:
		return strconv.AppendUint(dst, uint64(f), 10)
	}
	return strconv.AppendInt(dst, int64(f), 10)
}

// integer is the value of a scanned integer, if it fits 64 bits: as int64, or
// above that as uint64.
func integer(s []byte) (i int64, u uint64, ok bool) {
	neg := s[0] == '-'
	if neg {
		s = s[1:]
	}
	if len(s) > 20 {
		return 0, 0, false
	}
	for _, c := range s {
		d := uint64(c - '0')
		if u > (math.MaxUint64-d)/10 {
			return 0, 0, false
		}
		u = u*10 + d
	}
	switch {
	case neg && u > 1<<63:
		return 0, 0, false
	case neg:
		return -int64(u), 0, true
	case u > math.MaxInt64:
		return 0, u, true
	}
	return int64(u), 0, true
}

// float is the value of a scanned number.
func float(s []byte) (float64, error) {
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil {
		return 0, fail(ErrRange, "beyond a 64-bit float")
	}
	return f, nil
}

// appendCanonicalNumber gives every spelling of a number the same one.
func appendCanonicalNumber(dst, s []byte, k kind) ([]byte, error) {
	if k == intKind {
		if _, _, ok := integer(s); ok {
			return append(dst, s...), nil
		}
	}
	f, err := float(s)
	if err != nil {
		return dst, err
	}
	return appendCanonicalFloat(dst, f), nil
}
