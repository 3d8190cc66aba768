package bridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/value"
)

// trace measures how long the steps of a batch take, for its debug lines. A nil
// trace measures nothing, and asks no clock.
type trace struct {
	now   func() time.Time
	begun time.Time
	last  time.Time
	steps []stepTime
}

// stepTime is how long a step took, in all rounds together.
type stepTime struct {
	Step string  `json:"step"`
	MS   float64 `json:"ms"`
}

// trace begins one when debug lines are wanted.
func (b *Bridge) trace(ctx context.Context) *trace {
	if !b.cfg.Log.Enabled(ctx, slog.LevelDebug) {
		return nil
	}
	begun := b.cfg.Now()
	return &trace{now: b.cfg.Now, begun: begun, last: begun}
}

// mark ends a step.
func (t *trace) mark(step string) {
	if t == nil {
		return
	}
	now := t.now()
	ms := float64(now.Sub(t.last).Microseconds()) / 1000
	t.last = now
	for i := range t.steps {
		if t.steps[i].Step == step {
			t.steps[i].MS += ms
			return
		}
	}
	t.steps = append(t.steps, stepTime{step, ms})
}

// reading says what a pair's last read showed, or its event.
type reading struct {
	MongoDB bool   `json:"mongodb"`
	Ditto   bool   `json:"ditto"`
	State   string `json:"state,omitempty"` // of the entry
}

// writing says what a side was told: keys, no values (invariant 10).
type writing struct {
	What  string   `json:"what"` // insert, update, delete
	Paths []string `json:"paths,omitempty"`
	More  int      `json:"more,omitempty"` // paths not listed
}

// maxPaths is how many paths a debug line lists.
const maxPaths = 10

// newWriting describes a write; after a further round, which had nothing left to
// do, without its paths.
func newWriting(insert, remove bool, paths []value.Path) *writing {
	switch {
	case insert:
		return &writing{What: "insert"}
	case remove:
		return &writing{What: "delete"}
	}
	w := &writing{What: "update"}
	for _, p := range paths {
		if len(w.Paths) == maxPaths {
			w.More = len(paths) - maxPaths
			break
		}
		w.Paths = append(w.Paths, p.String())
	}
	return w
}

// logPair is a pair's debug line: what was read, which row of the table decided,
// what was written, and how long the steps of its batch took.
func (t *batch) logPair(ctx context.Context, p *pair) {
	as := []slog.Attr{
		slog.String(telemetry.KeyCollection, p.key.Collection), slog.String(telemetry.KeyDittoID, string(p.key.ID)),
		slog.String("row", p.plan.Row), slog.Int("rounds", p.rounds),
		slog.Any("read", reading{p.mongo != nil, p.ditto != nil || p.plan.Row == rowEcho, string(p.entry.State)}),
	}
	if d := p.plan.ToDitto; p.wroteDitto {
		as = append(as, slog.Any("toDitto", newWriting(d.Insert != nil, d.Delete, ditto.Paths(d.Ops))))
	}
	if m := p.plan.ToMongo; p.wroteMongo {
		as = append(as, slog.Any("toMongo", newWriting(m.Insert != nil, m.Delete, mongodb.Paths(m.Ops))))
	}
	if t.traced != nil {
		if at := t.announcedAt(p); !at.IsZero() {
			as = append(as, slog.Int64("waitMs", max(0, t.traced.begun.Sub(at).Milliseconds())))
		}
		as = append(as, slog.Any("took", t.traced.steps))
	}
	if p.err != nil {
		as = append(as, slog.String(telemetry.KeyError, p.err.Error()))
	}
	t.cfg.Log.LogAttrs(ctx, slog.LevelDebug, "pair", as...)
}

// announcedAt is when the oldest change happened that the pair's hints tell of;
// zero if none says.
func (t *batch) announcedAt(p *pair) time.Time {
	var oldest time.Time
	for _, i := range p.hints {
		if at := t.hints[i].At; !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest = at
		}
	}
	return oldest
}
