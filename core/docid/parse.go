package docid

import (
	"errors"
	"fmt"

	"github.com/causeway-sync/causeway/core/value"
)

// MaxSize is the longest id that Ditto takes, in bytes of CBOR.
const MaxSize = 256

// Parse reads a Ditto document id. It takes what Ditto takes: any JSON but
// null, without fractions, up to MaxSize; 5.0 is 5. Errors are *Error.
func Parse(js []byte) (ID, error) {
	if isPlain(js) {
		return ID(js), nil
	}
	canon, err := value.Canonical(make([]byte, 0, len(js)), js)
	if err != nil {
		class := ErrValue
		if errors.Is(err, value.ErrRange) {
			class = ErrFraction
		}
		return "", &Error{Class: class, Field: "_id", What: "the Ditto _id is malformed", Cause: err}
	}
	return check(canon)
}

// isPlain reports whether js is a string that Ditto takes and that has one
// spelling: ASCII without escapes.
func isPlain(js []byte) bool {
	n := len(js)
	if n < 2 || n > MaxSize || js[0] != '"' || js[n-1] != '"' {
		return false
	}
	for _, c := range js[1 : n-1] {
		if c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// check applies Ditto's rules to a canonical id.
func check(canon []byte) (ID, error) {
	id := ID(canon)
	if len(id) <= MaxSize && canon[0] == '"' {
		return id, nil // a string takes no more in CBOR than in JSON, up to that length
	}
	if id == "null" {
		return "", &Error{
			Class: ErrNull, Key: "null", Field: "_id", What: "the id is null, which Ditto refuses",
			Mend: "give the document another id",
		}
	}
	if value.HasFloat(canon) {
		return "", &Error{
			Class: ErrFraction, Key: shorten(string(id)), Field: "_id", What: "the id holds a number that is no 64-bit integer, which Ditto refuses",
			Mend: "use a whole number or a string",
		}
	}
	if n, err := value.CBORSize(canon); err != nil || n > MaxSize {
		return "", &Error{
			Class: ErrTooLong, Key: shorten(string(id)), Field: "_id", What: fmt.Sprintf("the id takes %d bytes, and Ditto refuses more than %d", n, MaxSize),
			Mend: "use a shorter id", Cause: err,
		}
	}
	return id, nil
}
