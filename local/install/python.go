package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// SecantusVersion is the version of SecantusDB that is known to work.
const SecantusVersion = "0.7.0b3"

// ErrNoPython means that there is no usable Python. Its text is the mend.
var ErrNoPython = errors.New("no Python 3.10 or newer with pip found: install one (or name it in PYTHON), " +
	"or use a MongoDB of your own: set MONGODB_URI, or MONGOD_BIN to a mongod binary")

// Python is an interpreter that SecantusDB can run on.
type Python struct {
	Path    string
	Version string // major.minor
}

// FindPython looks for Python 3.10 or newer: the one named by PYTHON, else
// those on PATH.
func FindPython(ctx context.Context, getenv func(string) string) (Python, error) {
	names := []string{"python3", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "python"}
	if p := getenv("PYTHON"); p != "" {
		names = []string{p}
	}
	var found []string
	for _, name := range names {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "-c",
			"import sys; print('%d.%d' % sys.version_info[:2]); sys.exit(sys.version_info < (3, 10))").Output()
		version := strings.TrimSpace(string(out))
		if err == nil {
			return Python{path, version}, nil
		}
		found = append(found, strings.TrimSpace(name+" "+version))
	}
	if len(found) > 0 {
		return Python{}, fmt.Errorf("%w (found only %s)", ErrNoPython, strings.Join(found, ", "))
	}
	return Python{}, ErrNoPython
}

// Secantus installs SecantusDB below tools unless it is there, and returns its
// folder. notice gets a line when something is installed.
func Secantus(ctx context.Context, py Python, tools string, notice func(string)) (string, error) {
	dir := filepath.Join(tools, "secantusdb-"+SecantusVersion+"-py"+py.Version)
	unlock, err := Lock(ctx, dir+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(dir, "bin", "secantusd-py")); err == nil {
		return dir, nil
	}
	notice("installing SecantusDB " + SecantusVersion + " (MongoDB stand-in, from PyPI) into " + dir)
	partial := dir + ".partial"
	if err := os.RemoveAll(partial); err != nil {
		return "", fmt.Errorf("install SecantusDB: %w", err)
	}
	cmd := exec.CommandContext(ctx, py.Path, "-m", "pip", "install", "--quiet", "--no-input",
		"--disable-pip-version-check", "--only-binary", ":all:", "--target", partial,
		"secantusdb=="+SecantusVersion)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		os.RemoveAll(partial)
		return "", fmt.Errorf("install SecantusDB with %s -m pip: %w: %s; it has wheels for Linux x86-64 and macOS arm64, "+
			"elsewhere set MONGODB_URI or MONGOD_BIN", py.Path, err, lastLines(stderr.String(), 3))
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", fmt.Errorf("install SecantusDB: %w", err)
	}
	if err := os.Rename(partial, dir); err != nil {
		return "", fmt.Errorf("install SecantusDB: %w", err)
	}
	return dir, nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, " | ")
}
