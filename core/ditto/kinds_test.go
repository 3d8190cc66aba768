package ditto_test

import (
	"fmt"
	"testing"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
)

// TestCompoundIDsOfMixedKinds: one list of compound ids whose members differ in
// kind matches nothing at all, and a document that is not found looks deleted.
func TestCompoundIDsOfMixedKinds(t *testing.T) {
	e := newEngine(t, ditto.Collection{Name: "compound"})
	ids := []docid.ID{`{"k":1,"s":"x"}`, `{"k":"1","s":"x"}`, `{"k":true,"s":"x"}`, `{"$oid":"64f000000000000000000001"}`, `[1,2]`, `["1",2]`}
	docs := make([]ditto.Document, len(ids))
	for i, id := range ids {
		docs[i] = ditto.Document{ID: id, JSON: fmt.Appendf(nil, `{"_id":%s,"n":%d}`, id, i)}
	}
	r, err := e.Insert(t.Context(), e.coll, docs)
	if err != nil || len(r.Won) != len(ids) {
		t.Fatalf("inserted %v, rejected %v, %v", r.Won, r.Rejected, err)
	}
	got, _, err := e.Read(t.Context(), e.coll, ids, 0)
	if err != nil || len(got) != len(ids) {
		t.Errorf("read %d of %d documents, %v", len(got), len(ids), err)
	}
	var changes []ditto.Change
	for i, id := range ids {
		changes = append(changes, ditto.Change{ID: id, Doc: docs[i].JSON, Ops: []ditto.Op{{Path: "\x00n", Old: fmt.Append(nil, i), New: []byte("9")}}})
	}
	if r, err = e.Update(t.Context(), e.coll, changes); err != nil || len(r.Won) != len(ids) {
		t.Errorf("updated %v, %v", r.Won, err)
	}
}
