package stack

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/secretsmanager"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/trigger"
)

// start starts the parts, each once those that it needs are there.
func (s *Stack) start(ctx context.Context, m *manifest.Manifest) error {
	node, err := install.FindNode(ctx, s.opts.Getenv)
	if err != nil {
		return err
	}
	k, err := s.dittoKeys()
	if err != nil {
		return err
	}
	if err := s.checkPorts(); err != nil {
		return err
	}
	notice := noticer(s.say)
	begun := time.Now()
	started := func(what string) {
		s.logger.Info("started", "part", what, "after", time.Since(begun).Round(time.Millisecond))
	}
	// What may have to be installed or built, and needs nothing else.
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer started("MongoDB")
		return s.startMongoDB(gctx, m, notice)
	})
	g.Go(func() error {
		defer started("build")
		return install.Bootstraps(gctx, s.opts.Root, notice)
	})
	g.Go(func() error {
		defer started("SQS")
		if err := install.Modules(gctx, s.opts.Root, notice); err != nil {
			return err
		}
		inner, ictx := errgroup.WithContext(gctx)
		inner.Go(func() error { return s.startSQS(ictx, node) })
		inner.Go(func() error { return s.startStepFunctions(ictx, node) })
		return inner.Wait()
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if err := s.startSecrets(m, k); err != nil {
		return err
	}
	if err := s.startReceiver(m); err != nil {
		return err
	}
	if err := s.startDitto(ctx, m, node, k); err != nil {
		return err
	}
	started("Ditto")
	if !s.opts.NoInitialSync {
		if err := s.activate(ctx, m); err != nil {
			return err
		}
	}
	if err := s.startWorkers(ctx, m); err != nil {
		return err
	}
	started("functions")
	if err := s.startTrigger(ctx); err != nil {
		return err
	}
	started("trigger")
	if s.opts.Page {
		return s.startPage(m)
	}
	return nil
}

// noticer lets one line out at a time.
func noticer(say func(string)) func(string) {
	var mu sync.Mutex
	return func(line string) {
		mu.Lock()
		defer mu.Unlock()
		say(line)
	}
}

// checkPorts finds ports that are taken before anything is started, and tells
// of all of them at once.
func (s *Stack) checkPorts() error {
	p := s.opts.ports()
	var errs []error
	for _, part := range []struct {
		name string
		port int
	}{{"Ditto", p.ditto}, {"MongoDB", p.mongodb}, {"the webhook", p.webhook}, {"SQS", p.sqs}, {"Secrets Manager", p.secrets}, {"Step Functions", p.stepFunctions}, {"the page", p.page}} {
		if part.port == 0 || part.name == "the page" && !s.opts.Page {
			continue
		}
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(part.port)))
		if err != nil {
			errs = append(errs, fmt.Errorf("port %d, of %s, is in use: stop what listens on it, "+
				"or choose others with --port N (PORT=N make run), 0 for any that are free", part.port, part.name))
			continue
		}
		l.Close()
	}
	return errors.Join(errs...)
}

func (s *Stack) startMongoDB(ctx context.Context, m *manifest.Manifest, notice func(string)) error {
	log, err := s.log("mongodb")
	if err != nil {
		return err
	}
	s.mongo, err = mongodb.Start(ctx, mongodb.Options{
		Dir: s.opts.data("mongodb"), Port: s.opts.ports().mongodb, Log: log, Notice: notice, Getenv: s.opts.Getenv,
		Tools: filepath.Join(s.opts.Root, ".causeway", "tools"),
	})
	if err != nil {
		return err
	}
	s.onStop("MongoDB", s.mongo.Stop)
	s.info.MongoDB, s.info.MongoDBKind = s.mongo.URI, string(s.mongo.Kind)
	if s.client, err = mongo.Connect(options.Client().ApplyURI(s.mongo.URI)); err != nil {
		return fmt.Errorf("connect to MongoDB: %w", err)
	}
	s.onStop("MongoDB client", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		_ = s.client.Disconnect(ctx) // the server may be gone
		return nil
	})
	if s.mongo.Kind == mongodb.External {
		return nil // its collections are the user's
	}
	s.child("mongodb", s.mongo.PID)
	s.watch("MongoDB", s.mongo.Done(), s.mongo.Exited)
	return createCollections(ctx, s.client.Database(m.Database), m)
}

func (s *Stack) startSQS(ctx context.Context, node string) error {
	log, err := s.log("sqs")
	if err != nil {
		return err
	}
	s.sqs, err = sqs.Start(ctx, sqs.Options{
		Root: s.opts.Root, Node: node, Port: s.opts.ports().sqs, Queues: s.opts.queues(), Log: log,
	})
	if err != nil {
		return err
	}
	s.onStop("SQS stand-in", s.sqs.Stop)
	s.child("sqs", s.sqs.PID)
	s.watch("the SQS stand-in", s.sqs.Done(), s.sqs.Exited)
	if err := s.loadDeadLetters(ctx); err != nil {
		return err
	}
	s.onStop("dead letters", s.saveDeadLetters)
	return nil
}

func (s *Stack) startSecrets(m *manifest.Manifest, k keys) error {
	list, err := secrets(m, s.mongo.URI, k)
	if err != nil {
		return err
	}
	if s.secrets, err = secretsmanager.Start(s.opts.ports().secrets, list...); err != nil {
		return err
	}
	s.onStop("Secrets Manager stand-in", s.secrets.Stop)
	s.info.SecretsManager = s.secrets.Endpoint
	return nil
}

// startTrigger starts the stand-in of the Atlas trigger.
func (s *Stack) startTrigger(ctx context.Context) error {
	t, err := trigger.Open(ctx, trigger.Config{
		Database:    s.client.Database(s.info.Database),
		Collections: s.info.Collections,
		Queue:       s.sqs.Client(),
		QueueURL:    s.sqs.URL(MongoToDitto),
		Empty:       s.empty(MongoToDitto),
		StateFile:   s.opts.data("trigger.json"),
		Source:      s.sourceName(),
		Log:         s.logger,
		Sent:        s.wake(MongoToDitto),
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.trigger = t
	s.mu.Unlock()
	s.stopTrigger = s.background("trigger", t.Run)
	return nil
}

// background runs f until the stack stops, and then waits for it. What it returns
// does so earlier.
func (s *Stack) background(name string, f func(context.Context)) func(context.Context) error {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f(ctx)
	}()
	end := func(stop context.Context) error {
		cancel()
		select {
		case <-ended:
			return nil
		case <-stop.Done():
			return context.Cause(stop)
		}
	}
	s.onStop(name, end)
	return end
}

// empty reports whether a worker's queue holds nothing at all.
func (s *Stack) empty(worker string) func(context.Context) (bool, error) {
	return func(ctx context.Context) (bool, error) {
		d, err := s.sqs.Depth(ctx, worker)
		return d.Empty(), err
	}
}

func (s *Stack) child(name string, pid int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.info.Processes[name] = pid
}
