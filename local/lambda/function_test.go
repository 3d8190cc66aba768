package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/process"
)

func function(t *testing.T, bootstrap string, cfg lambda.Config) *lambda.Function {
	t.Helper()
	cfg.Name = "test-function"
	cfg.Bootstrap = os.Args[0]
	cfg.Env = append(cfg.Env, "CAUSEWAY_TEST_BOOTSTRAP="+bootstrap)
	f := lambda.New(cfg)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := f.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return f
}

func invoke(t *testing.T, f *lambda.Function, event string) (map[string]any, error) {
	t.Helper()
	out, err := f.Invoke(t.Context(), []byte(event))
	if err != nil {
		return nil, err
	}
	var m map[string]any
	if err := json.Unmarshal(out, &m); err != nil {
		t.Fatalf("answer %s: %v", out, err)
	}
	return m, nil
}

func TestInvoke(t *testing.T) {
	t.Setenv("CAUSEWAY_TEST_INHERITED", "must not be seen")
	f := function(t, "commands", lambda.Config{Timeout: 30 * time.Second, Env: []string{"OWN=set"}})
	echo := func(t *testing.T, want string) float64 {
		t.Helper()
		m, err := invoke(t, f, `{"do":"echo","value":"`+want+`"}`)
		if err != nil || m["value"] != want {
			t.Fatalf("echo = %v, %v; want %s", m, err, want)
		}
		return m["pid"].(float64)
	}

	t.Run("SameEnvironment", func(t *testing.T) {
		if a, b := echo(t, "a"), echo(t, "b"); a != b {
			t.Errorf("processes %v and %v, want the same", a, b)
		}
	})
	t.Run("Context", func(t *testing.T) {
		m, err := invoke(t, f, `{"do":"context"}`)
		if err != nil {
			t.Fatal(err)
		}
		if m["arn"] != f.ARN() || m["name"] != "test-function" || m["own"] != "set" || m["home"] != "" {
			t.Errorf("context = %v", m)
		}
		if left := m["left"].(float64); left < 25 || left > 30 {
			t.Errorf("time left = %v s, want about 30", left)
		}
	})
	t.Run("ErrReturned", func(t *testing.T) {
		before := f.Starts()
		_, err := invoke(t, f, `{"do":"fail","value":"no luck"}`)
		wantError(t, err, "errorString", "no luck")
		echo(t, "after")
		if f.Starts() != before {
			t.Error("an error that the function returns ended its environment")
		}
	})
	for name, do := range map[string]string{"ErrPanic": "panic", "ErrExit": "exit"} {
		t.Run(name, func(t *testing.T) {
			_, err := invoke(t, f, `{"do":"`+do+`","value":"boom"}`)
			if !lambda.IsFunctionError(err) {
				t.Errorf("error = %v, want a function error", err)
			}
			echo(t, "after") // in a new environment
		})
	}
	t.Run("ErrTooLarge", func(t *testing.T) {
		event := `{"do":"echo","value":"` + strings.Repeat("x", lambda.MaxPayload) + `"}`
		if _, err := f.Invoke(t.Context(), []byte(event)); !errors.Is(err, lambda.ErrTooLarge) {
			t.Errorf("error = %v, want ErrTooLarge", err)
		}
	})
	t.Run("ErrCanceled", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := f.Invoke(ctx, []byte(`{"do":"hang"}`)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v, want the context's", err)
		}
		echo(t, "after")
	})
}

func TestInvokeTimeout(t *testing.T) {
	f := function(t, "commands", lambda.Config{Timeout: 200 * time.Millisecond})
	_, err := invoke(t, f, `{"do":"hang"}`)
	wantError(t, err, "Sandbox.Timedout", "Task timed out after 0.20 seconds")
	if pids := f.PIDs(); len(pids) != 0 {
		t.Errorf("processes %v still run", pids)
	}
}

func TestInvokeConcurrency(t *testing.T) {
	f := function(t, "commands", lambda.Config{Concurrency: 2})
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if _, err := f.Invoke(t.Context(), []byte(`{"do":"sleep","sleep":50}`)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := f.Starts(); n != 2 {
		t.Errorf("%d environments were started, want 2", n)
	}
	pids := f.PIDs()
	if err := f.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		if process.Alive(pid) {
			t.Errorf("process %d runs after Close", pid)
		}
	}
	if _, err := f.Invoke(t.Context(), []byte(`{}`)); !errors.Is(err, lambda.ErrClosed) {
		t.Errorf("error = %v, want ErrClosed", err)
	}
}

func TestInvokeErrAtStart(t *testing.T) {
	t.Run("Exits", func(t *testing.T) {
		f := function(t, "fails at start", lambda.Config{})
		_, err := invoke(t, f, `{}`)
		wantError(t, err, "Runtime.ExitError", "exit status 3: no configuration")
	})
	t.Run("NoBinary", func(t *testing.T) {
		f := lambda.New(lambda.Config{Name: "ghost", Bootstrap: "/no/such/bootstrap"})
		if _, err := f.Invoke(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "/no/such/bootstrap") {
			t.Errorf("error = %v, want one that names the binary", err)
		}
	})
}

func wantError(t *testing.T, err error, typ, message string) {
	t.Helper()
	var fe *lambda.Error
	if !errors.As(err, &fe) || fe.Type != typ || !strings.Contains(fe.Message, message) {
		t.Errorf("error = %v, want %s: %s", err, typ, message)
	}
}
