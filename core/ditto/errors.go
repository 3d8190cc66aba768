package ditto

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Error is a statement's failure. Predicates sort it; callers never look at
// the text.
type Error struct {
	API    API
	Status int   // of the answer; 0 without one
	Txn    int64 // the transaction that the request named
	// Description is the server's own message. It may quote document contents:
	// it belongs into records, never into logs (invariant 10). Error masks it.
	Description string
	Unsent      bool  // the server never got the statement
	Err         error // why there is no answer, or none that could be read
}

// Error says what happened without quoting contents.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("ditto")
	if e.API != "" {
		b.WriteString(" " + string(e.API))
	}
	switch {
	case e.Status == http.StatusOK && e.Err == nil:
		b.WriteString(": statement refused")
	case e.Status == http.StatusNotFound && e.Txn != 0:
		b.WriteString(": the node has not reached the transaction")
	case e.Status == http.StatusNotFound:
		b.WriteString(": status 404: check the path of the Ditto endpoint")
	case e.Status != 0:
		fmt.Fprintf(&b, ": status %d", e.Status)
	}
	if e.Description != "" {
		b.WriteString(": " + mask(e.Description))
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// IsBehind reports whether the serving node has not reached the transaction
// that the request named, or no longer knows it. Nothing may be concluded;
// look again later.
func IsBehind(err error) bool {
	e, ok := as(err)
	return ok && e.Status == http.StatusNotFound && e.Txn != 0
}

// IsRejected reports whether the statement, or a document in it, was refused.
// Sent again it would be refused again.
func IsRejected(err error) bool {
	e, ok := as(err)
	if !ok {
		return false
	}
	switch e.Status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	case http.StatusOK:
		return e.Err == nil
	}
	return false
}

// IsUnauthorized reports whether the key is refused, or may not do this.
func IsUnauthorized(err error) bool {
	e, ok := as(err)
	return ok && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden)
}

// IsForbidden reports whether the key is good, but may not do this.
func IsForbidden(err error) bool {
	e, ok := as(err)
	return ok && e.Status == http.StatusForbidden
}

// IsMisconfigured reports whether the endpoint is none of Ditto's API.
func IsMisconfigured(err error) bool {
	if errors.Is(err, errEndpoint) {
		return true
	}
	e, ok := as(err)
	return ok && (e.Status == http.StatusNotFound && e.Txn == 0 || e.Status == http.StatusMethodNotAllowed ||
		e.Status >= http.StatusMultipleChoices && e.Status < http.StatusBadRequest)
}

// IsUnavailable reports whether the server, or the way to it, failed. Later it
// may work. Unless IsAmbiguous, a write has not happened.
func IsUnavailable(err error) bool {
	e, ok := as(err)
	if !ok {
		return false
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case 0, http.StatusOK:
		return e.Err != nil
	}
	return e.Status >= http.StatusInternalServerError
}

// IsAmbiguous reports whether a write that failed so may have happened all the
// same: the statement was sent, and no answer says that it was not run.
func IsAmbiguous(err error) bool {
	e, ok := as(err)
	return ok && IsUnavailable(err) && !e.Unsent &&
		e.Status != http.StatusTooManyRequests && e.Status != http.StatusServiceUnavailable
}

// IsTooLarge reports whether an answer was longer than the client takes.
func IsTooLarge(err error) bool { return errors.Is(err, errTooLarge) }

var errTooLarge = errors.New("the answer is too large")

func as(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}

// mask replaces what a message quotes, and its numbers, and cuts it short:
// names of fields and functions stay readable, values do not.
func mask(s string) string {
	const most = 300
	var b strings.Builder
	var last rune
	for len(s) > 0 && b.Len() < most {
		r, size := utf8.DecodeRuneInString(s)
		quote := r == '"' || r == '\'' && !unicode.IsLetter(last) && !unicode.IsDigit(last)
		switch {
		case quote:
			b.WriteString("…")
			s = afterQuote(s[size:], r, last == '\\')
		case unicode.IsDigit(r) && !unicode.IsLetter(last) && last != '_':
			b.WriteString("…")
			s = strings.TrimLeftFunc(s, func(r rune) bool { return unicode.IsDigit(r) || r == '.' || r == 'e' || r == 'E' })
		case unicode.IsControl(r):
			b.WriteByte(' ')
			s = s[size:]
		default:
			b.WriteRune(r)
			s = s[size:]
		}
		last = r
	}
	return b.String()
}

// afterQuote is what follows the closing quote, or nothing. In a message that
// is quoted itself the quotes are escaped, the closing one like the opening.
func afterQuote(s string, quote rune, escaped bool) string {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && !escaped:
			i++
		case rune(s[i]) == quote:
			return s[i+1:]
		}
	}
	return ""
}
