package lambda

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Polling: the stand-in's long poll does not return at the first message, so
// the queue is asked again and again, less often while it stays empty.
const (
	pollMin      = 5 * time.Millisecond
	pollMax      = 200 * time.Millisecond
	receiveMax   = 10 // messages of one request, by the API
	receiveAtOne = 8  // requests at once, while the queue is full
)

// Invoker is the function that a Mapping feeds; *Function is one.
type Invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
}

// MappingConfig says what a Mapping reads and feeds. Client, QueueURL,
// QueueARN, Function and Log are required.
type MappingConfig struct {
	Client      *awssqs.Client
	QueueURL    string
	QueueARN    string
	Function    Invoker
	Log         *slog.Logger
	BatchSize   int           // messages of one invocation at most; 10 by default
	Window      time.Duration // how long the first message waits for others
	Concurrency int           // invocations at once; 1 by default
	// RetryDelay is how long a message that failed stays away, doubled with
	// every try up to RetryMax. In the cloud it is the queue's visibility
	// timeout. 1 s and 60 s by default.
	RetryDelay, RetryMax time.Duration
	// Grace is how long after the end of Run's context the batches that are being
	// handled may go on: then their function is killed, and they are given back.
	// 0 lets them come to their end.
	Grace time.Duration
}

// Mapping is an event source mapping: it hands a queue's messages to a
// function in batches, deletes those that were handled, and gives the others
// back.
type Mapping struct {
	MappingConfig
	wake    chan struct{}
	handled atomic.Int64
	failed  atomic.Int64
	held    atomic.Int64 // messages received and not yet settled

	receiving sync.Mutex
	paused    bool
}

// NewMapping returns a mapping, which does nothing before Run.
func NewMapping(cfg MappingConfig) *Mapping {
	if cfg.BatchSize <= 0 {
		cfg.BatchSize = receiveMax
	}
	cfg.Concurrency = max(cfg.Concurrency, 1)
	if cfg.RetryDelay <= 0 {
		cfg.RetryDelay = time.Second
	}
	if cfg.RetryMax <= 0 {
		cfg.RetryMax = time.Minute
	}
	return &Mapping{MappingConfig: cfg, wake: make(chan struct{}, 1)}
}

// Pause makes the mapping leave its queue alone until Resume. When it returns
// nothing more is received; a batch that was may still be handled.
func (m *Mapping) Pause() { m.setPaused(true) }

// Resume ends Pause.
func (m *Mapping) Resume() {
	m.setPaused(false)
	m.Wake()
}

func (m *Mapping) setPaused(paused bool) {
	m.receiving.Lock()
	defer m.receiving.Unlock()
	m.paused = paused
}

// State is Enabled, Disabled, or Disabling while messages are still handled that
// were received before Pause.
func (m *Mapping) State() string {
	m.receiving.Lock()
	defer m.receiving.Unlock()
	switch {
	case !m.paused:
		return "Enabled"
	case m.held.Load() > 0:
		return "Disabling"
	}
	return "Disabled"
}

// Wake makes the mapping look at its queue now.
func (m *Mapping) Wake() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// Handled and Failed count the messages that were deleted, and those that were
// given back.
func (m *Mapping) Handled() int64 { return m.handled.Load() }

// Failed: see Handled.
func (m *Mapping) Failed() int64 { return m.failed.Load() }

// Run feeds the function until ctx is done, then waits for the batches that
// are being handled, for Grace at most.
func (m *Mapping) Run(ctx context.Context) {
	slots := make(chan struct{}, m.Concurrency)
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return
		}
		batch := m.gather(ctx)
		if len(batch) == 0 {
			return // ctx is done
		}
		wg.Go(func() {
			defer func() { <-slots }()
			m.handle(ctx, batch)
		})
	}
}

// gather waits for a message, then until the batch is full or the window has
// passed. It returns nothing only when ctx is done.
func (m *Mapping) gather(ctx context.Context) []types.Message {
	var (
		batch []types.Message
		first time.Time
		pause = pollMin
		at    = 1 // requests at once
	)
	for len(batch) < m.BatchSize {
		if len(batch) > 0 && time.Since(first) >= m.Window {
			break
		}
		got := m.receive(ctx, min(at, (m.BatchSize-len(batch)+receiveMax-1)/receiveMax), m.BatchSize-len(batch))
		if len(got) > 0 {
			if len(batch) == 0 {
				first = time.Now()
			}
			batch = append(batch, got...)
			pause = pollMin
			if full := len(got) >= at*receiveMax; full {
				at = receiveAtOne
			} else {
				at = 1
			}
			continue
		}
		at = 1
		wait := pause
		if len(batch) > 0 {
			wait = min(pollMin, m.Window-time.Since(first))
		}
		timer := time.NewTimer(max(wait, 0))
		select {
		case <-timer.C:
			pause = min(2*pause, pollMax)
		case <-m.wake:
			pause = pollMin
		case <-ctx.Done():
			timer.Stop()
			return batch
		}
		timer.Stop()
	}
	return batch
}

// receive sends n requests at once, for room messages at most.
func (m *Mapping) receive(ctx context.Context, n, room int) []types.Message {
	m.receiving.Lock()
	defer m.receiving.Unlock()
	if m.paused {
		return nil
	}
	var (
		mu  sync.Mutex
		all []types.Message
		wg  sync.WaitGroup
	)
	for i := range n {
		want := min(receiveMax, room-i*receiveMax)
		wg.Go(func() {
			out, err := m.Client.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
				QueueUrl:            &m.QueueURL,
				MaxNumberOfMessages: int32(want),
				// The stand-in knows only the deprecated parameter.
				AttributeNames:        []types.QueueAttributeName{types.QueueAttributeNameAll}, //nolint:staticcheck // see above
				MessageAttributeNames: []string{"All"},
			})
			if err != nil {
				if ctx.Err() == nil {
					m.Log.Warn("receive messages", "queue", m.QueueARN, "error", err)
				}
				return
			}
			mu.Lock()
			defer mu.Unlock()
			all = append(all, out.Messages...)
		})
	}
	wg.Wait()
	m.held.Add(int64(len(all)))
	return all
}
