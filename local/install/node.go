package install

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// NodeMajor is the oldest major version of Node.js that the packages run on.
const NodeMajor = 20

// ErrNoNode means that there is no usable Node.js. Its text is the mend.
var ErrNoNode = errors.New("no Node.js " + strconv.Itoa(NodeMajor) +
	" or newer found: install one from nodejs.org or your package manager (or name its binary in NODE)")

// FindNode returns the path of a node binary that is new enough: the one named
// by NODE, else that on PATH.
func FindNode(ctx context.Context, getenv func(string) string) (string, error) {
	name := getenv("NODE")
	if name == "" {
		name = "node"
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", ErrNoNode
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", fmt.Errorf("%w (%s --version: %w)", ErrNoNode, path, err)
	}
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	if n, err := strconv.Atoi(major); err != nil || n < NodeMajor {
		return "", fmt.Errorf("%w (%s is %s)", ErrNoNode, path, version)
	}
	return path, nil
}

// Modules installs the packages of root's local/package.json unless they are
// there. notice gets a line when something is installed.
func Modules(ctx context.Context, root string, notice func(string)) error {
	return Packages(ctx, root, "local", "Ditto engine, SQS and Step Functions stand-ins, mongosh", notice)
}

// Packages installs the packages of the package.json in a folder of root,
// unless they are there; what says what they are.
func Packages(ctx context.Context, root, folder, what string, notice func(string)) error {
	dir := filepath.Join(root, folder)
	if installed(dir) {
		return nil
	}
	unlock, err := Lock(ctx, filepath.Join(root, ".causeway", "npm.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if installed(dir) { // by the one that held the lock
		return nil
	}
	notice("installing npm packages (" + what + ") into " + filepath.Join(dir, "node_modules"))
	npm, err := exec.LookPath("npm")
	if err != nil {
		return errors.New("no npm found on PATH: it comes with Node.js, install it")
	}
	cmd := exec.CommandContext(ctx, npm, "ci", "--prefix", dir,
		"--ignore-scripts", "--no-audit", "--no-fund", "--loglevel", "error")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("npm ci: %w: %s", err, lastLines(out.String(), 5))
	}
	if !installed(dir) {
		return fmt.Errorf("npm ci ended well, but not all packages of %s/package.json are there", folder)
	}
	return nil
}

// installed reports whether npm has finished in dir with the versions that its
// package.json names: npm writes its hidden lock file last.
func installed(dir string) bool {
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, ".package-lock.json")); err != nil {
		return false
	}
	var want struct {
		Dependencies map[string]string `json:"dependencies"`
	}
	if err := readJSON(filepath.Join(dir, "package.json"), &want); err != nil {
		return false
	}
	for name, version := range want.Dependencies {
		var have struct {
			Version string `json:"version"`
		}
		err := readJSON(filepath.Join(modules, filepath.FromSlash(name), "package.json"), &have)
		if err != nil || have.Version != version {
			return false
		}
	}
	return len(want.Dependencies) > 0
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
