// Package receiver takes Ditto's events from the outside and puts their keys
// into the worker's queue. It faces the internet and holds no database's
// credentials: all it may do is verify and enqueue.
package receiver

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/queue"
	"github.com/causeway-sync/causeway/functions/internal/webhook"
)

// MaxBody is the largest body that is read, in bytes: what Lambda takes.
const MaxBody = 6 << 20

// Sender puts messages into the worker's queue; errs[i] is nil when msgs[i] is
// safely there.
type Sender interface {
	Send(ctx context.Context, msgs []queue.Message) (errs []error)
}

// Receiver handles webhooks and Kafka records.
type Receiver struct {
	Decoder change.Decoder
	Queue   Sender
	// Keys gives the webhook's secrets; with refresh, not from a cache.
	Keys    func(ctx context.Context, refresh bool) (webhook.Keys, error)
	Metrics *telemetry.Metrics
	Log     *slog.Logger
	Now     func() time.Time
}

// Request is a webhook as it was sent: header looks up a header by its
// lower-case name.
type Request struct {
	Header func(name string) string
	Body   []byte
}

// Answer is the webhook's answer. Its status is 200 only when every key that
// the body announced is safely in the queue.
type Answer struct {
	Status   int    `json:"-"`
	Accepted int    `json:"accepted"`          // keys and requests for sweeps
	Ignored  int    `json:"ignored,omitempty"` // events of other collections
	Unread   int    `json:"unread,omitempty"`  // events that a sweep has to find
	Error    string `json:"error,omitempty"`
}

// Webhook verifies a webhook and enqueues the keys that it announces. Events
// of an array that cannot be read do not hold up the others, since the sender
// would send the whole array again and again: a sweep is requested for them.
func (r *Receiver) Webhook(ctx context.Context, req Request) Answer {
	started := r.Now()
	a := r.webhook(ctx, req)
	r.report(ctx, "webhook", a, started)
	return a
}

func (r *Receiver) webhook(ctx context.Context, req Request) Answer {
	if len(req.Body) > MaxBody {
		return Answer{Status: http.StatusRequestEntityTooLarge, Error: "body is over 6 MiB"}
	}
	if err := r.verify(ctx, req); err != nil {
		return refusal(err)
	}
	now := r.Now()
	b := r.Decoder.Ditto(req.Body)
	if len(b.Errs) > 0 && len(b.Hints)+len(b.Notices)+len(b.Ignored) == 0 {
		return Answer{Status: http.StatusBadRequest, Unread: len(b.Errs), Error: b.Errs[0].Error()}
	}
	a, err := r.enqueue(ctx, b, func(int) time.Time { return now })
	if err != nil {
		r.fail(ctx, "keys not queued", bridge.CauseQueue, err)
		return Answer{Status: http.StatusServiceUnavailable, Error: "keys cannot be queued now"}
	}
	return a
}

var errSecret = errors.New("webhook secret cannot be read now")

// verify checks the sender; a secret that does not match is read again, once,
// since it may have been rotated.
func (r *Receiver) verify(ctx context.Context, req Request) error {
	for _, refresh := range []bool{false, true} {
		keys, err := r.Keys(ctx, refresh)
		if err != nil {
			r.fail(ctx, "webhook secret not read", secretCause(err), err)
			return errSecret
		}
		err = keys.Verify(req.Header, req.Body, r.Now())
		if !errors.Is(err, webhook.ErrMismatch) || refresh {
			return err
		}
	}
	return nil
}

func refusal(err error) Answer {
	if errors.Is(err, errSecret) {
		return Answer{Status: http.StatusServiceUnavailable, Error: err.Error()}
	}
	return Answer{Status: http.StatusUnauthorized, Error: err.Error()}
}

// enqueue puts what a batch announces into the queue. at is when the n-th hint
// happened, as far as known.
func (r *Receiver) enqueue(ctx context.Context, b change.Batch, at func(n int) time.Time) (Answer, error) {
	for i := range b.Hints {
		b.Hints[i].At = at(i)
	}
	for i := range b.Notices {
		b.Notices[i].At = r.Now()
	}
	accepted := len(b.Hints) + len(b.Notices)
	if len(b.Errs) > 0 {
		b.Notices = append(b.Notices, change.Unread(r.Now()))
		r.Log.LogAttrs(ctx, slog.LevelWarn, "events unread, sweep requested", append(bridge.CauseUnread.Attrs(),
			slog.Int(telemetry.KeyKeys, len(b.Errs)), slog.String(telemetry.KeyError, b.Errs[0].Error()))...)
	}
	bodies, err := change.Pack(b.Hints, b.Notices)
	if err != nil {
		return Answer{}, err
	}
	msgs := make([]queue.Message, len(bodies))
	for i, body := range bodies {
		msgs[i].Body = body
	}
	if err := errors.Join(r.Queue.Send(ctx, msgs)...); err != nil {
		return Answer{}, err
	}
	return Answer{Status: http.StatusOK, Accepted: accepted, Ignored: len(b.Ignored), Unread: len(b.Errs)}, nil
}

// report writes the invocation's info line and metrics.
func (r *Receiver) report(ctx context.Context, source string, a Answer, started time.Time) {
	r.Log.InfoContext(ctx, "received",
		telemetry.KeySource, source, telemetry.KeyStatus, a.Status, "accepted", a.Accepted, "ignored", a.Ignored,
		"unread", a.Unread, telemetry.KeyReason, a.Error, telemetry.KeyDuration, r.Now().Sub(started).Milliseconds())
	count := func(name string, n int) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
	}
	rejected, failed := 0, 0
	switch {
	case a.Status >= http.StatusInternalServerError:
		failed = 1
	case a.Status != http.StatusOK:
		rejected = 1
	}
	err := r.Metrics.Emit(
		count(telemetry.Accepted, a.Accepted), count(telemetry.Ignored, a.Ignored), count(telemetry.Undecodable, a.Unread),
		count(telemetry.Rejected, rejected), count(telemetry.Failed, failed))
	if err != nil {
		r.Log.WarnContext(ctx, "metrics", telemetry.KeyError, err.Error())
	}
}
