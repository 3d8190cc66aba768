package install_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/install"
)

// program writes a shell script that stands for an interpreter.
func program(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func env(key, v string) func(string) string {
	return func(k string) string {
		if k == key {
			return v
		}
		return ""
	}
}

func TestFindNode(t *testing.T) {
	for name, c := range map[string]struct{ script, want string }{
		"OK":          {"echo v20.11.0", ""},
		"Newer":       {"echo v24.1.0", ""},
		"ErrOld":      {"echo v18.20.4", "is v18.20.4"},
		"ErrNoAnswer": {"exit 1", "exit status 1"},
		"ErrNonsense": {"echo hello", "is hello"},
	} {
		t.Run(name, func(t *testing.T) {
			path := program(t, c.script)
			got, err := install.FindNode(t.Context(), env("NODE", path))
			if c.want == "" {
				if err != nil || got != path {
					t.Errorf("FindNode = %s, %v", got, err)
				}
				return
			}
			if !errors.Is(err, install.ErrNoNode) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want ErrNoNode with %q", err, c.want)
			}
		})
	}
	t.Run("ErrNone", func(t *testing.T) {
		if _, err := install.FindNode(t.Context(), env("NODE", "no-such-node")); !errors.Is(err, install.ErrNoNode) {
			t.Errorf("error = %v, want ErrNoNode", err)
		}
	})
}

func TestFindPython(t *testing.T) {
	t.Run("OK", func(t *testing.T) {
		path := program(t, "echo 3.11")
		got, err := install.FindPython(t.Context(), env("PYTHON", path))
		if want := (install.Python{Path: path, Version: "3.11"}); err != nil || got != want {
			t.Errorf("FindPython = %v, %v", got, err)
		}
	})
	t.Run("ErrOld", func(t *testing.T) {
		_, err := install.FindPython(t.Context(), env("PYTHON", program(t, "echo 3.8; exit 1")))
		if !errors.Is(err, install.ErrNoPython) || !strings.Contains(err.Error(), "3.8") {
			t.Errorf("error = %v, want ErrNoPython that names the version", err)
		}
	})
	t.Run("ErrNone", func(t *testing.T) {
		_, err := install.FindPython(t.Context(), env("PYTHON", "no-such-python"))
		if !errors.Is(err, install.ErrNoPython) || !strings.Contains(err.Error(), "MONGODB_URI") {
			t.Errorf("error = %v, want ErrNoPython with the other ways", err)
		}
	})
}

// A pip that fails leaves no half of an installation behind.
func TestSecantusErrPip(t *testing.T) {
	tools := t.TempDir()
	py := install.Python{Path: program(t, "echo no matching distribution >&2; exit 1"), Version: "3.11"}
	var said []string
	_, err := install.Secantus(t.Context(), py, tools, func(line string) { said = append(said, line) })
	if err == nil || !strings.Contains(err.Error(), "no matching distribution") || !strings.Contains(err.Error(), "MONGODB_URI") {
		t.Errorf("error = %v, want pip's and the other ways", err)
	}
	if len(said) != 1 {
		t.Errorf("said %q, want one line", said)
	}
	left, err := filepath.Glob(filepath.Join(tools, "*partial*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "below", "lock")
	unlock, err := install.TryLock(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := install.TryLock(path); !errors.Is(err, install.ErrLocked) {
		t.Errorf("error = %v, want ErrLocked", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := install.Lock(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want the context's", err)
	}
	got := make(chan error, 1)
	go func() {
		again, err := install.Lock(t.Context(), path)
		if err == nil {
			again()
		}
		got <- err
	}()
	unlock()
	if err := <-got; err != nil {
		t.Error(err)
	}
}

func TestRoot(t *testing.T) {
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "go.mod")); err != nil {
		t.Error(err)
	}
	if _, err := install.Root(t.TempDir()); err == nil {
		t.Error("a folder outside of a clone was taken for one")
	}
}
