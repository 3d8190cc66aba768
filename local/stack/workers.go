package stack

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/sqs"
)

// startReceiver starts the HTTP API with the receiver behind it.
func (s *Stack) startReceiver(m *manifest.Manifest) error {
	s.info.SQS = s.sqs.Endpoint
	for _, q := range s.opts.queues() {
		dead := sqs.DeadLetters(q.Name)
		s.info.Queues[q.Name] = Queue{q.Name, s.sqs.URL(q.Name), dead, s.sqs.URL(dead)}
	}
	s.describe(Receiver, DittoToMongo, s.environment(m, "receiver", DittoToMongo))
	var err error
	if s.receiver, err = s.function(Receiver, s.opts.Concurrency); err != nil {
		return err
	}
	s.onStop("receiver", s.receiver.Close)
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.opts.ports().webhook)))
	if err != nil {
		return fmt.Errorf("start webhook: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("/webhook", &lambda.HTTPAPI{Function: s.receiver, Log: s.logger, Answered: s.wake(DittoToMongo)})
	s.web = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.web.Serve(l) }()
	s.onStop("webhook", func(ctx context.Context) error {
		if err := s.web.Shutdown(ctx); err != nil {
			return s.web.Close()
		}
		return nil
	})
	s.info.Webhook = "http://" + l.Addr().String() + "/webhook"
	return nil
}

// wake returns a function that makes a worker's mapping look at its queue.
func (s *Stack) wake(worker string) func() {
	return func() {
		s.mu.Lock()
		m := s.mappings[worker]
		s.mu.Unlock()
		if m != nil {
			m.Wake()
		}
	}
}

// startWorkers starts the two workers, each behind its queue, and the function
// that performs the steps of runs. One that cannot start says so now, not at the
// first change.
func (s *Stack) startWorkers(ctx context.Context, m *manifest.Manifest) error {
	for _, name := range workers {
		s.describe(name, name, s.environment(m, "worker", name))
		f, err := s.function(name, s.opts.Concurrency)
		if err != nil {
			return err
		}
		s.functions[name] = f
		s.onStop(name, f.Close)
	}
	s.describe(InitialSync, InitialSync, s.environment(m, "sweep", ""))
	f, err := s.function(InitialSync, sweepConcurrency)
	if err != nil {
		return err
	}
	s.functions[InitialSync] = f
	s.onStop(InitialSync, f.Close)
	// What runs is not waited for: it is carried on at the next start.
	s.onStop("Step Functions stand-in", s.stepFunctions.Stop)
	s.watch("the Step Functions stand-in", s.stepFunctions.Done(), s.stepFunctions.Exited)
	g, gctx := errgroup.WithContext(ctx)
	for _, f := range []*lambda.Function{s.functions[MongoToDitto], s.functions[DittoToMongo], s.functions[InitialSync], s.receiver} {
		g.Go(func() error { return f.Warm(gctx) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	var run []func(context.Context)
	for _, name := range workers {
		mapping, err := s.newMapping(name)
		if err != nil {
			return err
		}
		run = append(run, mapping.Run)
	}
	// They stop together, so that both have the same time for it.
	s.background("queues", func(ctx context.Context) {
		var wg sync.WaitGroup
		for _, f := range run {
			wg.Go(func() { f(ctx) })
		}
		wg.Wait()
	})
	return s.startSwitches()
}

// stopping is how long a batch may go on once the stack stops. One that is cut
// off is handled again at the next start; claims that it held end by themselves.
const stopping = 3 * time.Second

// newMapping is what feeds a worker from its queue.
func (s *Stack) newMapping(name string) (*lambda.Mapping, error) {
	paused, err := s.paused(name)
	if err != nil {
		return nil, err
	}
	mapping := lambda.NewMapping(lambda.MappingConfig{
		Client:      s.sqs.Client(),
		QueueURL:    s.sqs.URL(name),
		QueueARN:    sqs.ARN(name),
		Function:    s.functions[name],
		Log:         s.logger,
		BatchSize:   s.opts.BatchSize,
		Window:      s.opts.Window,
		Concurrency: s.opts.Concurrency,
		Grace:       stopping,
	})
	if paused {
		mapping.Pause()
	}
	s.mu.Lock()
	s.mappings[name] = mapping
	s.mu.Unlock()
	return mapping, nil
}
