package dittosim

import (
	"slices"
	"sync"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
)

// Write is one document that a statement mutated.
type Write struct {
	Collection string
	ID         docid.ID
	Old, New   []byte // the whole document as v5 shows it, nil when absent
	Txn        int64
}

// Store is a Ditto node with its documents. It implements ditto.Executor.
type Store struct {
	// OnWrite, if set, is called for each document that a statement mutated,
	// once the whole statement has been applied and before Execute returns.
	OnWrite func(Write)

	mu          sync.Mutex
	front       Node
	statements  *Statements
	collections map[string]*collection
	txn         int64
	generated   int64
}

// Statements caches parsed statements. Stores may share one, also at the same
// time, so that thousands of short histories parse each statement once.
type Statements struct{ parsed sync.Map }

// New returns an empty Store.
func New() *Store { return NewShared(&Statements{}) }

// NewShared returns an empty Store that shares a cache of statements.
func NewShared(statements *Statements) *Store {
	s := &Store{statements: statements, collections: map[string]*collection{}}
	s.front.store = s
	return s
}

func (s *Statements) get(src string) (*statement, error) {
	if st, ok := s.parsed.Load(src); ok {
		return st.(*statement), nil
	}
	st, err := parse(src)
	if err == nil {
		s.parsed.Store(src, st)
	}
	return st, err
}

// Txn is the latest transaction.
func (s *Store) Txn() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.txn
}

// Node is one way into a Store: a serving node that may lag behind the others,
// with a key that may not see everything.
type Node struct {
	store *Store
	// Behind is how many transactions the node lags. SELECT answers from that
	// state, and a statement that waits for a later transaction gets 404.
	// Writes act on the latest state: two nodes that write apart and merge
	// later are beyond this engine.
	Behind int64
	// Hides, if set, says which documents the key does not see: SELECT does
	// not show them, UPDATE and DELETE do not match them. The answer is 200.
	Hides func(collection string, id docid.ID) bool
}

// Node returns another way into the Store.
func (s *Store) Node() *Node { return &Node{store: s} }

// collection holds its documents, deleted ones too, since an older state can
// be asked for.
type collection struct {
	name    string
	byID    map[string]*record
	ordered []*record // by id, in the order of ORDER BY
}

// record is the history of one id.
type record struct {
	id     *node
	key    docid.ID
	states []state // the last one counts
	// pending is what the statement under way makes of the document.
	pending *state
}

type state struct {
	txn int64
	doc *document // nil: deleted, or not yet there
}

func (s *Store) collection(name string) *collection {
	c := s.collections[name]
	if c == nil {
		c = &collection{name: name, byID: map[string]*record{}}
		s.collections[name] = c
	}
	return c
}

// record finds the history of an id, beginning it if need be.
func (c *collection) record(id *node) *record {
	key := id.appendJSON(make([]byte, 0, 64))
	if r := c.byID[string(key)]; r != nil {
		return r
	}
	r := &record{id: id, key: docid.ID(key)}
	c.byID[string(r.key)] = r
	at, _ := slices.BinarySearchFunc(c.ordered, r, func(a, b *record) int { return collate(a.id, b.id) })
	c.ordered = slices.Insert(c.ordered, at, r)
	return r
}

// find is the record of an id, or nil.
func (c *collection) find(id *node) *record {
	var buf [64]byte
	return c.byID[string(id.appendJSON(buf[:0]))]
}

// latest is the document as it stands, also inside a statement.
func (r *record) latest() *document {
	if r.pending != nil {
		return r.pending.doc
	}
	if len(r.states) == 0 {
		return nil
	}
	return r.states[len(r.states)-1].doc
}

// asOf is the document as it stood after a transaction.
func (r *record) asOf(txn int64) *document {
	for i := len(r.states) - 1; i >= 0; i-- {
		if r.states[i].txn <= txn {
			return r.states[i].doc
		}
	}
	return nil
}

var _ ditto.Executor = (*Store)(nil)
