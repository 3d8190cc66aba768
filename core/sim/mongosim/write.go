package mongosim

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
)

// index is an index of which only uniqueness and expiry have an effect.
type index struct {
	mongodb.Index
	where filter
	keys  map[string]*document
}

// CreateIndexes adds indexes, other than those that are there by name.
func (s *Sim) CreateIndexes(ctx context.Context, name string, indexes []mongodb.Index) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.collection(name)
next:
	for _, x := range indexes {
		for _, old := range c.indexes {
			if old.Name == x.Name {
				continue next
			}
		}
		where, err := compile(x.Where)
		if err != nil {
			return fmt.Errorf("create index %s: %w", x.Name, err)
		}
		in := &index{Index: x, where: where, keys: map[string]*document{}}
		for _, doc := range c.docs {
			if k := in.key(doc.raw); k != "" {
				if in.keys[k] != nil {
					return fmt.Errorf("create index %s: duplicate keys", x.Name)
				}
				in.keys[k] = doc
			}
		}
		for _, doc := range c.docs {
			doc.keys = append(doc.keys, in.key(doc.raw))
		}
		c.indexes = append(c.indexes, in)
	}
	return ctx.Err()
}

// key is the document's key, "" if the index is not unique or does not cover it.
func (x *index) key(doc bson.Raw) string {
	if !x.Unique {
		return ""
	}
	if ok, err := x.where.match(doc, nil); err != nil || !ok {
		return ""
	}
	var room [128]byte
	b := room[:0]
	for _, k := range x.Keys {
		v := lookup(doc, k)
		if v.Type == 0 {
			v = null
		}
		b = appendKey(b, v)
	}
	return string(b)
}

// writer carries out the models of one request.
type writer struct {
	sim        *Sim
	collection *collection
	env        *env
	result     *mongodb.BulkResult
	changes    []change
}

// model returns the server's refusal, or an error for what is not supported.
func (w *writer) model(m *mongodb.Model) (*mongodb.WriteError, error) {
	if m.Insert != nil {
		refused := w.insert(m.Insert)
		if refused == nil {
			w.result.Inserted++
		}
		return refused, nil
	}
	f, err := compile(m.Filter)
	if err != nil {
		return nil, err
	}
	docs, err := w.collection.find(&f, w.env)
	if err != nil {
		return nil, err
	}
	if m.Update == nil {
		for _, doc := range docs {
			w.remove(doc)
			w.result.Deleted++
		}
		return nil, nil
	}
	if len(docs) == 0 {
		if !m.Upsert {
			return nil, nil
		}
		doc, err := w.apply(f.seed(), m.Update)
		if err != nil {
			return nil, err
		}
		refused := w.insert(doc)
		if refused == nil {
			w.result.Upserted++
		}
		return refused, nil
	}
	old := docs[0]
	doc, err := w.apply(old.raw, m.Update)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(doc, old.raw) {
		if !sameKey(lookup(doc, "_id"), lookup(old.raw, "_id")) {
			return &mongodb.WriteError{Code: 66, Message: "the immutable field _id would change"}, nil
		}
		if refused := w.replace(old, doc); refused != nil {
			return refused, nil
		}
		w.result.Modified++
	}
	w.result.Matched++
	return nil, nil
}

func (w *writer) insert(raw bson.Raw) *mongodb.WriteError {
	c := w.collection
	v := lookup(raw, "_id")
	if refused := checkID(v); refused != nil {
		return refused
	}
	id := key(v)
	if c.docs[id] != nil {
		return duplicate("_id_")
	}
	doc := &document{raw: raw, seq: c.next}
	if refused := w.check(doc, raw); refused != nil {
		return refused
	}
	c.next++
	c.docs[id] = doc
	w.changes = append(w.changes, change{nil, raw})
	return nil
}

func (w *writer) replace(doc *document, raw bson.Raw) *mongodb.WriteError {
	if refused := w.check(doc, raw); refused != nil {
		return refused
	}
	w.changes = append(w.changes, change{doc.raw, raw})
	doc.raw = raw
	return nil
}

func (w *writer) remove(doc *document) {
	for i, x := range w.collection.indexes {
		delete(x.keys, doc.keys[i])
	}
	delete(w.collection.docs, key(lookup(doc.raw, "_id")))
	w.changes = append(w.changes, change{doc.raw, nil})
}

// check applies the validator and the unique indexes, and if they agree moves
// the index keys of doc to those of raw, what it becomes.
func (w *writer) check(doc *document, raw bson.Raw) *mongodb.WriteError {
	if w.sim.Validate != nil && !strings.HasPrefix(w.collection.name, "__") {
		if e := w.sim.Validate(w.collection.name, raw); e != nil {
			return e
		}
	}
	var room [4]string
	keys := room[:0]
	for i, x := range w.collection.indexes {
		k := x.key(raw)
		if k != "" && x.keys[k] != nil && (doc.keys == nil || doc.keys[i] != k) {
			return duplicate(x.Name)
		}
		keys = append(keys, k)
	}
	for i, x := range w.collection.indexes {
		if doc.keys != nil {
			delete(x.keys, doc.keys[i])
		}
		if keys[i] != "" {
			x.keys[keys[i]] = doc
		}
	}
	doc.keys = append(doc.keys[:0], keys...)
	return nil
}

func duplicate(index string) *mongodb.WriteError {
	return &mongodb.WriteError{Code: 11000, KeyIndex: index, Message: "duplicate key in index " + index}
}
