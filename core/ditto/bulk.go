package ditto

import (
	"bytes"
	"context"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// canBulk reports whether to write ids with one statement. The first time it
// asks the server: one that lacks array_position may refuse it, or match
// nothing, which would pass for lost races for ever.
func (s *Store) canBulk(ctx context.Context, c Collection, ids []docid.ID) (bool, error) {
	if len(ids) < 2 || s.bulk.is(unable) {
		return false, nil
	}
	if s.bulk.is(able) {
		return true, nil
	}
	resp, err := s.execute(ctx, api(c), dql.Probe(c.Name, ids), 0, false)
	if IsRejected(err) {
		s.bulk.set(false)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if answersProbe(resp) {
		s.bulk.set(true)
		return true, nil
	}
	// Nothing matched: the documents may be gone, or the server may not know
	// the form. Decide another time.
	return false, nil
}

func answersProbe(r Response) bool {
	column := value.PathOf(dql.Column(0))
	for _, item := range r.Items {
		id := value.Lookup(item, idPath)
		if id == nil || !bytes.Equal(id, value.Lookup(item, column)) {
			return false
		}
	}
	return len(r.Items) > 0
}
