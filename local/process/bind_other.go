//go:build unix && !linux

package process

import (
	"os/exec"
	"syscall"
)

// bind makes a watching shell kill cmd's process when this process ends: the
// other systems' kernels do not.
func bind(cmd *exec.Cmd) (release func(), err error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return watch(cmd)
}
