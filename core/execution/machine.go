package execution

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/sweep"
)

// API is the part of AWS Step Functions that is used.
type API interface {
	StartExecution(ctx context.Context, in *sfn.StartExecutionInput, opts ...func(*sfn.Options)) (*sfn.StartExecutionOutput, error)
	DescribeExecution(ctx context.Context, in *sfn.DescribeExecutionInput, opts ...func(*sfn.Options)) (*sfn.DescribeExecutionOutput, error)
}

// Machine is the state machine of one deployment.
type Machine struct {
	client func(context.Context) (API, error)
	arn    string
}

// New returns the state machine of that ARN. The client is asked for at each
// call, so that it can be made at the first.
func New(arn string, client func(context.Context) (API, error)) *Machine {
	return &Machine{client, arn}
}

// Execution is one that was started.
type Execution struct {
	Name string
	arn  string
}

// Start starts a run. A name that was taken before starts nothing: whoever is
// not sure whether it started a run asks again by the same name.
func (m *Machine) Start(ctx context.Context, name string, in sweep.Input) (Execution, error) {
	js, err := json.Marshal(in)
	if err != nil {
		return Execution{}, fmt.Errorf("start run %s: %w", name, err)
	}
	e := Execution{name, strings.Replace(m.arn, ":stateMachine:", ":execution:", 1) + ":" + name}
	client, err := m.client(ctx)
	if err == nil {
		_, err = client.StartExecution(ctx, &sfn.StartExecutionInput{
			StateMachineArn: &m.arn, Name: &name, Input: aws.String(string(js)),
		})
	}
	var exists *types.ExecutionAlreadyExists
	if err == nil || errors.As(err, &exists) {
		return e, nil
	}
	return Execution{}, &startError{fmt.Errorf("start run %s: %w", name, err)}
}

// ended reports whether the execution runs no more, and why it failed.
func (m *Machine) ended(ctx context.Context, e Execution) (over bool, cause string, err error) {
	client, err := m.client(ctx)
	if err != nil {
		return false, "", fmt.Errorf("look at run %s: %w", e.Name, err)
	}
	out, err := client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &e.arn})
	switch {
	case err != nil:
		return false, "", fmt.Errorf("look at run %s: %w", e.Name, err)
	case out.Status == types.ExecutionStatusRunning, out.Status == types.ExecutionStatusPendingRedrive:
		return false, "", nil
	case out.Status == types.ExecutionStatusSucceeded:
		return true, "", nil
	}
	if cause = aws.ToString(out.Cause); cause == "" {
		cause = strings.ToLower(string(out.Status))
	}
	return true, cause, nil
}

// startError is why a run could not be started.
type startError struct{ error }

func (e *startError) Unwrap() error { return e.error }

// Cause tells bridge.Explain: what only a person can mend, from what time does.
func (e *startError) Cause() bridge.Cause {
	var code interface{ ErrorCode() string }
	if errors.As(e.error, &code) {
		switch code.ErrorCode() {
		case "AccessDeniedException", "StateMachineDoesNotExist", "InvalidArn", "StateMachineDeleting", "InvalidName", "InvalidExecutionInput":
			return bridge.CauseSweepRefused
		}
	}
	return bridge.CauseSweep
}
