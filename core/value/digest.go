package value

import (
	"encoding/binary"
	"iter"
)

// Digest stands for all of a document's units on one side: for their paths and
// hashes, in the order of the paths. Absent ones do not count.
func Digest(units iter.Seq2[Path, Hash]) Hash {
	r := borrow()
	defer r.free()
	b := r.a[:0]
	for p, h := range units {
		if h.IsAbsent() {
			continue
		}
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(append(b, p...), h[:]...)
	}
	r.a = b
	return sum(b)
}

// DigestJSON is the Digest of a Ditto document.
func DigestJSON(js []byte, strict bool, counters []Path) (Hash, error) {
	leaves, err := JSONUnits(js, strict, counters)
	if err != nil {
		return Absent, err
	}
	return Digest(func(yield func(Path, Hash) bool) {
		for _, l := range leaves {
			if !yield(l.Path, l.Hash) {
				return
			}
		}
	}), nil
}
