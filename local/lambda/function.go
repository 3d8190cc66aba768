package lambda

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// Account and Region are part of the functions' ARNs.
const (
	Account = "123456789012"
	Region  = "us-east-1"
)

// Limits of Lambda.
const (
	initTimeout    = 10 * time.Second
	DefaultTimeout = 60 * time.Second
	MaxPayload     = 6 << 20 // of a synchronous invocation, both ways
)

// ErrTooLarge means that an event exceeds MaxPayload.
var ErrTooLarge = fmt.Errorf("event is over %d bytes", MaxPayload)

// Config says what a function runs. Name and Bootstrap are required.
type Config struct {
	Name        string
	Bootstrap   string        // the binary
	Env         []string      // KEY=value, beside what Lambda sets
	Timeout     time.Duration // of one invocation
	Concurrency int           // environments at most; 1 by default
	Log         io.Writer     // what the function writes
}

// Function runs a bootstrap. Environments are started as they are needed, used
// again, and replaced when they end. Safe for concurrent use.
type Function struct {
	cfg   Config
	slots chan struct{} // one per running invocation

	mu     sync.Mutex
	idle   []*environment
	all    map[*environment]struct{}
	closed bool
	starts int
}

// New returns a function; nothing is started before the first Invoke.
func New(cfg Config) *Function {
	if cfg.Timeout <= 0 {
		cfg.Timeout = DefaultTimeout
	}
	cfg.Concurrency = max(cfg.Concurrency, 1)
	if cfg.Log == nil {
		cfg.Log = io.Discard
	}
	return &Function{cfg: cfg, slots: make(chan struct{}, cfg.Concurrency), all: map[*environment]struct{}{}}
}

// Name is the function's name.
func (f *Function) Name() string { return f.cfg.Name }

// ARN is the function's ARN.
func (f *Function) ARN() string {
	return "arn:aws:lambda:" + Region + ":" + Account + ":function:" + f.cfg.Name
}

// Starts is how many environments were started so far.
func (f *Function) Starts() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.starts
}

// PIDs are the processes of the environments that run now.
func (f *Function) PIDs() []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	pids := make([]int, 0, len(f.all))
	for e := range f.all {
		pids = append(pids, e.proc.PID())
	}
	return pids
}

// Error is a failure of the function, as its caller sees it.
type Error struct {
	Type    string // such as errorString, Runtime.ExitError, Sandbox.Timedout
	Message string
	Payload []byte // the error document that Lambda answers with
}

func (e *Error) Error() string { return "function failed: " + e.Type + ": " + e.Message }

// ErrClosed means that the function was closed.
var ErrClosed = errors.New("function is closed")

// Invoke runs the function on one event and returns its answer, or an *Error
// when the function failed. It waits while all environments are busy. When ctx
// is done first, the environment is thrown away.
func (f *Function) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	if len(event) > MaxPayload {
		return nil, fmt.Errorf("invoke %s: %w", f.cfg.Name, ErrTooLarge)
	}
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("invoke %s: %w", f.cfg.Name, context.Cause(ctx))
	}
	for {
		env, err := f.take(ctx)
		if err != nil {
			return nil, fmt.Errorf("invoke %s: %w", f.cfg.Name, err)
		}
		out, err := env.invoke(ctx, event, f.cfg.Timeout)
		f.giveBack(env)
		switch {
		case errors.Is(err, errGone):
			continue
		case err != nil:
			return nil, fmt.Errorf("invoke %s: %w", f.cfg.Name, err)
		}
		return out, nil
	}
}

// Warm starts an environment, so that a function that cannot start says so now.
func (f *Function) Warm(ctx context.Context) error {
	f.slots <- struct{}{}
	defer func() { <-f.slots }()
	env, err := f.take(ctx)
	if err != nil {
		return fmt.Errorf("start %s: %w", f.cfg.Name, err)
	}
	f.giveBack(env)
	return nil
}

// take returns an idle environment or starts one; the caller holds a slot, so
// there are never more than Concurrency.
func (f *Function) take(ctx context.Context) (*environment, error) {
	for {
		f.mu.Lock()
		if f.closed {
			f.mu.Unlock()
			return nil, ErrClosed
		}
		n := len(f.idle)
		if n == 0 {
			f.starts++
			f.mu.Unlock()
			return f.launch(ctx)
		}
		env := f.idle[n-1]
		f.idle = f.idle[:n-1]
		f.mu.Unlock()
		if env.usable() {
			return env, nil
		}
		f.drop(env)
	}
}

func (f *Function) launch(ctx context.Context) (*environment, error) {
	env, err := startEnvironment(f.cfg, f.ARN())
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.all[env] = struct{}{}
	closed := f.closed
	f.mu.Unlock()
	if closed {
		f.drop(env)
		return nil, ErrClosed
	}
	if err := env.awaitInit(ctx); err != nil {
		f.drop(env)
		return nil, err
	}
	return env, nil
}

func (f *Function) giveBack(env *environment) {
	f.mu.Lock()
	if env.usable() && !f.closed {
		f.idle = append(f.idle, env)
		f.mu.Unlock()
		return
	}
	f.mu.Unlock()
	f.drop(env)
}

func (f *Function) drop(env *environment) {
	env.kill()
	f.mu.Lock()
	delete(f.all, env)
	f.mu.Unlock()
}

// Close ends all environments: first it waits, until ctx is done, for running
// invocations.
func (f *Function) Close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	var err error
	for range cap(f.slots) {
		select {
		case f.slots <- struct{}{}:
			defer func() { <-f.slots }()
			continue
		case <-ctx.Done():
			err = fmt.Errorf("close %s: invocations still ran: %w", f.cfg.Name, context.Cause(ctx))
		}
		break
	}
	f.mu.Lock()
	envs := f.all
	f.all, f.idle = map[*environment]struct{}{}, nil
	f.mu.Unlock()
	for env := range envs {
		env.kill()
	}
	return err
}
