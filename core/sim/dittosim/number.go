package dittosim

import (
	"cmp"
	"math"
	"math/bits"
	"strconv"
)

// compareNumbers compares exactly: an int64 and a float are not rounded to
// each other.
func compareNumbers(a, b *node) int {
	switch {
	case a.kind == kindFloat && b.kind == kindFloat:
		return cmp.Compare(a.flt(), b.flt())
	case a.kind == kindFloat:
		return -compareWhole(b, a.flt())
	case b.kind == kindFloat:
		return compareWhole(a, b.flt())
	case a.kind != b.kind:
		return cmp.Compare(a.kind, b.kind)
	case a.kind == kindUint:
		return cmp.Compare(a.num, b.num)
	}
	return cmp.Compare(a.int(), b.int())
}

func compareWhole(a *node, f float64) int {
	const two63, two64 = float64(1 << 63), float64(1 << 64)
	t := math.Trunc(f)
	var c int
	switch {
	case f >= two64:
		return -1
	case f < -two63:
		return 1
	case t >= two63:
		if a.kind == kindInt {
			return -1
		}
		c = cmp.Compare(a.num, uint64(t))
	case a.kind == kindUint:
		return 1
	default:
		c = cmp.Compare(a.int(), int64(t))
	}
	if c != 0 {
		return c
	}
	return cmp.Compare(t, f)
}

// add is a + b, or a - b when sign is negative. Integers stay integers up to
// the ends of int64 and uint64; beyond them, and for what is no number, it
// fails.
func add(a, b *node, sign int) *node {
	if a == nil || b == nil {
		return nil
	}
	if a.isNull() || b.isNull() {
		return null()
	}
	if !a.isNumber() || !b.isNumber() {
		return failed()
	}
	if a.kind == kindFloat || b.kind == kindFloat {
		f := a.asFloat() + float64(sign)*b.asFloat()
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return failed()
		}
		return float(f)
	}
	ahi, alo := a.wide()
	bhi, blo := b.wide()
	if sign < 0 {
		return narrow(sub128(ahi, alo, bhi, blo))
	}
	lo, carry := bits.Add64(alo, blo, 0)
	hi, _ := bits.Add64(ahi, bhi, carry)
	return narrow(hi, lo)
}

func (n *node) asFloat() float64 {
	switch n.kind {
	case kindFloat:
		return n.flt()
	case kindUint:
		return float64(n.num)
	}
	return float64(n.int())
}

// wide is an integer in 128 bits.
func (n *node) wide() (hi, lo uint64) {
	if n.kind == kindInt && n.int() < 0 {
		return math.MaxUint64, n.num
	}
	return 0, n.num
}

func sub128(ahi, alo, bhi, blo uint64) (hi, lo uint64) {
	lo, borrow := bits.Sub64(alo, blo, 0)
	hi, _ = bits.Sub64(ahi, bhi, borrow)
	return hi, lo
}

func narrow(hi, lo uint64) *node {
	switch {
	case hi == 0 && lo > math.MaxInt64:
		return &node{kind: kindUint, num: lo}
	case hi == 0, hi == math.MaxUint64 && lo > math.MaxInt64:
		return integer(int64(lo))
	}
	return failed()
}

// count is an integer as a counter takes it: above int64 it stops at the end.
func (n *node) count() (int64, bool) {
	switch {
	case n == nil:
	case n.kind == kindInt:
		return n.int(), true
	case n.kind == kindUint:
		return math.MaxInt64, true
	}
	return 0, false
}

// appendFloat writes f as the engine does: the shortest digits, plain between
// 1e-5 and 1e16, and always with a point or an exponent.
func appendFloat(dst []byte, f float64) []byte {
	abs := math.Abs(f)
	if abs != 0 && (abs < 1e-5 || abs >= 1e16) {
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'e', -1, 64)
		// Go writes at least two digits of exponent, the engine as few as it
		// takes.
		for i := len(dst) - 1; i > start; i-- {
			if (dst[i] == '+' || dst[i] == '-') && dst[i+1] == '0' {
				dst = append(dst[:i+1], dst[i+2:]...)
				break
			}
		}
		return dst
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
	for _, c := range dst[start:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, '.', '0')
}

// parseNumber reads JSON's number text: without point or exponent an integer
// if it fits. ok is false when it is out of range.
func parseNumber(s string) (n node, ok bool) {
	whole := true
	for i := range len(s) {
		if c := s[i]; c == '.' || c == 'e' || c == 'E' {
			whole = false
			break
		}
	}
	if whole && s != "-0" {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return node{kind: kindInt, num: uint64(i)}, true
		}
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return node{kind: kindUint, num: u}, true
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return node{}, false
	}
	return node{kind: kindFloat, num: math.Float64bits(f)}, true
}
