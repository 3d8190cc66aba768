package stepfunctions

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Account and Region are part of the ARNs; they mean nothing here.
const (
	Account = "123456789012"
	Region  = "us-east-1"
)

const readyTimeout = 15 * time.Second

// Options say what to start. Root, Node and Invoke are required.
type Options struct {
	Root   string // the repository, with the npm packages installed
	Node   string // the node binary
	Port   int    // 0: a free one
	Log    io.Writer
	Invoke Invoker

	Name          string            // of the state machine; initial-sync by default
	Definition    string            // its file; that of functions/initial-sync by default
	Substitutions map[string]string // for its ${…}, as the deployment makes them

	// WaitScale makes retries come sooner: what they wait is multiplied by it.
	// 0 is 1, true to life.
	WaitScale float64
}

// Definition is the file of the state machine that is deployed.
func Definition(root string) string {
	return filepath.Join(root, "functions", "initial-sync", "statemachine.asl.json")
}

// Server is a running stand-in with its one state machine.
type Server struct {
	Endpoint        string
	StateMachineARN string
	PID             int

	name       string
	definition string
	created    time.Time
	http       *http.Server
	served     chan struct{}
	runner     *runner

	mu         sync.Mutex
	executions []*execution // by start
	byName     map[string]*execution
}

// Start starts the stand-in. A definition that is not valid is an error.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Name == "" {
		opts.Name = "initial-sync"
	}
	if opts.Definition == "" {
		opts.Definition = Definition(opts.Root)
	}
	if opts.WaitScale == 0 {
		opts.WaitScale = 1
	}
	text, err := os.ReadFile(opts.Definition)
	if err != nil {
		return nil, fmt.Errorf("start Step Functions stand-in: %w", err)
	}
	definition, err := substitute(string(text), opts.Substitutions)
	if err != nil {
		return nil, fmt.Errorf("start Step Functions stand-in: %s: %w", opts.Definition, err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port)))
	if err != nil {
		return nil, fmt.Errorf("start Step Functions stand-in: port %d is in use: stop what listens on it, or choose another: %w", opts.Port, err)
	}
	s := &Server{
		Endpoint:        "http://" + l.Addr().String(),
		StateMachineARN: "arn:aws:states:" + Region + ":" + Account + ":stateMachine:" + opts.Name,
		name:            opts.Name,
		definition:      definition,
		created:         time.Now(),
		served:          make(chan struct{}),
		byName:          map[string]*execution{},
	}
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("not ready after %s", readyTimeout))
	defer cancel()
	if s.runner, err = startRunner(ctx, opts, definition, s.ended); err != nil {
		l.Close()
		return nil, err
	}
	s.PID = s.runner.proc.PID()
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		defer close(s.served)
		_ = s.http.Serve(l)
	}()
	return s, nil
}

// Done is closed when what executes the state machine has ended.
func (s *Server) Done() <-chan struct{} { return s.runner.proc.Done() }

// Exited says how it ended, nil while it runs.
func (s *Server) Exited() error { return s.runner.proc.Exited() }

// Stop ends the server and all executions. Invocations under way get their
// context cancelled, and Stop waits for them as long as ctx allows.
func (s *Server) Stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	<-s.served
	return errors.Join(err, s.runner.stop(ctx))
}

var placeholder = regexp.MustCompile(`\$\{([A-Za-z0-9]+)\}`)

// substitute replaces each ${Name} as CloudFormation does with
// DefinitionSubstitutions.
func substitute(text string, values map[string]string) (string, error) {
	var missing []string
	text = placeholder.ReplaceAllStringFunc(text, func(m string) string {
		v, ok := values[m[2:len(m)-1]]
		if !ok {
			missing = append(missing, m)
		}
		return v
	})
	if missing != nil {
		return "", fmt.Errorf("no substitution for %s", strings.Join(missing, ", "))
	}
	return text, nil
}
