package value

import "math"

// CBORSize is how many bytes js takes in CBOR, in which Ditto measures its
// document ids: at most 256. Floats are counted in full, although Ditto takes
// none in an id.
func CBORSize(js []byte) (int, error) {
	r := borrow()
	defer r.free()
	t, err := scan(js, r)
	if err != nil {
		return 0, err
	}
	size := 0
	for i := range t.nodes {
		switch n := &t.nodes[i]; n.kind {
		case stringKind:
			s := len(t.str(i))
			size += headSize(uint64(s)) + s
		case arrayKind, objectKind:
			size += headSize(uint64(n.size))
		case intKind:
			size += intSize(t.raw(i))
		case floatKind:
			size += 9
		default:
			size++
		}
	}
	return size, nil
}

// intSize is the size of an integer: -1 - n is stored for a negative one.
func intSize(s []byte) int {
	i, u, ok := integer(s)
	switch {
	case !ok:
		return 9 // a float to Ditto
	case u > 0:
		return headSize(u)
	case i < 0:
		return headSize(uint64(-(i + 1)))
	}
	return headSize(uint64(i))
}

// headSize is the size of a type byte with its argument.
func headSize(n uint64) int {
	switch {
	case n < 24:
		return 1
	case n <= math.MaxUint8:
		return 2
	case n <= math.MaxUint16:
		return 3
	case n <= math.MaxUint32:
		return 5
	}
	return 9
}

// HasFloat reports whether js holds a number that Ditto would store as a
// float, at any depth.
func HasFloat(js []byte) bool {
	r := borrow()
	defer r.free()
	t, err := scan(js, r)
	if err != nil {
		return false
	}
	for i := range t.nodes {
		switch t.nodes[i].kind {
		case floatKind:
			return true
		case intKind:
			if _, _, ok := integer(t.raw(i)); !ok {
				return true
			}
		}
	}
	return false
}
