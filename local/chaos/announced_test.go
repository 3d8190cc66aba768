package chaos_test

import (
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// keptWhatWasAnnounced wants what the claim of a killed function announced to
// be what the next one has written, and the document under the `_id` that was
// chosen.
func (l *lab) keptWhatWasAnnounced(c *crash, end *sight) {
	l.t.Helper()
	if c.point.entry != claimed {
		return
	}
	for _, a := range c.left.entry.Claim.Announced {
		var hash value.Hash
		switch v := value.LookupBSON(end.doc, a.Path); {
		case a.Path == "" || a.Side == value.Ditto:
			hash = value.HashJSON(value.Lookup([]byte(end.Ditto), a.Path))
			if a.Path == "" {
				hash = value.Absent
			}
		case a.Path == value.PathOf("q"): // a counter, whatever its type
			n, _ := v.AsInt64OK()
			t, data, err := bson.MarshalValue(n)
			if err != nil {
				l.t.Fatal(err)
			}
			hash = value.HashBSON(bson.RawValue{Type: t, Value: data})
		default:
			hash = value.HashBSON(v)
		}
		if hash != a.Hash {
			l.t.Errorf("%s: announced %s %s as %s, and it became %s", c, a.Side, a.Path, a.Hash, hash)
		}
	}
	if id := c.left.entry.MongoID; end.doc != nil && !id.Equal(end.mongoID) {
		l.t.Errorf("%s: the claim names MongoDB's document %s, and it is %s", c, id, end.mongoID)
	}
}
