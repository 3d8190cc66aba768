// Package worker turns what wakes a function into settled document pairs: it
// decodes events, hands all keys of an invocation to the core at once, and
// decides message by message what is acknowledged, sent again, or given back
// as a failure.
package worker

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/queue"
)

// Settler settles document pairs: bridge.Bridge.
type Settler interface {
	Handle(ctx context.Context, hints []change.Hint) ([]bridge.Verdict, bridge.Report)
}

// Sender puts messages into the function's own queue; errs[i] is nil when
// msgs[i] is safely there.
type Sender interface {
	Send(ctx context.Context, msgs []queue.Message) (errs []error)
}

// Sweeps starts repairs: what an event asks for that names no document.
type Sweeps interface {
	// Request starts a repair of a collection, or of all with "", unless one is on
	// its way.
	Request(ctx context.Context, collection, reason string) error
}

// Beats notes the heartbeats that came back: canary.Canary.
type Beats interface {
	Note(ctx context.Context, n int64) error
}

const (
	// MaxTries is how often a key is sent again for later. More often means
	// that nobody makes progress: from then on it is a failure, and ends in
	// the dead letters.
	MaxTries = 40
	// Margin is what an invocation keeps of its time, to send keys again and
	// to answer.
	Margin = 5 * time.Second
	// Patience is how often a message is received while a key of it only waits
	// for an outage to end. Then the key is sent again instead, so that it never
	// ends in the dead letters: a queue's maxReceiveCount must be higher.
	Patience = 5
	// outageDelay is how long such a key stays away.
	outageDelay = time.Minute
	// noteTime is how long the note of a heartbeat may take.
	noteTime = 3 * time.Second
	// maxWarnings bounds the log lines of one invocation.
	maxWarnings = 20
)

// Worker handles a function's events.
type Worker struct {
	Decoder change.Decoder
	// Settler is asked for at every invocation: it is made at the first, and
	// made again when that failed.
	Settler func(ctx context.Context) (Settler, error)
	// Sweeps is asked for likewise, at the first event that needs it; nil if there
	// is nothing to start them with, which leaves the metric and the log line.
	Sweeps func(ctx context.Context) (Sweeps, error)
	// Beats is told of the heartbeats that came back; nil leaves it at the metric.
	Beats   Beats
	Queue   Sender           // nil if there is no queue to send keys to
	IsLater func(error) bool // bridge.IsLater
	Metrics *telemetry.Metrics
	Log     *slog.Logger
	Now     func() time.Time
}

// Message is one message of a queue's batch.
type Message struct {
	ID   string
	Body []byte
	Sent time.Time // when it was put into the queue; stands in for the time of its changes
	// Receives is how often it was received, this time included; 0 if unknown.
	Receives int
}

// Batch handles the messages of a queue, and returns the ids of those that
// have to come again. A message fails alone, and fails when it was not reached.
//
// The error says that none was handled, and that no retry will mend it.
func (w *Worker) Batch(ctx context.Context, msgs []Message) (failed []string, err error) {
	r := w.run(ctx, msgs)
	for i := range r.items {
		if r.items[i].err != nil {
			failed = append(failed, r.items[i].msg.ID)
		}
	}
	w.report(ctx, "sqs", r)
	if len(failed) == len(msgs) {
		err = r.stop()
	}
	return failed, err
}

// Event handles one event that did not come through a queue. The summary is
// for people who invoke the function by hand.
func (w *Worker) Event(ctx context.Context, body []byte) (Summary, error) {
	r := w.run(ctx, []Message{{Body: body, Sent: w.Now()}})
	w.report(ctx, "event", r)
	if r.items[0].stopped {
		return r.Summary, r.stop()
	}
	return r.Summary, r.items[0].err
}

// Summary counts what an invocation did.
type Summary struct {
	Messages    int `json:"messages"`
	Keys        int `json:"keys"`
	Ignored     int `json:"ignored"`
	Undecodable int `json:"undecodable"`
	Sweeps      int `json:"sweepsRequested"`
	Pairs       int `json:"pairs"`
	Equal       int `json:"equal"`
	ToDitto     int `json:"toDitto"`
	ToMongo     int `json:"toMongoDB"`
	Conflicts   int `json:"conflicts"`
	Parked      int `json:"parked"`
	Large       int `json:"large"`
	Later       int `json:"later"`
	Failed      int `json:"failed"`  // messages
	Stopped     int `json:"stopped"` // of which no retry mends
}

// run is one invocation under way.
type run struct {
	Summary
	items    []item
	failures []failure     // for the log
	hints    []change.Hint // of all items, one after the other
	verdicts []bridge.Verdict
	rounds   int
	beats    []int64   // that came back
	oldest   time.Time // of the changes that were announced
	started  time.Time
}

// item is a message with what it held: hints[from:to] of the run.
type item struct {
	msg      Message
	from, to int
	notices  []change.Notice
	later    []change.Notice // of which the run could not be started
	err      error
	stopped  bool // err is of the class Stop
}

func (w *Worker) run(ctx context.Context, msgs []Message) *run {
	r := &run{started: w.Now()}
	w.decode(ctx, r, msgs)
	if len(r.hints) > 0 {
		w.settle(ctx, r)
	}
	w.request(ctx, r)
	w.dispatch(ctx, r)
	w.note(ctx, r)
	for i := range r.items {
		it := &r.items[i]
		if it.err == nil {
			continue
		}
		r.Failed++
		if it.stopped {
			r.Stopped++
		}
	}
	return r
}

// stop is the error of a key that no retry mends, with the mend; nil if there
// is none.
func (r *run) stop() error {
	for _, f := range r.failures {
		if f.Class == bridge.Stop {
			if strings.Contains(f.Error(), f.Mend) {
				return f
			}
			return fmt.Errorf("%w; %s", f, f.Mend)
		}
	}
	return nil
}

func (w *Worker) decode(ctx context.Context, r *run, msgs []Message) {
	r.Messages = len(msgs)
	for _, m := range msgs {
		b := w.Decoder.Decode(m.Body)
		it := item{msg: m, from: len(r.hints)}
		if err := b.Err(); err != nil {
			r.fail(&it, &bridge.Failure{Cause: bridge.Explain(err), Err: err})
		}
		for _, h := range b.Hints {
			if h.At.IsZero() {
				h.At = m.Sent
			}
			if !h.At.IsZero() && (r.oldest.IsZero() || h.At.Before(r.oldest)) {
				r.oldest = h.At
			}
			r.hints = append(r.hints, h)
		}
		it.to = len(r.hints)
		r.Undecodable += len(b.Errs)
		r.Ignored += len(b.Ignored)
		r.Sweeps += len(b.Notices)
		for _, n := range b.Notices {
			if n.At.IsZero() {
				n.At = m.Sent
			}
			it.notices = append(it.notices, n)
			w.Log.WarnContext(ctx, "sweep requested", telemetry.KeyCollection, n.Collection, telemetry.KeySide, string(n.Side), telemetry.KeyReason, n.Reason, telemetry.KeyTxn, n.Txn)
		}
		r.beats = append(r.beats, b.Beats...)
		for _, g := range b.Ignored {
			w.Log.DebugContext(ctx, "event ignored", telemetry.KeyCollection, g.Collection, telemetry.KeyReason, g.Reason)
		}
		r.items = append(r.items, it)
	}
	r.Keys = len(r.hints)
}

// settle hands the hints to the core, with a margin before the deadline.
func (w *Worker) settle(ctx context.Context, r *run) {
	if end, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-Margin))
		defer cancel()
	}
	s, err := w.Settler(ctx)
	if err != nil {
		r.failAll(err)
		return
	}
	var rep bridge.Report
	r.verdicts, rep = s.Handle(ctx, r.hints)
	r.Pairs, r.Equal, r.ToDitto, r.ToMongo = rep.Pairs, rep.Equal, rep.ToDitto, rep.ToMongo
	r.Conflicts, r.Parked, r.Large, r.rounds = rep.Conflicts, rep.Parked, rep.Large, rep.Rounds
	if len(r.verdicts) != len(r.hints) { // a hint without a verdict was not reached (invariant 1)
		r.failAll(fmt.Errorf("settle: %d verdicts for %d keys", len(r.verdicts), len(r.hints)))
	}
}

// failAll gives every key the same verdict.
func (r *run) failAll(err error) {
	r.verdicts = make([]bridge.Verdict, len(r.hints))
	for i := range r.verdicts {
		r.verdicts[i].Err = err
	}
}
