package dittosim

import (
	"strings"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokName
	tokQuotedName // in backticks: never a keyword
	tokString
	tokNumber
	tokParam
	tokPunct
)

type token struct {
	kind  tokenKind
	text  string // a name or string without quotes and escapes
	start int    // where it stands in the statement
	end   int
}

// lex cuts a statement into tokens.
func lex(src string) ([]token, error) {
	tokens := make([]token, 0, len(src)/4+4)
	for i := 0; i < len(src); {
		start := i
		c := src[i]
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			i++
			continue
		case c == '`':
			name, next, ok := quotedName(src, i+1)
			if !ok {
				return nil, parseErrorf(start, "unterminated name")
			}
			i = next
			tokens = append(tokens, token{tokQuotedName, name, start, i})
		case c == '\'' || c == '"':
			s, next, ok := quotedString(src, i+1, c)
			if !ok {
				return nil, parseErrorf(start, "malformed string")
			}
			i = next
			tokens = append(tokens, token{tokString, s, start, i})
		case isDigit(c):
			i = numberEnd(src, i)
			tokens = append(tokens, token{tokNumber, src[start:i], start, i})
		case c == ':' && i+1 < len(src) && isNameByte(src[i+1]) && !isDigit(src[i+1]):
			for i++; i < len(src) && isNameByte(src[i]); i++ {
			}
			tokens = append(tokens, token{tokParam, src[start+1 : i], start, i})
		case isNameByte(c):
			for i++; i < len(src) && isNameByte(src[i]); i++ {
			}
			tokens = append(tokens, token{tokName, src[start:i], start, i})
		default:
			n := punct(src[i:])
			if n == 0 {
				r, _ := utf8.DecodeRuneInString(src[i:])
				return nil, parseErrorf(start, "Unexpected token %c", r)
			}
			i += n
			tokens = append(tokens, token{tokPunct, src[start:i], start, i})
		}
	}
	return append(tokens, token{kind: tokEnd, start: len(src), end: len(src)}), nil
}

// punct is the length of the operator that s begins with. Comments are left
// out on purpose: "--" is not two minus signs.
func punct(s string) int {
	for _, p := range []string{"!=", "<>", "<=", ">=", "=="} {
		if strings.HasPrefix(s, p) {
			return 2
		}
	}
	if strings.HasPrefix(s, "--") {
		return 0
	}
	if strings.IndexByte("()[]{}:,.=<>+-*", s[0]) >= 0 {
		return 1
	}
	return 0
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isNameByte(c byte) bool {
	return c == '_' || isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'z'
}

func numberEnd(s string, i int) int {
	digits := func() {
		for i < len(s) && isDigit(s[i]) {
			i++
		}
	}
	digits()
	if i+1 < len(s) && s[i] == '.' && isDigit(s[i+1]) {
		i++
		digits()
	}
	if i+1 < len(s) && s[i]|0x20 == 'e' {
		j := i + 1
		if s[j] == '+' || s[j] == '-' {
			j++
		}
		if j < len(s) && isDigit(s[j]) {
			i = j
			digits()
		}
	}
	return i
}

// quotedName reads to the closing backtick; a doubled one stands for itself.
func quotedName(s string, i int) (name string, next int, ok bool) {
	var b strings.Builder
	for i < len(s) {
		if s[i] != '`' {
			b.WriteByte(s[i])
			i++
			continue
		}
		if i+1 == len(s) || s[i+1] != '`' {
			return b.String(), i + 1, true
		}
		b.WriteByte('`')
		i += 2
	}
	return "", i, false
}

func quotedString(s string, i int, quote byte) (str string, next int, ok bool) {
	var b strings.Builder
	for i < len(s) {
		switch s[i] {
		case quote:
			return b.String(), i + 1, true
		case '\\':
			if i+1 < len(s) && s[i+1] == '\'' {
				b.WriteByte('\'')
				i += 2
				continue
			}
			r, n, ok := unescape(s, i+1)
			if !ok {
				return "", i, false
			}
			b.WriteRune(r)
			i = n
		default:
			b.WriteByte(s[i])
			i++
		}
	}
	return "", i, false
}
