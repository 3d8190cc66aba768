package ditto_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/ditto"
)

func insert(t *testing.T, s *ditto.Server, ids ...int) int64 {
	t.Helper()
	var txn int64
	for _, id := range ids {
		txn = run(t, s, call{statement: "INSERT INTO c DOCUMENTS (:d)", args: fmt.Sprintf(`{"d":{"_id":%d}}`, id)}).Txn
	}
	return txn
}

func inserted(ids ...int) []string {
	var out []string
	for _, id := range ids {
		out = append(out, fmt.Sprintf(`upsert null -> {"_id":%d}`, id))
	}
	return out
}

func stop(t *testing.T, s *ditto.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Fatal(err)
	}
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	hook := receive(t, nil)
	first := start(t, ditto.Options{Dir: dir, Webhook: hook.URL})
	insert(t, first, 1, 2)
	until(t, "two events", func() bool { return state(t, first).Delivered == 2 })
	if err := first.Checkpoint(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	stop(t, first)

	// Nobody listens: events wait in the outbox.
	second := start(t, ditto.Options{Dir: dir})
	txn := insert(t, second, 3)
	read := run(t, second, call{statement: "SELECT * FROM c"})
	if read.Txn != txn {
		t.Errorf("transaction %d after %d", read.Txn, txn)
	}
	// The document as it was before this process is known, too.
	last := run(t, second, call{statement: "UPDATE c SET x = 1 WHERE _id = 1"}).Txn
	st := state(t, second)
	if st.Seq != 4 || st.Delivered != 1 || st.Pending != 3 || st.Checkpoint != 1 {
		t.Errorf("state %+v", st)
	}
	stop(t, second)

	hook = receive(t, nil)
	third := start(t, ditto.Options{Dir: dir, Webhook: hook.URL})
	until(t, "three events", func() bool { return len(hook.events()) == 3 })
	diff(t, hook.strings(), append(inserted(2, 3), `upsert {"_id":1} -> {"_id":1,"x":1}`))
	if got := state(t, third).Txn; got < last {
		t.Errorf("transaction %d after a restart, %d before", got, last)
	}
	if got := insert(t, third, 4); got <= last {
		t.Errorf("transaction %d after a restart, %d before", got, last)
	}
}

func TestKilled(t *testing.T) {
	dir := t.TempDir()
	first := start(t, ditto.Options{Dir: dir})
	txn := insert(t, first, 1, 2)
	first.Kill()
	// A line that was being written.
	files, err := filepath.Glob(filepath.Join(dir, "outbox", "*.events"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	f, err := os.OpenFile(files[0], os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`3 {"txnId":`); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}

	hook := receive(t, nil)
	second := start(t, ditto.Options{Dir: dir, Webhook: hook.URL})
	if got := insert(t, second, 3); got <= txn {
		t.Errorf("transaction %d after a restart, %d before", got, txn)
	}
	until(t, "three events", func() bool { return len(hook.events()) == 3 })
	diff(t, hook.strings(), inserted(1, 2, 3))
	if got := show(t, second, "c"); got != `{"_id":1} {"_id":2} {"_id":3}` {
		t.Errorf("documents %s", got)
	}
}

// TestKilledInStatement: when the end of the process cut a statement off, its
// events may be missing, and everything has to be read again.
func TestKilledInStatement(t *testing.T) {
	dir := t.TempDir()
	first := start(t, ditto.Options{Dir: dir})
	insert(t, first, 1)
	stop(t, first)
	if err := os.WriteFile(filepath.Join(dir, "outbox", "running"), []byte("1"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second start has nothing to add
		hook := receive(t, nil)
		s := start(t, ditto.Options{Dir: dir, Webhook: hook.URL})
		until(t, "two events", func() bool { st := state(t, s); return st.Seq == 2 && st.Pending == 0 })
		diff(t, hook.strings(), append(inserted(1), "requeryRequired"))
		if body := string(hook.accepted()[0].body); !strings.Contains(body, `"type":"requeryRequired","documents":[]`) {
			t.Errorf("shape: %s", body)
		}
		stop(t, s)
	}
}

func TestRetry(t *testing.T) {
	statuses := []int{500, 503, 401, 302, 0}
	hook := receive(t, func(n int, _ post) int {
		if n <= len(statuses) && statuses[n-1] != 0 {
			return statuses[n-1]
		}
		return http.StatusOK
	})
	s := start(t, ditto.Options{Webhook: hook.URL, WebhookBatch: 1})
	insert(t, s, 1, 2)
	until(t, "two events", func() bool { return len(hook.events()) == 2 })
	diff(t, hook.strings(), inserted(1, 2))
	if got := hook.attempts(); got != 6 {
		t.Errorf("%d attempts, want 6", got)
	}
}

// TestTooLarge: an event that the webhook never takes does not stop the rest.
func TestTooLarge(t *testing.T) {
	hook := receive(t, func(_ int, p post) int {
		if len(p.body) > 600 {
			return http.StatusRequestEntityTooLarge
		}
		return http.StatusOK
	})
	s := start(t, ditto.Options{Webhook: hook.URL})
	run(t, s, call{
		statement: "INSERT INTO c DOCUMENTS (:d)",
		args:      `{"d":[{"_id":1},{"_id":2},{"_id":3,"s":"` + strings.Repeat("x", 1000) + `"},{"_id":4},{"_id":5}]}`,
	})
	until(t, "four events", func() bool { return state(t, s).Delivered == 5 })
	diff(t, hook.strings(), inserted(1, 2, 4, 5))
	if got := state(t, s).Refused; got != 1 {
		t.Errorf("%d refused, want 1", got)
	}
}

func TestCheckpoint(t *testing.T) {
	dir := t.TempDir()
	hook := receive(t, nil)
	s := start(t, ditto.Options{Dir: dir, Webhook: hook.URL, Faults: true})
	insert(t, s, 1, 2)
	until(t, "two events", func() bool { return state(t, s).Delivered == 2 })
	if err := s.Pause(t.Context()); err != nil {
		t.Fatal(err)
	}
	insert(t, s, 3)
	if err := s.Checkpoint(t.Context(), 3); err == nil {
		t.Error("a checkpoint after what was delivered")
	}
	if err := s.Checkpoint(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if err := s.Checkpoint(t.Context(), 1); err != nil { // does not go back
		t.Fatal(err)
	}
	st := state(t, s)
	if st.Checkpoint != 2 || st.Pending != 1 {
		t.Errorf("state %+v", st)
	}
	stop(t, s)
	hook = receive(t, nil)
	start(t, ditto.Options{Dir: dir, Webhook: hook.URL})
	until(t, "the third event", func() bool { return len(hook.events()) == 1 })
	diff(t, hook.strings(), inserted(3))
}

// TestSegments: the outbox shrinks, and keeps its numbering, over files.
func TestSegments(t *testing.T) {
	dir := t.TempDir()
	hook := receive(t, nil)
	s := start(t, ditto.Options{Dir: dir, Webhook: hook.URL})
	const docs, rounds = 20, 14
	for i := range rounds {
		var args strings.Builder
		for d := range docs {
			fmt.Fprintf(&args, `,{"_id":"%d-%d","s":"%s"}`, i, d, strings.Repeat("x", 100_000))
		}
		run(t, s, call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":[` + args.String()[1:] + `]}`})
	}
	until(t, "every event", func() bool { return state(t, s).Delivered == docs*rounds })
	files := func() int {
		names, _ := filepath.Glob(filepath.Join(dir, "outbox", "*.events"))
		return len(names)
	}
	if n := files(); n < 2 {
		t.Errorf("%d segments, want more", n)
	}
	if err := s.Checkpoint(t.Context(), docs*rounds-1); err != nil {
		t.Fatal(err)
	}
	if n := files(); n != 1 {
		t.Errorf("%d segments left, want 1", n)
	}
	stop(t, s)
	hook = receive(t, nil)
	s = start(t, ditto.Options{Dir: dir, Webhook: hook.URL})
	until(t, "the last event", func() bool { return state(t, s).Delivered == docs*rounds })
	if got := len(hook.events()); got != 1 {
		t.Errorf("%d events again, want 1", got)
	}
}
