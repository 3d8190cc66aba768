package stepfunctions_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/smithy-go"

	"github.com/causeway-sync/causeway/local/stepfunctions"
)

func TestStartExecution(t *testing.T) {
	f := newFake()
	s := start(t, options(t, f))
	c := client(s)
	begin := func(name, input *string) (*sfn.StartExecutionOutput, error) {
		return c.StartExecution(t.Context(), &sfn.StartExecutionInput{
			StateMachineArn: &s.StateMachineARN, Name: name, Input: input,
		})
	}
	release := make(chan struct{})
	f.on("one", but(well(1), map[string]script{"plan": func(call) (any, error) {
		<-release
		return map[string]any{"ranges": []any{}}, nil
	}}))
	first, err := begin(aws.String("one"), aws.String(`{"mode":"verify"}`))
	if err != nil {
		t.Fatal(err)
	}
	if want := "arn:aws:states:us-east-1:123456789012:execution:initial-sync:one"; *first.ExecutionArn != want {
		t.Errorf("ARN = %s, want %s", *first.ExecutionArn, want)
	}

	t.Run("SameWhileItRuns", func(t *testing.T) {
		again, err := begin(aws.String("one"), aws.String(`{"mode":"verify"}`))
		if err != nil || *again.ExecutionArn != *first.ExecutionArn || !again.StartDate.Equal(*first.StartDate) {
			t.Errorf("StartExecution = %+v, %v, want the first one", again, err)
		}
		if n := len(f.of("one", "preflight")); n > 1 {
			t.Errorf("it was started %d times", n)
		}
	})
	t.Run("ErrOtherInput", func(t *testing.T) {
		_, err := begin(aws.String("one"), aws.String(`{"mode":"repair"}`))
		want[*types.ExecutionAlreadyExists](t, err)
	})
	close(release)
	got := await(t, s, *first.ExecutionArn)
	wantSucceeded(t, got, goodSummary)
	if *got.Input != `{"mode":"verify"}` || *got.Name != "one" || *got.StateMachineArn != s.StateMachineARN ||
		got.StopDate.Before(*got.StartDate) || time.Since(*got.StartDate) > time.Minute {
		t.Errorf("DescribeExecution = %+v", got)
	}
	t.Run("ErrHasEnded", func(t *testing.T) {
		_, err := begin(aws.String("one"), aws.String(`{"mode":"verify"}`))
		want[*types.ExecutionAlreadyExists](t, err)
	})
	t.Run("ErrInput", func(t *testing.T) {
		_, err := begin(aws.String("bad"), aws.String(`{"mode":`))
		want[*types.InvalidExecutionInput](t, err)
		_, err = begin(aws.String("bad"), aws.String(`"`+strings.Repeat("x", 256<<10)+`"`))
		want[*types.InvalidExecutionInput](t, err)
	})
	t.Run("ErrName", func(t *testing.T) {
		for _, name := range []string{"a b", "a:b", "a/b", "a\nb", "ä\u0085", strings.Repeat("x", 81)} {
			_, err := begin(&name, nil)
			want[*types.InvalidName](t, err)
		}
	})
	t.Run("NoNameAndNoInput", func(t *testing.T) {
		out, err := begin(nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := await(t, s, *out.ExecutionArn) // it fails: nobody expects a run of that name
		if *got.Input != "{}" || *got.Name == "" {
			t.Errorf("input %s, name %s", *got.Input, *got.Name)
		}
		wantFailed(t, got, "Lambda.ServiceException", "unexpected call")
	})
}

func TestDescribe(t *testing.T) {
	f := newFake()
	s := start(t, options(t, f))
	c := client(s)
	t.Run("StateMachine", func(t *testing.T) {
		out, err := c.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: &s.StateMachineARN})
		if err != nil {
			t.Fatal(err)
		}
		if *out.Name != "initial-sync" || out.Type != types.StateMachineTypeStandard ||
			!strings.Contains(*out.Definition, functionARN) || strings.Contains(*out.Definition, "${") {
			t.Errorf("DescribeStateMachine = %+v", out)
		}
	})
	t.Run("ErrNoSuchStateMachine", func(t *testing.T) {
		other := s.StateMachineARN + "-2"
		_, err := c.DescribeStateMachine(t.Context(), &sfn.DescribeStateMachineInput{StateMachineArn: &other})
		want[*types.StateMachineDoesNotExist](t, err)
		_, err = c.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: &other})
		want[*types.StateMachineDoesNotExist](t, err)
	})
	t.Run("ErrNoSuchExecution", func(t *testing.T) {
		for _, arn := range []string{"", "x", s.StateMachineARN + ":x"} {
			_, err := c.DescribeExecution(t.Context(), &sfn.DescribeExecutionInput{ExecutionArn: &arn})
			want[*types.ExecutionDoesNotExist](t, err)
			_, err = c.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: &arn})
			want[*types.ExecutionDoesNotExist](t, err)
		}
	})
	t.Run("ErrUnknownOperation", func(t *testing.T) {
		_, err := c.ListActivities(t.Context(), &sfn.ListActivitiesInput{})
		var api smithy.APIError
		if !errors.As(err, &api) || !strings.Contains(api.ErrorMessage(), "ListActivities") {
			t.Errorf("error = %v, want one that names the operation", err)
		}
	})
}

func TestListExecutions(t *testing.T) {
	f := newFake()
	s := start(t, options(t, f))
	for i := range 5 {
		name := "e" + strconv.Itoa(i)
		f.on(name, well(0))
		if i == 2 {
			f.on(name, but(well(0), map[string]script{"preflight": fails("no", "no")}))
		}
		await(t, s, execute(t, s, name, `{}`))
	}
	names := func(status types.ExecutionStatus) (names []string) {
		pages := sfn.NewListExecutionsPaginator(client(s), &sfn.ListExecutionsInput{
			StateMachineArn: &s.StateMachineARN, StatusFilter: status, MaxResults: 2,
		})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Executions) > 2 {
				t.Errorf("a page of %d", len(page.Executions))
			}
			for _, e := range page.Executions {
				names = append(names, *e.Name)
			}
		}
		return names
	}
	for status, want := range map[types.ExecutionStatus]string{
		"":                             "e4 e3 e2 e1 e0",
		types.ExecutionStatusSucceeded: "e4 e3 e1 e0",
		types.ExecutionStatusFailed:    "e2",
		types.ExecutionStatusRunning:   "",
	} {
		if got := strings.Join(names(status), " "); got != want {
			t.Errorf("%q: %s, want %s", status, got, want)
		}
	}
	bad := "x"
	_, err := client(s).ListExecutions(t.Context(), &sfn.ListExecutionsInput{StateMachineArn: &s.StateMachineARN, NextToken: &bad})
	want[*types.InvalidToken](t, err)
}

func TestStartErrors(t *testing.T) {
	t.Run("PortInUse", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		opts := options(t, newFake())
		opts.Port = l.Addr().(*net.TCPAddr).Port
		_, err = stepfunctions.Start(t.Context(), opts)
		wantError(t, err, "port "+strconv.Itoa(opts.Port)+" is in use")
	})
	t.Run("NoSubstitution", func(t *testing.T) {
		opts := options(t, newFake())
		opts.Substitutions = nil
		_, err := stepfunctions.Start(t.Context(), opts)
		wantError(t, err, "statemachine.asl.json: no substitution for ${InitialSyncFunctionArn}")
	})
	t.Run("NoDefinition", func(t *testing.T) {
		opts := options(t, newFake())
		opts.Definition = "no-such-file"
		_, err := stepfunctions.Start(t.Context(), opts)
		wantError(t, err, "no-such-file")
	})
}

// The stand-in has asl-validator look at what it starts with, so that each
// test that starts it checks the file that is deployed.
func TestValidator(t *testing.T) {
	for name, c := range map[string]struct{ definition, want string }{
		"NoSuchState": {`{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"B"}}}`, "MISSING_TRANSITION_TARGET"},
		"BadPath":     {`{"StartAt":"A","States":{"A":{"Type":"Pass","InputPath":"a.b","End":true}}}`, "SCHEMA_VALIDATION_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			opts := options(t, newFake())
			opts.Definition = define(t, c.definition)
			s, err := stepfunctions.Start(t.Context(), opts)
			if err == nil {
				_ = s.Stop(t.Context())
			}
			wantError(t, err, "the state machine is not valid: ", c.want)
		})
	}
}

// What executes the state machine is killed: executions say so.
func TestRunnerDies(t *testing.T) {
	f := newFake()
	s := start(t, options(t, f))
	f.on("hangs", but(well(1), map[string]script{"plan": func(call) (any, error) {
		p, err := os.FindProcess(s.PID)
		if err != nil {
			return nil, err
		}
		return nil, p.Kill()
	}}))
	arn := execute(t, s, "hangs", `{}`)
	select {
	case <-s.Done():
	case <-time.After(30 * time.Second):
		t.Fatal("it did not end")
	}
	wantError(t, s.Exited(), "Step Functions stand-in: signal: killed")
	wantFailed(t, await(t, s, arn), "States.Runtime", "Step Functions stand-in: signal: killed")
	_, err := client(s, func(o *sfn.Options) { o.RetryMaxAttempts = 1 }).StartExecution(t.Context(),
		&sfn.StartExecutionInput{StateMachineArn: &s.StateMachineARN})
	wantError(t, err, "the runner of executions has ended")
}

// Stop cancels invocations that are under way, and waits for them.
func TestStopCancels(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	s := start(t, options(t, invokerFunc(func(ctx context.Context, _ string, _ []byte) ([]byte, string, error) {
		close(started)
		<-ctx.Done()
		close(ended)
		return nil, "", ctx.Err()
	})))
	execute(t, s, "one", `{}`)
	<-started
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	select {
	case <-ended:
	default:
		t.Error("an invocation goes on")
	}
}

type invokerFunc func(ctx context.Context, function string, payload []byte) ([]byte, string, error)

func (f invokerFunc) Invoke(ctx context.Context, function string, payload []byte) ([]byte, string, error) {
	return f(ctx, function, payload)
}

func define(t *testing.T, definition string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "definition.json")
	if err := os.WriteFile(path, []byte(definition), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func want[E error](t *testing.T, err error) {
	t.Helper()
	var e E
	if !errors.As(err, &e) {
		t.Errorf("error = %v, want a %T", err, e)
	}
}

func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error = %v, want one with %s", err, part)
		}
	}
}
