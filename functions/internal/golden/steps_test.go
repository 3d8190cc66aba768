package golden_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/functions/internal/sweeper"
)

// steps is a run that says what it is asked for.
type steps struct{ calls []string }

// none is the plan of a run that begins.
var none = sweep.Planned{Ranges: []sweep.Range{}}

func (s *steps) say(format string, args ...any) {
	s.calls = append(s.calls, fmt.Sprintf(format, args...))
}

func (s *steps) Preflight(_ context.Context, name string, in sweep.Input) (sweep.Run, error) {
	if in.Resume != "" {
		s.say("carries on %s", in.Resume)
		return sweep.Run{Run: in.Resume, Mode: sweep.Repair, Plan: none}, nil
	}
	s.say("begins %s: %s of %s", name, in.Mode, strings.Join(in.Collections, ", "))
	return sweep.Run{Run: name, Mode: in.Mode, Plan: none}, nil
}

func (s *steps) Plan(_ context.Context, run string, phase int) (sweep.Planned, error) {
	s.say("plans phase %d of %s", phase, run)
	r := []sweep.Range{
		{ID: "tasks/mongodb/rest", Collection: "tasks", Source: sweep.MongoDB},
		{ID: "tasks/ditto/rest", Collection: "tasks", Source: sweep.Ditto},
		{ID: "tasks/ledger/all/0", Collection: "tasks", Source: sweep.Ledger},
	}[phase]
	return sweep.Planned{Ranges: []sweep.Range{r}, Phase: phase + 1}, nil
}

func (s *steps) Copy(_ context.Context, run string, r sweep.Range) (bool, error) {
	s.say("copies %s of %s", r.ID, run)
	return true, nil
}

func (s *steps) Failed(_ context.Context, run string, r sweep.Range, why string) error {
	s.say("notes that %s of %s failed: %s", r.ID, run, why)
	return nil
}

func (s *steps) Guard(_ context.Context, run string) error {
	s.say("guards %s", run)
	return nil
}

func (s *steps) Delete(_ context.Context, run string) (bool, error) {
	s.say("deletes for %s", run)
	return true, nil
}

func (s *steps) Summary(_ context.Context, run, cause string) (sweep.Summary, error) {
	s.say("sums up %s", run)
	return sweep.Summary{Run: run, Mode: sweep.Repair, OK: cause == "", Agree: cause == "", Error: cause}, nil
}

func (s *steps) Due(context.Context, string) (*sweep.Start, error) { return nil, nil } //nolint:nilnil // nothing is due

// Beat implements sweeper.Canary.
func (s *steps) Beat(context.Context) (time.Duration, error) {
	s.say("beats")
	return 120*time.Second + 400*time.Millisecond, nil
}

// stepped describes what a step did.
func (s *steps) stepped(t *testing.T, w *sweeper.Sweeper, payload json.RawMessage) string {
	t.Helper()
	w.Canary = s
	w.Runner = func(context.Context) (sweeper.Runner, error) { return s, nil }
	out, err := w.Invoke(t.Context(), payload)
	if err != nil {
		return "fails: " + err.Error()
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(append(s.calls, "answers `"+string(b)+"`"), "; ")
}
