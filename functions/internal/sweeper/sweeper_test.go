package sweeper_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/preflight"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/telemetry/emf"
	"github.com/causeway-sync/causeway/functions/internal/sweeper"
)

// fakeRunner records the steps that it is asked for.
type fakeRunner struct {
	calls   []string
	err     error
	done    bool
	summary sweep.Summary
	due     *sweep.Start
}

func (f *fakeRunner) call(format string, args ...any) error {
	f.calls = append(f.calls, fmt.Sprintf(format, args...))
	return f.err
}

func (f *fakeRunner) Preflight(_ context.Context, name string, in sweep.Input) (sweep.Run, error) {
	return sweep.Run{Run: name, Mode: sweep.Verify, Plan: sweep.Planned{Ranges: []sweep.Range{}}}, f.call("preflight %s %s %v %s", name, in.Mode, in.Collections, in.Resume)
}

func (f *fakeRunner) Plan(_ context.Context, run string, phase int) (sweep.Planned, error) {
	ranges := []sweep.Range{{ID: "tasks/mongodb/0", Collection: "tasks", Source: sweep.MongoDB}}
	return sweep.Planned{Ranges: ranges, Phase: phase + 1}, f.call("plan %s %d", run, phase)
}

func (f *fakeRunner) Copy(_ context.Context, run string, r sweep.Range) (bool, error) {
	return f.done, f.call("copy %s %s", run, r.ID)
}

func (f *fakeRunner) Failed(_ context.Context, run string, r sweep.Range, why string) error {
	return f.call("failed %s %s: %s", run, r.ID, why)
}

func (f *fakeRunner) Guard(_ context.Context, run string) error { return f.call("guard %s", run) }

func (f *fakeRunner) Delete(_ context.Context, run string) (bool, error) {
	return f.done, f.call("delete %s", run)
}

func (f *fakeRunner) Summary(_ context.Context, run, cause string) (sweep.Summary, error) {
	s := f.summary
	s.Run, s.Error = run, cause
	return s, f.call("summary %s: %s", run, cause)
}

func (f *fakeRunner) Due(context.Context, string) (*sweep.Start, error) { return f.due, nil }

// fakeMachine records what it starts.
type fakeMachine struct {
	started []string
	err     error
}

func (f *fakeMachine) Start(_ context.Context, name string, _ sweep.Input) (execution.Execution, error) {
	f.started = append(f.started, name)
	return execution.Execution{Name: name}, f.err
}

type harness struct {
	*sweeper.Sweeper
	runner       fakeRunner
	machine      fakeMachine
	log, metrics bytes.Buffer
}

func newHarness() *harness {
	h := &harness{}
	h.Sweeper = &sweeper.Sweeper{
		Runner:  func(context.Context) (sweeper.Runner, error) { return &h.runner, nil },
		Machine: &h.machine,
		Metrics: telemetry.NewMetrics(&h.metrics, time.Now),
		Log:     telemetry.NewLogger(&h.log, slog.LevelDebug, false),
		Now:     time.Now,
	}
	return h
}

func (h *harness) invoke(t *testing.T, payload string) (string, error) {
	t.Helper()
	out, err := h.Invoke(t.Context(), json.RawMessage(payload))
	if err != nil {
		return "", err
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), nil
}

// Each step of the state machine: what is asked of the runner, and the answer.
func TestSteps(t *testing.T) {
	const rng = `"range":{"id":"tasks/mongodb/0","collection":"tasks","source":"mongodb"}`
	for _, tc := range []struct{ payload, call, answer string }{
		{`{"step":"preflight","run":"r","input":{"mode":"verify","collections":["tasks"]}}`, "preflight r verify [tasks] ", `{"run":"r","mode":"verify","plan":{"ranges":[],"phase":0}}`},
		{`{"step":"preflight","run":"r2","input":{"resume":"r"}}`, "preflight r2  [] r", `{"run":"r2","mode":"verify","plan":{"ranges":[],"phase":0}}`},
		{`{"step":"preflight","run":"r","input":{}}`, "preflight r  [] ", `{"run":"r","mode":"verify","plan":{"ranges":[],"phase":0}}`},
		{`{"step":"plan","run":"r","phase":1}`, "plan r 1", `{"ranges":[{"id":"tasks/mongodb/0","collection":"tasks","source":"mongodb"}],"phase":2}`},
		{`{"step":"copy","run":"r",` + rng + `}`, "copy r tasks/mongodb/0", `{"done":true}`},
		{`{"step":"failed","run":"r",` + rng + `,"error":{"Error":"States.Timeout","Cause":"it took too long"}}`, "failed r tasks/mongodb/0: States.Timeout: it took too long", `{}`},
		{`{"step":"failed","run":"r",` + rng + `,"error":{"Error":"wrapError","Cause":"{\"errorMessage\":\"read \\\"x\\\": no\",\"errorType\":\"wrapError\"}"}}`, `failed r tasks/mongodb/0: read "x": no`, `{}`},
		{`{"step":"guard","run":"r"}`, "guard r", `{}`},
		{`{"step":"delete","run":"r"}`, "delete r", `{"done":true}`},
		{`{"step":"summary","run":"r"}`, "summary r: ", `{"run":"r","ok":false,"agree":false,"compared":0}`},
		{`{"step":"summary","run":"r","error":{"Error":"States.Timeout"}}`, "summary r: States.Timeout", `{"run":"r","ok":false,"agree":false,"compared":0,"problems":["States.Timeout"]}`},
	} {
		h := newHarness()
		h.runner.done = true
		got, err := h.invoke(t, tc.payload)
		if err != nil || got != tc.answer {
			t.Errorf("%s\n\tanswer %s, %v\n\twant   %s", tc.payload, got, err, tc.answer)
		}
		if diff := cmp.Diff([]string{tc.call}, h.runner.calls); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", tc.payload, diff)
		}
	}
}

// A payload of another kind says so, reaches nobody, and is not quoted.
func TestWrongPayloads(t *testing.T) {
	for payload, want := range map[string]string{
		`[1]`:                        "payload is no step of a run",
		`{}`:                         "payload has no step: it is one of preflight",
		`{"step":"dance","run":"r"}`: `unknown step "dance"`,
		`{"step":"plan"}`:            "step plan: run is missing",
		`{"step":"copy","run":"r"}`:  "step copy: range is missing",
		`{"step":7,"run":"r"}`:       "step is of the type number",
		`{"step":"preflight","run":"r","input":{"mode":"verify","collection":"hush"}}`: `unknown field "collection"`,
		`{"step":"preflight","run":"r","input":{"collections":"hush"}}`:                "collections is of the type string",
	} {
		h := newHarness()
		_, err := h.invoke(t, payload)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: error %v, want one that says %q", payload, err, want)
		}
		if len(h.runner.calls) > 0 {
			t.Errorf("%s: calls %v", payload, h.runner.calls)
		}
	}
}

// beating is a canary of that age.
type beating struct {
	age time.Duration
	err error
}

func (b beating) Beat(context.Context) (time.Duration, error) { return b.age, b.err }

// The canary's step is of no run, and asks for none. Its age is the metric, and
// where there is no age there is no metric: that is how the alarm knows.
func TestCanary(t *testing.T) {
	h := newHarness()
	h.Runner = func(context.Context) (sweeper.Runner, error) { return nil, errors.New("not wanted") }
	h.Check = func(context.Context, []string) []preflight.Finding {
		t.Error("a preflight at every heartbeat")
		return nil
	}
	h.Canary = beating{age: 239600 * time.Millisecond}
	if out, err := h.invoke(t, `{"step":"canary"}`); err != nil || out != `{"ageSeconds":240}` {
		t.Errorf("answer %s, %v", out, err)
	}
	if got := h.metrics.String(); !strings.Contains(got, `"CanaryAge":240`) || !strings.Contains(got, `"Unit":"Seconds"`) {
		t.Errorf("metrics %s", got)
	}
	for name, c := range map[string]sweeper.Canary{"Away": beating{err: errors.New("read beats: no primary")}, "None": nil} {
		h.metrics.Reset()
		h.Canary = c
		if _, err := h.invoke(t, `{"step":"canary"}`); err == nil || h.metrics.Len() > 0 {
			t.Errorf("%s: error %v, metrics %s", name, err, &h.metrics)
		}
	}
}

func TestStepFails(t *testing.T) {
	h := newHarness()
	h.runner.err = errors.New("read ledger: no primary")
	if _, err := h.invoke(t, `{"step":"guard","run":"r"}`); err == nil || err.Error() != "read ledger: no primary" {
		t.Errorf("error %v", err)
	}
	for _, want := range []string{"step failed", "run=r", "class=retry", "no primary"} {
		if !strings.Contains(h.log.String(), want) {
			t.Errorf("log without %s: %s", want, &h.log)
		}
	}
}

// The end of a run: its metrics, its log line, a short answer, and the run that
// has to follow.
func TestSummary(t *testing.T) {
	h := newHarness()
	h.runner.summary = sweep.Summary{Mode: sweep.Repair, Collections: []sweep.CollectionSummary{
		{Collection: "tasks", Found: sweep.Found{Compared: 10, Equal: 6, Different: 1, MissingInDitto: 2, Unsynced: 1, ToDitto: 2, DeletesInMongoDB: 9}, Refused: "9 of 10 would be deleted"},
		{Collection: "orders", Found: sweep.Found{Compared: 5, Equal: 5}, Failed: []sweep.FailedRange{{Range: "orders/ditto/0", Error: "no"}}},
	}}
	h.runner.due = &sweep.Start{Name: "repair-tasks-2", Input: sweep.Input{Mode: sweep.Repair}}
	got, err := h.invoke(t, `{"step":"summary","run":"r"}`)
	want := `{"run":"r","mode":"repair","ok":false,"agree":false,"compared":15,"problems":["tasks: 9 of 10 would be deleted","orders/ditto/0: no"],"next":"repair-tasks-2"}`
	if err != nil || got != want {
		t.Errorf("answer %s, %v\nwant   %s", got, err, want)
	}
	if diff := cmp.Diff([]string{"repair-tasks-2"}, h.machine.started); diff != "" {
		t.Errorf("started (-want +got):\n%s", diff)
	}
	if err := emf.Check(bytes.TrimSpace(h.metrics.Bytes())); err != nil {
		t.Error(err)
	}
	var m map[string]any
	if err := json.Unmarshal(h.metrics.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]float64{
		telemetry.Compared: 15, telemetry.Equal: 11, telemetry.Drift: 3, telemetry.Unsynced: 1, telemetry.ToDitto: 2,
		telemetry.DeletesRefused: 1, telemetry.RangesFailed: 1, telemetry.RunsFailed: 1,
	} {
		if m[name] != n {
			t.Errorf("metric %s is %v, want %v", name, m[name], n)
		}
	}
	if !strings.Contains(h.log.String(), "run ended") || !strings.Contains(h.log.String(), "level=ERROR") {
		t.Errorf("log %s", &h.log)
	}
	t.Run("NextNotStarted", func(t *testing.T) { // then the step fails, and comes again
		h.machine.err = errors.New("throttled")
		if _, err := h.invoke(t, `{"step":"summary","run":"r"}`); err == nil {
			t.Error("no error")
		}
	})
}

// What the preflight finds stops a run before it begins, with every problem and
// its mend; a dropped collection stops only what would copy it.
func TestCheck(t *testing.T) {
	findings := []preflight.Finding{
		{Side: preflight.MongoDB, Status: preflight.OK, What: "fine"},
		{Side: preflight.MongoDB, Status: preflight.Problem, Code: preflight.NoCollection, What: "Collection tasks not found", Mend: "create it"},
		{Side: preflight.Ditto, Status: preflight.Warning, What: "slow", Mend: "wait"},
	}
	f := &fakeRunner{}
	var log bytes.Buffer
	s := &sweeper.Sweeper{
		Runner:  func(context.Context) (sweeper.Runner, error) { return f, nil },
		Check:   func(context.Context, []string) []preflight.Finding { return findings },
		Metrics: telemetry.NewMetrics(t.Output(), time.Now),
		Log:     telemetry.NewLogger(&log, slog.LevelInfo, true),
		Now:     time.Now,
	}
	begin := func(mode string) error {
		_, err := s.Invoke(t.Context(), json.RawMessage(`{"step":"preflight","run":"r","input":{"mode":"`+mode+`"}}`))
		return err
	}
	if err := begin("initial"); err == nil || !strings.Contains(err.Error(), "Collection tasks not found; create it") || len(f.calls) > 0 {
		t.Errorf("error %v, calls %v", err, f.calls)
	}
	if err := begin("repair"); err != nil || len(f.calls) != 1 {
		t.Errorf("error %v, calls %v", err, f.calls)
	}
	if !strings.Contains(log.String(), "slow") {
		t.Errorf("log: %s", log.String())
	}
	findings = append(findings, preflight.Finding{Side: preflight.Ditto, Status: preflight.Problem, What: "Ditto refuses the API key", Mend: "store another"})
	if err := begin("repair"); err == nil || !strings.Contains(err.Error(), "refuses the API key; store another") {
		t.Errorf("error %v", err)
	}
}

// A side that does not answer is looked at again before the run is given up.
func TestCheckAgain(t *testing.T) {
	f := &fakeRunner{}
	n := 0
	s := &sweeper.Sweeper{
		Runner: func(context.Context) (sweeper.Runner, error) { return f, nil },
		Check: func(context.Context, []string) []preflight.Finding {
			if n++; n == 1 {
				return []preflight.Finding{{Side: preflight.Ditto, Status: preflight.Problem, Code: preflight.DittoUnavailable, What: "Ditto does not answer"}}
			}
			return nil
		},
		Metrics: telemetry.NewMetrics(t.Output(), time.Now),
		Log:     telemetry.NewLogger(t.Output(), slog.LevelInfo, true),
		Now:     time.Now,
	}
	if _, err := s.Invoke(t.Context(), json.RawMessage(`{"step":"preflight","run":"r","input":{"mode":"repair"}}`)); err != nil || n != 2 {
		t.Errorf("%d looks, %v", n, err)
	}
}
