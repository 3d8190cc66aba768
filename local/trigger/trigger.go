package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/change"
)

const (
	maxAwait  = 500 * time.Millisecond // of one look at the stream
	maxBatch  = 200                    // events sent at once
	maxPause  = 5 * time.Second        // between attempts to reach the server
	saveEvery = 250 * time.Millisecond
)

// Config says what to watch and where to send. All but Sent are required.
type Config struct {
	Database    *mongo.Database
	Collections []string // the configured ones; the canary's is added
	Queue       *awssqs.Client
	QueueURL    string
	// Empty reports whether the queue holds nothing at all, in flight and
	// delayed messages included.
	Empty     func(context.Context) (bool, error)
	StateFile string // keeps the resume token
	Source    string // names the server in the state file, without secrets
	Log       *slog.Logger
	Sent      func() // called after messages were sent
}

// Trigger is an open change stream.
type Trigger struct {
	cfg    Config
	stream *mongo.ChangeStream

	mu    sync.Mutex
	sent  bson.Raw // the queue has everything up to here
	saved bson.Raw // on disk

	disturbed disturbances
}

// ErrNoChangeStreams means that the server is no replica set.
var ErrNoChangeStreams = errors.New("the MongoDB has no change streams, since it is no replica set: " +
	"start it with --replSet and run rs.initiate()")

// Open opens the stream where the last one ended; the first time, now: what is
// changed after Open returns is announced.
func Open(ctx context.Context, cfg Config) (*Trigger, error) {
	t := &Trigger{cfg: cfg}
	token, err := load(cfg.StateFile, cfg.Source, cfg.Database.Name())
	if err != nil {
		return nil, fmt.Errorf("open trigger: %w", err)
	}
	if err := t.watch(ctx, token); err != nil {
		return nil, fmt.Errorf("open trigger: %w", err)
	}
	if token == nil {
		// A crash before the queue is first empty must not lose the beginning.
		if err := save(cfg.StateFile, cfg.Source, cfg.Database.Name(), t.sent); err != nil {
			return nil, errors.Join(err, t.stream.Close(ctx))
		}
	}
	return t, nil
}

// watch opens the stream after token, or now where that point is lost.
func (t *Trigger) watch(ctx context.Context, token bson.Raw) error {
	stream, err := t.cfg.Database.Watch(ctx, t.pipeline(), streamOptions(token))
	if token != nil && isLost(err) {
		t.cfg.Log.Warn("the trigger cannot carry on where it ended: changes in MongoDB made since then are not announced",
			"error", err)
		token = nil
		stream, err = t.cfg.Database.Watch(ctx, t.pipeline(), streamOptions(nil))
	}
	if hasCode(err, codeNoReplicaSet) {
		return ErrNoChangeStreams
	}
	if err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	if token == nil {
		// The first look gives the token of now.
		if token = stream.ResumeToken(); token == nil {
			if stream.TryNext(ctx); stream.Err() != nil {
				return fmt.Errorf("watch: %w", stream.Err())
			}
			token = stream.ResumeToken()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stream, t.sent = stream, slices.Clone(token)
	return nil
}

func streamOptions(token bson.Raw) *options.ChangeStreamOptionsBuilder {
	o := options.ChangeStream().SetMaxAwaitTime(maxAwait)
	if token != nil {
		o.SetStartAfter(token)
	}
	return o
}

// pipeline is what the deployed trigger's match and project expressions are.
func (t *Trigger) pipeline() mongo.Pipeline {
	return mongo.Pipeline{
		{{Key: "$match", Value: change.TriggerMatch(t.cfg.Collections)}},
		{{Key: "$project", Value: change.TriggerProject()}},
	}
}

// Run sends events to the queue until ctx is done. While the server is away it
// tries again.
func (t *Trigger) Run(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { t.keepToken(ctx) })
	defer wg.Wait()
	pause := 50 * time.Millisecond
	for ctx.Err() == nil {
		err := t.pump(ctx)
		t.close(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.cfg.Log.Warn("trigger interrupted, tries again", "error", err)
		}
		for ctx.Err() == nil {
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
			if err := t.watch(ctx, t.position()); err == nil {
				pause = 50 * time.Millisecond
				break
			}
			pause = min(2*pause, maxPause)
		}
	}
}

// close ends the stream; it does not wait long for a server that is away.
func (t *Trigger) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = t.stream.Close(ctx)
}

// pump sends events until the stream ends.
func (t *Trigger) pump(ctx context.Context) error {
	var batch [][]byte
	for {
		if t.stream.TryNext(ctx) {
			body, err := t.message(t.stream.Current)
			if err != nil {
				return err
			}
			for range t.copies(t.stream.Current) {
				batch = append(batch, body)
			}
		} else if err := t.stream.Err(); err != nil {
			return fmt.Errorf("read change stream: %w", err)
		} else if t.stream.ID() == 0 {
			return nil // ended by an invalidate event, which was sent
		}
		if len(batch) < maxBatch && t.stream.RemainingBatchLength() > 0 {
			continue
		}
		token := slices.Clone(t.stream.ResumeToken())
		if err := t.send(ctx, batch); err != nil {
			return err
		}
		batch = batch[:0]
		t.mu.Lock()
		t.sent = token
		t.mu.Unlock()
	}
}

// message is the change event after the trigger and the rule.
func (t *Trigger) message(ev bson.Raw) ([]byte, error) {
	event, err := Event(ev, time.Now())
	if err != nil {
		return nil, err
	}
	return change.ApplyRule(event)
}

func (t *Trigger) position() bson.Raw {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sent
}
