package events_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/stack"
)

// TestInvoke runs `causeway invoke` against a running stack. What is there
// before the stack starts, its trigger does not tell of: the command does.
func TestInvoke(t *testing.T) {
	w := use(t)
	w.clean()
	inMongo("tasks", milkTask(oid))(w)
	inDitto("tasks", `{"_id":"task-001","title":"Buy milk","done":false}`)(w)
	c := w.command()
	before := w.documents()
	w.begin()

	for _, bad := range []struct{ function, file, says string }{
		{mongoToDitto, "mongo-to-ditto/bad-operation", `unknown operation "explode"`},
		{mongoToDitto, "mongo-to-ditto/bad-shape", "event is not a JSON object"},
		{dittoToMongo, "ditto-to-mongo/receiver/bad-webhook-signature", "answered 401"},
	} {
		out, status := c.run(w.payload(bad.file), "invoke", bad.function, "-")
		if status == 0 || !strings.Contains(out, bad.says) {
			t.Errorf("%s: status %d, %s", bad.file, status, out)
		}
	}
	w.compare("bad events", before, w.documents())

	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, w.payload("mongo-to-ditto/insert-canonical"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"toDitto": 1`, `"equal": 1`} {
		if out, status := c.run(nil, "invoke", mongoToDitto, file); status != 0 || !strings.Contains(out, want) {
			t.Errorf("insert: status %d, want one that says %s: %s", status, want, out)
		}
	}
	// Signed anew, the receiver takes a webhook as it is in the file, and the
	// stack's own worker goes on.
	webhook, err := filepath.Abs("ditto-to-mongo/receiver/webhook-insert.json")
	if err != nil {
		t.Fatal(err)
	}
	out, status := c.run(nil, "invoke", dittoToMongo, webhook, "--sign")
	if status != 0 || !strings.Contains(out, `"statusCode": 200`) {
		t.Errorf("webhook: status %d, %s", status, out)
	}
	want := outcome{
		Mongo:  []string{`tasks ` + milkTask(oid), `tasks {"_id":"task-001","title":"Buy milk","done":false}`},
		Ditto:  []string{`tasks {"_id":` + hex + `,` + milkJSON + `}`, `tasks {"_id":"task-001","title":"Buy milk","done":false}`},
		Ledger: []string{`tasks/` + hex + ` live ` + oid, `tasks/"task-001" live "task-001"`},
	}
	await(t, "both documents on both sides", want.lines(t), func() string { return w.documents().lines(t) })
	out, status = c.run(w.payload("ditto-to-mongo/worker/sqs-bad"), "invoke", dittoToMongo, "-")
	if status == 0 || !strings.Contains(out, "3 messages of the batch were not handled") {
		t.Errorf("worker: status %d, %s", status, out)
	}
	w.compare("invoked", want, w.documents())
	if n := len(w.dittoWrites()); n != 1 {
		t.Errorf("%d writes in Ditto, want 1", n)
	}
}

// command is the program, beside a stack over w's databases.
type command struct {
	w        *world
	bin, dir string
}

func (w *world) command() command {
	w.t.Helper()
	c := command{w, filepath.Join(w.t.TempDir(), "causeway"), w.t.TempDir()}
	build := exec.CommandContext(w.t.Context(), "go", "build", "-o", c.bin, "./cmd/causeway")
	build.Dir = w.root
	if out, err := build.CombinedOutput(); err != nil {
		w.t.Fatalf("build causeway: %v\n%s", err, out)
	}
	vars := map[string]string{"MONGODB_URI": w.mongo.URI, "DITTO_URL": w.ditto.URL, "DITTO_API_KEY": w.ditto.APIKey}
	s, err := stack.Start(w.t.Context(), stack.Options{
		Root: w.root, Config: w.config(), Dir: c.dir, Out: io.Discard, NoInitialSync: true,
		Getenv: func(name string) string {
			if v, ok := vars[name]; ok {
				return v
			}
			return os.Getenv(name)
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			w.t.Error(err)
		}
	})
	return c
}

// run runs the program and returns all that it prints.
func (c command) run(stdin []byte, args ...string) (out string, status int) {
	c.w.t.Helper()
	cmd := exec.CommandContext(c.w.t.Context(), c.bin, append([]string{"--dir", c.dir}, args...)...)
	cmd.Stdin = bytes.NewReader(stdin)
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		c.w.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}
