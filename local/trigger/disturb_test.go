package trigger_test

import (
	"slices"
	"testing"
)

// One event is lost, the next comes twice, and then all is as before; the
// canary's events are left alone, since nobody meant them.
func TestDisturb(t *testing.T) {
	w := newWorld(t)
	tr, _ := w.start(t)
	tr.Disturb(1, 1)
	tasks, canary := w.db.Collection("tasks"), w.db.Collection("__causeway_canary")
	must(t)(canary.InsertOne(t.Context(), d("_id", "beat")))
	for _, id := range []string{"lost", "twice", "once"} {
		must(t)(tasks.InsertOne(t.Context(), d("_id", id)))
	}
	got := w.receive(t, 4, true)
	want := []string{`insert __causeway_canary "beat"`, `insert tasks "once"`, `insert tasks "twice"`, `insert tasks "twice"`}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	tr.Disturb(1, 0)
	tr.Disturb(0, 0)
	must(t)(tasks.InsertOne(t.Context(), d("_id", "after")))
	if got := w.receive(t, 1, true); got[0] != `insert tasks "after"` {
		t.Errorf("event %q after the disturbance was taken back", got)
	}
}
