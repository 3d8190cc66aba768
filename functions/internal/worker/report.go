package worker

import (
	"context"
	"log/slog"

	"github.com/causeway-sync/causeway/core/telemetry"
)

// report writes the invocation's one info line, a line for each cause of
// failures, and the metrics.
func (w *Worker) report(ctx context.Context, source string, r *run) {
	now := w.Now()
	lag := int64(0)
	if !r.oldest.IsZero() {
		lag = max(0, now.Sub(r.oldest).Milliseconds())
	}
	w.warn(ctx, r)
	w.Log.InfoContext(ctx, "handled",
		telemetry.KeySource, source, slog.Any("counts", r.Summary), "rounds", r.rounds,
		telemetry.KeyLag, lag, telemetry.KeyDuration, now.Sub(r.started).Milliseconds())
	if err := w.Metrics.Emit(r.metrics(lag)...); err != nil {
		w.Log.WarnContext(ctx, "metrics", telemetry.KeyError, err.Error())
	}
}

func (r *run) metrics(lag int64) []telemetry.Metric {
	count := func(name string, n int) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
	}
	ms := []telemetry.Metric{
		count(telemetry.Pairs, r.Pairs), count(telemetry.Equal, r.Equal),
		count(telemetry.ToDitto, r.ToDitto), count(telemetry.ToMongo, r.ToMongo),
		count(telemetry.Conflicts, r.Conflicts), count(telemetry.Parked, r.Parked),
		count(telemetry.Large, r.Large), count(telemetry.Later, r.Later), count(telemetry.Failed, r.Failed),
		count(telemetry.Stopped, r.Stopped), count(telemetry.Undecodable, r.Undecodable), count(telemetry.Ignored, r.Ignored),
		count(telemetry.SweepRequested, r.Sweeps), count(telemetry.Canary, len(r.beats)),
	}
	if !r.oldest.IsZero() {
		ms = append(ms, telemetry.Metric{Name: telemetry.Lag, Unit: telemetry.Milliseconds, Value: float64(lag)})
	}
	return ms
}

// LogValue is the summary as one group of a log line.
func (s Summary) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int("messages", s.Messages), slog.Int("keys", s.Keys), slog.Int("ignored", s.Ignored),
		slog.Int("undecodable", s.Undecodable), slog.Int("sweepsRequested", s.Sweeps),
		slog.Int("pairs", s.Pairs), slog.Int("equal", s.Equal), slog.Int("toDitto", s.ToDitto), slog.Int("toMongoDB", s.ToMongo),
		slog.Int("conflicts", s.Conflicts), slog.Int("parked", s.Parked), slog.Int("large", s.Large), slog.Int("later", s.Later), slog.Int("failed", s.Failed), slog.Int("stopped", s.Stopped),
	)
}
