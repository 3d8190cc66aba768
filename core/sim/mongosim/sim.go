package mongosim

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
)

// Sim implements mongodb.Database. Requests are atomic as a whole. It is safe
// for concurrent use; set the hooks before the first request.
type Sim struct {
	// OnWrite is told of every document that a request changed, after the
	// request: old is nil for an insert, new for a delete.
	OnWrite func(collection string, old, new bson.Raw)
	// Validate may refuse a document, as a schema validator does.
	Validate func(collection string, doc bson.Raw) *mongodb.WriteError

	now         func() time.Time
	mu          sync.Mutex
	collections map[string]*collection
}

// New returns an empty database. now is the clock behind "$$NOW".
func New(now func() time.Time) *Sim {
	return &Sim{now: now, collections: map[string]*collection{}}
}

var _ mongodb.Database = (*Sim)(nil)

type collection struct {
	name    string
	docs    map[string]*document // by the key of their _id
	next    uint64
	indexes []*index
}

type document struct {
	raw bson.Raw
	seq uint64 // order of insertion
	// keys are those in the collection's indexes, "" in one that does not have it.
	keys []string
}

type change struct{ old, new bson.Raw }

func (s *Sim) collection(name string) *collection {
	c := s.collections[name]
	if c == nil {
		c = &collection{name: name, docs: map[string]*document{}}
		s.collections[name] = c
	}
	return c
}

// Find implements mongodb.Database. Documents come in the order of insertion.
func (s *Sim) Find(ctx context.Context, name string, filter, projection bson.D) ([]bson.Raw, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	env := &env{now: dateTime(s.now())}
	f, err := compile(filter)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", name, err)
	}
	found, err := s.collection(name).find(&f, env)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", name, err)
	}
	shown, err := compileProjection(projection)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", name, err)
	}
	out := make([]bson.Raw, len(found))
	for i, doc := range found {
		if out[i], err = shown.of(doc.raw, env); err != nil {
			return nil, fmt.Errorf("find %s: %w", name, err)
		}
	}
	return out, nil
}

func (c *collection) find(f *filter, env *env) ([]*document, error) {
	var candidates []*document
	if ids, ok := f.ids(); ok {
		for _, id := range ids {
			if doc := c.docs[id]; doc != nil {
				candidates = append(candidates, doc)
			}
		}
	} else {
		candidates = make([]*document, 0, len(c.docs))
		for _, doc := range c.docs {
			candidates = append(candidates, doc)
		}
	}
	out := candidates[:0]
	for _, doc := range candidates {
		ok, err := f.match(doc.raw, env)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, doc)
		}
	}
	slices.SortFunc(out, func(a, b *document) int { return cmp.Compare(a.seq, b.seq) })
	return slices.Compact(out), nil
}

// Now implements mongodb.Database.
func (s *Sim) Now(context.Context) (time.Time, error) { return s.now(), nil }

// Write implements mongodb.Database.
func (s *Sim) Write(ctx context.Context, name string, models []mongodb.Model) (mongodb.BulkResult, error) {
	if err := ctx.Err(); err != nil {
		return mongodb.BulkResult{}, err
	}
	var changes []change
	result, err := func() (result mongodb.BulkResult, err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := s.collection(name)
		w := writer{sim: s, collection: c, env: &env{now: dateTime(s.now())}, result: &result, changes: make([]change, 0, len(models))}
		defer func() { changes = w.changes }()
		for _, i := range turns(models) {
			refused, err := w.model(&models[i])
			if err != nil {
				return result, fmt.Errorf("write %s: model %d: %w", name, i, err)
			}
			if refused != nil {
				e := *refused
				e.Index = i
				result.Errors = append(result.Errors, e)
			}
		}
		slices.SortFunc(result.Errors, func(a, b mongodb.WriteError) int { return a.Index - b.Index })
		return result, nil
	}()
	s.tell(name, changes)
	return result, err
}

// turns is the order in which the driver sends an unordered bulk write: inserts,
// then deletes, then updates.
func turns(models []mongodb.Model) []int {
	kind := func(m *mongodb.Model) int {
		switch {
		case m.Insert != nil:
			return 0
		case m.Update == nil:
			return 1
		}
		return 2
	}
	order := make([]int, len(models))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return kind(&models[i]) - kind(&models[j]) })
	return order
}

func (s *Sim) tell(name string, changes []change) {
	if s.OnWrite == nil {
		return
	}
	for _, c := range changes {
		s.OnWrite(name, c.old, c.new)
	}
}

// Get returns the document with this `_id`, nil if there is none.
func (s *Sim) Get(name string, id bson.RawValue) bson.Raw {
	s.mu.Lock()
	defer s.mu.Unlock()
	if doc := s.collection(name).docs[key(id)]; doc != nil {
		return doc.raw
	}
	return nil
}

// All returns a collection's documents in the order of insertion.
func (s *Sim) All(name string) []bson.Raw {
	s.mu.Lock()
	defer s.mu.Unlock()
	docs, _ := s.collection(name).find(&filter{}, nil) // matches all, cannot fail
	out := make([]bson.Raw, len(docs))
	for i, doc := range docs {
		out[i] = doc.raw
	}
	return out
}

// Set inserts doc, or puts it in place of the one with its `_id`, as a user
// would. The error is the server's refusal, a mongodb.WriteError.
func (s *Sim) Set(name string, doc bson.Raw) error {
	var changes []change
	refused := func() *mongodb.WriteError {
		s.mu.Lock()
		defer s.mu.Unlock()
		c := s.collection(name)
		w := writer{sim: s, collection: c, result: &mongodb.BulkResult{}}
		defer func() { changes = w.changes }()
		if old := c.docs[key(lookup(doc, "_id"))]; old != nil {
			return w.replace(old, doc)
		}
		return w.insert(doc)
	}()
	s.tell(name, changes)
	if refused != nil {
		return *refused
	}
	return nil
}

// Remove deletes the document with this `_id`, and reports whether it existed.
func (s *Sim) Remove(name string, id bson.RawValue) bool {
	s.mu.Lock()
	c := s.collection(name)
	w := writer{sim: s, collection: c, result: &mongodb.BulkResult{}}
	doc := c.docs[key(id)]
	if doc != nil {
		w.remove(doc)
	}
	s.mu.Unlock()
	s.tell(name, w.changes)
	return doc != nil
}

// Expire deletes what the TTL indexes say has expired, as a server does about
// once a minute.
func (s *Sim) Expire() {
	s.mu.Lock()
	now := s.now()
	names := slices.Sorted(maps.Keys(s.collections)) // the same order in every run
	changes := make([][]change, len(names))
	for i, name := range names {
		c := s.collections[name]
		w := writer{sim: s, collection: c, result: &mongodb.BulkResult{}}
		docs, _ := c.find(&filter{}, nil) // matches all, cannot fail
		for _, doc := range docs {
			if c.expired(doc.raw, now) {
				w.remove(doc)
			}
		}
		changes[i] = w.changes
	}
	s.mu.Unlock()
	for i, name := range names {
		s.tell(name, changes[i])
	}
}

func (c *collection) expired(doc bson.Raw, now time.Time) bool {
	for _, x := range c.indexes {
		if !x.Expires {
			continue
		}
		if ms, ok := lookup(doc, x.Keys[0]).DateTimeOK(); ok && !time.UnixMilli(ms).After(now) {
			return true
		}
	}
	return false
}
