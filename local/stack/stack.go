package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/page"
	"github.com/causeway-sync/causeway/local/secretsmanager"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stepfunctions"
	"github.com/causeway-sync/causeway/local/trigger"
)

// Stack is a running local stack.
type Stack struct {
	opts   Options
	info   Info
	logger *slog.Logger

	mongo   *mongodb.Server
	client  *mongo.Client
	sqs     *sqs.Server
	secrets *secretsmanager.Server
	ditto   *ditto.Server // nil when it is the user's own
	web     *http.Server

	stepFunctions *stepfunctions.Server

	receiver  *lambda.Function
	functions map[string]*lambda.Function
	mappings  map[string]*lambda.Mapping

	trigger     *trigger.Trigger
	stopTrigger func(context.Context) error
	page        atomic.Pointer[page.Page] // nil without one

	died chan error // a part that ended on its own

	mu    sync.Mutex
	stops []stop // in the order of starting
}

// stop ends one part.
type stop struct {
	name string
	f    func(context.Context) error
}

// Start starts everything and returns when it is ready. When that fails, what
// was started is stopped.
func Start(ctx context.Context, opts Options) (_ *Stack, err error) {
	opts, err = opts.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Stack{
		opts:      opts,
		logger:    slog.New(slog.DiscardHandler), // until there are logs
		functions: map[string]*lambda.Function{},
		mappings:  map[string]*lambda.Mapping{},
		died:      make(chan error, 8),
	}
	defer func() {
		if err != nil {
			stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
			defer cancel()
			err = errors.Join(err, s.Stop(stopCtx))
		}
	}()
	if err := s.lock(); err != nil {
		return nil, err
	}
	m, err := manifest.Load(opts.Config)
	if err != nil {
		return nil, err
	}
	if err := s.openLogs(); err != nil {
		return nil, err
	}
	if err := s.publish(m); err != nil {
		return nil, err
	}
	if err := s.start(ctx, m); err != nil {
		return nil, err
	}
	s.info.StartedAt = time.Now().UTC().Truncate(time.Millisecond)
	if err := s.info.write(opts.Dir); err != nil {
		return nil, err
	}
	s.onStop("local.json", func(context.Context) error { return os.Remove(infoFile(opts.Dir)) })
	s.printReady(m)
	if opts.Beat > 0 {
		s.background("canary", s.beats)
	}
	if !opts.NoInitialSync {
		s.background("initial sync", func(ctx context.Context) { s.initialSync(ctx, m) })
	}
	return s, nil
}

// Info says where everything listens.
func (s *Stack) Info() Info { return s.info }

// PIDs are the processes of a function that run now; tests kill them.
func (s *Stack) PIDs(function string) []int { return s.functions[function].PIDs() }

// Secrets is where the functions read their secrets; tests change them.
func (s *Stack) Secrets() *secretsmanager.Server { return s.secrets }

// Wait returns when ctx is done, with nil, or when a part has ended on its own.
func (s *Stack) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.died:
		return err
	}
}

// Pause makes both workers leave their queues alone until Resume, so that
// changes gather there, as while the functions are off.
func (s *Stack) Pause() {
	for _, name := range []string{MongoToDitto, DittoToMongo} {
		s.mappings[name].Pause()
	}
}

// Resume ends Pause.
func (s *Stack) Resume() {
	for _, name := range []string{MongoToDitto, DittoToMongo} {
		s.mappings[name].Resume()
	}
}

// stopTimeout bounds Stop, and is the sum of what its parts may take.
const stopTimeout = 40 * time.Second

// Stop stops everything, last started first: the sources of events before
// those who handle them, and the databases last.
func (s *Stack) Stop(ctx context.Context) error {
	s.mu.Lock()
	stops := s.stops
	s.stops = nil
	s.mu.Unlock()
	var errs []error
	for i := len(stops) - 1; i >= 0; i-- {
		begun := time.Now()
		if err := stops[i].f(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", stops[i].name, err))
		}
		s.logger.Info("stopped", "part", stops[i].name, "after", time.Since(begun).Round(time.Millisecond))
	}
	return errors.Join(errs...)
}

func (s *Stack) onStop(name string, f func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stops = append(s.stops, stop{name, f})
}

// watch reports the end of a part that nobody asked to end.
func (s *Stack) watch(name string, done <-chan struct{}, how func() error) {
	stopping := make(chan struct{})
	s.onStop(name+" watch", func(context.Context) error { close(stopping); return nil })
	go func() {
		select {
		case <-stopping:
		case <-done:
			select {
			case s.died <- fmt.Errorf("%s has ended on its own: %w", name, how()):
			default:
			}
		}
	}()
}

// lock makes sure that one stack at a time uses the directory.
func (s *Stack) lock() error {
	unlock, err := install.TryLock(filepath.Join(s.opts.Dir, "run.lock"))
	if errors.Is(err, install.ErrLocked) {
		if info, readErr := ReadInfo(s.opts.Dir); readErr == nil {
			return fmt.Errorf("a local stack is running here already: process %d, with %s, since %s: "+
				"stop it with Ctrl-C in its terminal, or `kill %d`",
				info.PID, info.Manifest, info.StartedAt.Local().Format(time.TimeOnly), info.PID)
		}
		return errors.New("a local stack is being started or stopped here already")
	}
	if err != nil {
		return err
	}
	s.onStop("lock", func(context.Context) error { unlock(); return nil })
	return nil
}

// publish writes the manifest without its secrets to where the functions read
// it (invariant 11), and begins the Info.
func (s *Stack) publish(m *manifest.Manifest) error {
	config := filepath.Join(s.opts.Dir, "config.yaml")
	if err := os.WriteFile(config, m.Public(), 0o644); err != nil {
		return fmt.Errorf("publish manifest: %w", err)
	}
	s.info = Info{
		PID:       os.Getpid(),
		Manifest:  s.opts.Config,
		Config:    config,
		Logs:      filepath.Join(s.opts.Dir, "logs"),
		Database:  m.Database,
		Functions: map[string]Function{},
		Queues:    map[string]Queue{},
		Processes: map[string]int{},
	}
	for _, c := range m.Collections {
		s.info.Collections = append(s.info.Collections, c.Name)
	}
	return nil
}
