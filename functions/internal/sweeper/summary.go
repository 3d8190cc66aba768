package sweeper

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry"
)

// summary ends a run, tells what it found, and starts the run that has to
// follow it: events have come that it may have missed.
func (s *Sweeper) summary(ctx context.Context, r Runner, p payload) (any, error) {
	sum, err := r.Summary(ctx, p.Run, p.Error.String())
	if err != nil {
		return nil, err
	}
	a := Answer{Run: sum.Run, Mode: sum.Mode, OK: sum.OK, Agree: sum.Agree, Problems: problems(&sum)}
	for i := range sum.Collections {
		a.Compared += sum.Collections[i].Compared
	}
	if len(sum.Collections) > 0 { // else it never began, or had nothing to do
		if a.Next, err = s.next(ctx, r, p.Run); err != nil {
			return nil, err
		}
	}
	s.report(ctx, &sum, a.Next)
	return a, nil
}

func (s *Sweeper) next(ctx context.Context, r Runner, run string) (string, error) {
	due, err := r.Due(ctx, run)
	if err != nil || due == nil || s.Machine == nil {
		return "", err
	}
	if _, err := s.Machine.Start(ctx, due.Name, due.Input); err != nil {
		return "", err
	}
	return due.Name, nil
}

// problems are what was not done, within what the state machine's records
// hold.
func problems(sum *sweep.Summary) (out []string) {
	const most, longest = 20, 500
	add := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); len(out) < most {
			out = append(out, text[:min(len(text), longest)])
		}
	}
	if sum.Error != "" {
		add("%s", execution.Reason(sum.Error))
	}
	for i := range sum.Collections {
		c := &sum.Collections[i]
		if c.Refused != "" {
			add("%s: %s", c.Collection, c.Refused)
		}
		for _, f := range c.Failed {
			add("%s: %s", f.Range, f.Error)
		}
	}
	return out
}

// report writes the run's log line and its metrics.
func (s *Sweeper) report(ctx context.Context, sum *sweep.Summary, next string) {
	var f sweep.Found
	refused, failed := 0, 0
	for i := range sum.Collections {
		c := &sum.Collections[i]
		f.Compared += c.Compared
		f.Equal += c.Equal
		f.MissingInDitto += c.MissingInDitto
		f.MissingInMongoDB += c.MissingInMongoDB
		f.Different += c.Different
		f.Unsynced += c.Unsynced
		f.LeftAlone += c.LeftAlone
		f.Conflicts += c.Conflicts
		f.ToDitto += c.ToDitto
		f.ToMongoDB += c.ToMongoDB
		f.DeletesInDitto += c.DeletesInDitto
		f.DeletesInMongoDB += c.DeletesInMongoDB
		failed += len(c.Failed)
		if c.Refused != "" {
			refused++
		}
	}
	level := slog.LevelInfo
	if !sum.OK {
		level = slog.LevelError
	}
	broken := 0
	if !sum.OK {
		broken = 1
	}
	drift := int64(0)
	if sum.Mode != sweep.Initial {
		drift = f.MissingInDitto + f.MissingInMongoDB + f.Different
	}
	s.Log.LogAttrs(ctx, level, "run ended",
		slog.String("run", sum.Run), slog.String("mode", string(sum.Mode)), slog.Bool("ok", sum.OK), slog.Bool("agree", sum.Agree),
		slog.Any("counts", counts(f)), slog.Int("deletesRefused", refused), slog.Int("rangesFailed", failed),
		slog.String("next", next), slog.Any("problems", problems(sum)))
	count := func(name string, n int64) telemetry.Metric {
		return telemetry.Metric{Name: name, Unit: telemetry.Count, Value: float64(n)}
	}
	err := s.Metrics.Emit(
		count(telemetry.Compared, f.Compared), count(telemetry.Equal, f.Equal), count(telemetry.Drift, drift),
		count(telemetry.Unsynced, f.Unsynced), count(telemetry.LeftAlone, f.LeftAlone), count(telemetry.Conflicts, f.Conflicts),
		count(telemetry.ToDitto, f.ToDitto), count(telemetry.ToMongo, f.ToMongoDB),
		count(telemetry.DeletesRefused, int64(refused)), count(telemetry.RangesFailed, int64(failed)), count(telemetry.RunsFailed, int64(broken)))
	if err != nil {
		s.Log.WarnContext(ctx, "metrics", telemetry.KeyError, err.Error())
	}
}

type counts sweep.Found

// LogValue is the counts as one group of a log line.
func (c counts) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Int64("compared", c.Compared), slog.Int64("equal", c.Equal), slog.Int64("missingInDitto", c.MissingInDitto),
		slog.Int64("missingInMongoDB", c.MissingInMongoDB), slog.Int64("different", c.Different), slog.Int64("unsynced", c.Unsynced),
		slog.Int64("leftAlone", c.LeftAlone), slog.Int64("conflicts", c.Conflicts), slog.Int64("toDitto", c.ToDitto),
		slog.Int64("toMongoDB", c.ToMongoDB), slog.Int64("deletesInDitto", c.DeletesInDitto), slog.Int64("deletesInMongoDB", c.DeletesInMongoDB),
	)
}

// what says what is wrong with JSON, without quoting it.
func what(err error) string {
	var typ *json.UnmarshalTypeError
	if errors.As(err, &typ) {
		return cmp.Or(typ.Field, "it") + " is of the type " + typ.Value
	}
	return err.Error()
}
