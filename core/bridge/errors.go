package bridge

import "errors"

// errLater is the class of what is no failure: look again in a while.
type errLater struct{ reason string }

func (e errLater) Error() string { return e.reason }

var (
	errClaimed = errLater{"another handler is writing the document pair"}
	errBehind  = errLater{"the serving Ditto node has not caught up with the event"}
	errRaced   = errLater{"the document pair changed while it was handled"}
	errUnsure  = errLater{"Ditto does not show a document that Causeway is writing"}
)

// IsLater reports whether a hint is to be looked at again after a delay, which
// is no failure.
func IsLater(err error) bool {
	var later errLater
	return errors.As(err, &later)
}
