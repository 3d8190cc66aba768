package value

import (
	"errors"
	"fmt"
)

// Classes of an *Error, for errors.Is. None is mended by a retry: the document
// has to change.
var (
	// ErrSyntax: the text is not JSON (RFC 8259, valid UTF-8).
	ErrSyntax = errors.New("not valid JSON")
	// ErrDepth: nested deeper than MaxDepth.
	ErrDepth = errors.New("nested too deeply")
	// ErrBSON: the bytes are not BSON, or hold text that is not UTF-8.
	ErrBSON = errors.New("not valid BSON")
	// ErrMixedWrapper: an Extended JSON object with another key beside its
	// type key, as when two devices each wrote a type.
	ErrMixedWrapper = errors.New("an Extended JSON object with more than its own keys")
	// ErrWrapper: an Extended JSON object whose value is not of its type.
	ErrWrapper = errors.New("an Extended JSON object with an impossible value")
	// ErrRange: a number that BSON cannot hold, such as an integer over int64.
	ErrRange = errors.New("a number out of range")
	// ErrNulKey: a field name with a NUL, which BSON cannot hold.
	ErrNulKey = errors.New("a field name with a NUL character")
)

// Error is a value that cannot be converted. It names the place and the kind
// of the problem, never the contents.
type Error struct {
	Class error  // one of the Err variables
	Path  Path   // below the value that was converted; array elements by index
	What  string // detail without contents, such as "$oid: want 24 hexadecimal digits"
}

func (e *Error) Error() string {
	s := e.Class.Error()
	if e.Path != "" {
		s = fmt.Sprintf("at %s: %s", e.Path, s)
	}
	if e.What != "" {
		s += ": " + e.What
	}
	return s
}

// Unwrap makes the class visible to errors.Is.
func (e *Error) Unwrap() error { return e.Class }

func fail(class error, what string) error { return &Error{Class: class, What: what} }

// under adds the name of the field in which err happened.
func under(name []byte, err error) error {
	var e *Error
	if errors.As(err, &e) {
		e.Path = PathOf(string(name)) + e.Path
	}
	return err
}
