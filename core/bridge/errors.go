package bridge

import (
	"context"
	"errors"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// Class decides what becomes of a key that is not done with.
type Class string

const (
	// Retry: time mends it. The key comes again by itself.
	Retry Class = "retry"
	// Park: the document or the event has to change. It is set aside where a
	// person finds it, and everything else goes on.
	Park Class = "park"
	// Stop: neither mends it. Keys come again, and fail, until a person has
	// mended the deployment.
	Stop Class = "stop"
)

// Cause is why a key is not done with, as logs say it.
type Cause struct {
	Class  Class
	Reason string // a code, one of docs/operating.md
	Mend   string // what a person does about it
}

// Waits reports whether all that is wanting is time, however long: such a key
// must not end in the dead letters.
func (c Cause) Waits() bool { return c.Class == Retry && c != causeUnknown }

const (
	nothing = "nothing: it is tried again by itself"
	lasting = nothing + "; if it lasts, "
)

var (
	causeClaimed    = Cause{Retry, "claimed", nothing}
	causeBehind     = Cause{Retry, "behind", nothing}
	causeUnsure     = Cause{Retry, "not-shown", lasting + "see that the API key may read the document"}
	causeRaced      = Cause{Retry, "raced", lasting + "something changes the document without a pause"}
	causeTime       = Cause{Retry, "time-over", lasting + "one of the databases is slow"}
	causeDitto      = Cause{Retry, "ditto-unavailable", lasting + "see that Ditto answers under its host name, and its status page"}
	causeUnanswered = Cause{Retry, "ditto-unanswered", causeDitto.Mend}
	causeMongo      = Cause{Retry, "mongodb-unavailable", lasting + "see that the cluster runs, has room, and lets these functions in (Network Access in Atlas)"}
	causeSecret     = Cause{Retry, "secret-unavailable", lasting + "see that AWS Secrets Manager answers"}
	// CauseQueue is the functions': a key could not be put into the queue.
	CauseQueue = Cause{Retry, "queue-unavailable", lasting + "see that the queue is there, and that the function may send to it"}
	// CauseSweep and CauseSweepRefused are the functions': a run that an event asks
	// for could not be started.
	CauseSweep        = Cause{Retry, "sweep-unavailable", lasting + "see that the state machine is there, and AWS Step Functions' status page"}
	CauseSweepRefused = Cause{Stop, "configuration", "set CAUSEWAY_STATE_MACHINE_ARN to the deployment's state machine, and let the function start executions of it"}
	causeUnknown      = Cause{Retry, "unknown", "mend what the error says, then run `causeway redrive`"}

	// CauseUnread is the receiver's: an event that a sweep has to make up for.
	CauseUnread = Cause{Park, "unread", "nothing: a sweep finds what it announced; if it lasts, update Causeway"}

	causeUndecodable = Cause{Park, "undecodable", "see the dead letter; if Causeway should have read it, update Causeway and run `causeway redrive`"}

	causeDittoKey     = Cause{Stop, "ditto-unauthorized", "store a valid API key in the secret of the Ditto API key"}
	causeDittoRights  = Cause{Stop, "ditto-forbidden", "give the API key the right to read and write the collection, in Ditto's portal"}
	causeDittoRefuses = Cause{Stop, "ditto-refused", "see that the endpoint is a Ditto Server with API v4 and v5; if it is, report this"}
	causeDittoConfig  = Cause{Stop, "configuration", "set the Ditto endpoint to the Cloud URL Endpoint of Ditto's portal"}
	causeMongoUser    = Cause{Stop, "mongodb-unauthorized", "store a connection string in its secret whose user may read and write the database (Database Access in Atlas)"}
	causeMongoConfig  = Cause{Stop, "configuration", "store a valid connection string in its secret"}
	// CauseSecret is a secret that is missing, or not what it has to be. An error
	// that has a better mend tells it by a method Remedy.
	CauseSecret     = Cause{Stop, "secret", "store it anew, in the form of docs/configuration.md"}
	causeCollection = Cause{Stop, "configuration", "add the collection to the manifest of both functions"}
)

// caused is an error that knows its cause.
type caused struct {
	error
	cause Cause
}

func (e caused) Unwrap() error { return e.error }

// Cause is the error's own.
func (e caused) Cause() Cause { return e.cause }

// errLater is the class of what is no failure: look again in a while.
type errLater struct {
	reason string
	cause  Cause
}

func (e errLater) Error() string { return e.reason }

var (
	errClaimed = errLater{"another handler is writing the document pair", causeClaimed}
	errBehind  = errLater{"the serving Ditto node has not caught up with the event", causeBehind}
	errRaced   = errLater{"the document pair changed while it was handled", causeRaced}
	errUnsure  = errLater{"Ditto does not show a document that Causeway is writing", causeUnsure}
)

// IsLater reports whether a hint is to be looked at again after a delay, which
// is no failure.
func IsLater(err error) bool {
	var later errLater
	return errors.As(err, &later)
}

// Explain tells the cause of an error that ended a key. An error may know it
// itself, by a method Cause.
func Explain(err error) Cause {
	var later errLater
	var known interface{ Cause() Cause }
	var secret interface{ Remedy() string }
	switch {
	case errors.As(err, &later):
		return later.cause
	case errors.As(err, &known):
		return known.Cause()
	case errors.As(err, &secret):
		if mend := secret.Remedy(); mend != "" {
			return Cause{CauseSecret.Class, CauseSecret.Reason, mend}
		}
		return causeSecret
	case change.IsUndecodable(err):
		return causeUndecodable
	}
	for _, c := range []struct {
		is    func(error) bool
		cause Cause
	}{
		{ditto.IsBehind, causeBehind},
		{ditto.IsForbidden, causeDittoRights},
		{ditto.IsUnauthorized, causeDittoKey},
		{ditto.IsMisconfigured, causeDittoConfig},
		{ditto.IsRejected, causeDittoRefuses},
		{ditto.IsUnavailable, causeDitto},
		{mongodb.IsAuth, causeMongoUser},
		{mongodb.IsMisconfigured, causeMongoConfig},
		{mongodb.IsUnavailable, causeMongo},
		{isOver, causeTime},
	} {
		if c.is(err) {
			return c.cause
		}
	}
	return causeUnknown
}

func isOver(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
