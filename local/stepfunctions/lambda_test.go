package stepfunctions_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	locallambda "github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/stepfunctions"
)

// TestMain doubles as the bootstrap of a function: the tests run this very
// binary over the Lambda Runtime API.
func TestMain(m *testing.M) {
	if os.Getenv("CAUSEWAY_TEST_BOOTSTRAP") == "" {
		os.Exit(m.Run())
	}
	lambda.Start(func(_ context.Context, c struct {
		Step, Run string
		Phase     int
	},
	) (any, error) {
		switch {
		case c.Step == "preflight":
			return map[string]any{"run": c.Run, "mode": "verify", "plan": map[string]any{"phase": 0}}, nil
		case c.Step == "plan" && c.Run == "crashes":
			os.Exit(7)
		case c.Step == "plan" && c.Run == "fails":
			return nil, errors.New("plan: no answer")
		case c.Step == "plan" && c.Run == "hangs":
			select {}
		case c.Step == "plan" && c.Phase > 0:
			return map[string]any{"ranges": []int{}, "phase": 1}, nil
		case c.Step == "plan":
			return map[string]any{"ranges": []int{1, 2, 3}, "phase": 1}, nil
		case c.Step == "summary":
			return map[string]any{"ok": true}, nil
		}
		return map[string]any{"done": true}, nil
	})
}

// A real function: its answers, and each way in which it may fail.
func TestLambda(t *testing.T) {
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f := locallambda.New(locallambda.Config{
		Name: "initial-sync", Bootstrap: binary, Concurrency: 3, Timeout: time.Second,
		Env: []string{"CAUSEWAY_TEST_BOOTSTRAP=1"},
	})
	t.Cleanup(func() { f.Close(context.Background()) })
	var log bytes.Buffer
	opts := options(t, stepfunctions.Lambda(f))
	opts.Substitutions = map[string]string{"InitialSyncFunctionArn": f.ARN()}
	opts.Log = &log
	s := start(t, opts)
	wantSucceeded(t, await(t, s, execute(t, s, "works", `{}`)), `{"ok":true}`)
	wantFailed(t, await(t, s, execute(t, s, "fails", `{}`)), "errorString", `"errorMessage":"plan: no answer"`)
	wantFailed(t, await(t, s, execute(t, s, "crashes", `{}`)), "Runtime.ExitError")
	wantFailed(t, await(t, s, execute(t, s, "hangs", `{}`)), "Sandbox.Timedout", "Task timed out after 1.00 seconds")

	other := options(t, stepfunctions.Lambda())
	s2 := start(t, other)
	wantFailed(t, await(t, s2, execute(t, s2, "nobody", `{}`)), "Lambda.ResourceNotFoundException", "Function not found: initial-sync")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "fails: Plan: errorString\n"; !strings.Contains(log.String(), want) {
		t.Errorf("log = %q, want %q in it", log.String(), want)
	}
}
