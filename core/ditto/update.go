package ditto

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// Update changes documents, each on condition that the values it changes are
// still as they were read. Documents must not repeat. Those that change the
// same paths in the same way share a statement.
func (s *Store) Update(ctx context.Context, c Collection, changes []Change) (Result, error) {
	u := updater{Store: s, ctx: ctx, c: c, result: newResult(len(changes))}
	jobs := make([]*job, 0, len(changes))
	for _, ch := range changes {
		if err := checkGrowth(api(c), ch); err != nil {
			u.result.Rejected[ch.ID] = err
			continue
		}
		jobs = append(jobs, &job{id: ch.ID, ops: ch.Ops, draft: dql.NewDraft(draftOf(c, ch))})
		u.seen = max(u.seen, ch.Txn)
	}
	if err := u.update(jobs); err != nil {
		return u.result, fmt.Errorf("update ditto: %w", err)
	}
	return u.result, nil
}

// checkGrowth refuses a change that makes a document larger than Ditto takes.
func checkGrowth(a API, ch Change) error {
	size := len(ch.Doc)
	for _, op := range ch.Ops {
		size += len(op.Path) + len(op.New) - len(op.Old)
	}
	if size <= MaxDocument {
		return nil
	}
	doc := ch.Doc
	for _, op := range ch.Ops {
		next, err := value.ReplaceJSON(doc, op.Path, op.New)
		if err != nil {
			return nil //nolint:nilerr // the server has the last word
		}
		doc = next
	}
	return checkSize(a, doc)
}

func draftOf(c Collection, ch Change) dql.Change {
	out := dql.Change{ID: ch.ID, Doc: ch.Doc, Maps: ch.Maps, Strict: c.Strict}
	if !c.Strict {
		out.Counters = c.Counters
	}
	out.Edits = make([]dql.Edit, 0, len(ch.Ops))
	for _, op := range ch.Ops {
		out.Edits = append(out.Edits, dql.Edit{Path: op.Path, Old: op.Old, New: op.New, Counter: op.Counter})
	}
	return out
}

type updater struct {
	*Store
	ctx    context.Context
	c      Collection
	result Result
	seen   int64 // the latest transaction that a read showed: no later one goes back behind it
}

// job is one change on its way. Lost and rejected ones are out.
type job struct {
	id    docid.ID
	ops   []Op
	draft *dql.Draft
	out   bool
}

func (u *updater) update(jobs []*job) error {
	if err := u.compile(jobs); err != nil {
		return err
	}
	jobs = left(jobs)
	if err := u.check(jobs); err != nil {
		return err
	}
	registers, err := u.registersAbove(left(jobs))
	if err != nil {
		return err
	}
	if err := u.recheck(left(jobs)); err != nil {
		return err
	}
	jobs = left(jobs)
	for i := 0; ; i++ {
		rows := rowsAt(jobs, i, func(d *dql.Draft) []dql.Row { return d.Before })
		if len(rows) == 0 {
			break
		}
		won, err := u.run(rows)
		if err != nil {
			return err
		}
		for _, r := range rows {
			r.job.out = r.job.out || !won[r.job.id]
		}
		if err := u.uncover(rows, won, registers); err != nil {
			return err
		}
		jobs = left(jobs)
	}
	rows := make([]rowJob, 0, len(jobs))
	for _, j := range jobs {
		if j.draft.IsEmpty() {
			u.win(j)
			continue
		}
		rows = append(rows, rowJob{j, j.draft.Row})
	}
	won, err := u.run(rows)
	for _, r := range rows {
		if won[r.job.id] {
			u.win(r.job)
		} else {
			r.job.out = true
		}
	}
	if err != nil {
		return err
	}
	jobs = left(jobs)
	for i := 0; ; i++ {
		rows := rowsAt(jobs, i, func(d *dql.Draft) []dql.Row { return d.After })
		if len(rows) == 0 {
			return nil
		}
		if _, err := u.run(rows); err != nil {
			return err
		}
	}
}

func (u *updater) win(j *job) {
	u.result.Won[j.id] = true
	if maps := j.draft.Maps(); len(maps) > 0 {
		u.result.Maps[j.id] = maps
	}
}

func (u *updater) reject(j *job, err error) {
	u.result.Rejected[j.id] = err
	j.out = true
}

func left(jobs []*job) []*job {
	out := make([]*job, 0, len(jobs))
	for _, j := range jobs {
		if !j.out {
			out = append(out, j)
		}
	}
	return out
}

// compile makes every draft ready, reading what hides where a draft asks for
// it: once for maps that are not known to be, once more for a type change.
func (u *updater) compile(jobs []*job) error {
	for len(jobs) > 0 {
		var asks []ask
		for _, j := range jobs {
			looks, err := j.draft.Compile()
			switch {
			case err != nil:
				u.reject(j, err)
			case len(looks) > 0:
				asks = append(asks, ask{j, looks})
			}
		}
		if err := u.read(asks, mapsClash, u.look); err != nil {
			return err
		}
		jobs = jobs[:0:0]
		for _, a := range asks {
			if !a.job.out {
				jobs = append(jobs, a.job)
			}
		}
	}
	return nil
}

// look reads documents with all paths of a group declared as maps.
func (u *updater) look(paths []value.Path, asks []ask) error {
	resp, err := u.execute(u.ctx, api(u.c), dql.SelectTyped(u.c.Name, dql.TypesOf(dql.Map, paths...), askIDs(asks)), u.seen, false)
	if err != nil {
		return err
	}
	docs := map[docid.ID][]byte{}
	for _, item := range resp.Items {
		if id, ok := idOf(item); ok {
			docs[id] = item
		}
	}
	for _, a := range asks {
		if docs[a.job.id] == nil {
			a.job.out = true // gone, or not shown: nothing can be concluded
			continue
		}
		a.job.draft.Learn(a.paths, docs[a.job.id])
	}
	return nil
}

// check finds the values that hide at the paths that drafts remove.
func (u *updater) check(jobs []*job) error {
	var asks []ask
	for _, j := range jobs {
		if paths := j.draft.Checks(); len(paths) > 0 {
			asks = append(asks, ask{j, paths})
		}
	}
	return u.read(asks, columnsClash, u.find)
}

func (u *updater) find(paths []value.Path, asks []ask) error {
	found := map[docid.ID][]dql.Found{}
	for _, t := range dql.CheckTypes {
		resp, err := u.execute(u.ctx, api(u.c), dql.SelectPaths(u.c.Name, t, paths, askIDs(asks)), u.seen, false)
		if IsRejected(err) && t == dql.PNCounter {
			continue // the type is a legacy: without it, nothing of it hides
		}
		if err != nil {
			return err
		}
		u.seen = max(u.seen, resp.Txn)
		shown := map[docid.ID]bool{}
		for _, item := range resp.Items {
			id, ok := idOf(item)
			if !ok {
				continue
			}
			shown[id] = true
			for i, p := range paths {
				if v := value.Lookup(item, value.PathOf(dql.Column(i))); v != nil {
					found[id] = append(found[id], dql.Found{Path: p, Type: t, Value: v})
				}
			}
		}
		for _, a := range asks {
			a.job.out = a.job.out || !shown[a.job.id]
		}
	}
	for _, a := range asks {
		a.job.draft.Found(found[a.job.id])
	}
	return nil
}

// recheck drops the documents that changed before their hidden values were
// read: what was taken for hidden may be what shows now. A row of Before can
// only name the type it removes, not what shows.
func (u *updater) recheck(jobs []*job) error {
	ops := map[docid.ID]*job{}
	var ids []docid.ID
	for _, j := range jobs {
		if len(j.draft.Before) > 0 {
			ops[j.id], ids = j, append(ids, j.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	plain := u.c
	plain.Counters = nil
	docs, _, err := u.Read(u.ctx, plain, ids, u.seen)
	if err != nil {
		return err
	}
	for id, j := range ops {
		for _, op := range j.ops {
			now := value.Lookup(docs[id].JSON, op.Path)
			if (now == nil) != (op.Old == nil) || now != nil && value.HashJSON(now) != value.HashJSON(op.Old) {
				j.out = true
			}
		}
	}
	return nil
}

// registersAbove reads what hides as a register at the objects in which rows of
// Before remove something.
func (u *updater) registersAbove(jobs []*job) (map[*job]map[value.Path][]byte, error) {
	var asks []ask
	for _, j := range jobs {
		for _, p := range j.draft.AboveHidden() {
			asks = append(asks, ask{j, []value.Path{p}})
		}
	}
	return u.registers(asks)
}

// registers reads what is stored as a register at the paths asked for.
func (u *updater) registers(asks []ask) (map[*job]map[value.Path][]byte, error) {
	out := map[*job]map[value.Path][]byte{}
	for _, a := range asks {
		out[a.job] = map[value.Path][]byte{}
	}
	return out, u.read(asks, columnsClash, func(paths []value.Path, asks []ask) error {
		resp, err := u.execute(u.ctx, api(u.c), dql.SelectPaths(u.c.Name, dql.Register, paths, askIDs(asks)), u.seen, false)
		if err != nil {
			return err
		}
		for _, item := range resp.Items {
			id, _ := idOf(item)
			for _, a := range asks {
				for i, p := range paths {
					if a.job.id == id && slices.Contains(a.paths, p) {
						out[a.job][p] = value.Lookup(item, value.PathOf(dql.Column(i)))
					}
				}
			}
		}
		return nil
	})
}

// Registers reads what is stored as a register at the given paths of documents:
// where an object shows, it hides. A read must reflect the transaction.
func (s *Store) Registers(ctx context.Context, c Collection, at map[docid.ID][]value.Path, txn int64) (map[docid.ID][]Value, error) {
	u := updater{Store: s, ctx: ctx, c: c, result: newResult(0), seen: txn}
	var asks []ask
	for _, id := range sortedKeys(at) {
		j := &job{id: id}
		for _, p := range at[id] {
			asks = append(asks, ask{j, []value.Path{p}})
		}
	}
	found, err := u.registers(asks)
	if err != nil {
		return nil, fmt.Errorf("read registers in ditto: %w", err)
	}
	out := map[docid.ID][]Value{}
	for _, a := range asks {
		if v := found[a.job][a.paths[0]]; v != nil {
			out[a.job.id] = append(out[a.job.id], Value{a.paths[0], v})
		}
	}
	return out, nil
}

// uncover looks for what somebody wrote just before a row of Before won, whose
// condition sees declared types only and cannot tell. In an object's place there
// may be a value that hides now, since the row shows the object again. And what
// hid when it was looked at may have come to show, and is gone. Such a job goes
// round again.
func (u *updater) uncover(rows []rowJob, won map[docid.ID]bool, before map[*job]map[value.Path][]byte) error {
	var jobs []*job
	var ids []docid.ID
	rows = slices.DeleteFunc(rows, func(r rowJob) bool { return !won[r.job.id] })
	for _, r := range rows {
		jobs, ids = append(jobs, r.job), append(ids, r.job.id)
	}
	if len(jobs) == 0 {
		return nil
	}
	now, err := u.registersAbove(jobs)
	if err != nil {
		return err
	}
	cover := func(j *job, p value.Path, v []byte) {
		u.result.Covered[j.id] = append(u.result.Covered[j.id], Value{p, v})
		j.out = true
	}
	for _, j := range jobs {
		for p, v := range now[j] {
			if v != nil && !bytes.Equal(v, before[j][p]) {
				cover(j, p, v)
			}
		}
	}
	plain := u.c
	plain.Counters = nil
	docs, _, err := u.Read(u.ctx, plain, ids, u.seen)
	if err != nil {
		return err
	}
	for _, r := range rows {
		doc, ok := docs[r.job.id]
		for i, p := range r.row.Unset {
			if ok && !bytes.Equal(value.Lookup(doc.JSON, p), r.job.draft.Shown(p)) {
				cover(r.job, p, r.row.Where[i].Value)
			}
		}
	}
	return nil
}

// read puts questions about several documents into as few requests as may be.
func (u *updater) read(asks []ask, clash func(a, b []value.Path) bool, run func([]value.Path, []ask) error) error {
	for _, g := range gather(asks, clash) {
		for _, kind := range byKind(g.asks, func(a ask) docid.ID { return a.job.id }) {
			for _, part := range cut(kind, maxRead, maxBytes, func(a ask) int { return len(a.job.id) }) {
				err := halve(part, func(asks []ask) error { return run(g.paths, asks) }, func(a ask, err error) {
					u.reject(a.job, err)
				})
				if err != nil {
					return err
				}
			}
		}
	}
	return nil
}
