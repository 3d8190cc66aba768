package trigger_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/trigger"
)

// world is a database, a queue and a state file.
type world struct {
	db    *mongo.Database
	queue *sqs.Server
	state string
	// newQueue replaces the queue by an empty one, as a restart does.
	newQueue func()
}

func newWorld(t *testing.T) *world {
	t.Helper()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	node, err := install.FindNode(t.Context(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	notice := func(s string) { t.Log(s) }
	if err := install.Modules(t.Context(), root, notice); err != nil {
		t.Fatal(err)
	}
	stop := func(f func(context.Context) error) func() {
		return func() {
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			if err := f(ctx); err != nil {
				t.Error(err)
			}
		}
	}
	srv, err := mongodb.Start(t.Context(), mongodb.Options{Notice: notice})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop(srv.Stop))
	client, err := mongo.Connect(options.Client().ApplyURI(srv.URI))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop(client.Disconnect))
	db := client.Database("causeway_test_" + bson.NewObjectID().Hex())
	t.Cleanup(stop(db.Drop))
	w := &world{db: db, state: filepath.Join(t.TempDir(), "trigger.json")}
	w.newQueue = func() {
		if w.queue != nil {
			stop(w.queue.Stop)()
		}
		if w.queue, err = sqs.Start(t.Context(), sqs.Options{
			Root: root, Node: node, Queues: []sqs.Queue{{Name: "q", Visibility: time.Hour}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.newQueue()
	t.Cleanup(func() { stop(w.queue.Stop)() })
	return w
}

// start runs a trigger; stop ends it as a crash does, without a last save.
func (w *world) start(t *testing.T) (_ *trigger.Trigger, stop func()) {
	t.Helper()
	tr, err := trigger.Open(t.Context(), trigger.Config{
		Database:    w.db,
		Collections: []string{"tasks", "users"},
		Queue:       w.queue.Client(),
		QueueURL:    w.queue.URL("q"),
		Empty: func(ctx context.Context) (bool, error) {
			d, err := w.queue.Depth(ctx, "q")
			return d.Empty(), err
		},
		StateFile: w.state,
		Source:    "test",
		Log:       slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { tr.Run(ctx); close(ended) }()
	stop = sync.OnceFunc(func() { cancel(); <-ended })
	t.Cleanup(stop)
	return tr, stop
}

// receive takes n messages off the queue, in the order of their sending. Each
// is shown as "operation collection id".
func (w *world) receive(t *testing.T, n int, del bool) []string {
	t.Helper()
	var got []string
	url := w.queue.URL("q")
	for deadline := time.Now().Add(15 * time.Second); len(got) < n; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("received %q, want %d messages", got, n)
		}
		out, err := w.queue.Client().ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range out.Messages {
			got = append(got, summary(t, *m.Body))
			if !del {
				continue
			}
			if _, err := w.queue.Client().DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{
				QueueUrl: &url, ReceiptHandle: m.ReceiptHandle,
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
	return got
}

func summary(t *testing.T, body string) string {
	t.Helper()
	var m struct {
		V, Rule                     int
		OperationType, DB, Coll, At string
		ID, ClusterTime             json.RawMessage
		DetailType                  string
	}
	if err := json.Unmarshal([]byte(body), &m); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	named := strings.HasPrefix(m.DB, "causeway_test_") || m.OperationType == "invalidate" // which names no database
	if m.V != 1 || m.Rule != 1 || !named ||
		!strings.HasPrefix(string(m.ClusterTime), `{"$timestamp":`) || !strings.HasPrefix(m.DetailType, "MongoDB Database Trigger for "+m.DB) {
		t.Errorf("message %s has not the rule's shape", body)
	}
	if strings.Contains(body, "secret content") {
		t.Errorf("message %s holds a document's content", body)
	}
	return m.OperationType + " " + m.Coll + " " + string(m.ID)
}

func d(pairs ...any) bson.D {
	var doc bson.D
	for i := 0; i < len(pairs); i += 2 {
		doc = append(doc, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return doc
}

func TestTriggerEvents(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.start(t)
	tasks, other := w.db.Collection("tasks"), w.db.Collection("other")
	oid, _ := bson.ObjectIDFromHex("0123456789abcdef01234567")
	must(t)(other.InsertOne(ctx, d("_id", 1)))
	must(t)(tasks.InsertOne(ctx, d("_id", "a", "title", "secret content")))
	must(t)(tasks.InsertOne(ctx, d("_id", oid)))
	must(t)(tasks.UpdateOne(ctx, d("_id", "a"), d("$set", d("title", "secret content 2"))))
	must(t)(tasks.ReplaceOne(ctx, d("_id", "a"), d("x", 1)))
	must(t)(tasks.DeleteOne(ctx, d("_id", "a")))
	must(t)(w.db.Collection("__causeway_canary").InsertOne(ctx, d("_id", int64(7))))
	must(t)(w.db.Collection("__causeway_ledger").InsertOne(ctx, d("_id", "x")))
	got := w.receive(t, 6, true)
	want := []string{
		`insert tasks "a"`, `insert tasks {"$oid":"0123456789abcdef01234567"}`, `update tasks "a"`,
		`replace tasks "a"`, `delete tasks "a"`, `insert __causeway_canary {"$numberLong":"7"}`,
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("events %q, want %q", got, want)
	}
	if err := tasks.Drop(ctx); err != nil {
		t.Fatal(err)
	}
	if got := w.receive(t, 1, true); got[0] != `drop tasks ""` {
		t.Errorf("event %q, want the drop", got)
	}

	// A dropped database ends the stream; the trigger opens another.
	must(t)(tasks.InsertOne(ctx, d("_id", "before")))
	if err := w.db.Drop(ctx); err != nil {
		t.Fatal(err)
	}
	must(t)(tasks.InsertOne(ctx, d("_id", "after")))
	for seen := map[string]bool{}; !seen[`insert tasks "before"`] || !seen[`insert tasks "after"`]; {
		for _, got := range w.receive(t, 1, true) {
			seen[got] = true
		}
	}
}

// Invariant 1: what the queue loses is announced again.
func TestTriggerResume(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	tasks := w.db.Collection("tasks")
	insert := func(id string) { t.Helper(); must(t)(tasks.InsertOne(ctx, d("_id", id))) }

	_, stop := w.start(t)
	insert("handled")
	w.receive(t, 1, true)
	insert("in flight")
	w.receive(t, 1, false) // received, never deleted
	stop()

	w.newQueue()
	insert("while off")
	tr, stop := w.start(t)
	got := w.receive(t, 2, true)
	if got = got[max(0, len(got)-2):]; !slices.Contains(got, `insert tasks "in flight"`) || !slices.Contains(got, `insert tasks "while off"`) {
		t.Errorf("events %q, want what was in flight and what was made meanwhile", got)
	}
	for empty := false; !empty; time.Sleep(5 * time.Millisecond) {
		depth, err := w.queue.Depth(ctx, "q")
		if err != nil {
			t.Fatal(err)
		}
		empty = depth.Empty()
	}
	if err := tr.Save(ctx); err != nil {
		t.Fatal(err)
	}
	stop()

	w.start(t)
	insert("last")
	if got := w.receive(t, 1, true); got[0] != `insert tasks "last"` {
		t.Errorf("event %q, want none of the handled ones again", got)
	}
}

func TestOpenErrStateFile(t *testing.T) {
	w := newWorld(t)
	if err := os.WriteFile(w.state, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := trigger.Open(t.Context(), trigger.Config{Database: w.db, StateFile: w.state, Source: "test"})
	if err == nil || !strings.Contains(err.Error(), w.state) {
		t.Errorf("error = %v, want one that names the file", err)
	}
}

func must(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}
