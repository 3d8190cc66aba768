package rie

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/process"
)

// Config says what is run. All but Log is required.
type Config struct {
	Emulator string // the binary: install.Emulator
	Name     string // of the function
	Dir      string // the function's code, with its bootstrap
	Env      []string
	Timeout  time.Duration // of one invocation
	Log      io.Writer     // what the function and the emulator write
}

// Function runs under an emulator of its own. It takes one event at a time.
type Function struct {
	name string
	proc *process.Process
	url  string
}

// Start starts an emulator, which starts the function at its first event.
func Start(ctx context.Context, cfg Config) (*Function, error) {
	ports, err := free(2)
	if err != nil {
		return nil, fmt.Errorf("start emulator: %w", err)
	}
	addr := func(i int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[i])) }
	cmd := exec.CommandContext(context.WithoutCancel(ctx), cfg.Emulator,
		"--runtime-interface-emulator-address", addr(0), "--runtime-api-address", addr(1), "--log-level", "error",
		filepath.Join(cfg.Dir, "bootstrap"))
	cmd.Dir, cmd.Stdout, cmd.Stderr = cfg.Dir, cfg.Log, cfg.Log
	cmd.Env = append([]string{
		"AWS_LAMBDA_FUNCTION_NAME=" + cfg.Name, "AWS_LAMBDA_FUNCTION_TIMEOUT=" + strconv.Itoa(int(cfg.Timeout.Seconds())),
	}, cfg.Env...)
	f := &Function{name: cfg.Name, url: "http://" + addr(0) + "/2015-03-31/functions/function/invocations"}
	if f.proc, err = process.Start("emulator of "+cfg.Name, cmd); err != nil {
		return nil, err
	}
	return f, nil
}

// free are ports that nobody listens on.
func free(n int) (ports []int, err error) {
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// Invoke runs the function on one event and returns its answer, or a
// *lambda.Error when the function failed.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	for {
		out, err := f.post(ctx, event)
		if !errors.Is(err, syscall.ECONNREFUSED) { // it does not listen yet
			return out, err
		}
		select {
		case <-f.proc.Done():
			return nil, f.proc.Exited()
		case <-ctx.Done():
			return nil, fmt.Errorf("invoke %s: %w", f.name, context.Cause(ctx))
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (f *Function) post(ctx context.Context, event []byte) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url, bytes.NewReader(event))
	if err != nil {
		return nil, fmt.Errorf("invoke %s: %w", f.name, err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("invoke %s: %w", f.name, err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("invoke %s: %w", f.name, err)
	}
	// A failure is told from an answer by its document alone.
	var failed struct {
		Message *string `json:"errorMessage"`
		Type    string  `json:"errorType"`
	}
	if err := json.Unmarshal(out, &failed); err == nil && failed.Message != nil {
		return nil, &lambda.Error{Type: failed.Type, Message: *failed.Message, Payload: out}
	}
	if res.StatusCode != http.StatusOK || !json.Valid(out) {
		return nil, fmt.Errorf("invoke %s: the emulator answers %d: %.200s", f.name, res.StatusCode, out)
	}
	return out, nil
}

// Close stops the emulator and the function.
func (f *Function) Close(ctx context.Context) error { return f.proc.Stop(ctx) }
