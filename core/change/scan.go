package change

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"time"
)

// The functions of this file walk JSON that json.Valid has accepted, without
// building anything: events carry whole documents, of which only the id is
// wanted (invariant 10), and encoding/json would match `_ID` with `_id`.

// object reports whether v is a JSON object.
func object(v []byte) bool { return len(v) > 0 && v[0] == '{' }

// array reports whether v is a JSON array.
func array(v []byte) bool { return len(v) > 0 && v[0] == '[' }

// text reports whether v is a JSON string.
func text(v []byte) bool { return len(v) > 0 && v[0] == '"' }

// absent reports whether v is missing or null.
func absent(v []byte) bool { return len(v) == 0 || v[0] == 'n' }

// members yields the members of a JSON object in order; nothing for any other
// value.
func members(obj []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		if !object(obj) {
			return
		}
		for i := space(obj, 1); i < len(obj) && obj[i] != '}'; {
			end := skip(obj, i)
			key := unquote(obj[i:end])
			i = space(obj, space(obj, end)+1) // past the colon
			end = skip(obj, i)
			if !yield(key, obj[i:end]) {
				return
			}
			i = space(obj, end)
			if i < len(obj) && obj[i] == ',' {
				i = space(obj, i+1)
			}
		}
	}
}

// elements yields the elements of a JSON array in order; nothing for any other
// value.
func elements(arr []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !array(arr) {
			return
		}
		for i := space(arr, 1); i < len(arr) && arr[i] != ']'; {
			end := skip(arr, i)
			if !yield(arr[i:end]) {
				return
			}
			i = space(arr, end)
			if i < len(arr) && arr[i] == ',' {
				i = space(arr, i+1)
			}
		}
	}
}

// member is the value of the last member of that name, nil if there is none.
func member(obj []byte, name string) (v []byte) {
	for k, m := range members(obj) {
		if k == name {
			v = m
		}
	}
	return v
}

// skip is the index behind the value that begins at b[i].
func skip(b []byte, i int) int {
	switch {
	case i >= len(b):
		return len(b)
	case b[i] == '"':
		return skipString(b, i)
	case b[i] == '{' || b[i] == '[':
		for depth := 0; i < len(b); {
			switch b[i] {
			case '"':
				i = skipString(b, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			i++
			if depth == 0 {
				return i
			}
		}
		return len(b)
	}
	for i < len(b) && !bytes.ContainsRune([]byte(",]} \t\r\n"), rune(b[i])) {
		i++
	}
	return i
}

func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// unquote is the string that a JSON string stands for; empty for other values.
func unquote(v []byte) string {
	if !text(v) {
		return ""
	}
	if bytes.IndexByte(v, '\\') < 0 {
		return string(v[1 : len(v)-1])
	}
	var s string
	_ = json.Unmarshal(v, &s) // valid JSON string: see the top of the file
	return s
}

// integer reads a JSON number, or a string that holds one, as int64.
func integer(v []byte) (int64, bool) {
	s := string(v)
	if text(v) {
		s = strings.TrimSpace(unquote(v))
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f >= -1<<53 && f <= 1<<53) || f != float64(int64(f)) {
		return 0, false
	}
	return int64(f), true
}

// instant reads a time: RFC 3339, or one of Extended JSON's forms of a date.
// The zero Time if it is none.
func instant(v []byte) time.Time {
	if object(v) {
		d := member(v, "$date")
		if n := member(d, "$numberLong"); n != nil {
			d = n
		}
		if ms, ok := integer(d); ok {
			return time.UnixMilli(ms).UTC()
		}
		v = d
	}
	t, err := time.Parse(time.RFC3339Nano, unquote(v))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
