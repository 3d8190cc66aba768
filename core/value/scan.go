package value

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may be nested, in either format.
const MaxDepth = 200

type kind uint8

const (
	nullKind kind = iota
	falseKind
	trueKind
	intKind   // no fraction, no exponent, and not -0
	floatKind // any other number
	stringKind
	arrayKind
	objectKind
)

// node is one JSON value, or one key, in document order. The nodes of an
// object are key, value, key, value, …
type node struct {
	start, end uint32 // in the text, quotes and brackets included
	next       uint32 // the node after this one and everything in it
	size       uint32 // elements of an array, members of an object
	kind       kind
	escaped    bool // a string with a backslash
	ordered    bool // an object whose keys rise strictly, none escaped
}

// tape is a scanned JSON text. A text is scanned, and checked, once; all else
// works on the tape.
type tape struct {
	src   []byte
	nodes []node
	keys  []byte // what members with escapes in their keys are called
}

// scan reads js as one JSON value onto r's tape.
func scan(js []byte, r *room) (*tape, error) {
	t := &r.tape
	t.src, t.nodes, t.keys = js, t.nodes[:0], t.keys[:0]
	if uint64(len(js)) > math.MaxUint32 {
		return t, fail(ErrSyntax, "longer than 4 GiB")
	}
	i, err := t.value(skipSpace(js, 0), 0)
	if err != nil {
		return t, err
	}
	if i = skipSpace(js, i); i != len(js) {
		return t, syntax(i, "text after the value")
	}
	return t, nil
}

func syntax(offset int, what string) error {
	return fail(ErrSyntax, fmt.Sprintf("byte %d: %s", offset, what))
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\n' || b[i] == '\t' || b[i] == '\r') {
		i++
	}
	return i
}

func (t *tape) value(i, depth int) (int, error) {
	if i >= len(t.src) {
		return i, syntax(i, "ends where a value should be")
	}
	switch c := t.src[i]; {
	case c == '"':
		return t.string(i)
	case c == '{':
		return t.object(i, depth+1)
	case c == '[':
		return t.array(i, depth+1)
	case c == '-' || c >= '0' && c <= '9':
		return t.number(i)
	case c == 't':
		return t.literal(i, "true", trueKind)
	case c == 'f':
		return t.literal(i, "false", falseKind)
	case c == 'n':
		return t.literal(i, "null", nullKind)
	}
	return i, syntax(i, "want a value")
}

func (t *tape) add(start, end int, k kind) {
	t.nodes = append(t.nodes, node{start: uint32(start), end: uint32(end), next: uint32(len(t.nodes) + 1), kind: k})
}

func (t *tape) literal(i int, word string, k kind) (int, error) {
	end := i + len(word)
	if end > len(t.src) || string(t.src[i:end]) != word {
		return i, syntax(i, "want a value")
	}
	t.add(i, end, k)
	return end, nil
}

func (t *tape) number(i int) (int, error) {
	b, start, k := t.src, i, intKind
	if b[i] == '-' {
		i++
	}
	switch {
	case i < len(b) && b[i] == '0':
		i++
	case i < len(b) && b[i] >= '1' && b[i] <= '9':
		i = skipDigits(b, i)
	default:
		return i, syntax(i, "want a digit")
	}
	if i-start == 2 && b[start] == '-' && b[start+1] == '0' {
		k = floatKind // -0 is a float to Ditto
	}
	if i < len(b) && b[i] == '.' {
		k = floatKind
		if j := skipDigits(b, i+1); j > i+1 {
			i = j
		} else {
			return j, syntax(j, "want a digit")
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		k = floatKind
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if j := skipDigits(b, i); j > i {
			i = j
		} else {
			return j, syntax(j, "want a digit")
		}
	}
	t.add(start, i, k)
	return i, nil
}

func skipDigits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

func (t *tape) string(i int) (int, error) {
	b, start := t.src, i
	i++
	var escaped, wide bool
	for {
		if i += plainLen(b[i:]); i == len(b) {
			return i, syntax(start, "a string without an end")
		}
		switch c := b[i]; {
		case c == '"':
			if wide && !utf8.Valid(b[start:i]) {
				return start, syntax(start, "a string that is not UTF-8")
			}
			t.add(start, i+1, stringKind)
			t.nodes[len(t.nodes)-1].escaped = escaped
			return i + 1, nil
		case c == '\\':
			n, err := escapeLen(b, i)
			if err != nil {
				return i, err
			}
			escaped = true
			i += n
		case c < 0x20:
			return i, syntax(i, "a control character in a string")
		default:
			wide = true
			i += wideLen(b[i:])
		}
	}
}

// escapeLen is the length of the escape at b[i]; a surrogate pair is one.
func escapeLen(b []byte, i int) (int, error) {
	if i+1 >= len(b) {
		return 0, syntax(i, "an escape without an end")
	}
	switch b[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, nil
	case 'u':
		r, ok := hex4(b, i+2)
		switch {
		case !ok:
			return 0, syntax(i, "an escape that is not \\uXXXX")
		case r >= 0xDC00 && r < 0xE000:
			return 0, syntax(i, "half a surrogate pair")
		case r >= 0xD800 && r < 0xDC00:
			if i+7 >= len(b) || b[i+6] != '\\' || b[i+7] != 'u' {
				return 0, syntax(i, "half a surrogate pair")
			}
			if lo, ok := hex4(b, i+8); !ok || lo < 0xDC00 || lo >= 0xE000 {
				return 0, syntax(i, "half a surrogate pair")
			}
			return 12, nil
		}
		return 6, nil
	}
	return 0, syntax(i, "an unknown escape")
}

func hex4(b []byte, i int) (r rune, ok bool) {
	if i+4 > len(b) {
		return 0, false
	}
	for _, c := range b[i : i+4] {
		d := unhex(c)
		if d > 15 {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

func (t *tape) array(i, depth int) (int, error) {
	if depth > MaxDepth {
		return i, fail(ErrDepth, "")
	}
	b, at := t.src, len(t.nodes)
	t.add(i, i, arrayKind)
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == ']' {
		return t.close(at, i+1, 0), nil
	}
	var err error
	for n := uint32(1); ; n++ {
		if i, err = t.value(i, depth); err != nil {
			return i, err
		}
		i = skipSpace(b, i)
		switch {
		case i < len(b) && b[i] == ',':
			i = skipSpace(b, i+1)
		case i < len(b) && b[i] == ']':
			return t.close(at, i+1, n), nil
		default:
			return i, syntax(i, "want , or ]")
		}
	}
}

func (t *tape) object(i, depth int) (int, error) {
	if depth > MaxDepth {
		return i, fail(ErrDepth, "")
	}
	b, at := t.src, len(t.nodes)
	t.add(i, i, objectKind)
	t.nodes[at].ordered = true
	i = skipSpace(b, i+1)
	if i < len(b) && b[i] == '}' {
		return t.close(at, i+1, 0), nil
	}
	var err error
	last := -1
	for n := uint32(1); ; n++ {
		if i >= len(b) || b[i] != '"' {
			return i, syntax(i, "want a key")
		}
		key := len(t.nodes)
		if i, err = t.string(i); err != nil {
			return i, err
		}
		if t.nodes[key].escaped || last >= 0 && string(t.text(last)) >= string(t.text(key)) {
			t.nodes[at].ordered = false
		}
		last = key
		i = skipSpace(b, i)
		if i >= len(b) || b[i] != ':' {
			return i, syntax(i, "want :")
		}
		if i, err = t.value(skipSpace(b, i+1), depth); err != nil {
			return i, err
		}
		i = skipSpace(b, i)
		switch {
		case i < len(b) && b[i] == ',':
			i = skipSpace(b, i+1)
		case i < len(b) && b[i] == '}':
			return t.close(at, i+1, n), nil
		default:
			return i, syntax(i, "want , or }")
		}
	}
}

func (t *tape) close(at, end int, size uint32) int {
	n := &t.nodes[at]
	n.end, n.next, n.size = uint32(end), uint32(len(t.nodes)), size
	return end
}
