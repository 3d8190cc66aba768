package sweep_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/sweep"
)

// idle is a Ditto at which nothing happens, and Keys of empty collections.
type idle struct{}

func (idle) Execute(context.Context, ditto.Request) (ditto.Response, error) {
	return ditto.Response{Txn: 7}, nil
}

func records(t *testing.T, collections ...string) *sweep.Runner {
	t.Helper()
	db := database(t)
	if err := sweep.CreateIndexes(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	m := &manifest.Manifest{}
	for _, name := range collections {
		m.Collections = append(m.Collections, manifest.Collection{Name: name, DittoName: name, Fields: []string{"_id"}})
	}
	return &sweep.Runner{Manifest: m, DB: db, Ditto: idle{}}
}

// begin begins a run, and ends it if it is to end.
func begin(t *testing.T, r *sweep.Runner, name string, in sweep.Input, ends bool) {
	t.Helper()
	if _, err := r.Preflight(t.Context(), name, in); err != nil {
		t.Fatal(err)
	}
	if ends {
		if _, err := r.Summary(t.Context(), name, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// However many events ask for a run, all are told of the same one, until it
// has begun; and of the next one when it is over, as often as they ask.
func TestRequest(t *testing.T) {
	r := records(t, "tasks")
	ask := func() *sweep.Start {
		s, err := r.Request(t.Context(), "tasks", "requeryRequired")
		if err != nil {
			t.Error(err)
		}
		return s
	}
	first := ask()
	if first == nil || !strings.HasPrefix(first.Name, "repair-tasks-") {
		t.Fatalf("start %+v", first)
	}
	want := sweep.Input{Mode: sweep.Repair, Collections: []string{"tasks"}, Request: "tasks"}
	if diff := cmp.Diff(want, first.Input); diff != "" {
		t.Errorf("input (-want +got):\n%s", diff)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if s := ask(); s == nil || s.Name != first.Name {
				t.Errorf("start %+v, want %s once more", s, first.Name)
			}
		})
	}
	wg.Wait()

	begin(t, r, first.Name, first.Input, false)
	if s := ask(); s != nil { // it has begun, and comes too late for this one
		t.Errorf("start %+v", s)
	}
	for range 2 { // the step may run twice, and what it starts may fail
		if _, err := r.Summary(t.Context(), first.Name, ""); err != nil {
			t.Fatal(err)
		}
		s, err := r.Due(t.Context(), first.Name)
		if err != nil || s == nil || s.Name == first.Name {
			t.Fatalf("due %+v, %v", s, err)
		}
		want := s.Name
		if s = ask(); s == nil || s.Name != want {
			t.Errorf("start %+v, want %s", s, want)
		}
	}
	s := ask()
	begin(t, r, s.Name, s.Input, true)
	if s, err := r.Due(t.Context(), s.Name); err != nil || s != nil {
		t.Errorf("due %+v, %v", s, err)
	}
	begin(t, r, "by hand", sweep.Input{}, true)
	if s, err := r.Due(t.Context(), "by hand"); err != nil || s != nil {
		t.Errorf("due after a run that nobody asked for: %+v, %v", s, err)
	}
	if s, err := r.Request(t.Context(), "", "drop"); err != nil || s == nil || !strings.HasPrefix(s.Name, "repair-all-") || s.Input.Collections != nil {
		t.Errorf("start of all %+v, %v", s, err)
	}
}

// What begins with the events is not begun again by a run.
func TestActivate(t *testing.T) {
	r := records(t, "tasks")
	if err := r.Activate(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.Ditto = nil // nobody asks for its transaction a second time
	if err := r.Activate(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin(t, r, "one", sweep.Input{Mode: sweep.Initial}, true)
}

// A collection that is added while an initial run is not finished gets a run of
// its own beside it.
func TestInitials(t *testing.T) {
	r := records(t, "tasks", "orders")
	want := func(want ...sweep.Input) {
		t.Helper()
		got, err := r.Initials(t.Context())
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("initial runs (-want +got): %v\n%s", err, diff)
		}
	}
	want(sweep.Input{Mode: sweep.Initial})
	begin(t, r, "one", sweep.Input{Mode: sweep.Initial}, false)
	want(sweep.Input{Resume: "one"})
	r.Manifest.Collections = append(r.Manifest.Collections, manifest.Collection{Name: "more", DittoName: "more"})
	want(sweep.Input{Resume: "one"}, sweep.Input{Mode: sweep.Initial, Collections: []string{"more"}})
	if _, err := r.Summary(t.Context(), "one", ""); err != nil {
		t.Fatal(err)
	}
	want(sweep.Input{Mode: sweep.Initial})
	begin(t, r, "two", sweep.Input{Mode: sweep.Initial}, true)
	want()
}

// The initial run: a new one, the one that a stop has interrupted, then none.
func TestWhichIsInitial(t *testing.T) {
	r := records(t, "tasks", "orders")
	initial := func() string {
		in, err := r.Initial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case in == nil:
			return "none"
		case in.Resume != "":
			return "resume " + in.Resume
		}
		return "new"
	}
	want := func(want string) {
		t.Helper()
		if got := initial(); got != want {
			t.Errorf("initial run: %s, want %s", got, want)
		}
	}
	want("new")
	begin(t, r, "by-name", sweep.Input{Mode: sweep.Initial, Collections: []string{"tasks"}}, false)
	want("new")
	begin(t, r, "one", sweep.Input{Mode: sweep.Initial}, false)
	want("resume one")
	if _, err := r.Summary(t.Context(), "one", "it was stopped"); err != nil {
		t.Fatal(err)
	}
	want("resume one")
	if _, err := r.Preflight(t.Context(), "again", sweep.Input{Resume: "one"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Summary(t.Context(), "one", ""); err != nil {
		t.Fatal(err)
	}
	want("none")
	copied, err := r.Copied(t.Context())
	if diff := cmp.Diff(map[string]string{"tasks": "one", "orders": "one"}, copied); diff != "" || err != nil {
		t.Errorf("copied (-want +got): %v\n%s", err, diff)
	}
	r.Manifest.Collections = append(r.Manifest.Collections, manifest.Collection{Name: "more", DittoName: "more"})
	want("new")

	runs, err := r.Runs(t.Context())
	if err != nil || len(runs) != 2 || runs[0].Started.Before(runs[1].Started) {
		t.Fatalf("runs %+v, %v", runs, err)
	}
	i := 0
	if runs[i].Run != "one" { // both began within a millisecond
		i = 1
	}
	if runs[i].Summary == nil || runs[i].Unfinished() || time.Since(runs[i].Ended) > time.Minute || runs[1-i].Summary != nil || !runs[1-i].Unfinished() {
		t.Errorf("runs %+v", runs)
	}
}

func TestRunName(t *testing.T) {
	at := time.Date(2026, 11, 23, 7, 0, 1, 20e6, time.UTC)
	for collection, want := range map[string]string{
		"tasks": "repair-tasks-20261123T070001.020", "": "repair-all-20261123T070001.020", "*": "repair-all-20261123T070001.020",
		"a b/ü$c": "repair-a_b___c-20261123T070001.020",
	} {
		if got := sweep.RunName(sweep.Repair, collection, at); got != want {
			t.Errorf("%q: %s, want %s", collection, got, want)
		}
	}
	if n := len(sweep.RunName(sweep.Initial, strings.Repeat("ü", 200), at)); n > 80 {
		t.Errorf("%d characters", n)
	}
}
