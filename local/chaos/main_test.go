package chaos_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/process"
)

// full is what `make chaos` sets: everything, instead of what fits into
// `make test`.
var full = flag.Bool("full", false, "every kind at every failpoint, and a real expiry of a claim")

// startTime is how long engines may take to start, with what they install.
const startTime = 5 * time.Minute

// scratch is where all that these tests start keeps its temporary files. It
// stands in the environment of every process, which is how one that is left
// behind is found, whoever its parent is by then.
var scratch string

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if scratch, err = os.MkdirTemp("", "causeway-chaos-"); err == nil {
		// The functions are built as they are deployed, and as `make` builds.
		err = errors.Join(os.Setenv("TMPDIR", scratch), os.Setenv("CGO_ENABLED", "0"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if code == 0 {
		_ = os.RemoveAll(scratch)
	} else {
		fmt.Fprintln(os.Stderr, "data and logs are kept in", scratch)
	}
	os.Exit(code)
}

// running lists the processes that these tests have started and that have not
// ended, with what they are: the name of a function, or the command.
func running(t *testing.T) map[int]string {
	t.Helper()
	found := map[int]string{}
	add := func(pid int, command string) {
		if pid != os.Getpid() && process.Alive(pid) {
			found[pid] = command
		}
	}
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		env, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(env, []byte(scratch)) { // gone, or somebody else's
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		command, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		add(pid, nameOf(string(bytes.ReplaceAll(env, []byte{0}, []byte(" "))), string(bytes.ReplaceAll(command, []byte{0}, []byte(" ")))))
	}
	if len(environs) > 0 {
		return found
	}
	out, err := exec.CommandContext(t.Context(), "ps", "-axEww", "-o", "pid=,command=").Output()
	if err != nil {
		t.Fatalf("list processes: %v", err)
	}
	for line := range strings.Lines(string(out)) {
		pid, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		if n, err := strconv.Atoi(pid); err == nil && strings.Contains(command, scratch) && !strings.HasPrefix(command, "ps ") {
			add(n, nameOf(command, command))
		}
	}
	return found
}

var functionName = regexp.MustCompile(`AWS_LAMBDA_FUNCTION_NAME=(\S+)`)

// nameOf is a process's name: of a function, what its environment says.
func nameOf(env, command string) string {
	if m := functionName.FindStringSubmatch(env); m != nil {
		return m[1]
	}
	return command
}

// looksForProcesses makes a test fail if it leaves a process behind. It has to
// be called before anything is started.
func looksForProcesses(t *testing.T) {
	t.Helper()
	if found := running(t); len(found) > 0 {
		t.Fatalf("processes were there before: %v", found)
	}
	t.Cleanup(func() {
		deadline := time.Now().Add(10 * time.Second)
		for found := running(t); len(found) > 0; found = running(t) {
			if time.Now().After(deadline) {
				t.Errorf("processes are left: %v", found)
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

// runs fails the test unless something was found running: a look that sees
// nothing would find nothing left either.
func runs(t *testing.T, atLeast int) {
	t.Helper()
	if found := running(t); len(found) < atLeast {
		t.Fatalf("%d processes run, want %d or more: %v", len(found), atLeast, found)
	}
}
