package sim

import (
	"context"
	"time"

	"github.com/causeway-sync/causeway/core/sweep"
)

// machine is a run under way, as the state machine sees it: its steps are jobs
// for handlers, which may be killed, and do them again.
type machine struct {
	id    string
	in    sweep.Input
	phase int
	open  map[string]bool // ranges that are not done
	ended bool
	found sweep.Summary
	blind bool // Ditto shows the run nothing at all, as an empty one would
}

// job is one step of a run.
type job struct {
	of   *machine
	step string
	rng  sweep.Range
}

// outcome is what became of a job.
type outcome struct {
	err     error
	done    bool
	planned sweep.Planned
	summary sweep.Summary
}

// startRun begins a run. Whoever asks for it lets it delete as much as it finds,
// or leaves that to the guard.
func (w *World) startRun(mode sweep.Mode, allow int64) {
	in := sweep.Input{Mode: mode}
	if allow > 0 {
		in.AllowDeletes = map[string]int64{w.rules().Name: allow}
	}
	w.machine = &machine{id: w.name("run"), in: in, open: map[string]bool{}}
	w.jobs = append(w.jobs, job{of: w.machine, step: "preflight"})
	w.trace("run", "mode", string(mode))
}

// blind reports whether Ditto shows the handler's run nothing.
func (h *handler) blind() bool { return h.job != nil && h.job.of.blind }

// running reports whether a run is under way.
func (w *World) running() bool { return w.machine != nil && !w.machine.ended }

func (w *World) takeJob() job {
	i := w.rnd.IntN(len(w.jobs))
	j := w.jobs[i]
	w.jobs = append(w.jobs[:i], w.jobs[i+1:]...)
	return j
}

// do performs a job.
func (e *environment) do(j job) (o outcome) {
	ctx, id := context.Background(), j.of.id
	switch j.step {
	case "preflight":
		_, o.err = e.runner.Preflight(ctx, id, j.of.in)
	case "plan":
		o.planned, o.err = e.runner.Plan(ctx, id, j.of.phase)
	case "copy":
		o.done, o.err = e.runner.Copy(e.deadline(ctx), id, j.rng)
	case "guard":
		o.err = e.runner.Guard(ctx, id)
	case "delete":
		o.done, o.err = e.runner.Delete(e.deadline(ctx), id)
	case "summary":
		o.summary, o.err = e.runner.Summary(ctx, id, "")
	}
	return o
}

// jobEnded goes on with the run when one of its jobs has ended.
func (w *World) jobEnded(j job, o outcome) {
	m := j.of
	next := func(step string) { w.jobs = append(w.jobs, job{of: m, step: step}) }
	w.trace("step", "of", m.id, "step", j.step, "range", j.rng.ID, "done", o.done, "error", o.err)
	switch {
	case o.err != nil, (j.step == "copy" || j.step == "delete") && !o.done:
		if o.err == nil {
			w.hit(RangeInParts)
		}
		w.jobs = append(w.jobs, j)
	case j.step == "preflight":
		next("plan")
	case j.step == "plan":
		m.phase = o.planned.Phase
		if len(o.planned.Ranges) == 0 {
			next("guard")
			return
		}
		for _, r := range o.planned.Ranges {
			m.open[r.ID] = true
			w.jobs = append(w.jobs, job{m, "copy", r})
			if w.chance(w.Rates.Duplicate) {
				w.hit(RangeTwice)
				w.jobs = append(w.jobs, job{m, "copy", r})
			}
		}
	case j.step == "copy":
		if m.open[j.rng.ID] {
			if delete(m.open, j.rng.ID); len(m.open) == 0 {
				next("plan")
			}
		}
	case j.step == "guard":
		next("delete")
	case j.step == "delete":
		next("summary")
	case j.step == "summary":
		m.ended, m.found = true, o.summary
		if m.in.Mode == sweep.Initial {
			w.baselines = 0
		}
		for _, c := range m.found.Collections {
			if c.Refused != "" {
				w.hit(DeletesRefused)
			}
		}
	}
}

// mustAgree checks what a verification found when all was quiet.
func (w *World) mustAgree() {
	if w.machine == nil || w.machine.in.Mode != sweep.Verify {
		return
	}
	for _, c := range w.machine.found.Collections {
		if f := c.Found; f.Different+f.MissingInDitto+f.MissingInMongoDB+f.Changing > 0 {
			w.fail("a verification found %+v %+v", f, c.Samples)
		}
	}
}

// until is a context with a deadline by the simulation's clock.
type until struct {
	context.Context
	end time.Time
}

func (u until) Deadline() (time.Time, bool) { return u.end, true }

// deadline leaves a step a few requests, beyond what it keeps for the last.
func (e *environment) deadline(ctx context.Context) context.Context {
	return until{ctx, e.w.clock().Add(sweep.Margin + time.Duration(e.w.rnd.IntN(40))*time.Second)}
}

func (w *World) newRunner(e *environment) *sweep.Runner {
	return &sweep.Runner{
		Manifest: w.manifest,
		Bridge:   e.bridge,
		Keys:     &Keys{Mongo: w.Mongo, Ditto: w.Ditto, Manifest: w.manifest, Cuts: func() int { return 1 + w.rnd.IntN(2) }, Empty: func() bool { return e.now.blind() }},
		DB:       gatedMongo{e},
		Ditto:    gatedDitto{e},
		Wait: func(_ context.Context, d time.Duration) {
			e.now.pause(HandlerKilled)
			if w.running() && len(w.live) == 1 {
				w.now += int(d.Seconds())
			}
		},
		Now:       w.clock,
		BatchSize: 2,
	}
}
