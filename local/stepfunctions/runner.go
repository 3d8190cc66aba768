package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/causeway-sync/causeway/local/process"
)

// message is a line from or to the child process; runner.mjs says which.
type message struct {
	Type      string            `json:"type"`
	ID        int               `json:"id,omitempty"`
	Execution string            `json:"execution,omitempty"`
	ARN       map[string]string `json:"arn,omitempty"`
	Function  string            `json:"function,omitempty"`
	Input     json.RawMessage   `json:"input,omitempty"`
	Payload   json.RawMessage   `json:"payload,omitempty"`
	Output    json.RawMessage   `json:"output,omitempty"`
	Error     string            `json:"error,omitempty"`
	Cause     string            `json:"cause,omitempty"`
}

// runner is the child process that executes the state machine.
type runner struct {
	proc   *process.Process
	invoke Invoker
	ended  func(message) // called for each execution that has ended
	read   chan struct{} // closed when the child's last line was read

	ctx    context.Context // of the invocations
	cancel context.CancelFunc
	tasks  sync.WaitGroup

	mu    sync.Mutex
	stdin io.WriteCloser
}

func startRunner(ctx context.Context, opts Options, definition string, ended func(message)) (*runner, error) {
	cmd := exec.Command(opts.Node, filepath.Join(opts.Root, "local", "stepfunctions", "runner.mjs"))
	cmd.Env = append(os.Environ(),
		"CAUSEWAY_DEFINITION="+definition,
		"CAUSEWAY_WAIT_SCALE="+strconv.FormatFloat(opts.WaitScale, 'g', -1, 64))
	out, in := io.Pipe()
	cmd.Stdout, cmd.Stderr = in, opts.Log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start Step Functions stand-in: %w", err)
	}
	r := &runner{invoke: opts.Invoke, ended: ended, read: make(chan struct{}), stdin: stdin}
	if r.proc, _, err = process.StartReady(ctx, "Step Functions stand-in", cmd); err != nil {
		return nil, err
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	go r.listen(out)
	go func() {
		<-r.proc.Done()
		in.Close()
	}()
	return r, nil
}

// listen handles what the child says until it ends.
func (r *runner) listen(out io.Reader) {
	defer close(r.read)
	lines := json.NewDecoder(out)
	for {
		var m message
		if err := lines.Decode(&m); err != nil {
			_, _ = io.Copy(io.Discard, out) // the child must not wait for a reader
			return
		}
		switch m.Type {
		case "task":
			r.tasks.Go(func() { r.answer(m) })
		case "end":
			r.ended(m)
		}
	}
}

// answer invokes a task's function and tells the child how that ended.
func (r *runner) answer(task message) {
	m := message{Type: "answer", ID: task.ID}
	var failed *Error
	payload, err := invoke(r.ctx, r.invoke, task.Function, task.Payload)
	switch {
	case err == nil:
		m.Payload = payload
	case errors.As(err, &failed):
		m.Error, m.Cause = failed.Name, failed.Cause
	default:
		m.Error, m.Cause = "Lambda.ServiceException", err.Error()
	}
	_ = r.send(m) // fails only when the child has ended, which fails all
}

func (r *runner) send(m message) error {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, err = r.stdin.Write(append(line, '\n'))
	return err
}

// stop ends the child, then the invocations.
func (r *runner) stop(ctx context.Context) error {
	err := r.proc.Stop(ctx)
	r.cancel()
	<-r.read
	done := make(chan struct{})
	go func() {
		r.tasks.Wait()
		close(done)
	}()
	select {
	case <-done:
		return err
	case <-ctx.Done():
		return errors.Join(err, fmt.Errorf("stop Step Functions stand-in: wait for invocations: %w", context.Cause(ctx)))
	}
}
