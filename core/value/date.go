package value

import "time"

// The dates that ISO 8601 spells with four digits, in milliseconds since 1970:
// 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z.
const (
	minISO = -62167219200000
	maxISO = 253402300799999
)

// appendISO appends ms as an ISO 8601 date in UTC with milliseconds. ms lies
// between minISO and maxISO.
func appendISO(dst []byte, ms int64) []byte {
	t := time.UnixMilli(ms).UTC()
	y, mo, d := t.Date()
	h, mi, s := t.Clock()
	frac := t.Nanosecond() / 1e6
	return append(dst,
		digit(y/1000), digit(y/100), digit(y/10), digit(y), '-',
		digit(int(mo)/10), digit(int(mo)), '-',
		digit(d/10), digit(d), 'T',
		digit(h/10), digit(h), ':',
		digit(mi/10), digit(mi), ':',
		digit(s/10), digit(s), '.',
		digit(frac/100), digit(frac/10), digit(frac), 'Z')
}

func digit(n int) byte { return byte('0' + n%10) }

// parseISO reads an ISO 8601 point in time: a date, T, a time (the seconds and
// up to nine digits of a fraction may be left out), and Z or an offset. What
// is finer than a millisecond is cut off. Without an offset a text names no
// point in time, and is refused.
func parseISO(s []byte) (ms int64, ok bool) {
	r := reader{s: s}
	y := r.digits(4)
	r.byte('-')
	mo := r.digits(2)
	r.byte('-')
	d := r.digits(2)
	r.byte('T')
	h := r.digits(2)
	r.byte(':')
	mi := r.digits(2)
	var sec, frac int
	if r.peek() == ':' {
		r.byte(':')
		sec = r.digits(2)
		if r.peek() == '.' || r.peek() == ',' {
			frac = r.fraction()
		}
	}
	off := r.offset()
	if r.bad || len(r.s) > 0 || mo < 1 || mo > 12 || d < 1 || h > 23 || mi > 59 || sec > 59 {
		return 0, false
	}
	t := time.Date(y, time.Month(mo), d, h, mi, sec, 0, time.UTC)
	if t.Day() != d { // 31 June
		return 0, false
	}
	return t.UnixMilli() + int64(frac) - int64(off)*60_000, true
}

// reader takes a text apart; bad stays true once something was amiss.
type reader struct {
	s   []byte
	bad bool
}

func (r *reader) peek() byte {
	if len(r.s) == 0 {
		return 0
	}
	return r.s[0]
}

func (r *reader) byte(c byte) {
	if r.peek() != c {
		r.bad = true
		return
	}
	r.s = r.s[1:]
}

func (r *reader) digits(n int) (v int) {
	if len(r.s) < n {
		r.bad = true
		return 0
	}
	for _, c := range r.s[:n] {
		if c < '0' || c > '9' {
			r.bad = true
			return 0
		}
		v = v*10 + int(c-'0')
	}
	r.s = r.s[n:]
	return v
}

// fraction reads a point and one to nine digits, as milliseconds.
func (r *reader) fraction() (ms int) {
	r.s = r.s[1:]
	n := skipDigits(r.s, 0)
	if n == 0 || n > 9 {
		r.bad = true
		return 0
	}
	for i := range 3 {
		ms *= 10
		if i < n {
			ms += int(r.s[i] - '0')
		}
	}
	r.s = r.s[n:]
	return ms
}

// offset reads Z, ±hh:mm, ±hhmm or ±hh, as minutes east of UTC.
func (r *reader) offset() int {
	switch c := r.peek(); c {
	case 'Z':
		r.s = r.s[1:]
		return 0
	case '+', '-':
		r.s = r.s[1:]
		h, mi := r.digits(2), 0
		if len(r.s) > 0 {
			if r.peek() == ':' {
				r.s = r.s[1:]
			}
			mi = r.digits(2)
		}
		if h > 23 || mi > 59 {
			r.bad = true
		}
		if c == '-' {
			return -(h*60 + mi)
		}
		return h*60 + mi
	}
	r.bad = true
	return 0
}
