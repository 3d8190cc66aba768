package dittosim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/causeway-sync/causeway/core/ditto"
)

// Execute runs one statement on the node that lacks nothing.
func (s *Store) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	return s.front.Execute(ctx, r)
}

// Execute runs one statement. It applies to all documents or, with an error,
// to none. Errors are *ditto.Error.
func (n *Node) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	if err := ctx.Err(); err != nil {
		return ditto.Response{}, &ditto.Error{API: r.API, Txn: r.Txn, Unsent: true, Err: err}
	}
	res, writes, err := n.execute(r)
	if err != nil {
		var e *ditto.Error
		if errors.As(err, &e) {
			e.API, e.Txn = r.API, r.Txn
		}
		return ditto.Response{}, err
	}
	for _, w := range writes {
		n.store.OnWrite(w)
	}
	return res, nil
}

func (n *Node) execute(r ditto.Request) (ditto.Response, []Write, error) {
	s := n.store
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.statements.get(r.Statement)
	if err != nil {
		return ditto.Response{}, nil, err
	}
	x := execution{store: s, node: n, st: st, txn: s.txn + 1, size: len(r.Statement) + len(r.Args)}
	switch r.API {
	case ditto.V4:
		x.view = view{strict: true, defs: st.defs}
	case ditto.V5:
		x.view = view{defs: st.defs}
	default:
		return ditto.Response{}, nil, invalidf("unknown API %q", r.API)
	}
	visible := max(0, s.txn-n.Behind)
	if r.Txn > visible {
		return ditto.Response{}, nil, &ditto.Error{Status: http.StatusNotFound, Description: "the transaction has not reached this node"}
	}
	if x.args, err = bind(st.params, r.Args); err != nil {
		return ditto.Response{}, nil, err
	}
	v := x.env()
	for _, e := range st.constants {
		if v.eval(e) == failed() {
			return ditto.Response{}, nil, unsupportedf(0, "a constant that cannot be evaluated")
		}
	}
	if st.verb == verbSelect {
		res, err := x.query(visible)
		return res, nil, err
	}
	return x.mutate()
}

// bind finds the statement's parameters among the arguments.
func bind(params []string, raw json.RawMessage) ([]*node, error) {
	var all *node
	if len(raw) > 0 {
		var err error
		if all, err = decode(string(raw)); err != nil {
			return nil, invalidf("arguments: %v", err)
		}
		if all.kind != kindObject {
			return nil, invalidf("arguments: not an object")
		}
	}
	args := make([]*node, len(params))
	for i, name := range params {
		if args[i] = all.field(name); args[i] == nil {
			return nil, invalidf("Parameter %s was not provided", name)
		}
	}
	return args, nil
}

// execution is one statement being run.
type execution struct {
	store *Store
	node  *Node
	st    *statement
	view  view
	args  []*node
	txn   int64 // of a mutation
	size  int   // of the statement with its arguments, in bytes
	// touched are the records with a pending state; mutated are those to
	// report, the same one perhaps twice.
	touched, mutated []*record
	places           places
}

func (x *execution) env() env { return env{view: x.view, args: x.args, places: &x.places} }

// rows are the records whose documents satisfy the condition, as of a
// transaction, in the order in which the condition lists ids, else by id.
func (x *execution) rows(txn int64) ([]*record, error) {
	c := x.store.collections[x.st.collection]
	v := x.env()
	var rows []*record
	visit := func(r *record) {
		if r == nil || x.node.Hides != nil && x.node.Hides(x.st.collection, r.key) {
			return
		}
		if v.doc = r.asOf(txn); v.doc != nil && (x.st.where == nil || v.eval(x.st.where).isTrue()) {
			rows = append(rows, r)
		}
	}
	if x.st.scan == nil {
		if c != nil {
			for _, r := range c.ordered {
				visit(r)
			}
		}
		return rows, nil
	}
	ids := x.st.scan.ids
	if ids != nil && plainIDs(v.eval(ids)) {
		v.settled = ids
	}
	err := x.st.scan.each(&v, func(id *node) {
		if c != nil {
			visit(c.find(id))
		}
	})
	// Only where `_id IN list` is the whole condition does an id listed twice
	// count twice.
	if ids == nil || x.st.where.op != opIn {
		rows = unique(rows)
	}
	return rows, err
}

func unique(rows []*record) []*record {
	out := rows[:0]
	for _, r := range rows {
		if !slices.Contains(out, r) {
			out = append(out, r)
		}
	}
	return out
}

func (x *execution) query(txn int64) (ditto.Response, error) {
	rows, err := x.rows(txn)
	if err != nil {
		return ditto.Response{}, err
	}
	switch x.st.order {
	case ascending:
		slices.SortStableFunc(rows, func(a, b *record) int { return collate(a.id, b.id) })
	case descending:
		slices.SortStableFunc(rows, func(a, b *record) int { return collate(b.id, a.id) })
	}
	res := ditto.Response{Txn: txn}
	if c := x.st.columns; len(c) == 1 && c[0].expr == nil {
		count := &node{kind: kindObject, keys: []string{c[0].name}, elems: []*node{integer(int64(len(rows)))}}
		res.Items = []json.RawMessage{count.appendJSON(nil)}
		return res, nil
	}
	v := x.env()
	if x.st.limit != nil {
		limit := v.eval(x.st.limit)
		if limit.kind != kindInt || limit.int() < 0 {
			return ditto.Response{}, parseErrorf(0, "LIMIT is not a whole number")
		}
		rows = rows[:min(int64(len(rows)), limit.int())]
	}
	res.Items = make([]json.RawMessage, len(rows))
	for i, r := range rows {
		v.doc = r.asOf(txn)
		if x.st.star {
			// The document keeps its text; the caller gets its own.
			res.Items[i] = bytes.Clone(v.doc.json(x.view))
			continue
		}
		item := &node{kind: kindObject}
		for _, c := range x.st.columns {
			if n := v.eval(c.expr); n != nil && n != failed() {
				item.put(c.name, n)
			}
		}
		res.Items[i] = item.appendJSON(nil)
	}
	return res, nil
}
