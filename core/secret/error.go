package secret

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
)

var errEmpty = errors.New("it is empty")

type fieldError struct{ key string }

func (e *fieldError) Error() string {
	return fmt.Sprintf("it is JSON without the text field %q", e.key)
}

// Error says which secret could not be read, and what mends it.
type Error struct {
	Ref  Ref
	Mend string // what a person can do; empty if time may mend it
	Err  error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("read secret %q", e.Ref.ID)
	if e.Ref.Region != "" {
		s += " in " + e.Ref.Region
	}
	if e.Ref.RoleARN != "" {
		s += " as " + e.Ref.RoleARN
	}
	s += ": " + e.Err.Error()
	if e.Mend != "" {
		s += " (" + e.Mend + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Remedy is what a person can do; empty if time may mend it.
func (e *Error) Remedy() string { return e.Mend }

// IsMissing reports whether err says that a secret is not there.
func IsMissing(err error) bool {
	var nf *types.ResourceNotFoundException
	return errors.As(err, &nf)
}

// IsDenied reports whether err says that the caller may not read a secret, or
// not assume the role for it.
func IsDenied(err error) bool {
	switch code(err) {
	case "AccessDeniedException", "AccessDenied":
		return true
	}
	return false
}

func code(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorCode()
	}
	return ""
}

func explain(ref Ref, err error) error {
	e := &Error{Ref: ref, Err: err}
	var op *smithy.OperationError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
	case errors.Is(err, errEmpty):
		e.Mend = "store a value in it"
	case errors.As(err, new(*fieldError)):
		e.Mend = "add that field, or store the bare value"
	case IsMissing(err):
		e.Mend = "store it, or correct the manifest: secrets belong to one region and account"
	case ref.RoleARN != "" && IsDenied(err) && errors.As(err, &op) && assumed(err):
		e.Mend = "the role's trust policy must name this function's role, and its external id if it asks for one"
	case IsDenied(err):
		e.Mend = "the role needs secretsmanager:GetSecretValue on it, and kms:Decrypt if it has a key of its own"
	case code(err) == "InvalidRequestException":
		e.Mend = "it may be marked for deletion: restore it"
	case code(err) == "DecryptionFailure":
		e.Mend = "the role needs kms:Decrypt on the secret's key"
	}
	return e
}

// assumed reports whether the call that failed was the one to STS: its error
// is wrapped in that of the call to Secrets Manager.
func assumed(err error) bool {
	for err != nil {
		var op *smithy.OperationError
		if !errors.As(err, &op) {
			return false
		}
		if op.Service() == "STS" {
			return true
		}
		err = op.Unwrap()
	}
	return false
}
