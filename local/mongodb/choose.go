package mongodb

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/causeway-sync/causeway/local/install"
)

// oplogSeconds is how long SecantusDB keeps its change log. A stack that was
// off for less than this carries on from its resume token.
const oplogSeconds = 7 * 24 * 3600

// choice is a server that can be started.
type choice struct {
	kind Kind
	path string
	args func(dir string, port int) []string
	env  []string
}

// choose picks the first server that there is, installing the last one.
func choose(ctx context.Context, opts Options) (choice, error) {
	bin := opts.Getenv("MONGOD_BIN")
	if bin != "" {
		path, err := exec.LookPath(bin)
		if err != nil {
			return choice{}, fmt.Errorf("MONGOD_BIN: %w", err)
		}
		return choice{kind: Mongod, path: path, args: mongodArgs}, nil
	}
	if path, err := exec.LookPath("mongod"); err == nil {
		return choice{kind: Mongod, path: path, args: mongodArgs}, nil
	}
	if path, err := exec.LookPath("secantusd-rs"); err == nil && !opts.NoRust {
		return choice{kind: SecantusRust, path: path, args: secantusArgs}, nil
	}
	py, err := install.FindPython(ctx, opts.Getenv)
	if err != nil {
		return choice{}, err
	}
	tools, err := opts.tools()
	if err != nil {
		return choice{}, err
	}
	dir, err := install.Secantus(ctx, py, tools, opts.Notice)
	if err != nil {
		return choice{}, err
	}
	script := filepath.Join(dir, "bin", "secantusd-py")
	return choice{
		kind: SecantusPy, path: py.Path, env: []string{"PYTHONPATH=" + dir},
		args: func(dir string, port int) []string { return append([]string{script}, secantusArgs(dir, port)...) },
	}, nil
}

func mongodArgs(dir string, port int) []string {
	return []string{
		"--dbpath", dir, "--port", strconv.Itoa(port), "--bind_ip", "127.0.0.1",
		"--replSet", replicaSet, "--quiet", "--unixSocketPrefix", dir,
	}
}

func secantusArgs(dir string, port int) []string {
	args := []string{"--host", "127.0.0.1", "--port", strconv.Itoa(port), "--log-level", "WARNING"}
	if dir == "" {
		return append(args, "--storage-path", ":memory:")
	}
	// Without --sync-on-commit a crash may lose the last acknowledged writes.
	// It costs about half of the writes per second.
	return append(args, "--storage-path", dir, "--sync-on-commit",
		"--oplog-retention-seconds", strconv.Itoa(oplogSeconds))
}
