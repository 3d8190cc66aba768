package dittosim

import (
	"net/http"

	"github.com/causeway-sync/causeway/core/ditto"
)

// scan lists the ids to which a condition confines a statement, so that it
// need not look at every document. Like the real engine's, it refuses ids
// with floats. An id listed twice is visited twice.
type scan struct {
	id    *expr // _id = e
	ids   *expr // _id IN e
	union []*scan
}

// planScan finds the ids in a condition, nil when it has none.
func planScan(e *expr) *scan {
	if e == nil {
		return nil
	}
	switch e.op {
	case opEqual:
		if e.a.isID() && e.b.constant() {
			return &scan{id: e.b}
		}
		if e.b.isID() && e.a.constant() {
			return &scan{id: e.a}
		}
	case opIn:
		if e.a.isID() && e.b.constant() {
			return &scan{ids: e.b}
		}
	case opAnd:
		for _, x := range e.list {
			if s := planScan(x); s != nil {
				return s
			}
		}
	case opOr:
		var union []*scan
		for _, x := range e.list {
			s := planScan(x)
			if s == nil {
				return nil
			}
			union = append(union, s)
		}
		return &scan{union: union}
	}
	return nil
}

// each calls visit with the ids in turn, nulls left out.
func (s *scan) each(v *env, visit func(id *node)) error {
	one := func(id *node) error {
		if id == nil || id.isNull() || id == failed() {
			return nil
		}
		if id.hasFloat() {
			// The engine calls this a failure of its store, not of the query.
			return &ditto.Error{Status: http.StatusInternalServerError, Description: "Floats are not supported in document IDs."}
		}
		visit(id)
		return nil
	}
	switch {
	case s.id != nil:
		return one(v.eval(s.id))
	case s.ids != nil:
		list := v.eval(s.ids)
		if list == nil || list.kind != kindArray {
			return nil
		}
		for _, id := range list.elems {
			if err := one(id); err != nil {
				return err
			}
		}
		return nil
	}
	for _, side := range s.union {
		if err := side.each(v, visit); err != nil {
			return err
		}
	}
	return nil
}

// plainIDs reports that every id in the list satisfies `_id IN list`: the
// members are all strings or all integers. Then the scan alone settles that
// condition.
func plainIDs(list *node) bool {
	if list == nil || list.kind != kindArray || len(list.elems) == 0 {
		return false
	}
	k := list.elems[0].kind
	if k != kindString && k != kindInt {
		return false
	}
	for _, e := range list.elems {
		if e.kind != k {
			return false
		}
	}
	return true
}
