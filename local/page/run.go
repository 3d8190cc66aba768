package page

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/sweep"
)

// shownRun is a run that the page started.
type shownRun struct {
	Name    string         `json:"name"`
	Mode    string         `json:"mode"`
	Running bool           `json:"running"`
	Done    int64          `json:"done"`
	Total   int64          `json:"total"`
	Line    string         `json:"line"`
	Result  []string       `json:"result,omitempty"`
	Agree   bool           `json:"agree"`
	OK      bool           `json:"ok"`
	Error   string         `json:"error,omitempty"`
	Ended   time.Time      `json:"ended,omitzero"`
	Summary *sweep.Summary `json:"-"`
}

// runs are the last of each mode.
type runs struct {
	mu   sync.Mutex
	last map[string]shownRun
}

func (p *Page) noteRun(s shownRun) {
	p.runs.mu.Lock()
	if p.runs.last == nil {
		p.runs.last = map[string]shownRun{}
	}
	p.runs.last[s.Mode] = s
	p.runs.mu.Unlock()
	p.hub.state("run", s.Mode, s)
}

func (p *Page) getRuns(r *http.Request) (any, error) {
	p.runs.mu.Lock()
	defer p.runs.mu.Unlock()
	if len(p.runs.last) == 0 { // before the page was open
		if s := p.earlier(r.Context()); s != nil {
			p.runs.last = map[string]shownRun{s.Mode: *s}
		}
	}
	out := []shownRun{}
	for _, s := range p.runs.last {
		out = append(out, s)
	}
	return out, nil
}

// earlier is the last verification that anyone has run.
func (p *Page) earlier(ctx context.Context) *shownRun {
	list, err := (&sweep.Runner{Manifest: p.cfg.Manifest, DB: p.cfg.Mongo}).Runs(ctx)
	if err != nil {
		return nil
	}
	for i := range list {
		l := &list[i]
		if l.Mode == sweep.Verify && l.Summary != nil {
			s := ended(shownRun{Name: l.Run, Mode: string(sweep.Verify)}, l.Summary)
			return &s
		}
	}
	return nil
}

func ended(s shownRun, sum *sweep.Summary) shownRun {
	s.Running, s.Agree, s.OK, s.Error, s.Ended = false, sum.Agree, sum.OK, sum.Error, sum.Ended
	s.Result = execution.Result(sum)
	return s
}

var errBusy = errors.New("one of these runs already: wait for its end")

// start starts a run and follows it in the background.
func (p *Page) start(ctx context.Context, label string, in sweep.Input) error {
	p.runs.mu.Lock()
	busy := p.runs.last[label].Running
	p.runs.mu.Unlock()
	if busy {
		return refused{http.StatusConflict, errBusy}
	}
	name := sweep.RunName(in.Mode, "", time.Now())
	s := shownRun{Name: name, Mode: label, Running: true, Line: "starting"}
	x, err := p.cfg.Machine.Start(ctx, name, in)
	if err != nil {
		return err
	}
	p.noteRun(s)
	p.done.Go(func() { p.followRun(p.life, x, s) })
	return nil
}

func (p *Page) followRun(ctx context.Context, x execution.Execution, s shownRun) {
	meter := execution.NewMeter(io.Discard, s.Mode, time.Now)
	sum, err := p.cfg.Machine.Follow(ctx, x, s.Name, &sweep.Runner{Manifest: p.cfg.Manifest, DB: p.cfg.Mongo}, func(g sweep.Progress) {
		s.Done, s.Total, s.Line = g.Done, g.Total, meter.Line(g)
		p.noteRun(s)
	})
	if err != nil {
		s.Running, s.Error, s.Ended = false, err.Error(), time.Now().UTC()
		p.noteRun(s)
		return
	}
	p.noteRun(ended(s, sum))
	p.hub.send("trouble", struct{}{})
}

func (p *Page) postRun(r *http.Request) (any, error) {
	var in struct {
		Mode       string `json:"mode"`
		Collection string `json:"collection"`
		Key        string `json:"key"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	run := sweep.Input{Mode: sweep.Mode(in.Mode)}
	if run.Mode != sweep.Verify && run.Mode != sweep.Repair {
		return nil, refused{http.StatusBadRequest, errors.New("mode: want verify or repair")}
	}
	if in.Collection != "" {
		if _, err := p.index(in.Collection); err != nil {
			return nil, err
		}
		run.Collections = []string{in.Collection}
	}
	if in.Key != "" {
		id, err := idOf(in.Key)
		if err != nil {
			return nil, err
		}
		run.IDs = []json.RawMessage{id}
	}
	return struct{}{}, p.start(r.Context(), in.Mode, run)
}

// postRetry tries the documents again that could not be synced.
func (p *Page) postRetry(r *http.Request) (any, error) {
	var in struct{}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	return struct{}{}, p.start(r.Context(), "retry", sweep.Input{Mode: sweep.Repair, Unsynced: true})
}
