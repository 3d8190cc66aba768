package stepfunctions_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/local/stepfunctions"
)

// machine runs a state machine of a test's own over an invoker.
func machine(t *testing.T, definition string, scale float64, inv stepfunctions.Invoker) *stepfunctions.Server {
	t.Helper()
	opts := options(t, inv)
	opts.Name, opts.Definition, opts.WaitScale = "other", define(t, definition), scale
	return start(t, opts)
}

// Without a WaitScale, what waits takes its time, and time-outs always do.
func TestTimes(t *testing.T) {
	s := machine(t, `{"StartAt": "A", "States": {"A": {
		"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "TimeoutSeconds": 1,
		"Parameters": {"FunctionName": "f", "Payload": {}},
		"Retry": [{"ErrorEquals": ["Lambda.TooManyRequestsException"], "IntervalSeconds": 1, "BackoffRate": 1, "MaxAttempts": 1}],
		"End": true}}}`, 0, invokerFunc(throttledOnce(func(ctx context.Context) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})))
	begun := time.Now()
	got := await(t, s, execute(t, s, "one", `{}`))
	wantFailed(t, got, "States.Timeout")
	if took := time.Since(begun); took < 2*time.Second {
		t.Errorf("a retry and a time-out of 1 s each took %s", took)
	}
}

// What the library does otherwise, mended.
func TestLanguage(t *testing.T) {
	var mu sync.Mutex
	seen := []string{}
	s := machine(t, `{"StartAt": "Each", "States": {
		"Each": {"Type": "Map", "ItemsPath": "$.items", "MaxConcurrency": 1,
			"ItemSelector": {"parent.$": "$$.Execution.Name", "i.$": "$$.Map.Item.Index", "item.$": "$$.Map.Item.Value"},
			"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "Do", "States": {
				"Do": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
					"Parameters": {"FunctionName": "arn:aws:lambda:us-east-1:1:function:f:live", "Payload": {
						"in.$": "$", "same.$": "States.Format('{}', $$.Execution.Name)"}},
					"OutputPath": "$.Payload", "End": true}}},
			"Next": "All"},
		"All": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
			"Parameters": {"FunctionName": "f", "Payload": {"all.$": "$", "name.$": "$$.Execution.Name", "machine.$": "$$.StateMachine.Id"}},
			"End": true}}}`, 1, invokerFunc(func(_ context.Context, function string, payload []byte) ([]byte, string, error) {
		mu.Lock()
		defer mu.Unlock()
		var in struct {
			In   json.RawMessage
			Same string
		}
		if err := json.Unmarshal(payload, &in); err != nil || function != "f" {
			return nil, "", errors.New("not what f takes: " + function)
		}
		if in.In == nil {
			seen = append(seen, string(payload))
			return nil, "", nil
		}
		if in.Same == "one" {
			return nil, "", errors.New("a child has the name of its parent")
		}
		seen = append(seen, string(in.In))
		return []byte(`{"did":` + string(in.In) + `}`), "", nil
	}))
	got := await(t, s, execute(t, s, "one", `{"items": [{"a": 1}, ["b"]]}`))
	wantSucceeded(t, got, `{"ExecutedVersion":"$LATEST","Payload":null,"StatusCode":200}`)
	want := []string{
		`{"parent":"one","i":0,"item":{"a":1}}`,
		`{"parent":"one","i":1,"item":["b"]}`,
		`{"all":[{"did":{"parent":"one","i":0,"item":{"a":1}}},{"did":{"parent":"one","i":1,"item":["b"]}}],` +
			`"name":"one","machine":"` + s.StateMachineARN + `"}`,
	}
	if diff := gocmp.Diff(want, seen); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// throttledOnce throttles the first call.
func throttledOnce(then func(context.Context) ([]byte, error)) func(context.Context, string, []byte) ([]byte, string, error) {
	var once sync.Once
	return func(ctx context.Context, _ string, _ []byte) (out []byte, _ string, err error) {
		err = errSecond
		once.Do(func() { err = stepfunctions.Throttled })
		if errors.Is(err, errSecond) {
			out, err = then(ctx)
		}
		return out, "", err
	}
}

var errSecond = errors.New("not the first call")
