package dittosim

import (
	"fmt"
	"net/http"

	"github.com/causeway-sync/causeway/core/ditto"
)

// Descriptions follow the engine's own where it has one.

// parseErrorf is a statement that this engine cannot read.
func parseErrorf(at int, format string, args ...any) error {
	return invalidf("DQL parser error: %s at column %d", fmt.Sprintf(format, args...), at+1)
}

// unsupportedf is a construct that the real engine may know and this one does
// not.
func unsupportedf(at int, what string) error {
	return invalidf("dittosim does not support %s (column %d)", what, at+1)
}

// evaluationf is a statement that the documents or arguments do not allow.
func evaluationf(format string, args ...any) error {
	return invalidf("DQL Internal execution error: %s", fmt.Sprintf(format, args...))
}

func invalidf(format string, args ...any) error {
	return &ditto.Error{Status: http.StatusBadRequest, Description: fmt.Sprintf(format, args...)}
}
