package mongodb

import (
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// ErrOps is a set of Ops that no update can carry out.
var ErrOps = errors.New("operations do not fit the document")

// stageOps is how many units one pipeline stage sets. Each nests the
// expression two levels deeper, and servers stop at 200.
const stageOps = 24

// UpdatePipeline is the conditional update of one document: where every unit
// that ops name, and its parents, are as read in doc, the units take their new
// values; else the document stays as it is, and counts as not modified
// (invariant 5). Sibling fields and key order are kept; new fields are appended
// in the order of ops.
//
// The condition stands in the pipeline and not in the filter: an $expr beside
// `_id` makes some servers scan the collection.
func UpdatePipeline(doc bson.Raw, ops []Op) (bson.A, error) {
	u := update{doc: doc, created: map[value.Path]bool{}}
	condition, err := u.condition(ops)
	if err != nil {
		return nil, err
	}
	if len(ops) <= stageOps {
		return bson.A{replaceIf(condition, u.set(ops))}, nil
	}
	// More than one stage: the first notes the outcome in the document, the
	// last removes the note.
	flag := "__causeway"
	for hasField(doc, ops, flag) {
		flag += "_"
	}
	stages := bson.A{d("$set", d(flag, condition))}
	for len(ops) > 0 {
		n := min(len(ops), stageOps)
		stages = append(stages, replaceIf("$"+flag, u.set(ops[:n])))
		ops = ops[n:]
	}
	return append(stages, d("$unset", flag)), nil
}

func replaceIf(condition, expr any) bson.D {
	return d("$replaceWith", d("$cond", bson.A{condition, expr, "$$ROOT"}))
}

func hasField(doc bson.Raw, ops []Op, name string) bool {
	if _, err := doc.LookupErr(name); err == nil {
		return true
	}
	for _, op := range ops {
		if op.Path.Top() == value.PathOf(name) {
			return true
		}
	}
	return false
}

type update struct {
	doc     bson.Raw
	created map[value.Path]bool // objects that an earlier stage made
}

// condition is true where all units and their parents are as read.
func (u *update) condition(ops []Op) (any, error) {
	and := bson.A{}
	checked := map[value.Path]bool{}
	for _, op := range ops {
		if op.Path == "" {
			return nil, fmt.Errorf("%w: no path", ErrOps)
		}
		missing := false
		for _, parent := range op.Path.Parents() {
			v := lookup(u.doc, parent)
			if !checked[parent] {
				checked[parent] = true
				switch v.Type {
				case bson.TypeEmbeddedDocument:
					and = append(and, isObject(at(parent))...)
				case 0:
					and = append(and, isMissing(at(parent)))
				default:
					return nil, fmt.Errorf("%w: %s is no object", ErrOps, parent)
				}
			}
			if v.Type == 0 {
				missing = true
				break // what lies below is missing too
			}
		}
		switch {
		case !missing:
			and = append(and, same(op.Path, op.Old)...)
		case op.Old.Type != 0:
			return nil, fmt.Errorf("%w: %s is not in it", ErrOps, op.Path)
		}
	}
	return d("$and", and), nil
}

// set is the document with the new values of ops.
func (u *update) set(ops []Op) any {
	var root node
	for _, op := range ops {
		if op.New.Type == 0 && u.parentMissing(op.Path) {
			continue // nothing to remove, and no parent to make for it
		}
		root.add(op)
	}
	return u.fold("$$ROOT", "", &root)
}

func (u *update) parentMissing(path value.Path) bool {
	for _, parent := range path.Parents() {
		if lookup(u.doc, parent).Type == 0 && !u.created[parent] {
			return true
		}
	}
	return false
}

func (u *update) fold(input any, path value.Path, n *node) any {
	for _, kid := range n.kids {
		var v any
		kidPath := path.Child(kid.name)
		switch {
		case kid.op != nil && kid.op.New.Type == 0:
			v = "$$REMOVE"
		case kid.op != nil:
			v = literal(kid.op.New)
		default:
			inner := at(kidPath)
			if lookup(u.doc, kidPath).Type == 0 && !u.created[kidPath] {
				inner = literal(bson.D{})
				u.created[kidPath] = true
			}
			v = u.fold(inner, kidPath, kid)
		}
		input = d("$setField", bson.D{{Key: "field", Value: fieldName(kid.name)}, {Key: "input", Value: input}, {Key: "value", Value: v}})
	}
	return input
}

// node is a tree of the paths to set.
type node struct {
	name string
	op   *Op
	kids []*node
}

func (n *node) add(op Op) {
	for _, name := range op.Path.Segments() {
		n = n.kid(name)
	}
	n.op = &op
}

func (n *node) kid(name string) *node {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	k := &node{name: name}
	n.kids = append(n.kids, k)
	return k
}

// lookup finds the value at path through objects only; the zero RawValue if
// there is none.
func lookup(doc bson.Raw, path value.Path) bson.RawValue {
	v := bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
	for _, name := range path.Segments() {
		if v.Type != bson.TypeEmbeddedDocument {
			return bson.RawValue{}
		}
		found, err := bson.Raw(v.Value).LookupErr(name)
		if err != nil {
			return bson.RawValue{}
		}
		v = found
	}
	return v
}
