package dittosim

import (
	"bytes"
	"iter"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
)

// Document is the document as SELECT * shows it, nil when there is none. It is
// for those who watch a simulation: it asks no node and takes no statement.
func (s *Store) Document(api ditto.API, collection string, id docid.ID) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.collections[collection]
	if c == nil {
		return nil
	}
	r := c.byID[string(id)]
	if r == nil || r.latest() == nil {
		return nil
	}
	return bytes.Clone(r.latest().json(view{strict: api == ditto.V4}))
}

// Documents are all documents of a collection in the order of their ids. One
// that is inserted during the iteration may be missing from it.
func (s *Store) Documents(api ditto.API, collection string) iter.Seq2[docid.ID, []byte] {
	return func(yield func(docid.ID, []byte) bool) {
		for _, r := range s.records(collection) {
			if js := s.Document(api, collection, r.key); js != nil && !yield(r.key, js) {
				return
			}
		}
	}
}

func (s *Store) records(collection string) []*record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.collections[collection]; c != nil {
		return append([]*record(nil), c.ordered...)
	}
	return nil
}
