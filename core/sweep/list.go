package sweep

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/manifest"
)

// Listed is a run as it is listed.
type Listed struct {
	Run         string    `json:"run"`
	Mode        Mode      `json:"mode"`
	Status      string    `json:"status"` // running, done, failed
	Collections []string  `json:"collections"`
	Input       Input     `json:"input"`
	Started     time.Time `json:"started"`
	Ended       time.Time `json:"ended,omitzero"`
	Summary     *Summary  `json:"summary,omitempty"`
}

// Unfinished reports whether the run can be carried on.
func (l *Listed) Unfinished() bool { return l.Status != done }

// Runs lists the runs on record, the newest first.
func (r *Runner) Runs(ctx context.Context) ([]Listed, error) {
	docs, err := r.DB.Find(ctx, Collection, bson.D{{Key: "kind", Value: "run"}}, nil)
	if err != nil {
		return nil, fmt.Errorf("list runs: %w", err)
	}
	out := make([]Listed, 0, len(docs))
	for _, doc := range docs {
		var run runRecord
		if err := bson.Unmarshal(doc, &run); err != nil {
			return nil, fmt.Errorf("list runs: %w", err)
		}
		l := Listed{Run: run.ID, Mode: run.Mode, Status: run.Status, Collections: run.Collections, Started: run.Started.UTC(), Ended: run.Ended.UTC()}
		if run.Ended.IsZero() {
			l.Ended = time.Time{}
		}
		if err := json.Unmarshal([]byte(run.Input), &l.Input); err != nil {
			return nil, fmt.Errorf("list runs: input of %s: %w", run.ID, err)
		}
		if run.Status != running && run.Summary != "" {
			l.Summary = &Summary{}
			if err := json.Unmarshal([]byte(run.Summary), l.Summary); err != nil {
				return nil, fmt.Errorf("list runs: summary of %s: %w", run.ID, err)
			}
		}
		out = append(out, l)
	}
	slices.SortStableFunc(out, func(a, b Listed) int { return b.Started.Compare(a.Started) })
	return out, nil
}

// Copied tells by which run each collection was copied, or its baseline taken;
// collections that still wait for that are absent.
func (r *Runner) Copied(ctx context.Context) (map[string]string, error) {
	ids := bson.A{}
	for _, c := range r.Manifest.Collections {
		ids = append(ids, collectionPrefix+c.Name)
	}
	docs, err := r.DB.Find(ctx, Collection, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}}, nil)
	if err != nil {
		return nil, fmt.Errorf("read what was copied: %w", err)
	}
	out := map[string]string{}
	for _, doc := range docs {
		var c collectionRecord
		if err := bson.Unmarshal(doc, &c); err != nil {
			return nil, fmt.Errorf("read what was copied: %w", err)
		}
		if c.Done != "" {
			out[c.ID[len(collectionPrefix):]] = c.Done
		}
	}
	return out, nil
}

// Initial is the run that collections still wait for: none, a new one, or one
// that was not finished and is carried on.
func (r *Runner) Initial(ctx context.Context) (*Input, error) {
	copied, err := r.Copied(ctx)
	if err != nil {
		return nil, err
	}
	waiting := slices.ContainsFunc(r.Manifest.Collections, func(c manifest.Collection) bool { return copied[c.Name] == "" })
	if !waiting {
		return nil, nil //nolint:nilnil // nothing is to be started
	}
	runs, err := r.Runs(ctx)
	if err != nil {
		return nil, err
	}
	for i := range runs {
		l := &runs[i]
		if l.Mode != Initial || len(l.Input.Collections) > 0 {
			continue
		}
		gone := slices.ContainsFunc(l.Collections, func(name string) bool { return r.Manifest.Collection(name) == nil })
		of := slices.ContainsFunc(l.Collections, func(name string) bool { return copied[name] == "" })
		if l.Unfinished() && of && !gone {
			return &Input{Resume: l.Run}, nil
		}
		break
	}
	return &Input{Mode: Initial}, nil
}

// Initials are all the runs that collections still wait for: the one of Initial,
// and, where that carries on an earlier one, a new one of those which came later.
func (r *Runner) Initials(ctx context.Context) ([]Input, error) {
	in, err := r.Initial(ctx)
	if err != nil || in == nil {
		return nil, err
	}
	all := []Input{*in}
	if in.Resume == "" {
		return all, nil
	}
	copied, err := r.Copied(ctx)
	if err != nil {
		return nil, err
	}
	runs, err := r.Runs(ctx)
	if err != nil {
		return nil, err
	}
	var of []string
	if i := slices.IndexFunc(runs, func(l Listed) bool { return l.Run == in.Resume }); i >= 0 {
		of = runs[i].Collections
	}
	var later []string
	for _, c := range r.Manifest.Collections {
		if copied[c.Name] == "" && !slices.Contains(of, c.Name) {
			later = append(later, c.Name)
		}
	}
	if len(later) > 0 {
		all = append(all, Input{Mode: Initial, Collections: later})
	}
	return all, nil
}
