package stepfunctions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/process"
	"github.com/causeway-sync/causeway/local/stepfunctions"
)

const functionARN = "arn:aws:lambda:us-east-1:123456789012:function:initial-sync"

// call is what the function gets.
type call struct {
	Step  string
	Run   string
	Phase int
	Input json.RawMessage
	Range json.RawMessage
	Error *struct{ Error, Cause string }
}

// script says what the function answers to a call. A functionError is what it
// fails with, any other error one of Lambda.
type script func(call) (any, error)

type functionError struct{ typ, message string }

func (e functionError) Error() string { return e.message }

// fake stands for the function: it follows the script of each run.
type fake struct {
	mu      sync.Mutex
	scripts map[string]script
	calls   map[string][]call
	raw     map[string][]string
}

func newFake() *fake {
	return &fake{scripts: map[string]script{}, calls: map[string][]call{}, raw: map[string][]string{}}
}

func (f *fake) on(run string, s script) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.scripts[run] = s
}

func (f *fake) Invoke(_ context.Context, function string, payload []byte) ([]byte, string, error) {
	var c call
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, "", err
	}
	f.mu.Lock()
	s := f.scripts[c.Run]
	f.calls[c.Run] = append(f.calls[c.Run], c)
	f.raw[c.Run] = append(f.raw[c.Run], string(payload))
	f.mu.Unlock()
	if function != "initial-sync" || s == nil {
		return nil, "", fmt.Errorf("unexpected call of %s: %s", function, payload)
	}
	answer, err := phased(c, s)
	var fe functionError
	if errors.As(err, &fe) {
		doc, _ := json.Marshal(map[string]string{"errorType": fe.typ, "errorMessage": fe.message})
		return doc, "Unhandled", nil
	}
	if err != nil {
		return nil, "", err
	}
	out, err := json.Marshal(answer)
	return out, "", err
}

// phased is the script's answer, as of a run with one phase.
func phased(c call, s script) (any, error) {
	if c.Step == "plan" && c.Phase > 0 {
		return map[string]any{"ranges": []any{}, "phase": c.Phase}, nil
	}
	answer, err := s(c)
	if m, ok := answer.(map[string]any); ok && err == nil {
		switch c.Step {
		case "preflight":
			m["plan"] = map[string]any{"phase": 0}
		case "plan":
			m["phase"] = 1
		}
	}
	return answer, err
}

// of returns the calls of a run, in order; those of a step, unless it is "".
func (f *fake) of(run, step string) []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	calls := slices.Clone(f.calls[run])
	return slices.DeleteFunc(calls, func(c call) bool { return step != "" && c.Step != step })
}

// steps are the steps that were called, each row of equal ones as one.
func (f *fake) steps(run string) string {
	var steps []string
	for _, c := range f.of(run, "") {
		steps = append(steps, c.Step)
	}
	return strings.Join(slices.Compact(steps), " ")
}

func (f *fake) payloads(run string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.raw[run])
}

// well is a script in which everything goes well, over n ranges.
func well(n int) script {
	return func(c call) (any, error) {
		switch c.Step {
		case "preflight":
			return map[string]any{"run": c.Run, "mode": "initial"}, nil
		case "plan":
			ranges := []map[string]any{}
			for i := range n {
				ranges = append(ranges, map[string]any{"n": i})
			}
			return map[string]any{"ranges": ranges}, nil
		case "copy", "delete":
			return map[string]any{"done": true}, nil
		case "summary":
			return map[string]any{"ok": true, "documents": 12}, nil
		}
		return map[string]any{}, nil
	}
}

// but is a script that follows another one where it has no answer of its own.
func but(base script, steps map[string]script) script {
	return func(c call) (any, error) {
		if s, ok := steps[c.Step]; ok {
			return s(c)
		}
		return base(c)
	}
}

// fails is a step that fails by a function error.
func fails(typ, message string) script {
	return func(call) (any, error) { return nil, functionError{typ, message} }
}

func options(t *testing.T, inv stepfunctions.Invoker) stepfunctions.Options {
	t.Helper()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	node, err := install.FindNode(t.Context(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	if err := install.Modules(t.Context(), root, func(s string) { t.Log(s) }); err != nil {
		t.Fatal(err)
	}
	return stepfunctions.Options{
		Root: root, Node: node, Invoke: inv, WaitScale: 0.0001,
		Substitutions: map[string]string{"InitialSyncFunctionArn": functionARN},
	}
}

// start starts a server, and sees that it leaves no process behind.
func start(t *testing.T, opts stepfunctions.Options) *stepfunctions.Server {
	t.Helper()
	s, err := stepfunctions.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
		if process.Alive(s.PID) {
			t.Errorf("process %d was left behind", s.PID)
		}
	})
	return s
}

func client(s *stepfunctions.Server, more ...func(*sfn.Options)) *sfn.Client {
	return sfn.New(sfn.Options{
		Region:       stepfunctions.Region,
		BaseEndpoint: &s.Endpoint,
		Credentials:  credentials.NewStaticCredentialsProvider("local", "local", ""),
	}, more...)
}

// execute starts an execution and returns its ARN.
func execute(t *testing.T, s *stepfunctions.Server, name, input string) string {
	t.Helper()
	out, err := client(s).StartExecution(t.Context(), &sfn.StartExecutionInput{
		StateMachineArn: &s.StateMachineARN, Name: &name, Input: &input,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.ExecutionArn
}

// await waits until an execution has ended.
func await(t *testing.T, s *stepfunctions.Server, arn string) *sfn.DescribeExecutionOutput {
	t.Helper()
	var out *sfn.DescribeExecutionOutput
	eventually(t, func() (ok bool) {
		var err error
		if out, err = client(s).DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn}); err != nil {
			t.Fatal(err)
		}
		return out.Status != types.ExecutionStatusRunning
	})
	return out
}

// wantFailed checks how an execution has failed; its cause holds all of the
// parts.
func wantFailed(t *testing.T, got *sfn.DescribeExecutionOutput, reason string, parts ...string) {
	t.Helper()
	if got.Status != types.ExecutionStatusFailed || aws.ToString(got.Error) != reason {
		t.Errorf("ended %s by %q, want FAILED by %q", got.Status, aws.ToString(got.Error), reason)
	}
	for _, part := range parts {
		if !strings.Contains(aws.ToString(got.Cause), part) {
			t.Errorf("cause = %s, want one with %s", aws.ToString(got.Cause), part)
		}
	}
}

func wantSucceeded(t *testing.T, got *sfn.DescribeExecutionOutput, output string) {
	t.Helper()
	if got.Status != types.ExecutionStatusSucceeded || aws.ToString(got.Output) != output {
		t.Errorf("ended %s with %s, want SUCCEEDED with %s (%s: %s)",
			got.Status, aws.ToString(got.Output), output, aws.ToString(got.Error), aws.ToString(got.Cause))
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("did not come true within 30 s")
		}
	}
}
