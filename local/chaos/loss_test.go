package chaos_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// audit looks for lost values on one side. A user's value is lost when Causeway
// overwrote or removed it on the side on which it was set, although the other
// side never held it and no record holds it: the notion of core/sim. Values are
// not used twice, so one that the other side has held is one that was carried
// there, and what took its place there was a user's, or superseded it here.
type audit struct {
	own    byte            // 'm' or 'd': whose users' values are looked at
	events []event         // of that side
	held   map[string]bool // "<id> <token>" that the other side has held
	record func(id, v string) bool
	// removed are values that users of the side have removed or deleted, by
	// "<id> <token>", where events do not tell who made them.
	removed map[string]bool
	known   bool // events tell
}

// lost lists the losses, and how many values Causeway has overwritten at all.
func (a *audit) lost() (losses []string, overwritten int) {
	now := map[string]state{}
	first := map[string]bool{} // "<id> <path> <token>"
	for n, e := range a.events {
		for path, v := range now[e.id] {
			next := e.doc[path]
			if next == v || v[0] != a.own || a.user(e, v, next, first[e.id+path+next]) {
				continue
			}
			overwritten++
			if !a.held[e.id+" "+v] && !a.record(e.id, v) {
				losses = append(losses, fmt.Sprintf("write %d: %s%s: %s was overwritten by %q", n, e.id, path, v, next))
			}
		}
		for path, v := range e.doc {
			first[e.id+path+v] = true
		}
		now[e.id] = e.doc
	}
	return losses, overwritten
}

// user reports whether a user of the side put next in the place of v.
func (a *audit) user(e event, v, next string, seen bool) bool {
	switch {
	case a.known:
		return e.byUser
	case next == "":
		return a.removed[e.id+" "+v]
	}
	return next[0] == a.own && !seen
}

// heldBy are the tokens that a side has ever held.
func heldBy(events []event) map[string]bool {
	held := map[string]bool{}
	for _, e := range events {
		for _, v := range e.doc {
			held[e.id+" "+v] = true
		}
	}
	return held
}

// The check finds what is lost, and nothing else.
func TestLost(t *testing.T) {
	put := func(v string, user bool) event { return event{id: "c/1", doc: state{".a": v}, byUser: user} }
	gone := func(user bool) event { return event{id: "c/1", byUser: user} }
	const lost = `write 1: c/1.a: `
	for name, tc := range map[string]struct {
		l    audit
		want []string
	}{
		"BySameUser":       {audit{own: 'd', known: true, events: []event{put("d1", true), put("d2", true)}}, nil},
		"ByCauseway":       {audit{own: 'd', known: true, events: []event{put("d1", true), put("m2", false)}}, []string{lost + `d1 was overwritten by "m2"`}},
		"Deleted":          {audit{own: 'd', known: true, events: []event{put("d1", true), gone(false)}}, []string{lost + `d1 was overwritten by ""`}},
		"DeletedByUser":    {audit{own: 'd', known: true, events: []event{put("d1", true), gone(true)}}, nil},
		"Seen":             {audit{own: 'd', known: true, events: []event{put("d1", true), put("m2", false)}, held: map[string]bool{"c/1 d1": true}}, nil},
		"SeenElsewhere":    {audit{own: 'd', known: true, events: []event{put("d1", true), put("m2", false)}, held: map[string]bool{"c/2 d1": true}}, []string{lost + `d1 was overwritten by "m2"`}},
		"OthersValue":      {audit{own: 'd', known: true, events: []event{put("m1", false), put("m2", false)}}, nil},
		"MongoDBUser":      {audit{own: 'm', events: []event{put("m1", false), put("m2", false)}}, nil},
		"MongoDBCauseway":  {audit{own: 'm', events: []event{put("m1", false), put("d2", false)}}, []string{lost + `m1 was overwritten by "d2"`}},
		"MongoDBRemoved":   {audit{own: 'm', events: []event{put("m1", false), gone(false)}, removed: map[string]bool{"c/1 m1": true}}, nil},
		"MongoDBDeleted":   {audit{own: 'm', events: []event{put("m1", false), gone(false)}}, []string{lost + `m1 was overwritten by ""`}},
		"MongoDBGoingBack": {audit{own: 'm', events: []event{put("m1", false), put("m2", false), put("m1", false)}}, []string{`write 2: c/1.a: m2 was overwritten by "m1"`}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, recorded := range []bool{false, true} {
				tc.l.record = func(id, v string) bool { return recorded && id == "c/1" }
				want := tc.want
				if recorded {
					want = nil
				}
				got, _ := tc.l.lost()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("recorded %v (-want +got):\n%s", recorded, diff)
				}
			}
		})
	}
}
