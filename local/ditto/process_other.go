//go:build !unix

package ditto

import (
	"os"
	"os/exec"
)

func detach(*exec.Cmd) {}

// terminate leaves it to the closing of standard input, which the server takes
// for a request to end.
func terminate(*os.Process) error { return nil }
