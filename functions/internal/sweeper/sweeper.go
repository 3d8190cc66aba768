// Package sweeper performs the steps of a run, as the state machine of
// functions/initial-sync asks for them, and reports what the run found.
package sweeper

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/preflight"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry"
)

// Runner performs the steps of runs: sweep.Runner.
type Runner interface {
	Preflight(ctx context.Context, name string, in sweep.Input) (sweep.Run, error)
	Plan(ctx context.Context, run string, phase int) (sweep.Planned, error)
	Copy(ctx context.Context, run string, r sweep.Range) (done bool, err error)
	Failed(ctx context.Context, run string, r sweep.Range, why string) error
	Guard(ctx context.Context, run string) error
	Delete(ctx context.Context, run string) (done bool, err error)
	Summary(ctx context.Context, run, cause string) (sweep.Summary, error)
	Due(ctx context.Context, run string) (*sweep.Start, error)
}

// Machine starts runs: execution.Machine.
type Machine interface {
	Start(ctx context.Context, name string, in sweep.Input) (execution.Execution, error)
}

// Canary beats, and says how long the oldest beat that has not come back waits:
// canary.Canary.
type Canary interface {
	Beat(ctx context.Context) (time.Duration, error)
}

// Sweeper handles the steps.
type Sweeper struct {
	// Runner is asked for at every step: it is made at the first, and made
	// again when that failed.
	Runner func(ctx context.Context) (Runner, error)
	// Deploy is asked for at each deployment, as Runner is at every step.
	Deploy func(ctx context.Context) (Deployer, error)
	// Check looks at both sides, before anything else, when a run of these
	// collections begins, or of all with none.
	Check func(ctx context.Context, collections []string) []preflight.Finding
	// Canary beats, for the step of that name, which is of no run.
	Canary  Canary
	Machine Machine // nil: a run that has to follow is only told of
	Metrics *telemetry.Metrics
	Log     *slog.Logger
	Now     func() time.Time
}

// payload is what the state machine hands over.
type payload struct {
	Step  string          `json:"step"`
	Run   string          `json:"run"`
	Input json.RawMessage `json:"input"`
	Phase int             `json:"phase"`
	Range *sweep.Range    `json:"range"`
	Error *stepError      `json:"error"`
}

// stepError is what Step Functions says of a step that failed.
type stepError struct{ Error, Cause string }

func (e *stepError) String() string {
	switch {
	case e == nil:
		return ""
	case e.Cause == "":
		return e.Error
	}
	// Without a function's own words, the name of the error says what happened.
	said := execution.Reason(e.Cause)
	if said == e.Cause && e.Error != "" {
		said = e.Error + ": " + said
	}
	const most = 2000
	return said[:min(len(said), most)]
}

// The answers.
type (
	step struct {
		Done bool `json:"done"`
	}
	// Answer is that of the step summary: what is in the state machine's own
	// records. All else is in __causeway_runs.
	Answer struct {
		Run      string     `json:"run"`
		Mode     sweep.Mode `json:"mode,omitempty"`
		OK       bool       `json:"ok"`
		Agree    bool       `json:"agree"`
		Compared int64      `json:"compared"`
		Problems []string   `json:"problems,omitempty"`
		Next     string     `json:"next,omitempty"` // the run that was started after it
	}
)

// Invoke handles the payload of a step.
func (s *Sweeper) Invoke(ctx context.Context, body json.RawMessage) (any, error) {
	started := s.Now()
	p, in, err := read(body)
	if err != nil {
		return nil, err
	}
	answer, err := s.step(ctx, p, in)
	as := []slog.Attr{
		slog.String("step", p.Step),
		slog.Int64(telemetry.KeyDuration, s.Now().Sub(started).Milliseconds()),
	}
	if p.Run != "" {
		as = append(as, slog.String("run", p.Run))
	}
	if p.Range != nil {
		as = append(as, slog.String("range", p.Range.ID), slog.String(telemetry.KeyCollection, p.Range.Collection))
	}
	if err != nil { // Lambda logs no error that it answers with
		as = append(append(as, bridge.Explain(err).Attrs()...), slog.String(telemetry.KeyError, err.Error()))
		s.Log.LogAttrs(ctx, slog.LevelWarn, "step failed", as...)
		return nil, err
	}
	s.Log.LogAttrs(ctx, slog.LevelInfo, "step done", as...)
	return answer, nil
}

const steps = "preflight, plan, copy, failed, guard, delete or summary, or canary"

// read reads a payload, and says what is wrong with it.
func read(body json.RawMessage) (payload, sweep.Input, error) {
	var p payload
	var in sweep.Input
	if err := json.Unmarshal(body, &p); err != nil {
		return p, in, fmt.Errorf("payload is no step of a run: %s", what(err))
	}
	switch p.Step {
	case "preflight", "plan", "copy", "failed", "guard", "delete", "summary", stepCanary:
	case "":
		return p, in, errors.New("payload has no step: it is one of " + steps)
	default:
		return p, in, fmt.Errorf("unknown step %q: it is one of %s", p.Step, steps)
	}
	if p.Run == "" && p.Step != stepCanary {
		return p, in, fmt.Errorf("step %s: run is missing: it is the name of the run", p.Step)
	}
	if ranged := p.Step == "copy" || p.Step == "failed"; ranged && (p.Range == nil || p.Range.ID == "" || p.Range.Collection == "") {
		return p, in, fmt.Errorf("step %s: range is missing: it is one of those that the step plan has answered", p.Step)
	}
	if p.Step == "preflight" && len(p.Input) > 0 {
		dec := json.NewDecoder(bytes.NewReader(p.Input))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&in); err != nil {
			return p, in, fmt.Errorf(`the run's input is neither {"mode": "repair", "collections": [...]} nor {"resume": "<run>"}: %s`, what(err))
		}
	}
	return p, in, nil
}

// looks is how often a side that does not answer is looked at, and pause how
// long apart: it may only be busy.
const (
	looks = 3
	pause = 2 * time.Second
)

// check stops a run that cannot do its work, and logs what only limits it.
func (s *Sweeper) check(ctx context.Context, in sweep.Input) error {
	findings := s.Check(ctx, in.Collections)
	for n := 1; n < looks && onlyAway(findings); n++ {
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		findings = s.Check(ctx, in.Collections)
	}
	var problems []error
	for _, f := range findings {
		switch {
		case f.Status == preflight.Warning, f.Code == preflight.NoCollection && in.Mode != sweep.Initial:
			// A collection that was dropped is for the guard, which keeps its documents.
			s.Log.LogAttrs(ctx, slog.LevelWarn, "preflight", slog.String(telemetry.KeySide, string(f.Side)),
				slog.String(telemetry.KeyReason, string(f.Code)), slog.String("what", f.What), slog.String(telemetry.KeyMend, f.Mend))
		case f.Status == preflight.Problem:
			problems = append(problems, fmt.Errorf("%s; %s", f.What, f.Mend))
		}
	}
	return errors.Join(problems...)
}

// onlyAway reports whether all that is wrong is that a side does not answer.
func onlyAway(findings []preflight.Finding) bool {
	away := false
	for _, f := range findings {
		if f.Status != preflight.Problem {
			continue
		}
		if f.Code != preflight.DittoUnavailable && f.Code != preflight.MongoUnavailable {
			return false
		}
		away = true
	}
	return away
}

func (s *Sweeper) step(ctx context.Context, p payload, in sweep.Input) (any, error) {
	if p.Step == stepCanary {
		return s.beat(ctx)
	}
	if p.Step == "preflight" && s.Check != nil {
		if err := s.check(ctx, in); err != nil {
			return nil, err
		}
	}
	r, err := s.Runner(ctx)
	if err != nil {
		return nil, err
	}
	switch p.Step {
	case "preflight":
		return r.Preflight(ctx, p.Run, in)
	case "plan":
		return r.Plan(ctx, p.Run, p.Phase)
	case "copy":
		done, err := r.Copy(ctx, p.Run, *p.Range)
		return step{done}, err
	case "failed":
		return struct{}{}, r.Failed(ctx, p.Run, *p.Range, p.Error.String())
	case "guard":
		return struct{}{}, r.Guard(ctx, p.Run)
	case "delete":
		done, err := r.Delete(ctx, p.Run)
		return step{done}, err
	}
	return s.summary(ctx, r, p)
}
