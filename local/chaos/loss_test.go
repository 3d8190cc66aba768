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
}

// lost lists the losses, and how many values Causeway has overwritten at all.
func (a *audit) lost() (losses []string, overwritten int) {
	now := map[string]state{}
	for n, e := range a.events {
		for path, v := range now[e.id] {
			next := e.doc[path]
			if next == v || v[0] != a.own || e.byUser {
				continue
			}
			overwritten++
			if !a.held[e.id+" "+v] && !a.record(e.id, v) {
				losses = append(losses, fmt.Sprintf("write %d: %s%s: %s was overwritten by %q", n, e.id, path, v, next))
			}
		}
		now[e.id] = e.doc
	}
	return losses, overwritten
}

// Each write of a user in MongoDB sets the field `by` to a new token: that
// tells it from Causeway's. A user who deletes sets one first, and then deletes
// the document that has it.
const by = ".by"

// attribute finds the users' writes among MongoDB's. deletes are the tokens of
// documents that users have deleted.
func attribute(events []event, deletes map[string]bool) {
	now := map[string]string{}        // the token, by document
	seen := map[string]bool{"": true} // "<id> <token>"
	for i := range events {
		e := &events[i]
		if e.doc == nil {
			e.byUser = deletes[now[e.id]]
			continue
		}
		v := e.doc[by]
		e.byUser = v != "" && !seen[e.id+" "+v]
		seen[e.id+" "+v], now[e.id] = true, v
	}
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
	const lost = `write 1: c/1.a: d1 was overwritten by `
	for name, tc := range map[string]struct {
		events []event
		held   string
		want   []string
	}{
		"BySameUser":    {[]event{put("d1", true), put("d2", true)}, "", nil},
		"ByCauseway":    {[]event{put("d1", true), put("m2", false)}, "", []string{lost + `"m2"`}},
		"GoingBack":     {[]event{put("d1", true), put("d0", false)}, "", []string{lost + `"d0"`}},
		"Deleted":       {[]event{put("d1", true), gone(false)}, "", []string{lost + `""`}},
		"DeletedByUser": {[]event{put("d1", true), gone(true)}, "", nil},
		"Seen":          {[]event{put("d1", true), put("m2", false)}, "c/1 d1", nil},
		"SeenElsewhere": {[]event{put("d1", true), put("m2", false)}, "c/2 d1", []string{lost + `"m2"`}},
		"OthersValue":   {[]event{put("m1", false), put("m2", false)}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			for _, recorded := range []bool{false, true} {
				a := audit{
					own: 'd', events: tc.events, held: map[string]bool{tc.held: true},
					record: func(id, _ string) bool { return recorded && id == "c/1" },
				}
				want := tc.want
				if recorded {
					want = nil
				}
				got, _ := a.lost()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("recorded %v (-want +got):\n%s", recorded, diff)
				}
			}
		})
	}
}

func TestAttribute(t *testing.T) {
	put := func(token string) event { return event{id: "c/1", doc: state{by: token}} }
	events := []event{
		put("m1"), put("m1"), put("m2"), // a user, Causeway, a user
		{id: "c/1"}, put("m2"), put("m1"), {id: "c/1"}, // Causeway alone
		put("m3"), {id: "c/1"}, put(""), // a user inserts, a user deletes, Causeway
	}
	attribute(events, map[string]bool{"m3": true})
	var got []int
	for i, e := range events {
		if e.byUser {
			got = append(got, i)
		}
	}
	if diff := cmp.Diff([]int{0, 2, 7, 8}, got); diff != "" {
		t.Errorf("users' writes (-want +got):\n%s", diff)
	}
}
