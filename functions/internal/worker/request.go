package worker

import (
	"context"
	"log/slog"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/queue"
)

// request starts the repairs that the messages ask for: one per collection,
// however many ask. A message of which one could not be started comes again
// (invariant 1); while all that is wanting is time, never as a dead letter.
func (w *Worker) request(ctx context.Context, r *run) {
	if w.Sweeps == nil {
		return
	}
	asked := map[string]error{}
	for i := range r.items {
		it := &r.items[i]
		for _, n := range it.notices {
			err, known := asked[n.Collection]
			if !known {
				err = w.requestOne(ctx, n)
				asked[n.Collection] = err
			}
			if err == nil {
				continue
			}
			f := bridge.Fail(change.Hint{Collection: n.Collection}, err)
			if it.msg.Receives >= Patience && f.Waits() && w.Queue != nil {
				it.later = append(it.later, n)
				w.Log.LogAttrs(ctx, slog.LevelDebug, "request sent again", append(f.Attrs(),
					slog.Int64(telemetry.KeyDelay, outageDelay.Milliseconds()),
					slog.String(telemetry.KeyMessage, it.msg.ID), slog.String(telemetry.KeyError, f.Error()))...)
				continue
			}
			r.fail(it, f)
		}
	}
}

func (w *Worker) requestOne(ctx context.Context, n change.Notice) error {
	s, err := w.Sweeps(ctx)
	if err != nil {
		return err
	}
	return s.Request(ctx, n.Collection, n.Reason)
}

// requests are the messages for requests that come again after an outage.
func (r *run) requests() (out []parcel) {
	for i := range r.items {
		it := &r.items[i]
		if len(it.later) == 0 || it.err != nil {
			continue
		}
		bodies, err := change.Pack(nil, it.later)
		if err != nil {
			r.fail(it, &bridge.Failure{Cause: bridge.Explain(err), Err: err})
			continue
		}
		for _, body := range bodies {
			out = append(out, parcel{queue.Message{Body: body, Delay: outageDelay}, []int{i}})
		}
	}
	return out
}
