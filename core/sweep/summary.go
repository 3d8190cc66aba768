package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func e(key string, v any) bson.E { return bson.E{Key: key, Value: v} }

// Summary is the result of a run.
type Summary struct {
	Run  string `json:"run"`
	Mode Mode   `json:"mode"`
	// OK says that the run did all of it: no range failed, no delete was refused.
	OK bool `json:"ok"`
	// Agree says that the sides agree, as of Started to Ended.
	Agree       bool                `json:"agree"`
	Error       string              `json:"error,omitempty"`
	Started     time.Time           `json:"started"`
	Ended       time.Time           `json:"ended"`
	Collections []CollectionSummary `json:"collections"`
}

// CollectionSummary is the result for one collection.
type CollectionSummary struct {
	Collection string `json:"collection"`
	Agree      bool   `json:"agree"`
	Found
	Failed  []FailedRange `json:"failed,omitempty"`
	Refused string        `json:"refused,omitempty"` // why its deletes were not made
	Samples []Sample      `json:"samples,omitempty"`
}

// FailedRange is a range that could not be done.
type FailedRange struct {
	Range string `json:"range"`
	Error string `json:"error"`
}

// Summary ends a run: it writes the result, and marks the collections that are
// done. cause is what stopped the run, if something did.
func (r *Runner) Summary(ctx context.Context, id, cause string) (Summary, error) {
	run, err := r.load(ctx, id)
	if err != nil {
		if cause != "" { // it never began
			return Summary{Run: id, Error: cause}, nil
		}
		return Summary{}, err
	}
	by, parts, err := r.total(ctx, run)
	if err != nil {
		return Summary{}, err
	}
	s := Summary{Run: id, Mode: run.Mode, Error: cause, OK: cause == "", Agree: true, Started: run.Started}
	for _, name := range run.Collections {
		c := summarize(name, by[name], parts, run)
		s.OK = s.OK && len(c.Failed) == 0 && c.Refused == ""
		s.Agree = s.Agree && c.Agree
		s.Collections = append(s.Collections, c)
	}
	s.Agree = s.Agree && s.OK
	if cause == "" && run.Mode != Verify {
		for i := range s.Collections {
			if c := &s.Collections[i]; len(c.Failed) == 0 {
				if err := r.finish(ctx, run, c.Collection); err != nil {
					return Summary{}, err
				}
			}
		}
	}
	if run.Status = done; !s.OK {
		run.Status = failed
	}
	s.Ended = r.now().UTC().Truncate(time.Millisecond)
	if run.input.Request != "" {
		if err := r.answered(ctx, run.input.Request, id); err != nil {
			return Summary{}, err
		}
	}
	js, err := json.Marshal(s)
	if err != nil {
		return Summary{}, fmt.Errorf("write summary: %w", err)
	}
	run.Summary = string(js)
	return s, r.records().put(ctx, run, "ended")
}

func summarize(name string, f *Found, parts []rangeRecord, run *runRecord) CollectionSummary {
	c := CollectionSummary{Collection: name, Found: *f, Refused: run.Refused[name]}
	var plan []Range
	_ = json.Unmarshal([]byte(run.Plan), &plan)
	for _, x := range plan {
		if x.Collection != name {
			continue
		}
		i := slices.IndexFunc(parts, func(p rangeRecord) bool { return p.Range == x.ID })
		switch {
		case i < 0:
			c.Failed = append(c.Failed, FailedRange{x.ID, "it was not begun"})
		case !parts[i].Done:
			why := parts[i].Error
			if why == "" {
				why = "it was not finished"
			}
			c.Failed = append(c.Failed, FailedRange{x.ID, why})
		}
	}
	const mostFailed = 20
	c.Failed = c.Failed[:min(len(c.Failed), mostFailed)]
	chosenByHand := run.input.chosen()
	for _, p := range parts {
		if p.Collection != name {
			continue
		}
		for _, s := range p.Samples {
			same := 0
			for _, t := range c.Samples {
				if t.State == s.State {
					same++
				}
			}
			if same < maxSamples || chosenByHand {
				c.Samples = append(c.Samples, s)
			}
		}
	}
	c.Agree = len(c.Failed) == 0 && c.Refused == "" && f.Unsynced == 0 && f.Changing == 0
	if run.Mode == Verify {
		c.Agree = c.Agree && f.MissingInDitto == 0 && f.MissingInMongoDB == 0 && f.Different == 0
	}
	return c
}

// finish marks a collection as copied, or its baseline as taken.
func (r *Runner) finish(ctx context.Context, run *runRecord, name string) error {
	if run.input.chosen() {
		return nil
	}
	c, err := r.activation(ctx, name)
	if err != nil || c.Done != "" {
		return err
	}
	c.Done = run.ID
	if err := r.records().put(ctx, c); err != nil && !errors.Is(err, errMoved) {
		return err
	}
	return nil
}

// Progress is how far a run got.
type Progress struct {
	Run     string    `json:"run"`
	Mode    Mode      `json:"mode"`
	Status  string    `json:"status"`
	Started time.Time `json:"started"`
	Done    int64     `json:"done"`  // documents
	Total   int64     `json:"total"` // of about so many
	// Summary is the result, once there is one.
	Summary *Summary `json:"summary,omitempty"`
}

// Progress reads how far a run got.
func (r *Runner) Progress(ctx context.Context, id string) (Progress, error) {
	run, err := r.load(ctx, id)
	if err != nil {
		return Progress{}, err
	}
	p := Progress{Run: id, Mode: run.Mode, Status: run.Status, Started: run.Started}
	by, _, err := r.total(ctx, run)
	if err != nil {
		return Progress{}, err
	}
	for _, f := range by {
		p.Done += f.Compared
	}
	for _, n := range run.Total {
		p.Total += n
	}
	p.Total = max(p.Total, p.Done)
	if run.Status != running && run.Summary != "" {
		p.Summary = &Summary{}
		if err := json.Unmarshal([]byte(run.Summary), p.Summary); err != nil {
			return Progress{}, fmt.Errorf("run %s: summary: %w", id, err)
		}
	}
	return p, nil
}
