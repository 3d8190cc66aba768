package mongodb

import (
	"context"
	"errors"
	"net"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/auth"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/topology"
)

// Error is the failure of a request as a whole. Its text holds neither
// credentials nor document contents (invariants 10, 11); that is why it does
// not unwrap to the driver's error.
type Error struct {
	Op   string // what was being done: "find tasks"
	Code int    // the server's, 0 if it never answered

	class   class
	message string
	ctx     error // context.Canceled or DeadlineExceeded, when that was the cause
}

type class uint8

const (
	other class = iota
	unauthorized
	unavailable
	misconfigured
)

func (e *Error) Error() string { return e.Op + ": " + e.message }

// Reason is Error without Op.
func (e *Error) Reason() string { return e.message }

// Unwrap returns the context's error if that ended the request, else nil.
func (e *Error) Unwrap() error { return e.ctx }

// IsAuth reports whether MongoDB refused the credentials, or what they may do.
// A rotated secret is one cause: read it again and connect anew.
func IsAuth(err error) bool { return hasClass(err, unauthorized) }

// IsUnavailable reports whether MongoDB could not be reached or could not
// answer now: network, no primary, server selection, timeouts, write concern,
// no room.
// Whether a write happened is unknown; try again later.
func IsUnavailable(err error) bool { return hasClass(err, unavailable) }

// IsMisconfigured reports whether the connection string is none.
func IsMisconfigured(err error) bool { return hasClass(err, misconfigured) }

func hasClass(err error, c class) bool {
	var e *Error
	var w WriteError
	return errors.As(err, &e) && e.class == c || errors.As(err, &w) && w.class() == c
}

// class is that of a model which the server refused: not now, or not by this
// user. Atlas says with one code that rights are missing, and that the quota is
// used up.
func (e WriteError) class() class {
	switch {
	case authCodes[e.Code], e.Code == atlasCode && mentionsAuth(e.Message):
		return unauthorized
	case transientCodes[e.Code], e.Code == atlasCode:
		return unavailable
	}
	return other
}

// Server error codes that say "not now" rather than "not this document".
var transientCodes = map[int]bool{
	6: true, 7: true, 89: true, 9001: true, // host unreachable, not found, network
	24: true, 46: true, 112: true, // lock timeout, lock busy, write conflict
	50: true, 202: true, 262: true, // time limits
	64: true, 100: true, 91: true, // write concern, shutdown
	133: true, 134: true, 189: true, 10107: true, 10058: true, // primaries
	11600: true, 11602: true, 13435: true, 13436: true,
	13388: true, 63: true, 150: true, 234: true, 317: true, // stale routing, retry, evicted
	251: true, 290: true, 462: true, // transactions, rate limits
	14031: true, 146: true, 371: true, // out of disk, memory limit, writes blocked
}

// Codes of refused credentials or rights. Atlas reports both with its own code
// 8000, which it uses for quotas too.
var authCodes = map[int]bool{11: true, 13: true, 18: true, 31: true, 334: true, 391: true}

const atlasCode = 8000

// IsDuplicate reports whether the model would have repeated a unique key.
func IsDuplicate(e WriteError) bool { return e.Code == 11000 || e.Code == 11001 || e.Code == 12582 }

// IsDuplicateID reports whether the key was `_id`: somebody else has inserted
// the document.
func IsDuplicateID(e WriteError) bool { return IsDuplicate(e) && e.KeyIndex == "_id_" }

// IsConflict reports whether somebody else wrote the document at the same time.
func IsConflict(e WriteError) bool { return e.Code == 112 }

// IsPermanent reports whether the server refuses this document and will refuse
// it again: schema validation, another unique index, size, what an index
// cannot take. An unknown code counts as permanent, so that a document nobody
// can write is parked, where a person sees it, and not sent round for ever.
func IsPermanent(e WriteError) bool {
	if e.Code == 0 || e.Code == atlasCode || IsDuplicateID(e) {
		return false
	}
	return !transientCodes[e.Code] && !authCodes[e.Code]
}

func (e WriteError) Error() string { return e.Message }

// wrap classes a driver error and strips its text.
func wrap(op string, err error, secrets redactor) *Error {
	e := &Error{Op: op, class: other}
	switch {
	case errors.Is(err, context.Canceled):
		e.ctx = context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		e.ctx = context.DeadlineExceeded
	}
	var server mongo.ServerError
	var command mongo.CommandError
	var login *auth.Error
	var selection topology.ServerSelectionError
	var connection topology.ConnectionError
	var dns *net.DNSError
	var cleared driver.RetryablePoolError
	var pool topology.PoolError
	switch {
	case errors.As(err, &login):
		e.class, e.message = unauthorized, secrets.clean(login.Error())
		e.Code = 18
		return e
	case errors.As(err, &command) && command.Code != 0:
		e.Code, e.message = int(command.Code), serverMessage(command.Message)
		if command.Name != "" {
			e.message += " (" + command.Name + ")"
		}
		switch {
		case authCodes[e.Code], e.Code == atlasCode && mentionsAuth(command.Message):
			e.class = unauthorized
		case transientCodes[e.Code], mongo.IsTimeout(err), mongo.IsNetworkError(err),
			command.HasErrorLabel("RetryableWriteError"):
			e.class = unavailable
		}
		return e
	case errors.As(err, &server) && server.ErrorCodes() != nil:
		e.Code = server.ErrorCodes()[0]
	}
	if errors.As(err, &selection) || errors.As(err, &connection) || errors.As(err, &dns) || e.ctx != nil ||
		errors.As(err, &cleared) || errors.As(err, &pool) ||
		mongo.IsTimeout(err) || mongo.IsNetworkError(err) || errors.Is(err, mongo.ErrClientDisconnected) ||
		transientCodes[e.Code] {
		e.class = unavailable
	}
	e.message = secrets.clean(err.Error())
	return e
}
