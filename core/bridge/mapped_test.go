package bridge_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/manifest"
)

func mapped(fields ...string) func(*manifest.Collection) {
	return func(c *manifest.Collection) { c.Fields = fields }
}

func (s *stage) wantUnsynced(want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.unsynced()); diff != "" {
		s.t.Errorf("unsynced (-want +got):\n%s", diff)
	}
}

// TestIDsWithoutMongoDocument: a document that a device gave an id which no
// MongoDB document can have is parked for that, and forgotten once it is gone.
func TestIDsWithoutMongoDocument(t *testing.T) {
	for _, x := range []struct {
		fields []string
		id     string
		reason string
	}{
		{[]string{"_id"}, `{"a":1}`, "id-kind"},
		{[]string{"_id"}, `[1]`, "id-kind"},
		{[]string{"_id"}, `{"$oid":"zz"}`, "id-malformed"},
		{[]string{"orderId"}, `{"a":1}`, "id-kind"},
		{[]string{"orderId", "store"}, `"x"`, "id-fields"},
		{[]string{"orderId", "store"}, `{"orderId":1}`, "id-fields"},
	} {
		t.Run(fmt.Sprint(x.fields, x.id), func(t *testing.T) {
			s := newStage(t, mapped(x.fields...))
			s.user("INSERT INTO c DOCUMENTS (:d)", fmt.Sprintf(`{"d":{"_id":%s,"n":1}}`, x.id))
			s.settle()
			s.wantUnsynced("c/" + x.id + " " + x.reason)
			s.user("DELETE FROM c", "")
			s.settle()
			s.wantUnsynced()
		})
	}
}

// TestMappedFieldsInDitto: the body may not contradict the id that the mapped
// fields make, or MongoDB's document would be another pair's.
func TestMappedFieldsInDitto(t *testing.T) {
	t.Run("BornWithAnotherValue", func(t *testing.T) {
		s := newStage(t, mapped("orderId"))
		s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"o1","orderId":"o2"}}`)
		if n := s.settle(); n != 0 {
			t.Errorf("%d writes, want none", n)
		}
		s.wantUnsynced(`c/"o1" mapped-field-changed`)
		s.user("UPDATE c SET orderId = 'o1'", "")
		s.settle()
		s.wantUnsynced()
		if m, _ := s.sides(); len(m) != 1 {
			t.Errorf("MongoDB has %v, want the document", m)
		}
	})
	t.Run("ChangedFieldWithASpace", func(t *testing.T) {
		s := newStage(t, mapped("order id"))
		s.set(`{"_id":"m","order id":"o1"}`)
		s.settle()
		s.user("UPDATE c SET `order id` = 'x'", "")
		if n := s.settle(); n != 0 {
			t.Errorf("%d writes, want none", n)
		}
		s.wantUnsynced(`c/"o1" mapped-field-changed`)
	})
}

// TestRecreatedWhileItsMongoIDServesAnother: a tombstone of a mapped document
// does not hold on to MongoDB's `_id`, which may have gone to another document.
func TestRecreatedWhileItsMongoIDServesAnother(t *testing.T) {
	s := newStage(t, mapped("orderId"))
	s.set(`{"_id":"m","orderId":"o1"}`)
	s.settle()
	s.user("DELETE FROM c", "")
	s.settle()
	s.set(`{"_id":"m","orderId":"o2"}`)
	s.settle()
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"o1","orderId":"o1"}}`)
	s.settle()
	s.wantUnsynced()
	m, d := s.sides()
	if len(m) != 2 || len(d) != 2 {
		t.Errorf("MongoDB has %v, Ditto %v, want two documents each", m, d)
	}
}
