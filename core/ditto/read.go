package ditto

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// readBytes is how large an answer is asked for, where sizes are known.
const readBytes = 8 << 20

// Read returns the documents that exist among ids, and a transaction that the
// whole answer reflects. With txn, the answer reflects at least that one, or
// the error IsBehind.
func (s *Store) Read(ctx context.Context, c Collection, ids []docid.ID, txn int64) (map[docid.ID]Document, int64, error) {
	return s.ReadSized(ctx, c, ids, txn, nil)
}

// ReadSized is Read with requests cut by the sizes of the documents, in bytes,
// as far as they are known; 0 means unknown.
func (s *Store) ReadSized(ctx context.Context, c Collection, ids []docid.ID, txn int64, size func(docid.ID) int) (map[docid.ID]Document, int64, error) {
	r := reader{Store: s, ctx: ctx, c: c, api: api(c), txn: txn}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for _, kind := range byKind(ids, identity) {
		for _, part := range cut(kind, maxRead, readBytes, func(id docid.ID) int {
			if size == nil {
				return 0
			}
			return size(id)
		}) {
			if err := r.read(part); err != nil {
				return nil, 0, fmt.Errorf("read ditto: %w", err)
			}
		}
	}
	return r.docs, r.seen, nil
}

func identity(id docid.ID) docid.ID { return id }

type reader struct {
	*Store
	ctx  context.Context
	c    Collection
	api  API
	txn  int64
	docs map[docid.ID]Document
	seen int64 // the lowest transaction of the answers; 0 if one names none
	some bool  // there was an answer
}

func (r *reader) note(txn int64) {
	if !r.some || txn < r.seen {
		r.seen, r.some = txn, true
	}
}

// read reads ids of one kind; an answer that is too large in halves.
func (r *reader) read(ids []docid.ID) error {
	docs, err := r.show(ids)
	if IsTooLarge(err) && len(ids) > 1 {
		if err := r.read(ids[:len(ids)/2]); err != nil {
			return err
		}
		return r.read(ids[len(ids)/2:])
	}
	if err != nil {
		return err
	}
	if err := r.registers(docs); err != nil {
		return err
	}
	if r.docs == nil {
		r.docs = docs
	} else {
		maps.Copy(r.docs, docs)
	}
	return nil
}

func (r *reader) show(ids []docid.ID) (map[docid.ID]Document, error) {
	resp, err := r.execute(r.ctx, r.api, dql.Select(r.c.Name, ids), r.txn, false)
	if err != nil {
		return nil, err
	}
	r.note(resp.Txn)
	docs := make(map[docid.ID]Document, len(resp.Items))
	for _, item := range resp.Items {
		if id, ok := idOf(item); ok {
			docs[id] = Document{ID: id, JSON: item, Txn: resp.Txn}
		}
	}
	return docs, nil
}

// registers finds the counter paths at which a plain number shows. Such a
// number is not what a reading declared COUNTER shows there. It may also be
// that an increment came between the two, so what differs is read once more:
// a register still shows the same then.
func (r *reader) registers(docs map[docid.ID]Document) error {
	if r.c.Strict || len(r.c.Counters) == 0 {
		return nil
	}
	suspects, err := r.suspects(docs)
	if err != nil || len(suspects) == 0 {
		return err
	}
	again, err := r.show(sortedKeys(suspects))
	if err != nil {
		return err
	}
	for id, counters := range suspects {
		now, ok := again[id]
		if !ok {
			delete(docs, id)
			continue
		}
		for _, p := range r.c.Counters {
			n := number(now.JSON, p)
			if n != nil && bytes.Equal(n, number(docs[id].JSON, p)) && !bytes.Equal(n, counters[p]) {
				now.Registers = append(now.Registers, p)
			}
		}
		docs[id] = now
	}
	return nil
}

// suspects are the documents whose numbers are not the counters' values, with
// those values.
func (r *reader) suspects(docs map[docid.ID]Document) (map[docid.ID]map[value.Path][]byte, error) {
	var ids []docid.ID
	for id, d := range docs {
		if slices.ContainsFunc(r.c.Counters, func(p value.Path) bool { return number(d.JSON, p) != nil }) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	slices.Sort(ids)
	resp, err := r.execute(r.ctx, r.api, dql.SelectPaths(r.c.Name, dql.Counter, r.c.Counters, ids), r.txn, false)
	if err != nil {
		return nil, err
	}
	r.note(resp.Txn)
	counters := make(map[docid.ID]map[value.Path][]byte, len(ids))
	for _, item := range resp.Items {
		if id, ok := idOf(item); ok {
			counters[id] = map[value.Path][]byte{}
			for i, p := range r.c.Counters {
				counters[id][p] = value.Lookup(item, value.PathOf(dql.Column(i)))
			}
		}
	}
	out := map[docid.ID]map[value.Path][]byte{}
	for _, id := range ids {
		for _, p := range r.c.Counters {
			if n := number(docs[id].JSON, p); n != nil && !bytes.Equal(n, counters[id][p]) {
				out[id] = counters[id]
			}
		}
	}
	return out, nil
}

// number is the number at p, nil if there is none. One in an Extended JSON
// object counts: it is what an app writes that does not know of the counter.
func number(js []byte, p value.Path) []byte {
	v := value.Lookup(js, p)
	switch {
	case len(v) == 0:
	case v[0] == '-', v[0] >= '0' && v[0] <= '9', v[0] == '{' && value.IsWrapper(v):
		return v
	}
	return nil
}

// Shadow tells, for documents of a strict collection, which of them show more
// to a non-strict reader: what a peer that is not strict wrote as maps or
// counters, which v4 leaves out.
func (s *Store) Shadow(ctx context.Context, c Collection, ids []docid.ID) (map[docid.ID]bool, error) {
	strict, loose := c, c
	strict.Strict, loose.Strict, loose.Counters = true, false, nil
	before, at, err := s.Read(ctx, strict, ids, 0)
	if err != nil {
		return nil, err
	}
	all, txn, err := s.Read(ctx, loose, ids, at)
	if err != nil {
		return nil, err
	}
	var differ []docid.ID
	for id, d := range all {
		if !bytes.Equal(d.JSON, before[id].JSON) {
			differ = append(differ, id)
		}
	}
	out := map[docid.ID]bool{}
	if len(differ) == 0 {
		return out, nil
	}
	// A change between the two readings is no shadow: look once more, at no
	// earlier state.
	after, _, err := s.Read(ctx, strict, differ, txn)
	if err != nil {
		return nil, err
	}
	for _, id := range differ {
		if bytes.Equal(before[id].JSON, after[id].JSON) {
			out[id] = true
		}
	}
	return out, nil
}
