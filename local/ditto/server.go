package ditto

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// stopGrace is how long a server may take to close its store before it is
// killed.
const stopGrace = 8 * time.Second

// Server is a running Ditto server.
type Server struct {
	// URL is the base of the API, such as http://127.0.0.1:21000; statements go
	// to URL/api/v4/store/execute, or with an app id between.
	URL string
	// APIKey is the bearer key that it takes.
	APIKey string
	// PID is the server's process.
	PID int

	cmd    *exec.Cmd
	stdin  io.Closer
	stderr *tail
	exited chan struct{}
	err    error // of Wait, once exited is closed
}

// Start runs a server and returns once it is ready. ctx bounds the start, not
// the server's life: Stop ends it, and so does the end of this process, since
// the server watches its standard input.
func Start(ctx context.Context, o Options) (*Server, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("start ditto: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.ReadyTimeout)
	defer cancel()
	if err := checkNode(ctx, o.Node); err != nil {
		return nil, fmt.Errorf("start ditto: %w", err)
	}
	s, stdout, err := launch(o)
	if err != nil {
		return nil, fmt.Errorf("start ditto: %w", err)
	}
	port, err := s.awaitReady(ctx, stdout)
	if err != nil {
		_ = s.Stop()
		if said := s.stderr.complaint(); said != "" {
			return nil, fmt.Errorf("start ditto: %w: %s", err, said)
		}
		return nil, fmt.Errorf("start ditto: %w", err)
	}
	s.URL = "http://127.0.0.1:" + strconv.Itoa(port)
	return s, nil
}

// launch starts the process. Secrets travel by environment, since every user
// of a machine may read a command line. The rest of the environment is passed on.
func launch(o Options) (*Server, io.Reader, error) {
	args := []string{
		o.script(), "--port", strconv.Itoa(o.Port), "--dir", o.Dir,
		"--webhook-batch", strconv.Itoa(o.WebhookBatch),
	}
	if o.Webhook != "" {
		args = append(args, "--webhook", o.Webhook)
	}
	if o.Faults {
		args = append(args, "--faults")
	}
	cmd := exec.Command(o.Node, args...)
	cmd.Env = append(os.Environ(), "DITTO_API_KEY="+o.APIKey, "DITTO_WEBHOOK_SECRET="+o.WebhookSecret)
	detach(cmd)
	s := &Server{APIKey: o.APIKey, cmd: cmd, stderr: newTail(o.Stderr), exited: make(chan struct{})}
	cmd.Stderr = s.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, err
	}
	s.stdin = stdin
	// Not StdoutPipe: Wait would close it under the reader.
	read, write := io.Pipe()
	cmd.Stdout = write
	if err := cmd.Start(); err != nil {
		return nil, nil, err
	}
	s.PID = cmd.Process.Pid
	go func() {
		s.err = cmd.Wait()
		_ = write.Close()
		close(s.exited)
	}()
	return s, read, nil
}

// awaitReady reads the port that the server prints when it listens.
func (s *Server) awaitReady(ctx context.Context, stdout io.Reader) (int, error) {
	ready := make(chan int, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			var line struct {
				Ready bool `json:"ready"`
				Port  int  `json:"port"`
			}
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Ready {
				ready <- line.Port
			}
		}
		_, _ = io.Copy(io.Discard, stdout)
	}()
	select {
	case port := <-ready:
		return port, nil
	case <-s.exited:
		return 0, fmt.Errorf("the server ended before it was ready: %w", exitError(s.err))
	case <-ctx.Done():
		return 0, fmt.Errorf("the server was not ready in time: %w", ctx.Err())
	}
}

// Stop ends the server and waits for it, so that its directory may be used
// again. It may be called more than once.
func (s *Server) Stop() error {
	_ = terminate(s.cmd.Process)
	_ = s.stdin.Close()
	select {
	case <-s.exited:
		return ignoreSignal(s.err)
	case <-time.After(stopGrace):
	}
	_ = s.cmd.Process.Kill()
	<-s.exited
	return fmt.Errorf("stop ditto: process %d did not end within %s and was killed", s.PID, stopGrace)
}

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.exited
}

// Done is closed when the process has ended, for whatever reason.
func (s *Server) Done() <-chan struct{} { return s.exited }

func exitError(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// ignoreSignal drops the error of a process that had ended by our own signal
// before it could handle it.
func ignoreSignal(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == -1 {
		return nil
	}
	return err
}
