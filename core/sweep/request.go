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

// Ask notes that a collection, or all with "", needs a repair, and returns the
// input of the run that is to be started; nil if one is on its way already. So
// a repair is started once, however many events ask for it.
func (r *Runner) Ask(ctx context.Context, collection, reason string) (*Input, error) {
	name := collection
	if name == "" {
		name = everyCollection
	}
	for {
		q := &requestRecord{ID: requestPrefix + name}
		ok, err := r.records().get(ctx, q.ID, q)
		if err != nil {
			return nil, err
		}
		age := r.now().Sub(q.At)
		start := !ok || q.By == "" && age > patient || q.By != "" && age > patientDone
		switch {
		case start:
			q.Reason, q.By, q.Again = reason, "", false
			err = r.records().put(ctx, q, "at")
		case q.By == "" || q.Again:
			return nil, nil //nolint:nilnil // nothing is to be started
		default:
			q.Again = true
			err = r.records().put(ctx, q)
		}
		switch {
		case errors.Is(err, errMoved):
			continue
		case err != nil || !start:
			return nil, err
		}
		return requestInput(name), nil
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

// answered ends a request with its run, and returns the input of another one if
// events have come since it began. A run that failed says so itself.
func (r *Runner) answered(ctx context.Context, name, run string) (*Input, error) {
	for {
		q := &requestRecord{ID: requestPrefix + name}
		exists, err := r.records().get(ctx, q.ID, q)
		if err != nil || !exists || q.By != run {
			return nil, err
		}
		if !q.Again {
			return nil, r.records().remove(ctx, q.ID, q.Rev)
		}
		q.By, q.Again = "", false
		err = r.records().put(ctx, q, "at")
		if errors.Is(err, errMoved) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return requestInput(name), nil
	}
}
