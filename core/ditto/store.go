package ditto

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// Limits of one request. The loader of Ditto's own demos keeps to 500
// documents and 900 kB; a bulk UPDATE is quickest at 100 to 250 documents.
const (
	maxInsert = 500
	maxRead   = 500
	maxUpdate = 200
	maxBytes  = 900_000
	// LargeDocument is the size from which Ditto warns, and devices get slow.
	LargeDocument = 256 << 10
	// MaxDocument is the size of document that Ditto refuses to exceed.
	MaxDocument = 5 << 20
)

// Store reads and writes documents in bulk. Every write is conditional on what
// was read (invariant 5).
//
// Methods return an error when they could not go on: the context ended, the
// key is refused, the server is down or behind. What was done until then is in
// the Result. A write whose fate is unknown is no error: its documents are
// neither won nor rejected, and a read shows what became of it.
//
// A Store remembers what its server is capable of, so it is to be kept, and
// not copied. It is safe for concurrent use.
type Store struct {
	Exec Executor

	bulk   capability // UPDATE and DELETE of several documents by array_position
	arrays capability // INSERT with an array parameter
}

// capability is what a server was found to be able to do.
type capability struct{ state atomic.Int32 }

const (
	untried int32 = iota
	able
	unable
)

func (c *capability) is(state int32) bool { return c.state.Load() == state }
func (c *capability) set(ok bool) {
	if ok {
		c.state.Store(able)
	} else {
		c.state.Store(unable)
	}
}

func api(c Collection) API {
	if c.Strict {
		return V4
	}
	return V5
}

func (s *Store) execute(ctx context.Context, a API, st dql.Statement, txn int64, write bool) (Response, error) {
	return s.Exec.Execute(ctx, Request{API: a, Statement: st.Text, Args: st.Args, Txn: txn, Write: write})
}

// write runs a mutating statement and returns the ids that it reports: none
// when it is not known what happened.
func (s *Store) write(ctx context.Context, a API, st dql.Statement, r *Result) (mutated map[docid.ID]bool, err error) {
	resp, err := s.execute(ctx, a, st, 0, true)
	if err != nil {
		if ctx.Err() == nil && IsAmbiguous(err) {
			r.Unknown = true
			return nil, nil
		}
		return nil, err
	}
	r.Txn = max(r.Txn, resp.Txn)
	mutated = make(map[docid.ID]bool, len(resp.Mutated))
	for _, js := range resp.Mutated {
		if id, err := docid.Parse(js); err == nil {
			mutated[id] = true
			r.At[id] = max(r.At[id], resp.Txn)
		}
	}
	return mutated, nil
}

// newResult is the empty result of a write of so many documents.
func newResult(n int) Result {
	return Result{
		Won: make(map[docid.ID]bool, n), At: make(map[docid.ID]int64, n),
		Rejected: map[docid.ID]error{}, Maps: map[docid.ID][]value.Path{}, Covered: map[docid.ID][]Value{},
	}
}

var idPath = value.PathOf("_id")

// idOf is the id of a document or a row of a SELECT.
func idOf(item json.RawMessage) (docid.ID, bool) {
	js := value.Lookup(item, idPath)
	if js == nil {
		return "", false
	}
	id, err := docid.Parse(js)
	return id, err == nil
}

// byKind sorts items by the JSON kind of their ids, and compound ids by the
// kinds inside: IN matches nothing at all in a list of up to five that mixes 1
// with '1', or {"k": 1} with {"k": "1"}. The order within a kind stays.
func byKind[T any](items []T, id func(T) docid.ID) [][]T {
	if len(items) == 1 {
		return [][]T{items}
	}
	shapes, alike := make([]string, len(items)), true
	for i, it := range items {
		k := shape(string(id(it)))
		shapes[i] = k
		alike = alike && k == shapes[0]
	}
	if alike {
		return [][]T{items}
	}
	kinds := map[string][]T{}
	for i, it := range items {
		kinds[shapes[i]] = append(kinds[shapes[i]], it)
	}
	var out [][]T
	for _, k := range sortedKeys(kinds) {
		out = append(out, kinds[k])
	}
	return out
}

// shape spells the kinds of a JSON value: one letter for a scalar's, names and
// shapes for a compound one.
func shape(js string) string {
	if len(js) == 0 {
		return ""
	}
	switch js[0] {
	case '"':
		return "s"
	case 't', 'f':
		return "b"
	case 'n':
		return "0"
	case '{':
		var b strings.Builder
		for name, v := range value.Fields([]byte(js)) {
			b.WriteString(strconv.Quote(name) + shape(string(v)))
		}
		return "{" + b.String() + "}"
	case '[':
		var list []json.RawMessage
		if json.Unmarshal([]byte(js), &list) != nil {
			return "["
		}
		var b strings.Builder
		for _, v := range list {
			b.WriteString(shape(string(v)))
		}
		return "[" + b.String() + "]"
	}
	return "n"
}

// cut divides items into requests of at most count items and maxBytes bytes;
// an item that is larger than that goes alone.
func cut[T any](items []T, count, bytes int, size func(T) int) [][]T {
	var out [][]T
	from, sum := 0, 0
	for i, it := range items {
		n := size(it)
		if i > from && (i-from == count || sum+n > bytes) {
			out = append(out, items[from:i])
			from, sum = i, 0
		}
		sum += n
	}
	if from < len(items) {
		out = append(out, items[from:])
	}
	return out
}

// halve runs items as one request. Refused, it runs each half, until the
// culprits stand alone and go to reject.
func halve[T any](items []T, run func([]T) error, reject func(T, error)) error {
	err := run(items)
	switch {
	case err == nil || !IsRejected(err):
		return err
	case len(items) == 1:
		reject(items[0], err)
		return nil
	}
	if err := halve(items[:len(items)/2], run, reject); err != nil {
		return err
	}
	return halve(items[len(items)/2:], run, reject)
}

func sortedKeys[K interface{ ~uint8 | ~string }, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
