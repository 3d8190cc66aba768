package sweep

import (
	"context"
	"errors"
	"time"
)

const (
	requestPrefix = "request/"
	// everyCollection stands for all of them in a request's name.
	everyCollection = "*"
	// patient is how long a request waits for its run to begin, and a run to end,
	// until another event asks again.
	patient     = 10 * time.Minute
	patientDone = 24 * time.Hour
)

// requestRecord is a repair that events asked for.
type requestRecord struct {
	ID     string    `bson:"_id"`
	Rev    int64     `bson:"rev"`
	Reason string    `bson:"reason"`
	At     time.Time `bson:"at"`
	By     string    `bson:"by,omitempty"` // the run, once it has begun
	Again  bool      `bson:"again"`        // events came after it had begun
}

func (q *requestRecord) id() string       { return q.ID }
func (q *requestRecord) revision() *int64 { return &q.Rev }

// ask notes that events ask for a repair.
func (r *Runner) ask(ctx context.Context, name, reason string) error {
	for {
		q := &requestRecord{ID: requestPrefix + name}
		ok, err := r.records().get(ctx, q.ID, q)
		if err != nil {
			return err
		}
		age := r.now().Sub(q.At)
		switch {
		case !ok || q.By == "" && age > patient || q.By != "" && age > patientDone:
			q.Reason, q.By, q.Again = reason, "", false
			err = r.records().put(ctx, q, "at")
		case q.By == "" || q.Again:
			return nil
		default:
			q.Again = true
			err = r.records().put(ctx, q)
		}
		if !errors.Is(err, errMoved) {
			return err
		}
	}
}

func requestInput(name string) *Input {
	in := &Input{Mode: Repair, Request: name}
	if name != everyCollection {
		in.Collections = []string{name}
	}
	return in
}

// begin notes that a run answers a request: events from now on may come too late
// for it.
func (r *Runner) begin(ctx context.Context, name, run string) error {
	for {
		q := &requestRecord{ID: requestPrefix + name}
		ok, err := r.records().get(ctx, q.ID, q)
		if err != nil || !ok {
			return err
		}
		q.By = run
		if err := r.records().put(ctx, q, "at"); !errors.Is(err, errMoved) {
			return err
		}
	}
}

// answered ends a request with its run, or leaves it to another one if events
// have come since it began. A run that failed says so itself.
func (r *Runner) answered(ctx context.Context, name, run string) error {
	for {
		q := &requestRecord{ID: requestPrefix + name}
		exists, err := r.records().get(ctx, q.ID, q)
		if err != nil || !exists || q.By != run {
			return err
		}
		if !q.Again {
			return r.records().remove(ctx, q.ID, q.Rev)
		}
		q.By, q.Again = "", false
		if err = r.records().put(ctx, q, "at"); !errors.Is(err, errMoved) {
			return err
		}
	}
}
