//go:build unix

package ditto

import (
	"os"
	"os/exec"
	"syscall"
)

// detach puts the server into a process group of its own: a Ctrl-C in the
// terminal reaches the supervisor alone, which then stops things in order.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func terminate(p *os.Process) error { return p.Signal(syscall.SIGTERM) }
