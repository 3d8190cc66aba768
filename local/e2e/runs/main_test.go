package runs_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// patience is how long anything may take.
const patience = time.Minute

// world is a stack, and both sides of it.
type world struct {
	t       *testing.T
	dir     string
	command string
	out     *output // what the stack says
	stack   *stack.Stack
	info    stack.Info
	client  *mongo.Client
	db      *mongo.Database
	ditto   *ditto.Server
	queues  *awssqs.Client
}

// output is what the stack says, while a test reads it.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

const header = `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata: {name: runs, namespace: ditto}
spec:
  bridge:
    mongoConnector:
      connectionSecret: {kubernetesSecret: {name: runs-mongo}}
      database: causeway_runs
      collections:
`

// newWorld builds the command; start starts the stack.
func newWorld(t *testing.T) *world {
	t.Helper()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, dir: t.TempDir(), out: &output{}}
	w.command = filepath.Join(t.TempDir(), "causeway")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", w.command, "./cmd/causeway")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the command: %v: %s", err, out)
	}
	t.Cleanup(func() {
		w.stop()
		if err := leak.Check("the terminal", []byte(w.out.String())); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for line := range strings.Lines(w.out.String()) {
				if leak.Find([]byte(line)) == "" {
					t.Log(strings.TrimSpace(line))
				}
			}
			for _, name := range []string{"initial-sync", "stack"} {
				b, _ := os.ReadFile(filepath.Join(w.dir, "logs", name+".log"))
				t.Logf("%s.log:\n%s", name, b[max(0, len(b)-8000):])
			}
		}
	})
	return w
}

// start starts the stack on the data that there is.
func (w *world) start(collections string, initial bool) {
	w.t.Helper()
	root, err := install.Root("")
	if err != nil {
		w.t.Fatal(err)
	}
	config := filepath.Join(w.dir, "causeway.yaml")
	if err := os.WriteFile(config, []byte(header+collections), 0o600); err != nil {
		w.t.Fatal(err)
	}
	w.stack, err = stack.Start(w.t.Context(), stack.Options{
		Root: root, Config: config, Dir: w.dir, Faults: true, Out: w.out, NoInitialSync: !initial,
		Getenv: func(name string) string { // data outlives the stack, so it is never the user's own
			if name == "MONGODB_URI" || strings.HasPrefix(name, "DITTO_") {
				return ""
			}
			return os.Getenv(name)
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.info = w.stack.Info()
	w.ditto = &ditto.Server{URL: w.info.Ditto.URL, APIKey: w.info.Ditto.APIKey}
	w.queues = sqs.NewClient(w.info.SQS)
	if w.client, err = mongo.Connect(options.Client().ApplyURI(w.info.MongoDB)); err != nil {
		w.t.Fatal(err)
	}
	w.db = w.client.Database(w.info.Database)
}

func (w *world) stop() {
	w.t.Helper()
	if w.stack == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	_ = w.client.Disconnect(ctx)
	if err := errors.Join(w.stack.Stop(ctx), leak.Stack(w.dir)); err != nil {
		w.t.Errorf("stop: %v", err)
	}
	w.stack = nil
}

// before starts a stack that does not know the collections, lets do write what is
// to be there before the first event, and stops it.
func (w *world) before(do func()) {
	w.t.Helper()
	w.start("        nothing: {fields: [_id]}\n", false)
	do()
	w.await("the outbox", "empty", func() string {
		s, err := w.ditto.State(w.t.Context())
		if err != nil {
			return err.Error()
		}
		if s.Pending > 0 || s.Checkpoint < s.Delivered {
			return fmt.Sprintf("%+v", s)
		}
		return "empty"
	})
	w.stop()
	// The trigger is made anew, as for collections that are new to it.
	_ = os.Remove(filepath.Join(w.dir, "data", "trigger.json"))
}

// await waits until look says want.
func (w *world) await(what, want string, look func() string) {
	w.t.Helper()
	got := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if got = look(); got == want {
			return
		}
	}
	w.t.Fatalf("%s: %s, want %s", what, got, want)
}

// run runs the command: its exit status, and all that it prints.
func (w *world) run(args ...string) (status int, out string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), w.command, append([]string{"--dir", w.dir}, args...)...)
	text, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		w.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), string(text)
}

// expect runs the command, and wants a status and texts.
func (w *world) expect(status int, says []string, args ...string) string {
	w.t.Helper()
	got, out := w.run(args...)
	// The columns of tables are as wide as need be.
	flat := strings.Join(strings.Fields(out), " ")
	if got != status {
		w.t.Errorf("causeway %s: status %d, want %d\n%s", strings.Join(args, " "), got, status, out)
	}
	for _, s := range says {
		if !strings.Contains(flat, s) {
			w.t.Errorf("causeway %s does not say %q:\n%s", strings.Join(args, " "), s, out)
		}
	}
	return out
}

// json runs the command with --json, whatever its status.
func (w *world) json(v any, args ...string) {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), w.command, append([]string{"--dir", w.dir, "--json"}, args...)...)
	out, err := cmd.Output()
	if jerr := json.Unmarshal(out, v); jerr != nil {
		w.t.Fatalf("causeway %s: %v, %v: %s", strings.Join(args, " "), err, jerr, out)
	}
}

// dql runs a statement as an app's server does.
func (w *world) dql(statement string, args map[string]any) []json.RawMessage {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"statement": statement, "args": args})
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.info.Ditto.URL+"/api/v5/store/execute", bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.info.Ditto.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	var answer struct {
		Items []json.RawMessage
		Error struct{ Description string }
	}
	if err == nil {
		err = json.Unmarshal(out, &answer)
	}
	if err != nil || res.StatusCode != http.StatusOK || answer.Error.Description != "" {
		w.t.Fatalf("%s: %s: %s", statement, res.Status, out)
	}
	return answer.Items
}

func (w *world) inDitto(collection string) int {
	w.t.Helper()
	return len(w.dql("select _id from "+collection, nil))
}

func (w *world) inMongo(collection string) int {
	w.t.Helper()
	n, err := w.db.Collection(collection).CountDocuments(w.t.Context(), bson.D{})
	if err != nil {
		w.t.Fatal(err)
	}
	return int(n)
}

func (w *world) insert(collection string, docs ...any) {
	w.t.Helper()
	if _, err := w.db.Collection(collection).InsertMany(w.t.Context(), docs); err != nil {
		w.t.Fatal(err)
	}
}

// many are n documents of a collection.
func many(n int) (docs []any) {
	for i := range n {
		docs = append(docs, bson.D{{Key: "_id", Value: fmt.Sprintf("doc-%05d", i)}, {Key: "n", Value: i}})
	}
	return docs
}

// calm waits until no event is on its way.
func (w *world) calm() {
	w.t.Helper()
	looks := 0
	w.await("events on their way", "none", func() string {
		s, err := w.ditto.State(w.t.Context())
		for _, q := range w.info.Queues {
			d, derr := sqs.ReadDepth(w.t.Context(), w.queues, q.URL)
			if err = errors.Join(err, derr); !d.Empty() {
				looks = 0
			}
		}
		if err != nil {
			return err.Error()
		}
		if s.Pending > 0 {
			looks = 0
		}
		if looks++; looks < 10 {
			return "some"
		}
		return "none"
	})
}

// losing calls do, of which no event of MongoDB's arrives: as many messages as it
// says are taken out of the queue.
func (w *world) losing(do func() (documents int)) {
	w.t.Helper()
	w.stack.Pause()
	defer w.stack.Resume()
	url := w.info.Queues[stack.MongoToDitto].URL
	lost, want := 0, do()
	w.await("lost events", fmt.Sprint(want), func() string {
		out, err := w.queues.ReceiveMessage(w.t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			return err.Error()
		}
		for _, m := range out.Messages {
			if _, err := w.queues.DeleteMessage(w.t.Context(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err.Error()
			}
			lost++
		}
		return fmt.Sprint(lost)
	})
}

// losingDitto calls do, of which no event of Ditto's arrives.
func (w *world) losingDitto(events int, do func()) {
	w.t.Helper()
	if err := w.ditto.Feed(w.t.Context(), ditto.Feed{Drop: events}); err != nil {
		w.t.Fatal(err)
	}
	do()
	w.await("lost events", "0", func() string {
		s, err := w.ditto.State(w.t.Context())
		return fmt.Sprint(s.Pending, err)[:1]
	})
}

// expireClaims ends the claims that a killed worker has left, which live 90 s.
func (w *world) expireClaims() {
	w.t.Helper()
	_, err := w.db.Collection(ledger.Collection).UpdateMany(w.t.Context(), bson.D{{Key: "claim.until", Value: bson.D{{Key: "$exists", Value: true}}}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "claim.until", Value: time.Unix(0, 0)}}}})
	if err != nil {
		w.t.Fatal(err)
	}
}
