package process_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/process"
)

// TestMain doubles as a parent that starts a child, says the child's id and
// waits to be killed.
func TestMain(m *testing.M) {
	if os.Getenv("CAUSEWAY_TEST_PARENT") != "" {
		p, err := process.Start("child", exec.Command("sleep", "600"))
		if err != nil {
			os.Exit(1)
		}
		os.Stdout.WriteString(strconv.Itoa(p.PID()) + "\n")
		select {}
	}
	os.Exit(m.Run())
}

func TestStop(t *testing.T) {
	t.Run("Asks", func(t *testing.T) {
		p := start(t, exec.Command("sh", "-c", "trap 'exit 3' TERM; echo ready; while :; do sleep 0.02; done"))
		if err := p.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := p.Exited(); err == nil || !strings.Contains(err.Error(), "exit status 3") {
			t.Errorf("Exited = %v, want exit status 3", err)
		}
		if err := p.Stop(t.Context()); err != nil {
			t.Errorf("second Stop: %v", err)
		}
	})
	t.Run("KillsTheStubbornAndItsChildren", func(t *testing.T) {
		cmd := exec.Command("sh", "-c", "trap '' TERM; sh -c 'trap \"\" TERM; echo $$; while :; do sleep 0.05; done'")
		p, line, err := process.StartReady(t.Context(), "stubborn", cmd)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := p.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Stop = %v, want one that says it took a kill", err)
		}
		grandchild, err := strconv.Atoi(line)
		if err != nil {
			t.Fatal(err)
		}
		waitGone(t, grandchild)
	})
}

func TestExitedCarriesTheLastLines(t *testing.T) {
	var log bytes.Buffer
	cmd := exec.Command("sh", "-c", "echo one >&2; echo two >&2; echo three >&2; echo four >&2; exit 7")
	cmd.Stderr = &log
	p, err := process.Start("talker", cmd)
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	const want = "talker: exit status 7: two | three | four"
	if err := p.Exited(); err == nil || err.Error() != want {
		t.Errorf("Exited = %v, want %s", err, want)
	}
	if got := log.String(); got != "one\ntwo\nthree\nfour\n" {
		t.Errorf("log = %q", got)
	}
}

func TestStartReady(t *testing.T) {
	t.Run("ErrEndedFirst", func(t *testing.T) {
		_, _, err := process.StartReady(t.Context(), "quitter", exec.Command("sh", "-c", "echo no luck >&2; exit 1"))
		if err == nil || err.Error() != "quitter: exit status 1: no luck" {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("ErrTooLate", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, _, err := process.StartReady(ctx, "slow", exec.Command("sleep", "600")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
	})
	t.Run("ErrNoSuchProgram", func(t *testing.T) {
		if _, _, err := process.StartReady(t.Context(), "ghost", exec.Command("/no/such/program")); err == nil ||
			!strings.HasPrefix(err.Error(), "start ghost: ") {
			t.Errorf("error = %v", err)
		}
	})
}

// A parent that is killed has no chance to stop its children.
func TestChildDiesWithItsParent(t *testing.T) {
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "CAUSEWAY_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 32)
	n, err := out.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(strings.TrimSpace(string(line[:n])))
	if err != nil {
		t.Fatal(err)
	}
	if !process.Alive(child) {
		t.Fatal("the child does not run")
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	waitGone(t, child)
}

func start(t *testing.T, cmd *exec.Cmd) *process.Process {
	t.Helper()
	p, line, err := process.StartReady(t.Context(), "child", cmd)
	if err != nil {
		t.Fatal(err)
	}
	if line != "ready" {
		t.Fatalf("first line %q", line)
	}
	t.Cleanup(p.Kill)
	return p
}

func waitGone(t *testing.T, pid int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); process.Alive(pid); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("process %d still runs", pid)
		}
	}
}
