package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/causeway-sync/causeway/local/lambda"
)

// Invoker invokes a function by its name. As with Lambda, a function that
// failed is no error: functionError is then not empty, and response its error
// document. An error is a failure to invoke it: an *Error by its name, any
// other by Lambda.ServiceException.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) (response []byte, functionError string, err error)
}

// Error is how a task ended, in the words that Retry and Catch go by.
type Error struct {
	Name  string // such as Lambda.TooManyRequestsException
	Cause string
}

func (e *Error) Error() string { return e.Name + ": " + e.Cause }

// Throttled is what Lambda answers when a function has no capacity left.
var Throttled = &Error{Name: "Lambda.TooManyRequestsException", Cause: "Rate Exceeded."}

// Lambda returns an invoker of these functions.
func Lambda(functions ...*lambda.Function) Invoker {
	byName := lambdas{}
	for _, f := range functions {
		byName[f.Name()] = f
	}
	return byName
}

type lambdas map[string]*lambda.Function

func (l lambdas) Invoke(ctx context.Context, function string, payload []byte) ([]byte, string, error) {
	f, ok := l[function]
	if !ok {
		return nil, "", &Error{"Lambda.ResourceNotFoundException", "Function not found: " + function}
	}
	out, err := f.Invoke(ctx, payload)
	var failed *lambda.Error
	switch {
	case errors.As(err, &failed):
		return failed.Payload, "Unhandled", nil
	case errors.Is(err, lambda.ErrTooLarge):
		return nil, "", &Error{"Lambda.RequestTooLargeException", err.Error()}
	}
	return out, "", err
}

// invoke does what the integration lambda:invoke does: a function's failure
// becomes an error of its type, with the error document as the cause.
func invoke(ctx context.Context, inv Invoker, function string, payload []byte) (json.RawMessage, error) {
	out, functionError, err := inv.Invoke(ctx, functionName(function), payload)
	if err != nil {
		return nil, err
	}
	if functionError != "" {
		var doc struct{ ErrorType string }
		if err := json.Unmarshal(out, &doc); err != nil || doc.ErrorType == "" {
			doc.ErrorType = "Lambda.Unknown"
		}
		return nil, &Error{doc.ErrorType, string(out)}
	}
	if len(out) == 0 {
		return json.RawMessage("null"), nil
	}
	if !json.Valid(out) {
		return nil, &Error{"Lambda.Unknown", fmt.Sprintf("the answer of %s is not JSON", functionName(function))}
	}
	return out, nil
}

// functionName takes a function's name out of its ARN; anything else is one.
func functionName(s string) string {
	_, rest, ok := strings.Cut(s, ":function:")
	if !ok {
		return s
	}
	name, _, _ := strings.Cut(rest, ":") // a version or an alias follows
	return name
}
