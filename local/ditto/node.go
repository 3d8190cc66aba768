package ditto

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// minNode is the oldest major version of Node.js that runs the server.
const minNode = 20

// checkNode reports a missing or old Node.js with what to do about it.
func checkNode(ctx context.Context, node string) error {
	path, err := exec.LookPath(node)
	if err != nil {
		return fmt.Errorf("node.js is needed for the local Ditto server, and %q was not found: install Node.js %d or newer and put it on PATH", node, minNode)
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return fmt.Errorf("%s --version: %w: %s", path, err, strings.TrimSpace(string(exit.Stderr)))
		}
		return fmt.Errorf("%s --version: %w", path, err)
	}
	version := strings.TrimSpace(string(out))
	major, _, _ := strings.Cut(strings.TrimPrefix(version, "v"), ".")
	n, err := strconv.Atoi(major)
	if err != nil {
		return fmt.Errorf("%s --version printed %q, which is no version of Node.js: point PATH at Node.js %d or newer", path, version, minNode)
	}
	if n < minNode {
		return fmt.Errorf("%s is Node.js %s, too old for the local Ditto server: install Node.js %d or newer and put it first on PATH", path, version, minNode)
	}
	return nil
}
