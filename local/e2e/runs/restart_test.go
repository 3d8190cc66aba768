package runs_test

import (
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/sweep"
)

// An initial sync that the end of the stack interrupts is carried on at the next
// start; once it is done, a start says nothing of it.
func TestCarriedOn(t *testing.T) {
	const (
		collections = "        big: {fields: [_id], initialSync: true, mode: ejson, dqlStrictMode: false}\n"
		n           = 3000
	)
	w := newWorld(t)
	w.before(func() { w.insert("big", many(n)...) })
	w.start(collections, true)
	w.await("documents in Ditto", "some", func() string {
		switch d := w.inDitto("big"); d {
		case 0:
			return "none"
		case n:
			return "all"
		}
		return "some"
	})
	w.stop()
	if strings.Contains(w.out.String(), "initial sync") {
		t.Fatalf("the initial sync was done before the stop: more documents are needed\n%s", w.out)
	}

	w.start(collections, true)
	w.expireClaims()
	w.await("the initial sync", "said", func() string {
		if strings.Contains(w.out.String(), "initial sync, carried on: big: ") {
			return "said"
		}
		return "not said"
	})
	if m, d := w.inMongo("big"), w.inDitto("big"); m != n || d != n {
		t.Errorf("%d documents in MongoDB, %d in Ditto, want %d", m, d, n)
	}
	var runs []sweep.Listed
	w.json(&runs, "runs")
	if len(runs) != 1 || runs[0].Status != "done" {
		t.Errorf("runs %+v, want one that is done", runs)
	}
	w.expect(0, []string{"big done 3000"}, "status")
	w.stop()

	before := strings.Count(w.out.String(), "initial sync")
	w.start(collections, true)
	w.expect(0, []string{"big 3000 3000 0 0 0 0 0 0", "the sides agree"}, "verify")
	if got := strings.Count(w.out.String(), "initial sync"); got != before {
		t.Errorf("the third start tells of an initial sync:\n%s", w.out)
	}
}
