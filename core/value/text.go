package value

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// raw is the JSON text of node n.
func (t *tape) raw(n int) []byte {
	v := &t.nodes[n]
	return t.src[v.start:v.end:v.end]
}

// text is what stands between the quotes of the string n, escapes and all.
func (t *tape) text(n int) []byte {
	v := &t.nodes[n]
	return t.src[v.start+1 : v.end-1 : v.end-1]
}

// str is the string n, unescaped. Without escapes it shares memory with the
// source.
func (t *tape) str(n int) []byte {
	if !t.nodes[n].escaped {
		return t.text(n)
	}
	return unescape(make([]byte, 0, len(t.text(n))), t.text(n))
}

// unescape appends s, which has been scanned, without its escapes.
func unescape(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		j := bytes.IndexByte(s[i:], '\\')
		if j < 0 {
			return append(dst, s[i:]...)
		}
		dst = append(dst, s[i:i+j]...)
		i += j + 2
		switch c := s[i-1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r, _ := hex4(s, i)
			i += 4
			if utf16.IsSurrogate(r) {
				lo, _ := hex4(s, i+2)
				r = utf16.DecodeRune(r, lo)
				i += 6
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
	return dst
}

const hexDigits = "0123456789abcdef"

// unhex is the value of a hexadecimal digit, or 255.
func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// plainLen is how many bytes at the start of s stand for themselves in a JSON
// string: ASCII, no control characters, no quotes and no backslashes. It looks
// at eight bytes at a time. In each sum, the lowest byte whose top bit is set is
// one that was looked for: only above that can a borrow have set more.
func plainLen(s []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		quote, backslash := w^'"'*ones, w^'\\'*ones
		found := (w | (w-0x20*ones)&^w | (quote-ones)&^quote | (backslash-ones)&^backslash) & tops
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < 0x20 || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			return i
		}
	}
	return i
}

// wideLen is how many bytes at the start of s are not ASCII.
func wideLen(s []byte) int {
	i := 0
	for i < len(s) && s[i] >= utf8.RuneSelf {
		i++
	}
	return i
}

// AppendString appends s as a JSON string, spelled as Ditto spells it. What is
// not UTF-8 becomes U+FFFD.
func AppendString(dst []byte, s string) []byte {
	out, ok := appendString(dst, []byte(s))
	if !ok {
		out, _ = appendString(dst, []byte(strings.ToValidUTF8(s, "\uFFFD")))
	}
	return out
}

// appendString appends s as JSON, spelled as Ditto spells it. It reports
// false, and appends nothing, when s is not UTF-8.
func appendString(dst, s []byte) ([]byte, bool) {
	begin := len(dst)
	dst = append(dst, '"')
	wide, from := false, 0
	for i := plainLen(s); i < len(s); i += 1 + plainLen(s[i+1:]) {
		c := s[i]
		if c >= utf8.RuneSelf {
			wide = true
			i += wideLen(s[i+1:])
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	if wide && !utf8.Valid(s) {
		return dst[:begin], false
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"'), true
}

// member is one member of an object.
type member struct {
	from, to uint32 // the key, in the text or, if it had escapes, in tape.keys
	node     uint32 // of the value
	copied   bool
	used     bool
}

// key is the name of m.
func (t *tape) key(m member) []byte {
	if m.copied {
		return t.keys[m.from:m.to]
	}
	return t.src[m.from:m.to]
}

// members appends the members of the object n, sorted by key, the last of
// each key only.
func (t *tape) members(dst []member, n int) []member {
	obj, base := t.nodes[n], len(dst)
	for i := uint32(n + 1); i < obj.next; i = t.nodes[i+1].next {
		k := &t.nodes[i]
		m := member{from: k.start + 1, to: k.end - 1, node: i + 1}
		if k.escaped {
			m.copied, m.from = true, uint32(len(t.keys))
			t.keys = unescape(t.keys, t.src[k.start+1:k.end-1])
			m.to = uint32(len(t.keys))
		}
		dst = append(dst, m)
	}
	if obj.ordered {
		return dst
	}
	all := dst[base:]
	slices.SortStableFunc(all, func(a, b member) int { return bytes.Compare(t.key(a), t.key(b)) })
	keep := all[:0]
	for i, m := range all {
		if i+1 == len(all) || !bytes.Equal(t.key(m), t.key(all[i+1])) {
			keep = append(keep, m)
		}
	}
	return dst[:base+len(keep)]
}

// find is the position of key among sorted members, or -1.
func (t *tape) find(all []member, key []byte) int {
	lo, hi := 0, len(all)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		switch c := bytes.Compare(t.key(all[mid]), key); {
		case c == 0:
			return mid
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return -1
}
