package worker

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/telemetry"
)

// failure is why a key or a whole message failed.
type failure struct {
	*bridge.Failure
	message string // its id
	alone   bool   // the message is acknowledged, and the key sent on in one of its own
}

// fail fails a message for f, beside what it failed for already.
func (r *run) fail(it *item, f *bridge.Failure) {
	r.failures = append(r.failures, failure{f, it.msg.ID, false})
	switch {
	case it.err == nil:
		it.err = f
	case !strings.Contains(it.err.Error(), f.Error()):
		it.err = errors.Join(it.err, f)
	}
	it.stopped = it.stopped || f.Class == bridge.Stop
}

// failureOf is err as a failure of the key that h names.
func failureOf(h change.Hint, err error) *bridge.Failure {
	var f *bridge.Failure
	if errors.As(err, &f) {
		own := *f
		return &own
	}
	return bridge.Fail(h, err)
}

// warn logs each cause once, with the first key that met it: a database that is
// down fails every key alike.
func (w *Worker) warn(ctx context.Context, r *run) {
	type cause struct {
		bridge.Cause
		text  string
		alone bool
	}
	var order []failure
	keys := map[cause]int{}
	for _, f := range r.failures {
		c := cause{f.Cause, f.Error(), f.alone}
		if keys[c]++; keys[c] == 1 {
			order = append(order, f)
		}
	}
	for i, f := range order {
		if i == maxWarnings {
			w.Log.WarnContext(ctx, "more failed", "causes", len(order)-i)
			return
		}
		level, text := slog.LevelWarn, "message failed"
		if f.Class == bridge.Stop {
			level = slog.LevelError
		}
		if f.alone {
			text = "key failed, sent on alone"
		}
		w.Log.LogAttrs(ctx, level, text, append(f.Attrs(),
			slog.Int(telemetry.KeyKeys, keys[cause{f.Cause, f.Error(), f.alone}]),
			slog.String(telemetry.KeyMessage, f.message), slog.String(telemetry.KeyError, f.Error()))...)
	}
}

// queueError is why a message could not be sent to the queue.
type queueError struct{ error }

func (e queueError) Unwrap() error { return e.error }

// Cause tells bridge.Explain.
func (queueError) Cause() bridge.Cause { return bridge.CauseQueue }

// errNoQueue is for keys that should come later while there is no queue.
var errNoQueue = noQueue{errors.New("cannot be sent again: CAUSEWAY_QUEUE_URL is not set")}

type noQueue struct{ error }

// Cause tells bridge.Explain.
func (noQueue) Cause() bridge.Cause {
	return bridge.Cause{Class: bridge.Stop, Reason: "configuration", Mend: "set CAUSEWAY_QUEUE_URL to the function's queue"}
}
