package process

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// watch is what systems other than Linux rely on; it is plain shell, so it is
// tested everywhere. Releasing the pipe is what the parent's death does.
func TestWatch(t *testing.T) {
	cmd := exec.Command("sh", "-c", "test \"$1\" = 'two words' && exec sleep 600", "name", "two words")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	release, err := watch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		t.Fatalf("the command ended before its parent: %v", err)
	case <-time.After(200 * time.Millisecond):
	}
	release()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		t.Fatal("the command outlived its parent")
	}
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != os.Kill {
		t.Errorf("ended by %v, want a kill", status)
	}
}
