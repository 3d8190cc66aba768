package dittosim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// maxSize is the longest document that the engine takes, in bytes.
const maxSize = 5 << 20

func (x *execution) mutate() (ditto.Response, []Write, error) {
	defer x.discard()
	var err error
	switch x.st.verb {
	case verbInsert:
		err = x.insert()
	case verbUpdate:
		err = x.update()
	default:
		err = x.remove()
	}
	if err != nil {
		return ditto.Response{}, nil, err
	}
	res, writes := x.commit()
	return res, writes, nil
}

// put makes doc the pending state of a record.
func (x *execution) put(r *record, doc *document) {
	if r.pending == nil {
		x.touched = append(x.touched, r)
		r.pending = &state{txn: x.txn}
	}
	r.pending.doc = doc
	x.mutated = append(x.mutated, r)
}

// discard forgets what was not committed.
func (x *execution) discard() {
	for _, r := range x.touched {
		r.pending = nil
	}
}

// commit makes the pending states count. As in the engine, a statement that
// matched nothing takes a transaction too.
func (x *execution) commit() (ditto.Response, []Write) {
	x.store.txn = x.txn
	res := ditto.Response{Txn: x.txn, Mutated: make([]json.RawMessage, len(x.mutated))}
	for i, r := range x.mutated {
		res.Mutated[i] = r.key.JSON()
	}
	touched := x.touched
	x.touched = nil
	for _, r := range touched {
		if n := len(r.states); n > 0 {
			r.states[n-1].doc.forget()
		}
		r.states = append(r.states, *r.pending)
		r.pending = nil
	}
	if x.store.OnWrite == nil {
		return res, nil
	}
	writes := make([]Write, len(touched))
	for i, r := range touched {
		writes[i] = Write{Collection: x.st.collection, ID: r.key, Txn: x.txn, Old: image(r.asOf(x.txn - 1)), New: image(r.latest())}
	}
	return res, writes
}

// image is a document as a change event carries it.
func image(d *document) []byte {
	if d == nil {
		return nil
	}
	return bytes.Clone(d.json(view{}))
}

func (x *execution) remove() error {
	rows, err := x.rows(x.store.txn)
	for _, r := range rows {
		if r.pending == nil {
			x.put(r, nil)
		}
	}
	return err
}

// update changes an id that is listed twice once, and reports it twice.
func (x *execution) update() error {
	rows, err := x.rows(x.store.txn)
	if err != nil {
		return err
	}
	v := x.env()
	for _, r := range rows {
		if r.pending != nil {
			x.mutated = append(x.mutated, r)
			continue
		}
		v.doc = r.latest()
		p := plan{strict: x.view.strict}
		for i := range x.st.changes {
			if err := x.change(&p, &v, &x.st.changes[i]); err != nil {
				return err
			}
		}
		if err := x.write(r, v.doc, &p); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) change(p *plan, v *env, c *change) error {
	m := mod{op: c.op}
	if c.expr != nil {
		n := v.eval(c.expr)
		if n == nil {
			return evaluationf("Update failed: Expected %s to evaluate to a value.", c.expr.src)
		}
		if n == failed() {
			return evaluationf("Update failed: Evaluation of %s failed", c.expr.src)
		}
		m.value = n
		if c.op == modPN {
			if !n.isNumber() {
				return evaluationf("Update failed: Expected %s to be a numeric value", c.expr.src)
			}
			m.pn = n.asFloat()
		} else if c.op != modSet {
			var ok bool
			if m.count, ok = n.count(); !ok {
				return evaluationf("Update failed: Expected %s to be an integer value", c.expr.src)
			}
		}
	}
	return p.add(c.path, x.view.defs, m)
}

// write applies a plan to a document, or to nothing to begin with.
func (x *execution) write(r *record, old *document, p *plan) error {
	root, size := tree{}, 0
	if old != nil {
		root, size = old.root, old.size
	}
	doc := &document{id: r.id, root: root.apply(p.mods, p.strict, x.txn), size: size + x.size}
	if doc.size > maxSize {
		if doc.size = len(doc.json(view{})); doc.size > maxSize {
			return evaluationf("Document `_id = %s` size is %d bytes and exceeds limit of %d bytes", r.key, doc.size, maxSize)
		}
	}
	x.put(r, doc)
	return nil
}

func (x *execution) insert() error {
	docs, err := x.documents()
	if err != nil {
		return err
	}
	c := x.store.collection(x.st.collection)
	records := make([]*record, len(docs))
	plans := make([]plan, len(docs))
	seen := make(map[*record]bool, len(docs))
	for i, d := range docs {
		id := d.node.field("_id")
		if id == nil {
			x.store.generated++
			id = text(fmt.Sprintf("%024x", x.store.generated))
		}
		if err := checkID(id); err != nil {
			return invalidf("%s is an invalid insert expression: Invalid document id: `%v`", d, err)
		}
		plans[i].strict, plans[i].mods = x.view.strict, make([]mod, 0, len(d.node.keys))
		for k, key := range d.node.keys {
			if key == "_id" {
				continue
			}
			m, bad := plans[i].spread(key, d.node.elems[k], findDef(x.view.defs, key))
			if bad != nil {
				return invalidf("%s is an invalid insert expression: %v", d, bad)
			}
			plans[i].mods = append(plans[i].mods, m)
		}
		r := c.record(id)
		if seen[r] {
			return invalidf("Expected unique document identifiers. Document id %s is a duplicate", r.key)
		}
		seen[r], records[i] = true, r
	}
	for i, r := range records {
		old := r.latest()
		if old != nil {
			switch x.st.conflict {
			case conflictFail:
				return evaluationf("Insert failed: Identifier conflict on document %s: using FAIL conflict policy", r.key)
			case conflictNothing:
				continue
			}
		}
		if err := x.write(r, old, &plans[i]); err != nil {
			return err
		}
	}
	return nil
}

// source is a document to insert, and the expression that it came from.
type source struct {
	node *node
	src  string
	at   int // in the array that it evaluates to, -1 if it is the document
}

func (s source) String() string {
	if s.at < 0 {
		return s.src
	}
	return fmt.Sprintf("%s[%d]", s.src, s.at)
}

// documents evaluates DOCUMENTS: each expression is an object or an array of
// them.
func (x *execution) documents() ([]source, error) {
	v := x.env()
	var docs []source
	for _, e := range x.st.documents {
		n := v.eval(e)
		if n == failed() {
			return nil, evaluationf("Evaluation of %s failed", e.src)
		}
		list := []*node{n}
		if n != nil && n.kind == kindArray {
			if list = n.elems; len(list) == 0 {
				return nil, invalidf("%s is an invalid insert expression: Evaluates to an empty array", e.src)
			}
		}
		docs = slices.Grow(docs, len(list))
		for i, d := range list {
			from := source{d, e.src, i}
			if d == n {
				from.at = -1
			}
			if d == nil || d.kind != kindObject {
				return nil, invalidf("%s is an invalid insert expression: Evaluates to a(n) %s instead of an object", from, d.jsonName())
			}
			docs = append(docs, from)
		}
	}
	return docs, nil
}

func checkID(id *node) error {
	switch {
	case id.isNull():
		return fmt.Errorf("Null document ID not allowed")
	case id.hasFloat():
		return fmt.Errorf("Invalid value in document ID. Floats are not supported in document IDs.")
	}
	size, err := value.CBORSize(id.appendJSON(nil))
	if err == nil && size > docid.MaxSize {
		err = fmt.Errorf("Serialized document ID is too large. Limit is %d bytes, provided document ID when serialized is %d bytes.", docid.MaxSize, size)
	}
	return err
}

// Error names what INSERT expected of the field.
func (m *mismatch) Error() string {
	if m.def.slot == slotPN {
		return "Documents with counter CRDT fields are not supported when inserting with inline expressions"
	}
	if m.def.slot == slotCounter {
		return fmt.Sprintf("Expected an integer (not %s) value for counter field `%s`", m.value.jsonName(), m.def.name)
	}
	return fmt.Sprintf("`%s` should be MAP type, but the corresponding value passed in is a(n) %s instead of an object", m.def.name, m.value.jsonName())
}
