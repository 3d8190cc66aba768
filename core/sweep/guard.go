package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
)

// Limits of the guard where the manifest has no Deployment.
const (
	deleteShare = 0.05
	deleteCount = 20
)

// Failed records why a range could not be done.
func (r *Runner) Failed(ctx context.Context, id string, rng Range, why string) error {
	rec := &rangeRecord{ID: id + "/" + rng.ID, Run: id, Kind: "range", Range: rng.ID, Collection: rng.Collection}
	for {
		if _, err := r.records().get(ctx, rec.ID, rec); err != nil {
			return err
		}
		if rec.Done {
			return nil
		}
		rec.Error = why
		if err := r.records().put(ctx, rec); !errors.Is(err, errMoved) {
			return err
		}
	}
}

// total is what was found in the run, by collection.
func (r *Runner) total(ctx context.Context, run *runRecord) (map[string]*Found, []rangeRecord, error) {
	parts, err := list[rangeRecord](ctx, r.records(), run.ID, "range")
	if err != nil {
		return nil, nil, err
	}
	by := map[string]*Found{}
	for _, name := range run.Collections {
		by[name] = &Found{}
	}
	for i := range parts {
		if f := by[parts[i].Collection]; f != nil {
			f.add(&parts[i].Found)
		}
	}
	return by, parts, nil
}

// Guard compares the deletes that the ranges listed with what may be deleted,
// collection by collection. Absence is not a delete: where too much is gone, the
// likely reason is a side that is empty, restored, or not the right one
// (invariant 8).
func (r *Runner) Guard(ctx context.Context, id string) error {
	run, err := r.load(ctx, id)
	if err != nil || run.Mode == Verify {
		return err
	}
	by, parts, err := r.total(ctx, run)
	if err != nil {
		return err
	}
	run.Refused = map[string]string{}
	for name, f := range by {
		if f.deletes() == 0 {
			continue
		}
		broken := slices.ContainsFunc(parts, func(p rangeRecord) bool { return p.Collection == name && !p.Done })
		if why := r.refuse(run, name, f, broken); why != "" {
			run.Refused[name] = why
		}
	}
	return r.records().put(ctx, run)
}

// refuse says why the deletes of a collection may not be made, "" if they may.
func (r *Runner) refuse(run *runRecord, name string, f *Found, broken bool) string {
	if broken {
		return "some ranges have failed: the deletes wait until the run is carried on"
	}
	chosenByHand := run.input.chosen()
	n := f.deletes()
	if n <= run.input.AllowDeletes[name] {
		return ""
	}
	confirm := fmt.Sprintf("if they are meant, confirm them with `causeway repair %s --allow-deletes %d`", name, n)
	share, count := deleteShare, int64(deleteCount)
	if d := r.Manifest.Deployment; d != nil {
		share, count = d.DeleteShare, int64(d.DeleteCount)
	}
	switch {
	case chosenByHand && n <= count:
		return ""
	case !chosenByHand && f.InDitto == 0 && f.DeletesInMongoDB > 0:
		return fmt.Sprintf("Ditto shows no document at all, and %d would be deleted in MongoDB: see that the endpoint and the API key are the right ones; %s", n, confirm)
	case !chosenByHand && f.InMongoDB == 0 && f.DeletesInDitto > 0:
		return fmt.Sprintf("MongoDB has no document at all, and %d would be deleted in Ditto: see that the connection string and the database are the right ones; %s", n, confirm)
	case n > count && float64(n) > share*float64(f.Compared):
		return fmt.Sprintf("%d of %d documents would be deleted (%d in MongoDB, %d in Ditto), and more than %d and %.3g %% need a person's leave; %s",
			n, f.Compared, f.DeletesInMongoDB, f.DeletesInDitto, count, share*100, confirm)
	}
	return ""
}

// Delete reads each listed pair again and makes the deletes that still hold,
// where the guard lets it. It stops before its deadline.
func (r *Runner) Delete(ctx context.Context, id string) (isDone bool, err error) {
	run, err := r.load(ctx, id)
	if err != nil || run.Mode == Verify {
		return err == nil, err
	}
	_, parts, err := r.total(ctx, run)
	if err != nil {
		return false, err
	}
	for i := range parts {
		p := &parts[i]
		if p.Found.deletes() == 0 || run.Refused[p.Collection] != "" {
			continue
		}
		isDone, err := r.deleteRange(ctx, run, p)
		if err != nil || !isDone {
			return false, err
		}
	}
	return true, nil
}

func (r *Runner) deleteRange(ctx context.Context, run *runRecord, p *rangeRecord) (isDone bool, err error) {
	lists, err := list[listed](ctx, r.records(), run.ID, "deletes", e("range", p.Range))
	if err != nil {
		return false, err
	}
	c := &copier{Runner: r, run: run, rec: &rangeRecord{}}
	if end, ok := ctx.Deadline(); ok {
		c.end = end.Add(-Margin)
	}
	for i := range lists {
		l := &lists[i]
		if l.Done {
			continue
		}
		if c.late() {
			return false, nil
		}
		txn, err := r.txn(ctx, l.Collection)
		if err != nil {
			return false, err
		}
		var hints []change.Hint
		for _, k := range l.Keys {
			h := keyHint(ledger.Key{Collection: l.Collection, ID: docid.ID(k)})
			h.Txn = txn
			hints = append(hints, h)
		}
		if err := c.persist(ctx, hints, func(hints []change.Hint, _ int) []bridge.Verdict {
			verdicts, _, _ := r.Bridge.Sweep(ctx, hints, bridge.Settle) // its conflicts are on record
			return verdicts
		}); err != nil {
			return false, err
		}
		l.Done = true
		if err := r.records().put(ctx, l); err != nil && !errors.Is(err, errMoved) {
			return false, err
		}
	}
	return true, nil
}
