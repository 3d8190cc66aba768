package dittosim

import (
	"errors"
	"slices"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is where the engine stops following nested JSON.
const maxDepth = 127

var (
	errJSON  = errors.New("malformed JSON")
	errDepth = errors.New("recursion limit exceeded")
)

// decode reads one JSON text. Keys come out sorted; of equal ones the last
// counts.
func decode(src string) (*node, error) {
	d := decoder{src: src}
	n, err := d.value(0)
	if err != nil {
		return nil, err
	}
	if d.space(); d.pos != len(src) {
		return nil, errJSON
	}
	return n, nil
}

type decoder struct {
	src  string
	pos  int
	room []node // for the next nodes: a text holds many
}

// node is n, in room that it shares with those around it.
func (d *decoder) node(n node) *node {
	if len(d.room) == cap(d.room) {
		d.room = make([]node, 0, min(64, 2*cap(d.room)+2))
	}
	d.room = append(d.room, n)
	return &d.room[len(d.room)-1]
}

func (d *decoder) space() {
	for d.pos < len(d.src) {
		switch d.src[d.pos] {
		case ' ', '\t', '\n', '\r':
			d.pos++
		default:
			return
		}
	}
}

func (d *decoder) take(c byte) bool {
	d.space()
	if d.pos < len(d.src) && d.src[d.pos] == c {
		d.pos++
		return true
	}
	return false
}

func (d *decoder) word(w string) bool {
	if strings.HasPrefix(d.src[d.pos:], w) {
		d.pos += len(w)
		return true
	}
	return false
}

func (d *decoder) value(depth int) (*node, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	if d.space(); d.pos == len(d.src) {
		return nil, errJSON
	}
	switch c := d.src[d.pos]; {
	case c == '{':
		return d.object(depth)
	case c == '[':
		return d.array(depth)
	case c == '"':
		s, err := d.str()
		if err != nil {
			return nil, err
		}
		return d.node(node{kind: kindString, str: s}), nil
	case c == '-' || c >= '0' && c <= '9':
		return d.number()
	case d.word("true"):
		return boolean(true), nil
	case d.word("false"):
		return boolean(false), nil
	case d.word("null"):
		return null(), nil
	}
	return nil, errJSON
}

func (d *decoder) array(depth int) (*node, error) {
	d.pos++
	n := d.node(node{kind: kindArray})
	if d.take(']') {
		return n, nil
	}
	for {
		e, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.elems = append(n.elems, e)
		if d.take(']') {
			return n, nil
		}
		if !d.take(',') {
			return nil, errJSON
		}
	}
}

func (d *decoder) object(depth int) (*node, error) {
	d.pos++
	n := d.node(node{kind: kindObject})
	if d.take('}') {
		return n, nil
	}
	for {
		if d.space(); d.pos == len(d.src) || d.src[d.pos] != '"' {
			return nil, errJSON
		}
		k, err := d.str()
		if err != nil {
			return nil, err
		}
		if !d.take(':') {
			return nil, errJSON
		}
		e, err := d.value(depth + 1)
		if err != nil {
			return nil, err
		}
		n.put(k, e)
		if d.take('}') {
			return n, nil
		}
		if !d.take(',') {
			return nil, errJSON
		}
	}
}

// put adds a member to an object that is being built.
func (n *node) put(k string, e *node) {
	if n.keys == nil {
		n.keys, n.elems = make([]string, 0, 8), make([]*node, 0, 8)
	}
	if l := len(n.keys); l == 0 || n.keys[l-1] < k {
		n.keys, n.elems = append(n.keys, k), append(n.elems, e)
		return
	}
	i := sort.SearchStrings(n.keys, k)
	if n.keys[i] == k {
		n.elems[i] = e
		return
	}
	n.keys, n.elems = slices.Insert(n.keys, i, k), slices.Insert(n.elems, i, e)
}

func (d *decoder) number() (*node, error) {
	start := d.pos
	d.word("-")
	first := d.pos
	if d.digits() == 0 || d.src[first] == '0' && d.pos-first > 1 {
		return nil, errJSON
	}
	if d.word(".") && d.digits() == 0 {
		return nil, errJSON
	}
	if d.pos < len(d.src) && d.src[d.pos]|0x20 == 'e' {
		d.pos++
		if !d.word("+") {
			d.word("-")
		}
		if d.digits() == 0 {
			return nil, errJSON
		}
	}
	n, ok := parseNumber(d.src[start:d.pos])
	if !ok {
		return nil, errors.New("number out of range")
	}
	return d.node(n), nil
}

func (d *decoder) digits() int {
	start := d.pos
	for d.pos < len(d.src) && d.src[d.pos] >= '0' && d.src[d.pos] <= '9' {
		d.pos++
	}
	return d.pos - start
}

func (d *decoder) str() (string, error) {
	start := d.pos + 1
	for i := start; i < len(d.src); i++ {
		switch c := d.src[i]; {
		case c == '"':
			d.pos = i + 1
			return d.src[start:i], nil
		case c == '\\':
			return d.escaped(start, i)
		case c < 0x20:
			return "", errJSON
		}
	}
	return "", errJSON
}

func (d *decoder) escaped(start, i int) (string, error) {
	buf := append([]byte(nil), d.src[start:i]...)
	for i < len(d.src) {
		c := d.src[i]
		i++
		switch {
		case c == '"':
			d.pos = i
			return string(buf), nil
		case c < 0x20:
			return "", errJSON
		case c != '\\':
			buf = append(buf, c)
			continue
		}
		r, next, ok := unescape(d.src, i)
		if !ok {
			return "", errJSON
		}
		buf, i = utf8.AppendRune(buf, r), next
	}
	return "", errJSON
}

// unescape reads the escape whose backslash stands before s[i].
func unescape(s string, i int) (r rune, next int, ok bool) {
	if i == len(s) {
		return 0, i, false
	}
	switch s[i] {
	case '"', '\\', '/':
		return rune(s[i]), i + 1, true
	case 'b':
		return '\b', i + 1, true
	case 'f':
		return '\f', i + 1, true
	case 'n':
		return '\n', i + 1, true
	case 'r':
		return '\r', i + 1, true
	case 't':
		return '\t', i + 1, true
	case 'u':
		r, ok := hex4(s, i+1)
		if !ok || !utf16.IsSurrogate(r) {
			return r, i + 5, ok
		}
		if low, ok := hex4(s, i+7); ok && s[i+5:i+7] == `\u` {
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				return r, i + 11, true
			}
		}
	}
	return 0, i, false
}

func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[i : i+4]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendJSON writes n compactly, as the engine answers and as ids are named.
func (n *node) appendJSON(dst []byte) []byte {
	switch n.kind {
	case kindBool:
		if n.num == 1 {
			return append(dst, "true"...)
		}
		return append(dst, "false"...)
	case kindInt:
		return strconv.AppendInt(dst, n.int(), 10)
	case kindUint:
		return strconv.AppendUint(dst, n.num, 10)
	case kindFloat:
		return appendFloat(dst, n.flt())
	case kindString:
		return appendString(dst, n.str)
	case kindNull:
		return append(dst, "null"...)
	}
	open, end := byte('['), byte(']')
	if n.kind == kindObject {
		open, end = '{', '}'
	}
	dst = append(dst, open)
	for i, e := range n.elems {
		if i > 0 {
			dst = append(dst, ',')
		}
		if n.kind == kindObject {
			dst = append(appendString(dst, n.keys[i]), ':')
		}
		dst = e.appendJSON(dst)
	}
	return append(dst, end)
}

func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(append(dst, s[start:]...), '"')
}
