package lambda

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/causeway-sync/causeway/local/process"
)

// environment is one execution environment: a process of the bootstrap and the
// Runtime API that it alone talks to. It handles one invocation at a time.
type environment struct {
	arn  string
	name string
	proc *process.Process
	http *http.Server

	ready    chan struct{} // closed at the first request for an event
	once     sync.Once
	initFail chan *Error      // what the process said of a failed start
	next     chan *invocation // to the process

	mu      sync.Mutex
	current *invocation
	broken  bool
}

// invocation is one event on its way through an environment.
type invocation struct {
	id       string
	event    []byte
	deadline time.Time
	done     chan result // one result
}

type result struct {
	payload []byte
	err     *Error
}

// startEnvironment starts the process. It does not inherit this process's
// environment variables but for what a program needs to run at all: what the
// function sees is what it is given.
func startEnvironment(cfg Config, arn string) (*environment, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start runtime API: %w", err)
	}
	e := &environment{
		arn:      arn,
		name:     cfg.Name,
		ready:    make(chan struct{}),
		initFail: make(chan *Error, 1),
		next:     make(chan *invocation),
	}
	e.http = &http.Server{Handler: e.api(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = e.http.Serve(l) }()
	bootstrap, err := filepath.Abs(cfg.Bootstrap)
	if err != nil {
		_ = e.http.Close()
		return nil, fmt.Errorf("find bootstrap: %w", err)
	}
	cmd := exec.Command(bootstrap)
	cmd.Dir = filepath.Dir(bootstrap)
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + os.Getenv("HOME"),
		"TMPDIR=" + os.TempDir(),
		"TZ=:UTC",
		"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=" + cfg.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand",
		"AWS_LAMBDA_LOG_FORMAT=JSON",
		"AWS_EXECUTION_ENV=AWS_Lambda_provided.al2023",
		"_HANDLER=bootstrap",
		"LAMBDA_TASK_ROOT=" + filepath.Dir(bootstrap),
	}, cfg.Env...)
	cmd.Stdout, cmd.Stderr = cfg.Log, cfg.Log
	if e.proc, err = process.Start(cfg.Name, cmd); err != nil {
		_ = e.http.Close()
		return nil, err
	}
	return e, nil
}

// awaitInit waits until the process asks for its first event.
func (e *environment) awaitInit(ctx context.Context) error {
	timeout := time.NewTimer(initTimeout)
	defer timeout.Stop()
	select {
	case <-e.ready:
		return nil
	case fail := <-e.initFail:
		return fail
	case <-e.proc.Done():
		select {
		case fail := <-e.initFail:
			return fail
		default:
			return newError("Runtime.ExitError", "the process ended before it asked for an event: "+e.proc.Exited().Error())
		}
	case <-timeout.C:
		return newError("Sandbox.Timedout", "the process did not ask for an event within "+initTimeout.String())
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (e *environment) usable() bool {
	select {
	case <-e.proc.Done():
		return false
	default:
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	return !e.broken
}

// invoke hands the event to the process and waits for the answer.
func (e *environment) invoke(ctx context.Context, event []byte, timeout time.Duration) ([]byte, error) {
	inv := &invocation{
		id: newID(), event: event, deadline: time.Now().Add(timeout), done: make(chan result, 1),
	}
	timer := time.NewTimer(timeout)
	defer timer.Stop()
	next := e.next
	for {
		select {
		case next <- inv:
			next = nil
		case r := <-inv.done:
			if r.err != nil {
				return nil, r.err
			}
			return r.payload, nil
		case <-e.proc.Done():
			select {
			case r := <-inv.done: // it answered first, then ended
				if r.err != nil {
					return nil, r.err
				}
				return r.payload, nil
			default:
			}
			if next != nil {
				return nil, errGone
			}
			return nil, newError("Runtime.ExitError", "the process ended without an answer: "+e.proc.Exited().Error())
		case <-timer.C:
			e.breakDown()
			return nil, newError("Sandbox.Timedout", fmt.Sprintf("Task timed out after %.2f seconds", timeout.Seconds()))
		case <-ctx.Done():
			e.breakDown()
			return nil, context.Cause(ctx)
		}
	}
}

// errGone means that the process ended before it took the event, as one does
// after it has told of a panic in the invocation before.
var errGone = errors.New("environment has ended")

// breakDown marks the environment as not to be used again.
func (e *environment) breakDown() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.broken = true
}

func (e *environment) kill() {
	e.breakDown()
	e.proc.Kill()
	_ = e.http.Close()
}

func newError(typ, message string) *Error {
	payload, _ := json.Marshal(map[string]string{"errorType": typ, "errorMessage": message})
	return &Error{Type: typ, Message: message, Payload: payload}
}

func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// IsFunctionError reports whether err is a failure of the function itself,
// and not of what runs it.
func IsFunctionError(err error) bool {
	var e *Error
	return errors.As(err, &e)
}
