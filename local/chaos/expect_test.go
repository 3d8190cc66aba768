package chaos_test

import (
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// filled is a document with its mapped field.
func (c *crash) filled(doc string) string { return strings.ReplaceAll(doc, "#", c.id) }

// wantLeft is what the table says that the crash leaves behind.
func (c *crash) wantLeft() sight {
	s := sight{Mongo: c.kind.mongo, Ditto: c.kind.ditto, Entry: c.before.Entry}
	rev := int64(0)
	if c.before.entry != nil {
		rev = c.before.entry.Rev
	}
	switch c.point.entry {
	case claimed:
		state, announced, _ := strings.Cut(c.claimed, " ")
		s.Entry = fmt.Sprintf("rev %d %s, claimed, live: %s", rev+1, state, announced)
	case settled:
		s.Entry = fmt.Sprintf("rev %d %s", rev+2, c.endState())
		if c.parked != "" { // without a claim
			s.Entry = fmt.Sprintf("rev %d parked", rev+1)
		}
	}
	switch {
	case c.records && c.parked != "":
		s.Unsynced = []string{c.parked}
	case c.records:
		s.Lost = c.lost
	}
	if c.point.ditto && c.writesDitto() {
		s.Ditto = c.filled(c.want)
	}
	if c.point.mongo && c.writesMongoDB() {
		s.Mongo = c.filled(c.want)
	}
	return s
}

func (c *crash) endState() string {
	if c.tombstone != "" {
		return c.tombstone
	}
	return "live"
}

// wantEnd is what must be there when the work was finished. How many revisions
// that took is not looked at.
func (c *crash) wantEnd(got *sight) sight {
	if c.parked != "" {
		return sight{Mongo: c.kind.mongo, Ditto: c.kind.ditto, Entry: fmt.Sprintf("rev %d parked", got.rev()), Unsynced: []string{c.parked}}
	}
	s := sight{
		Mongo: c.filled(c.want), Ditto: c.filled(c.want), Lost: slices.Clone(c.lost),
		Entry: fmt.Sprintf("rev %d %s", got.rev(), c.endState()),
	}
	if c.point.entry == claimed {
		for _, lost := range c.carried {
			side := strings.Split(lost, " ")[1]
			if side == "ditto" && !c.point.ditto || side == "mongodb" && !c.point.mongo {
				s.Lost = append(s.Lost, lost)
			}
		}
	}
	slices.Sort(s.Lost)
	return s
}

func (s *sight) rev() int64 {
	if s.entry == nil {
		return 0
	}
	return s.entry.Rev
}

// count wants each side written once if it had to be, and else not at all.
func (l *lab) count(c *crash, counts map[string]int, end *sight) {
	l.t.Helper()
	want := func(needed bool) int {
		if needed {
			return 1
		}
		return 0
	}
	mongoID := `"` + c.id + `"`
	if c.in == "mapped" {
		mongoID = end.mongoID.String()
	}
	if n := counts["mongodb "+c.in+" "+mongoID]; n != want(c.writesMongoDB()) {
		l.t.Errorf("%s: MongoDB was written %d times", c, n)
	}
	if n := counts[`ditto `+c.in+` "`+c.id+`"`]; n != want(c.writesDitto()) {
		l.t.Errorf("%s: Ditto was written %d times", c, n)
	}
}

// keptWhatWasAnnounced wants what the claim of a killed function announced to
// be what the next one has written, and the document under the `_id` that was
// chosen.
func (l *lab) keptWhatWasAnnounced(c *crash, end *sight) {
	l.t.Helper()
	if c.point.entry != claimed || c.left.entry == nil || c.left.entry.Claim == nil {
		return // another thing was left behind, which has been said
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
