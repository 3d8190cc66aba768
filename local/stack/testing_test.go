package stack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// patience is how long a change may take to reach the other side.
const patience = 30 * time.Second

func repository(t *testing.T) string {
	t.Helper()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// writeManifest writes a manifest with these collections, in YAML, indented
// as they stand below `collections:`.
func writeManifest(t *testing.T, database, collections string) string {
	t.Helper()
	indent := "\n        "
	text := `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata:
  name: test
  namespace: ditto
spec:
  bridge:
    mongoConnector:
      connectionSecret:
        kubernetesSecret:
          name: test-mongo
      database: ` + database + `
      collections:` + indent + strings.ReplaceAll(strings.TrimSpace(collections), "\n", indent) + "\n"
	path := filepath.Join(t.TempDir(), "causeway.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// database is a name that no other test uses, also on a server of the user's own.
func database() string { return "causeway_test_" + bson.NewObjectID().Hex() }

// start starts a stack in this process; it is stopped when the test ends.
func start(t *testing.T, opts stack.Options) *stack.Stack {
	t.Helper()
	opts.Root = repository(t)
	if opts.Dir == "" {
		opts.Dir = t.TempDir()
	}
	opts.Out = t.Output()
	s, err := stack.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopStack(t, s) })
	return s
}

func stopStack(t *testing.T, s *stack.Stack) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := leak.Stack(filepath.Dir(s.Info().Logs)); err != nil {
		t.Error(err)
	}
}

// world is both sides of a running stack, as their users see them.
type world struct {
	t    *testing.T
	info stack.Info
	db   *mongo.Database
}

func open(t *testing.T, info stack.Info) *world {
	t.Helper()
	client, err := mongo.Connect(options.Client().ApplyURI(info.MongoDB))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		brief, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel() // the server may be gone
		_ = client.Disconnect(brief)
	})
	return &world{t: t, info: info, db: client.Database(info.Database)}
}

// dql runs a statement as the guide's curl does, and returns the documents.
func (w *world) dql(api, statement string, args ...any) []json.RawMessage {
	w.t.Helper()
	body := map[string]any{"statement": statement}
	if len(args) > 0 {
		named := map[string]any{}
		for i := 0; i < len(args); i += 2 {
			named[args[i].(string)] = args[i+1]
		}
		body["args"] = named
	}
	b, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.info.Ditto.URL+"/api/"+api+"/store/execute", bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "bearer "+w.info.Ditto.APIKey)
	req.Header.Set("Content-Type", "application/json")
	return query(w.t, req)
}

// query sends a request to Ditto and returns the documents of the answer.
func query(t *testing.T, req *http.Request) []json.RawMessage {
	t.Helper()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Items []json.RawMessage
		Error struct{ Description string }
	}
	if err := json.Unmarshal(out, &answer); err != nil || res.StatusCode != http.StatusOK || answer.Error.Description != "" {
		t.Fatalf("%s: %s: %s", req.URL, res.Status, out)
	}
	return answer.Items
}

// ditto is the document of that id, given as JSON; "" if there is none.
func (w *world) ditto(api, collection, id string) string {
	w.t.Helper()
	items := w.dql(api, "SELECT * FROM "+collection+" WHERE _id = :id", "id", json.RawMessage(id))
	if len(items) == 0 {
		return ""
	}
	return string(items[0])
}

// mongo is the document that matches, as canonical Extended JSON with sorted
// keys; "" if there is none.
func (w *world) mongo(collection string, filter bson.D) string {
	w.t.Helper()
	raw, err := w.db.Collection(collection).FindOne(w.t.Context(), filter).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return ""
	}
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := bson.MarshalExtJSON(raw, true, false)
	if err != nil {
		w.t.Fatal(err)
	}
	return normal(w.t, string(text))
}

// normal is JSON with sorted keys and without spaces.
func normal(t *testing.T, text string) string {
	t.Helper()
	if text == "" {
		return ""
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// await waits until what is shown is want.
func await(t *testing.T, what, want string, show func() string) {
	t.Helper()
	got := show()
	for deadline := time.Now().Add(patience); got != want; got = show() {
		if time.Now().After(deadline) {
			t.Fatalf("%s:\n got %s\nwant %s", what, got, want)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// quiet waits until no event is on its way any more.
func (w *world) quiet() {
	w.t.Helper()
	client := sqs.NewClient(w.info.SQS)
	calm := 0
	await(w.t, "queues and outbox", "calm", func() string {
		state := ""
		for name, q := range w.info.Queues {
			d, err := sqs.ReadDepth(w.t.Context(), client, q.URL)
			if err != nil {
				w.t.Fatal(err)
			}
			if !d.Empty() {
				state += fmt.Sprintf("%s %+v ", name, d)
			}
		}
		if !w.info.Ditto.External {
			if n := w.outbox(); n > 0 {
				state += fmt.Sprintf("outbox %d", n)
			}
		}
		if state != "" {
			calm = 0
			return state
		}
		if calm++; calm < 5 {
			return fmt.Sprintf("calm for %d looks", calm)
		}
		return "calm"
	})
}

// depth is how many messages a worker's queue holds, dead letters included.
func (w *world) depth(worker string) int {
	w.t.Helper()
	n := 0
	for _, url := range []string{w.info.Queues[worker].URL, w.info.Queues[worker].DeadLettersURL} {
		d, err := sqs.ReadDepth(w.t.Context(), sqs.NewClient(w.info.SQS), url)
		if err != nil {
			w.t.Fatal(err)
		}
		n += d.Total()
	}
	return n
}

// outbox is how many events of the Ditto server wait for delivery.
func (w *world) outbox() int64 { return w.dittoState().Pending }

type dittoState struct{ Pending, Writes int64 }

func (w *world) dittoState() (s dittoState) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.info.Ditto.URL+"/_control/state", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+w.info.Ditto.APIKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&s); err != nil {
		w.t.Fatal(err)
	}
	return s
}

// d is a BSON document of pairs.
func d(pairs ...any) bson.D {
	doc := bson.D{}
	for i := 0; i < len(pairs); i += 2 {
		doc = append(doc, bson.E{Key: pairs[i].(string), Value: pairs[i+1]})
	}
	return doc
}
