package mongodb

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/process"
)

// Kind says which MongoDB it is.
type Kind string

const (
	External     Kind = "external"     // MONGODB_URI: neither started nor stopped here
	Mongod       Kind = "mongod"       // a real one
	SecantusRust Kind = "secantusd-rs" // SecantusDB in Rust, from PATH
	SecantusPy   Kind = "secantusd-py" // SecantusDB in Python, from PyPI
)

// readyTimeout is how long a server may take to answer after its start.
const readyTimeout = 20 * time.Second

// Options are all optional.
type Options struct {
	Dir    string              // where the data is kept; none: gone after Stop
	Port   int                 // 0: a free one
	Tools  string              // where SecantusDB is installed; .causeway/tools of the repository by default
	Log    io.Writer           // the server's own output
	Notice func(string)        // gets a line per thing installed
	Getenv func(string) string // os.Getenv by default
	// NoRust passes over a secantusd-rs on PATH: for tests that name what is
	// peculiar to the Python edition.
	NoRust bool
	// Wrap is a command that runs the server, which is its last arguments; for
	// tests that limit what it may do.
	Wrap []string
}

// Server is a MongoDB that answers.
type Server struct {
	URI  string // may hold the user's credentials: never print it, see Display
	Kind Kind
	PID  int // 0 when External

	proc *process.Process
	temp string
}

func (o Options) withDefaults() Options {
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	return o
}

// Install installs the MongoDB that Start would start, if that takes any.
func Install(ctx context.Context, opts Options) error {
	opts = opts.withDefaults()
	if opts.Getenv("MONGODB_URI") != "" {
		return nil
	}
	if _, err := choose(ctx, opts); err != nil {
		return fmt.Errorf("install MongoDB: %w", err)
	}
	return nil
}

// Start starts, or finds, the MongoDB and waits until it takes writes.
func Start(ctx context.Context, opts Options) (*Server, error) {
	opts = opts.withDefaults()
	if uri := opts.Getenv("MONGODB_URI"); uri != "" {
		s := &Server{URI: uri, Kind: External}
		if err := s.ping(ctx, 10*time.Second); err != nil {
			return nil, fmt.Errorf("MONGODB_URI: %w", err)
		}
		return s, nil
	}
	c, err := choose(ctx, opts)
	if err != nil {
		return nil, fmt.Errorf("start MongoDB: %w", err)
	}
	// Another process may take the free port before the server does.
	for attempt := 1; ; attempt++ {
		s, err := c.start(ctx, opts)
		if err == nil {
			return s, nil
		}
		if opts.Port != 0 || attempt == 3 || ctx.Err() != nil {
			return nil, fmt.Errorf("start MongoDB (%s): %w", c.kind, err)
		}
	}
}

// Done is closed when the server has ended; never for an external one.
func (s *Server) Done() <-chan struct{} {
	if s.proc == nil {
		return nil
	}
	return s.proc.Done()
}

// Exited says how the server ended, nil while it runs.
func (s *Server) Exited() error {
	if s.proc == nil {
		return nil
	}
	return s.proc.Exited()
}

// Stop stops the server if Start started it. One that does not end by itself is
// killed, which loses nothing: mongod journals, and SecantusDB syncs on commit.
// One whose data nobody keeps is killed at once.
func (s *Server) Stop(ctx context.Context) error {
	if s.proc == nil {
		return nil
	}
	if s.temp == "" {
		_ = s.proc.Stop(ctx)
		return nil
	}
	s.proc.Kill()
	return os.RemoveAll(s.temp)
}

// Kill ends the server at once, as a crash would. Tests use it.
func (s *Server) Kill() {
	if s.proc != nil {
		s.proc.Kill()
	}
}

func (c choice) start(ctx context.Context, opts Options) (_ *Server, err error) {
	s := &Server{Kind: c.kind}
	dir := opts.Dir
	if dir == "" {
		if s.temp, err = os.MkdirTemp("", "causeway-mongodb-"); err != nil {
			return nil, err
		}
		if c.kind == Mongod {
			dir = s.temp
		}
	}
	defer func() {
		if err != nil && s.temp != "" {
			os.RemoveAll(s.temp)
		}
	}()
	if dir != "" {
		// The engines' files differ: each kind has a folder of its own.
		dir = filepath.Join(dir, string(c.kind))
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	port, err := freePort(opts.Port)
	if err != nil {
		return nil, err
	}
	line := slices.Concat(opts.Wrap, []string{c.path}, c.args(dir, port))
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.Dir = dir // keeps a secantusd.toml of the working directory out of it
	if s.temp != "" {
		cmd.Dir = s.temp
		cmd.Env = append(cmd.Env, "TMPDIR="+s.temp) // where SecantusDB keeps what is "in memory"
	}
	cmd.Stdout, cmd.Stderr = opts.Log, opts.Log
	if s.proc, err = process.Start(string(c.kind), cmd); err != nil {
		return nil, err
	}
	s.PID = s.proc.PID()
	s.URI = "mongodb://127.0.0.1:" + strconv.Itoa(port) + "/?directConnection=true"
	if err = s.ready(ctx, port); err != nil {
		s.proc.Kill()
		return nil, err
	}
	return s, nil
}

// ready waits until the server takes writes.
func (s *Server) ready(ctx context.Context, port int) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("not ready after %s", readyTimeout))
	defer cancel()
	go func() { // an end of the process ends the wait
		select {
		case <-s.proc.Done():
			cancel()
		case <-ctx.Done():
		}
	}()
	err := dial(ctx, port)
	if err == nil && s.Kind == Mongod {
		err = initiate(ctx, s.URI, port)
	}
	if err == nil {
		err = s.ping(ctx, readyTimeout)
	}
	if exited := s.Exited(); err != nil && exited != nil {
		return exited
	}
	return err
}

// ping runs a command on the primary. Errors show no password.
func (s *Server) ping(ctx context.Context, timeout time.Duration) error {
	client, err := mongodb.Connect(s.URI, "admin", func(o *options.ClientOptions) {
		if o.ServerSelectionTimeout == nil || *o.ServerSelectionTimeout > timeout {
			o.SetServerSelectionTimeout(timeout)
		}
	})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close(context.WithoutCancel(ctx)) }()
	return client.Redact("ping", client.Driver().RunCommand(ctx, bson.D{{Key: "ping", Value: 1}}).Err())
}

// dial waits until something listens on the port.
func dial(ctx context.Context, port int) error {
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// freePort checks that the port is free, or finds one when it is 0.
func freePort(port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("port %d is in use: stop what listens on it, or choose another: %w", port, err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tools is Tools or its default, which is looked for only when it is needed.
func (o Options) tools() (string, error) {
	if o.Tools != "" {
		return o.Tools, nil
	}
	root, err := install.Root("")
	if err != nil {
		return "", err
	}
	return filepath.Join(root, ".causeway", "tools"), nil
}
