package mongodb

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

const (
	// A model over this is refused here: the driver would fail the whole bulk.
	maxModelBytes = 15 << 20
	// Deletes share one filter up to these limits.
	maxDeleteDocs  = 250
	maxDeleteBytes = 4 << 20
	// Servers refuse BSON nested deeper than 200 levels, and with it the bulk.
	maxDepth = 180
)

// Write makes the changes in one unordered bulk write and says what became of
// each: outcomes[i] belongs to changes[i], and so does errs[i], which is nil
// unless the server, or its limits, refused that one.
//
// A bulk write reports totals. Where the total of a kind (insert, update,
// delete) is full, all of it won; where it falls short, those without an error
// of their own are Unknown: reading them again shows who won. A change of
// which the new values equal the old is Unknown as well, since it modifies
// nothing. The third result is the failure of the request as a whole: all
// outcomes are then Unknown, but those refused before it was sent.
func (s Store) Write(ctx context.Context, collection string, changes []Change) (outcomes []Outcome, errs []error, err error) {
	outcomes, errs = make([]Outcome, len(changes)), make([]error, len(changes))
	b := bulk{changes: changes}
	for i := range changes {
		if err := b.add(i); err != nil {
			outcomes[i], errs[i] = Rejected, err
		}
	}
	b.flushDeletes()
	if len(b.models) == 0 {
		return outcomes, errs, nil
	}
	result, err := s.DB.Write(ctx, collection, b.models)
	if err != nil {
		return outcomes, errs, fmt.Errorf("write documents: %w", err)
	}
	failed := map[int]bool{}
	for _, e := range result.Errors {
		for _, i := range b.members[e.Index] {
			failed[i] = true
			switch {
			case IsDuplicateID(e) && changes[i].Insert != nil: // somebody inserted it first
			case IsPermanent(e):
				outcomes[i], errs[i] = Rejected, e
			default:
				errs[i] = e
			}
		}
	}
	var want, got [3]int64
	got = [3]int64{result.Inserted, result.Modified, result.Deleted}
	for _, members := range b.members {
		for _, i := range members {
			if !failed[i] {
				want[changes[i].kind()]++
			}
		}
	}
	for _, members := range b.members {
		for _, i := range members {
			if k := changes[i].kind(); !failed[i] && got[k] == want[k] {
				outcomes[i] = Won
			}
		}
	}
	return outcomes, errs, nil
}

func (c *Change) kind() int {
	switch {
	case c.Insert != nil:
		return 0
	case c.Delete != nil:
		return 2
	}
	return 1
}

// bulk collects models; members[m] are the changes that models[m] makes.
type bulk struct {
	changes []Change
	models  []Model
	members [][]int

	deletes     []int
	deleteBytes int
}

func (b *bulk) add(i int) error {
	c := &b.changes[i]
	switch {
	case c.Insert != nil:
		if err := fits(len(c.Insert), depth(c.Insert)); err != nil {
			return err
		}
		b.push(Model{Insert: c.Insert}, i)
	case c.Delete != nil:
		if err := fits(len(c.Delete), depth(c.Delete)+8); err != nil {
			return err
		}
		if len(b.deletes) == maxDeleteDocs || b.deleteBytes+len(c.Delete) > maxDeleteBytes {
			b.flushDeletes()
		}
		b.deletes = append(b.deletes, i)
		b.deleteBytes += len(c.Delete)
	default:
		size, deep := 0, 0
		for _, op := range c.Ops {
			size += len(op.Old.Value) + len(op.New.Value) + 8*len(op.Path) + 256
			n := 2 * (len(op.Path.Parents()) + 1)
			deep = max(deep, n+valueDepth(op.Old), n+valueDepth(op.New))
		}
		if err := fits(size, deep+2*min(len(c.Ops), stageOps)+10); err != nil {
			return err
		}
		pipeline, err := UpdatePipeline(c.Doc, c.Ops)
		if err != nil {
			return err
		}
		b.push(Model{Filter: d("_id", c.ID), Update: pipeline}, i)
	}
	return nil
}

func (b *bulk) push(m Model, members ...int) {
	b.models = append(b.models, m)
	b.members = append(b.members, members)
}

func (b *bulk) flushDeletes() {
	if len(b.deletes) == 0 {
		return
	}
	docs := make([]bson.Raw, len(b.deletes))
	for n, i := range b.deletes {
		docs[n] = b.changes[i].Delete
	}
	b.push(Model{Filter: DeleteFilter(docs)}, b.deletes...)
	b.deletes, b.deleteBytes = nil, 0
}

func fits(size, depth int) error {
	switch {
	case size > maxModelBytes:
		return fmt.Errorf("the change needs %d bytes, more than MongoDB takes", size)
	case depth > maxDepth:
		return fmt.Errorf("the change needs %d levels of nesting, more than MongoDB takes", depth)
	}
	return nil
}

func valueDepth(v bson.RawValue) int {
	if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
		return 0
	}
	return depth(v.Value)
}

// depth is how many objects and arrays nest in doc, itself included.
func depth(doc bson.Raw) int {
	deepest := 0
	elements, _ := doc.Elements()
	for _, e := range elements {
		deepest = max(deepest, valueDepth(e.Value()))
	}
	return deepest + 1
}
