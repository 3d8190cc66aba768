package worker

import (
	"context"
	"log/slog"
	"slices"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/telemetry"
)

// note notes the last heartbeat that came back, and with it those before. One
// that cannot be noted is no failure: the next one is two minutes away, and until
// then the age of this one is what the alarm is about.
func (w *Worker) note(ctx context.Context, r *run) {
	if w.Beats == nil || len(r.beats) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, noteTime)
	defer cancel()
	if err := w.Beats.Note(ctx, slices.Max(r.beats)); err != nil {
		w.Log.LogAttrs(ctx, slog.LevelWarn, "heartbeat not noted", append(bridge.Explain(err).Attrs(), slog.String(telemetry.KeyError, err.Error()))...)
	}
}
