package bridge_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// rawIDs are `_id`s from Extended JSON.
func rawIDs(t testing.TB, texts ...string) (out []bson.RawValue) {
	t.Helper()
	for _, text := range texts {
		out = append(out, raw(t, `{"_id":`+text+`}`).Lookup("_id"))
	}
	return out
}

// TestPlainEventsInExtendedJSONMode: an event in plain JSON, a trigger's
// default, leaves several ids, and in EJSON mode each is a Ditto id of its own.
// Only that of the document which is there counts.
func TestPlainEventsInExtendedJSONMode(t *testing.T) {
	const oid, hex = `{"$oid":"64f000000000000000000001"}`, `"64f000000000000000000001"`
	ejson := func(c *manifest.Collection) { c.Mode = value.EJSON }
	t.Run("OneDocument", func(t *testing.T) {
		for doc, ids := range map[string][]string{
			oid:                  {oid, hex},
			hex:                  {oid, hex},
			`{"$numberInt":"5"}`: {`{"$numberInt":"5"}`, `{"$numberLong":"5"}`, `{"$numberDouble":"5.0"}`},
			`{"$date":{"$numberLong":"946684800000"}}`: {`"2000-01-01T00:00:00Z"`, `{"$date":{"$numberLong":"946684800000"}}`},
		} {
			s := newStage(t, ejson)
			s.set(`{"_id":` + doc + `,"a":true}`)
			s.hints[0].MongoIDs = rawIDs(t, ids...)
			if n := s.settle(); n != 1 {
				t.Errorf("%s took %d writes, want 1", doc, n)
			}
			s.want([]string{`{"_id":` + doc + `,"a":true}`}, []string{`{"_id":` + doc + `,"a":true}`})
			s.mongo.Remove("c", rawIDs(t, doc)[0])
			s.hints[0].MongoIDs = rawIDs(t, ids...)
			s.settle()
			s.want(nil, nil)
		}
	})
	t.Run("TheOtherIDIsKnown", func(t *testing.T) {
		s := newStage(t, ejson)
		s.set(`{"_id":` + oid + `,"a":true}`)
		s.settle()
		s.set(`{"_id":` + hex + `,"b":true}`)
		s.hints[0].MongoIDs = rawIDs(t, oid, hex)
		s.settle()
		if u := s.unsynced(); len(u) > 0 {
			t.Errorf("unsynced: %v", u)
		}
		s.want([]string{`{"_id":` + oid + `,"a":true}`, `{"_id":` + hex + `,"b":true}`}, []string{`{"_id":` + hex + `,"b":true}`, `{"_id":` + oid + `,"a":true}`})
	})
	t.Run("TheOtherDocumentIsThere", func(t *testing.T) { // a removal must not lead to a document of another type
		s := newStage(t, ejson)
		s.set(`{"_id":` + oid + `,"a":true}`)
		s.set(`{"_id":` + hex + `,"b":true}`)
		s.settle()
		s.mongo.Remove("c", rawIDs(t, hex)[0])
		s.settle()
		s.want([]string{`{"_id":` + oid + `,"a":true}`}, []string{`{"_id":` + oid + `,"a":true}`})
	})
}

// TestNeighbouringLongIDs: beyond 2^53 two integers may be one as floats, and
// are two documents.
func TestNeighbouringLongIDs(t *testing.T) {
	s := newStage(t, nil)
	m := []string{
		`{"_id":{"$numberLong":"9007199254740992"},"a":{"$numberInt":"1"}}`,
		`{"_id":{"$numberLong":"9007199254740993"},"a":{"$numberInt":"2"}}`,
	}
	for _, doc := range m {
		s.set(doc)
	}
	s.settle()
	s.want(m, []string{`{"_id":9007199254740992,"a":1}`, `{"_id":9007199254740993,"a":2}`})
}

// TestTwoSpellingsBornTogether: two Ditto ids that mean one MongoDB `_id`, in
// one batch: the second is parked at once, and not taken for a pair that
// somebody else is writing.
func TestTwoSpellingsBornTogether(t *testing.T) {
	s := newStage(t, func(c *manifest.Collection) { c.Mode = value.EJSON })
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":5,"a":true}}`)
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":{"$numberInt":"5"},"a":true}}`)
	s.settle()
	if diff := cmp.Diff([]string{`c/{"$numberInt":"5"} duplicate-id`}, s.unsynced()); diff != "" {
		t.Errorf("unsynced (-want +got):\n%s", diff)
	}
	s.want([]string{`{"_id":{"$numberInt":"5"},"a":true}`}, []string{`{"_id":5,"a":true}`, `{"_id":{"$numberInt":"5"},"a":true}`})
}
