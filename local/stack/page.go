package stack

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	coreditto "github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	coremongo "github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/page"
	"github.com/causeway-sync/causeway/local/sqs"
)

// startPage starts the page that shows both sides.
func (s *Stack) startPage(m *manifest.Manifest) error {
	client, err := coremongo.Connect(s.mongo.URI, m.Database)
	if err != nil {
		return fmt.Errorf("start page: %w", err)
	}
	exec, err := coreditto.NewClient(coreditto.ClientConfig{
		Endpoint: s.info.Ditto.URL, Keys: coreditto.StaticKey(s.info.Ditto.APIKey), Attempts: 1,
	})
	if err != nil {
		client.Close(context.Background())
		return fmt.Errorf("start page: %w", err)
	}
	cfg := page.Config{Manifest: m, Mongo: client, Ditto: exec, Machine: s.info.Machine(), Stack: watched{s}}
	if s.ditto != nil {
		cfg.Feed, cfg.Disturb = feed{s.ditto}, disturber{s}
	}
	p := page.New(cfg)
	if s.info.Page, err = p.Start(s.opts.ports().page); err != nil {
		client.Close(context.Background())
		return err
	}
	s.onStop("page", p.Stop)
	s.page.Store(p)
	return nil
}

// watched is the stack as the page sees it.
type watched struct{ s *Stack }

// Queues implements page.Stack.
func (w watched) Queues(ctx context.Context) ([]page.QueueState, error) {
	var out []page.QueueState
	for _, name := range workers {
		depth, err := w.s.sqs.Depth(ctx, name)
		if err != nil {
			return nil, err
		}
		dead, err := w.s.sqs.Depth(ctx, sqs.DeadLetters(name))
		if err != nil {
			return nil, err
		}
		paused, err := w.s.paused(name)
		if err != nil {
			return nil, err
		}
		out = append(out, page.QueueState{Function: name, Waiting: depth.Total(), Dead: dead.Total(), Paused: paused})
	}
	return out, nil
}

func worker(name string) error {
	if !slices.Contains(workers, name) {
		return fmt.Errorf("no worker is called %q: there are %s and %s", name, MongoToDitto, DittoToMongo)
	}
	return nil
}

// Worker implements page.Stack.
func (w watched) Worker(name string) error { return worker(name) }

// Redrive implements page.Stack.
func (w watched) Redrive(ctx context.Context, function string) (int, error) {
	if err := worker(function); err != nil {
		return 0, err
	}
	n, err := sqs.Redrive(ctx, w.s.sqs.Client(), w.s.sqs.URL(sqs.DeadLetters(function)), w.s.sqs.URL(function))
	w.s.wake(function)()
	return n, err
}

// Switch implements page.Stack. It is kept over a restart, as `causeway pause`.
func (w watched) Switch(function string, on bool) error {
	if err := worker(function); err != nil {
		return err
	}
	if err := w.s.keepSwitch(function, on); err != nil {
		return err
	}
	if on {
		w.s.mappings[function].Resume()
	} else {
		w.s.mappings[function].Pause()
	}
	return nil
}

// KillWorker implements page.Stack.
func (w watched) KillWorker(function string) int {
	n := 0
	for _, pid := range w.s.PIDs(function) {
		if p, err := os.FindProcess(pid); err == nil && p.Kill() == nil {
			n++
		}
	}
	return n
}

// feed tells the page of the local Ditto server's writes.
type feed struct{ server *ditto.Server }

// Txn implements page.Feed.
func (f feed) Txn(ctx context.Context) (int64, error) {
	state, err := f.server.State(ctx)
	return state.Txn, err
}

// Since implements page.Feed.
func (f feed) Since(ctx context.Context, txn int64) ([]page.Write, error) {
	list, err := f.server.Writes(ctx, txn)
	if err != nil {
		return nil, err
	}
	out := make([]page.Write, len(list))
	for i, w := range list {
		out[i] = page.Write{Txn: w.Txn, Collection: w.Collection, ID: w.ID, Remove: w.Method == "remove"}
	}
	return out, nil
}

// disturber makes parts of the stack go wrong.
type disturber struct{ s *Stack }

// DittoEvents implements page.Disturber.
func (d disturber) DittoEvents(ctx context.Context, drop, duplicate int) error {
	return d.s.ditto.Feed(ctx, ditto.Feed{Drop: drop, Duplicate: duplicate})
}

// MongoEvents implements page.Disturber.
func (d disturber) MongoEvents(drop, duplicate int) {
	d.s.mu.Lock()
	t := d.s.trigger
	d.s.mu.Unlock()
	t.Disturb(drop, duplicate)
}

// DittoAnswers implements page.Disturber.
func (d disturber) DittoAnswers(ctx context.Context, status, delayMillis, n int) error {
	return d.s.ditto.Inject(ctx, ditto.Fault{Match: "^(INSERT|UPDATE|DELETE)", Status: status, DelayMillis: delayMillis, Times: n})
}

// Clear implements page.Disturber.
func (d disturber) Clear(ctx context.Context) error {
	d.MongoEvents(0, 0)
	return d.s.ditto.ClearFaults(ctx)
}

// maxLine is the longest log line that is looked at.
const maxLine = 256 << 10

// tap passes a function's log lines on to the page, and to the log those that
// it would have without a page: debug lines only if they were asked for.
type tap struct {
	function string
	page     *atomic.Pointer[page.Page]
	log      io.Writer
	debug    bool

	mu   sync.Mutex
	rest []byte
}

// Write implements io.Writer.
func (t *tap) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest = append(t.rest, b...)
	for {
		i := bytes.IndexByte(t.rest, '\n')
		if i < 0 && len(t.rest) < maxLine {
			return len(b), nil
		}
		line := t.rest
		if i >= 0 {
			line = t.rest[:i+1]
		}
		if p := t.page.Load(); p != nil {
			p.Log(t.function, line)
		}
		if t.debug || !bytes.Contains(line, []byte(`"level":"DEBUG"`)) {
			if _, err := t.log.Write(line); err != nil {
				return 0, err
			}
		}
		t.rest = t.rest[len(line):]
	}
}
