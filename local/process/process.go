package process

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// Process is a started child.
type Process struct {
	name string
	pid  int
	done chan struct{}
	err  error // of Wait; read after done
	tail *tail

	stopping sync.Once
}

// Start starts cmd as the leader of a process group. name is what errors call
// it. cmd's standard error is kept (its last lines, for errors) besides going
// where cmd.Stderr says.
func Start(name string, cmd *exec.Cmd) (*Process, error) {
	p := &Process{name: name, done: make(chan struct{}), tail: &tail{next: cmd.Stderr}}
	cmd.Stderr = p.tail
	if cmd.WaitDelay == 0 {
		cmd.WaitDelay = 2 * time.Second // a grandchild may hold the pipes open
	}
	started := make(chan error, 1)
	go func() {
		// Linux signals the child when the thread that started it ends, so
		// that thread lives as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		release, err := bind(cmd)
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			started <- err
			return
		}
		p.pid = cmd.Process.Pid
		started <- nil
		p.err = cmd.Wait()
		release()
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// PID is the child's process id, which is that of its group too.
func (p *Process) PID() int { return p.pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exited says how the child ended, with the last lines that it wrote to its
// standard error; nil while it runs.
func (p *Process) Exited() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	how := "ended"
	if p.err != nil {
		how = p.err.Error()
	}
	if last := p.tail.String(); last != "" {
		return fmt.Errorf("%s: %s: %s", p.name, how, last)
	}
	return fmt.Errorf("%s: %s", p.name, how)
}

// StopGrace is how long Stop waits for a child that was asked to end, if its
// context allows that.
const StopGrace = 10 * time.Second

// Stop asks the child to end and waits for it. After StopGrace, or when ctx is
// done, the whole group is killed, and an error says so. Stopping a child that
// has ended does nothing.
func (p *Process) Stop(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, StopGrace, fmt.Errorf("did not end within %s", StopGrace))
	defer cancel()
	p.stopping.Do(func() { p.signal(syscall.SIGTERM) })
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
	}
	p.signal(syscall.SIGKILL)
	<-p.done
	return fmt.Errorf("stop %s: killed: %w", p.name, context.Cause(ctx))
}

// Kill ends the child and its group at once, and waits for that.
func (p *Process) Kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}

func (p *Process) signal(sig syscall.Signal) {
	select {
	case <-p.done: // the id may belong to another process by now
		return
	default:
	}
	if err := syscall.Kill(-p.pid, sig); errors.Is(err, syscall.ESRCH) {
		_ = syscall.Kill(p.pid, sig)
	}
}
