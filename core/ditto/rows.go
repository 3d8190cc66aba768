package ditto

import (
	"slices"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
)

// rowJob is a row of a job's draft.
type rowJob struct {
	job *job
	row dql.Row
}

// rowsAt are the i-th rows of the drafts that have so many.
func rowsAt(jobs []*job, i int, rows func(*dql.Draft) []dql.Row) []rowJob {
	var out []rowJob
	for _, j := range jobs {
		if r := rows(j.draft); i < len(r) {
			out = append(out, rowJob{j, r[i]})
		}
	}
	return out
}

// run writes rows, those of one shape together, and returns the ids that won.
func (u *updater) run(rows []rowJob) (map[docid.ID]bool, error) {
	won := map[docid.ID]bool{}
	for _, same := range byShape(rows) {
		for _, kind := range byKind(same, func(r rowJob) docid.ID { return r.row.ID }) {
			for _, part := range cut(kind, maxUpdate, maxBytes, func(r rowJob) int { return r.row.Size() }) {
				err := halve(part, func(rows []rowJob) error { return u.send(rows, won) }, func(r rowJob, err error) {
					u.reject(r.job, err)
				})
				if err != nil {
					return won, err
				}
			}
		}
	}
	return won, nil
}

func byShape(rows []rowJob) [][]rowJob {
	if !slices.ContainsFunc(rows, func(r rowJob) bool { return !r.row.Like(&rows[0].row) }) {
		return [][]rowJob{rows}
	}
	at := map[string]int{}
	var out [][]rowJob
	for _, r := range rows {
		shape := r.row.Shape()
		i, ok := at[shape]
		if !ok {
			i = len(out)
			at[shape] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

// send is one statement, or one per row where the server knows no better.
func (u *updater) send(rows []rowJob, won map[docid.ID]bool) error {
	plain := make([]dql.Row, len(rows))
	ids := make([]docid.ID, len(rows))
	for i, r := range rows {
		plain[i], ids[i] = r.row, r.row.ID
	}
	bulk, err := u.canBulk(u.ctx, u.c, ids)
	if err != nil {
		return err
	}
	if bulk {
		return u.note(dql.Update(u.c.Name, plain), won)
	}
	return each(rows, func(r rowJob) error { return u.note(dql.UpdateOne(u.c.Name, r.row), won) },
		func(r rowJob, err error) { u.reject(r.job, err) })
}

func (u *updater) note(st dql.Statement, won map[docid.ID]bool) error {
	mutated, err := u.write(u.ctx, api(u.c), st, &u.result)
	for id := range mutated {
		won[id] = true
	}
	return err
}
