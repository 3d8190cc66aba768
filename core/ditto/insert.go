package ditto

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// Insert adds new documents, JSON with `_id` being the whole document. Those
// that exist already are left as they are, and are not won. Integers at
// counter paths become counters.
func (s *Store) Insert(ctx context.Context, c Collection, docs []Document) (Result, error) {
	in := inserter{Store: s, ctx: ctx, c: c, result: newResult(len(docs))}
	fit := make([]Document, 0, len(docs))
	for _, d := range docs {
		if err := checkSize(api(c), d.JSON); err != nil {
			in.result.Rejected[d.ID] = err
			continue
		}
		fit = append(fit, d)
	}
	for _, same := range in.byCounters(fit) {
		in.declared = same.declared
		for _, part := range cut(same.docs, maxInsert, maxBytes, func(d Document) int { return len(d.JSON) + 1 }) {
			if err := halve(part, in.insert, func(d Document, err error) { in.result.Rejected[d.ID] = err }); err != nil {
				return in.result, fmt.Errorf("insert into ditto: %w", err)
			}
		}
	}
	return in.result, nil
}

// declaring is a set of documents in which the same counters can be declared.
type declaring struct {
	declared []value.Path
	docs     []Document
}

// byCounters sorts documents by the counters that may be declared for them: a
// declaration whose parent is no object in the document is refused.
func (in *inserter) byCounters(docs []Document) []declaring {
	if len(in.counters()) == 0 {
		return []declaring{{docs: docs}}
	}
	var out []declaring
	for _, d := range docs {
		var fits []value.Path
		for _, p := range in.counters() {
			if !slices.ContainsFunc(p.Parents(), func(up value.Path) bool {
				v := value.Lookup(d.JSON, up)
				return v != nil && v[0] != '{'
			}) {
				fits = append(fits, p)
			}
		}
		i := slices.IndexFunc(out, func(s declaring) bool { return slices.Equal(s.declared, fits) })
		if i < 0 {
			i, out = len(out), append(out, declaring{declared: fits})
		}
		out[i].docs = append(out[i].docs, d)
	}
	return out
}

// IsLarge reports whether a document is over LargeDocument.
func IsLarge(js []byte) bool {
	if len(js) <= LargeDocument {
		return false
	}
	n, err := value.CBORSize(js)
	return err != nil || n > LargeDocument
}

// checkSize refuses a document that Ditto is known to refuse, rather than
// sending it.
func checkSize(a API, js []byte) error {
	if len(js) <= MaxDocument {
		return nil
	}
	n, err := value.CBORSize(js)
	if err == nil && n > MaxDocument {
		return tooLarge(a, n)
	}
	return nil // the server has the last word
}

func tooLarge(a API, n int) error {
	return &Error{API: a, Status: http.StatusRequestEntityTooLarge, Unsent: true, Description: fmt.Sprintf(
		"the document takes %d bytes, and Ditto refuses more than %d", n, MaxDocument)}
}

type inserter struct {
	*Store
	ctx    context.Context
	c      Collection
	result Result

	declared []value.Path // the counters of the documents under way
}

// insert is one request. An array that is refused is sent once more in the
// older form, until it is known that the server takes arrays.
func (in *inserter) insert(docs []Document) error {
	js := make([][]byte, len(docs))
	for i, d := range docs {
		js[i] = d.JSON
	}
	form := dql.Insert
	if len(docs) == 1 || in.arrays.is(unable) {
		form = dql.InsertEach
	}
	err := in.send(docs, form(in.c.Name, in.declared, js))
	switch {
	case len(docs) == 1:
	case err == nil && in.arrays.is(untried):
		in.arrays.set(true)
	case IsRejected(err) && in.arrays.is(untried):
		if err = in.send(docs, dql.InsertEach(in.c.Name, in.declared, js)); err == nil {
			in.arrays.set(false)
		}
	}
	return err
}

func (in *inserter) send(docs []Document, st dql.Statement) error {
	mutated, err := in.write(in.ctx, api(in.c), st, &in.result)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if mutated[d.ID] {
			in.result.Won[d.ID] = true
		}
	}
	return nil
}

func (in *inserter) counters() []value.Path {
	if in.c.Strict {
		return nil
	}
	return in.c.Counters
}

// Delete removes documents that are still wholly as they were read.
func (s *Store) Delete(ctx context.Context, c Collection, docs []Document) (Result, error) {
	result := newResult(len(docs))
	targets := make([]dql.Target, len(docs))
	for i, d := range docs {
		targets[i] = dql.Target{ID: d.ID, JSON: d.JSON}
	}
	send := func(st dql.Statement, docs []dql.Target) error {
		mutated, err := s.write(ctx, api(c), st, &result)
		for _, d := range docs {
			if mutated[d.ID] {
				result.Won[d.ID] = true
			}
		}
		return err
	}
	run := func(docs []dql.Target) error {
		bulk, err := s.canBulk(ctx, c, targetIDs(docs))
		if err != nil {
			return err
		}
		if bulk {
			return send(dql.Delete(c.Name, docs), docs)
		}
		return each(docs, func(d dql.Target) error { return send(dql.DeleteOne(c.Name, d), []dql.Target{d}) },
			func(d dql.Target, err error) { result.Rejected[d.ID] = err })
	}
	for _, kind := range byKind(targets, func(d dql.Target) docid.ID { return d.ID }) {
		for _, part := range cut(kind, maxUpdate, maxBytes, func(d dql.Target) int { return len(d.ID) + len(d.JSON) + 2 }) {
			if err := halve(part, run, func(d dql.Target, err error) { result.Rejected[d.ID] = err }); err != nil {
				return result, fmt.Errorf("delete in ditto: %w", err)
			}
		}
	}
	return result, nil
}

func targetIDs(docs []dql.Target) []docid.ID {
	out := make([]docid.ID, len(docs))
	for i, d := range docs {
		out[i] = d.ID
	}
	return out
}

// each runs items one by one.
func each[T any](items []T, run func(T) error, reject func(T, error)) error {
	for _, it := range items {
		err := run(it)
		if IsRejected(err) {
			reject(it, err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
