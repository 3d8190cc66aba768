package change

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/value"
)

// Canary is the collection that the heartbeat writes to, under an `_id` that
// counts: an event of it shows that the trigger is alive, and is otherwise
// ignored.
const Canary = "__causeway_canary"

// Batch is what one body held. One body may announce several changes, and one
// of them that cannot be read does not touch the others.
type Batch struct {
	Hints   []Hint
	Notices []Notice
	Ignored []Ignored
	// Beats are the heartbeats that came back, by their numbers. Each is also among
	// those that are ignored: it needs no work.
	Beats []int64
	Errs  []error // one per event that could not be read; IsUndecodable holds
}

// Err joins the errors of the events that could not be read; nil if all could.
func (b *Batch) Err() error {
	if len(b.Errs) == 1 {
		return b.Errs[0]
	}
	return errors.Join(b.Errs...)
}

// Notice is an event after which single documents are not enough: a collection
// was dropped or renamed, or Ditto asks for everything to be read again. Only a
// sweep, with its guard against mass deletes, may act on it (invariant 8).
type Notice struct {
	Collection string // the MongoDB collection; empty for all of them
	Side       value.Side
	Reason     string // "drop", "rename", "requeryRequired", …
	Txn        int64  // Ditto's transaction, if it named one
	At         time.Time
}

// Ignored is an event that is not for this deployment, or needs no work.
type Ignored struct {
	Collection string // as the event names it
	Reason     string
}

// Reasons of Ignored.
const (
	ReasonCanary     = "canary"
	ReasonOwn        = "collection of Causeway or of the connector"
	ReasonDatabase   = "database is not configured"
	ReasonCollection = "collection is not configured"
	ReasonNoDocument = "operation changes no document"
	ReasonHeartbeat  = "heartbeat of Ditto's change feed"
)

// undecodable is the class of an event that no retry makes readable.
type undecodable struct{ msg string }

func (e *undecodable) Error() string { return e.msg }

// errorf makes an undecodable error. Its text names fields, never their values
// (invariant 10).
func errorf(format string, args ...any) error {
	return &undecodable{fmt.Sprintf(format, args...)}
}

// brief keeps a name that an event made up from filling the log.
func brief(name string) string {
	const most = 60
	if len(name) > most {
		return strings.ToValidUTF8(name[:most], "") + "…"
	}
	return name
}

// IsUndecodable reports whether err says that an event cannot be read, today
// or later.
func IsUndecodable(err error) bool {
	var e *undecodable
	return errors.As(err, &e)
}

// Unread is the notice that stands for events of Ditto that could not be read:
// a sweep finds what they announced (invariant 1).
func Unread(at time.Time) Notice {
	return Notice{Side: value.Ditto, Reason: "undecodable event", At: at}
}

// fail is a Batch of one event that could not be read.
func fail(err error) Batch { return Batch{Errs: []error{err}} }

// add appends o to b.
func (b *Batch) add(o Batch) {
	b.Hints = append(b.Hints, o.Hints...)
	b.Notices = append(b.Notices, o.Notices...)
	b.Ignored = append(b.Ignored, o.Ignored...)
	b.Beats = append(b.Beats, o.Beats...)
	b.Errs = append(b.Errs, o.Errs...)
}
