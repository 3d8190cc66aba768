package install

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// functions are those that the local stack runs.
var functions = []string{"mongo-to-ditto", "ditto-to-mongo", "initial-sync"}

// Bootstrap is where the host's binary of a function is.
func Bootstrap(root, function string) string {
	return filepath.Join(root, "dist", "host", function, "bootstrap")
}

// Bootstraps builds the functions for this machine as they are built for the
// cloud, but for the processor. The Go tool rebuilds only what has changed.
// Without a Go tool, binaries that are there are used.
func Bootstraps(ctx context.Context, root string, notice func(string)) error {
	goTool, err := exec.LookPath("go")
	if err != nil && !allBuilt(root) {
		return errors.New("no go tool found on PATH, and the functions are not built: install Go from go.dev")
	}
	if err != nil {
		return nil
	}
	if !allBuilt(root) {
		notice("building the functions into " + filepath.Join(root, "dist", "host"))
	}
	unlock, err := Lock(ctx, filepath.Join(root, ".causeway", "build.lock"))
	if err != nil {
		return err
	}
	defer unlock()
	for _, name := range functions {
		if err := build(ctx, goTool, root, name); err != nil {
			return err
		}
	}
	return nil
}

// build builds one function. The Go tool leaves a binary that is up to date
// alone, and replaces one that is not by another file, so that a process which
// was started from the old one is not disturbed.
func build(ctx context.Context, goTool, root, name string) error {
	cmd := exec.CommandContext(ctx, goTool, "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w",
		"-o", Bootstrap(root, name), "./functions/"+name)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("build functions/%s: %w: %s", name, err, lastLines(out.String(), 10))
	}
	return nil
}

func allBuilt(root string) bool {
	for _, name := range functions {
		if _, err := os.Stat(Bootstrap(root, name)); err != nil {
			return false
		}
	}
	return true
}
