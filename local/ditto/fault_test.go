package ditto_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/ditto"
)

func TestInject(t *testing.T) {
	s := start(t, ditto.Options{Faults: true})
	for _, tt := range []struct {
		name     string
		fault    ditto.Fault
		status   int
		happened bool
	}{
		{"TimeoutAfterWriting", ditto.Fault{Status: 408, Execute: true}, 408, true},
		{"Timeout", ditto.Fault{Status: 408}, 408, false},
		{"TooMany", ditto.Fault{Status: 429, RetryAfter: 3}, 429, false},
		{"ServerError", ditto.Fault{Status: 500}, 500, false},
		{"Unavailable", ditto.Fault{Status: 503}, 503, false},
		{"Behind", ditto.Fault{Status: 404}, 404, false},
		{"ErrorIn200", ditto.Fault{Status: 200, Description: "boom"}, 200, false},
		{"Delayed", ditto.Fault{DelayMillis: 50}, 200, true},
		{"Dropped", ditto.Fault{Drop: true}, 0, false},
		{"DroppedAfterWriting", ditto.Fault{Drop: true, Execute: true}, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := s.Inject(t.Context(), tt.fault); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			a, err := send(t.Context(), s, call{
				statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"` + tt.name + `"}}`, header: header("X-DITTO-TXN-ID", "0"),
			})
			if tt.status == 0 {
				if err == nil {
					t.Errorf("an answer: %+v", a)
				}
			} else if err != nil || a.Status != tt.status {
				t.Errorf("status %d, %v; want %d", a.Status, err, tt.status)
			}
			if failed := tt.fault.Status != 0; failed && (a.Error.Description == "" || a.Type != "unknown" || a.Items == nil) {
				t.Errorf("answer %+v", a)
			}
			if want := tt.fault.Description; want != "" && a.Error.Description != want {
				t.Errorf("description %q, want %q", a.Error.Description, want)
			}
			if took := time.Since(began).Milliseconds(); took < int64(tt.fault.DelayMillis) {
				t.Errorf("took %d ms, want %d", took, tt.fault.DelayMillis)
			}
			if got := strings.Contains(show(t, s, "c"), `"`+tt.name+`"`); got != tt.happened {
				t.Errorf("happened: %t, want %t", got, tt.happened)
			}
		})
	}
}

// TestInjectBehind: only a statement that waits for a transaction can be told
// that the node is behind.
func TestInjectBehind(t *testing.T) {
	s := start(t, ditto.Options{Faults: true})
	if err := s.Inject(t.Context(), ditto.Fault{Status: 404}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		header http.Header
		want   int
	}{{nil, 200}, {header("X-DITTO-TXN-ID", "0"), 404}, {header("X-DITTO-TXN-ID", "0"), 200}} {
		a, err := send(t.Context(), s, call{statement: "SELECT * FROM c", header: tt.header})
		if err != nil || a.Status != tt.want {
			t.Errorf("with %v: status %d, %v; want %d", tt.header, a.Status, err, tt.want)
		}
	}
}

func TestInjectMatches(t *testing.T) {
	s := start(t, ditto.Options{Faults: true})
	faults := []ditto.Fault{
		{API: "v4", Match: "^SELECT .*FROM c", Skip: 1, Times: 2, Status: 503},
		{Match: "DELETE", Times: -1, Status: 429},
	}
	if err := s.Inject(t.Context(), faults...); err != nil {
		t.Fatal(err)
	}
	for i, step := range []struct {
		api, statement string
		want           int
	}{
		{"v5", "SELECT * FROM c", 200},
		{"v4", "SELECT * FROM d", 200},
		{"v4", "SELECT * FROM c", 200}, // skipped
		{"v4", "SELECT * FROM c", 503},
		{"v5", "SELECT * FROM c", 200},
		{"v4", "SELECT *\nFROM c", 503},
		{"v4", "SELECT * FROM c", 200}, // used up
		{"v4", "DELETE FROM c", 429},
		{"v5", "DELETE FROM c", 429},
	} {
		if a := ask(t, s, call{api: step.api, statement: step.statement}); a.Status != step.want {
			t.Errorf("step %d, %s %s: status %d, want %d", i, step.api, step.statement, a.Status, step.want)
		}
	}
	if err := s.ClearFaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	run(t, s, call{statement: "DELETE FROM c"})

	t.Run("ErrBadFault", func(t *testing.T) {
		for _, f := range []ditto.Fault{{API: "v6"}, {Match: "("}, {Status: 999}} {
			if err := s.Inject(t.Context(), f); err == nil {
				t.Errorf("%+v was taken", f)
			}
		}
	})
	t.Run("ErrNotOpened", func(t *testing.T) {
		closed := start(t, ditto.Options{})
		if err := closed.Inject(t.Context(), ditto.Fault{Status: 500}); err == nil || !strings.Contains(err.Error(), "--faults") {
			t.Errorf("error %v", err)
		}
	})
}

func TestBehind(t *testing.T) {
	s := start(t, ditto.Options{Faults: true})
	old := insert(t, s, 1)
	now := insert(t, s, 2)
	if err := s.Behind(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	status := func(txn int64) int {
		return ask(t, s, call{
			statement: "SELECT * FROM c",
			header:    http.Header{"X-Ditto-Txn-Id": {strconv.FormatInt(txn, 10)}},
		}).Status
	}
	if got := status(now); got != http.StatusNotFound {
		t.Errorf("status %d on a node that is behind", got)
	}
	if got := status(old); got != http.StatusOK {
		t.Errorf("status %d for what the node has", got)
	}
	if err := s.Behind(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if got := status(now); got != http.StatusOK {
		t.Errorf("status %d when it has caught up", got)
	}
}

func TestFeed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		feed  ditto.Feed
		batch int
		want  []string
	}{
		{"Drop", ditto.Feed{Drop: 2}, 0, inserted(3, 4)},
		{"Duplicate", ditto.Feed{Duplicate: 2}, 0, inserted(1, 1, 2, 2, 3, 4)},
		{"Reorder", ditto.Feed{Reorder: 3}, 2, inserted(3, 2, 1, 4)},
		{"DropThenDuplicate", ditto.Feed{Drop: 1, Duplicate: 1}, 1, inserted(2, 2, 3, 4)},
		{"Compact", ditto.Feed{Compact: 4}, 0, inserted(1, 2, 3, 4)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hook := receive(t, nil)
			s := start(t, ditto.Options{Webhook: hook.URL, WebhookBatch: tt.batch, Faults: true})
			if err := s.Feed(t.Context(), tt.feed); err != nil {
				t.Fatal(err)
			}
			insert(t, s, 1, 2, 3, 4)
			until(t, "all delivered", func() bool { return state(t, s).Delivered == 4 })
			diff(t, hook.strings(), tt.want)
		})
	}
	t.Run("CompactSkipsBetween", func(t *testing.T) {
		hook := receive(t, nil)
		s := start(t, ditto.Options{Webhook: hook.URL, Faults: true})
		if err := s.Feed(t.Context(), ditto.Feed{Compact: 4}); err != nil {
			t.Fatal(err)
		}
		insert(t, s, 1, 2)
		run(t, s, call{statement: "UPDATE c SET x = 1 WHERE _id = 1"})
		run(t, s, call{statement: "UPDATE c SET x = 2 WHERE _id = 1"})
		until(t, "all delivered", func() bool { return state(t, s).Delivered == 4 })
		diff(t, hook.strings(), append(inserted(2), `upsert {"_id":1,"x":1} -> {"_id":1,"x":2}`))
	})
	t.Run("PauseAndRequery", func(t *testing.T) {
		hook := receive(t, nil)
		s := start(t, ditto.Options{Webhook: hook.URL, Faults: true})
		if err := s.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		insert(t, s, 1)
		if err := s.Feed(t.Context(), ditto.Feed{Requery: true}); err != nil {
			t.Fatal(err)
		}
		if st := state(t, s); !st.Paused || st.Pending != 2 || hook.attempts() != 0 {
			t.Errorf("state %+v after %d attempts", st, hook.attempts())
		}
		if err := s.Resume(t.Context()); err != nil {
			t.Fatal(err)
		}
		until(t, "all delivered", func() bool { return state(t, s).Delivered == 2 })
		diff(t, hook.strings(), append(inserted(1), "requeryRequired"))
	})
}
