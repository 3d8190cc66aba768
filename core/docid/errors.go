package docid

import (
	"errors"
	"strings"
)

// Classes of an *Error, for errors.Is. Each is a property of the document: a
// retry does not mend it.
var (
	ErrMissing  = errors.New("id-missing")   // a mapped field is not there
	ErrNull     = errors.New("id-null")      // the id, or a mapped field, is null
	ErrKind     = errors.New("id-kind")      // an array or object where a scalar is needed
	ErrFields   = errors.New("id-fields")    // the id is not an object of the mapped fields
	ErrFraction = errors.New("id-fraction")  // a number that Ditto does not take in an id
	ErrRange    = errors.New("id-range")     // an integer that MongoDB cannot hold
	ErrTooLong  = errors.New("id-too-long")  // over 256 bytes as Ditto counts them
	ErrValue    = errors.New("id-malformed") // not JSON, not BSON, or a broken Extended JSON object
)

// Error is a document that has no Ditto id, or an id that has no document.
type Error struct {
	Class error  // one of the Err variables; its text is the code in records
	Key   string // the document's key as far as it is known: MongoDB's `_id` as Extended JSON, or the Ditto id
	Field string // the mapped field, or `_id`
	What  string // what is wrong
	Mend  string // what to do about it
	Cause error
}

// Code is the class as it stands in records and metrics.
func (e *Error) Code() string { return e.Class.Error() }

func (e *Error) Error() string {
	var b strings.Builder
	if e.Key != "" {
		b.WriteString("document ")
		b.WriteString(e.Key)
		b.WriteString(": ")
	}
	b.WriteString(e.What)
	if e.Cause != nil {
		b.WriteString(": ")
		b.WriteString(e.Cause.Error())
	}
	if e.Mend != "" {
		b.WriteString("; ")
		b.WriteString(e.Mend)
	}
	return b.String()
}

// Unwrap makes the class and the cause visible to errors.Is.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Class}
	}
	return []error{e.Class, e.Cause}
}

// Code is the code of the *Error in err's chain, "" if there is none.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return ""
}

// Mend is what to do about the *Error in err's chain, "" if there is none.
func Mend(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Mend
	}
	return ""
}

// shorten keeps a key readable in a log line. An id may have any length before
// it is refused.
func shorten(key string) string {
	const most = 300
	if len(key) > most {
		return strings.ToValidUTF8(key[:most], "") + "…"
	}
	return key
}
