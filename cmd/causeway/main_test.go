package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/preflight"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/value"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// result is what a command did.
type result struct {
	status         int
	stdout, stderr string
}

func causeway(t *testing.T, args ...string) result {
	t.Helper()
	return typed(t, "", args...)
}

// typed runs a command with something on its standard input.
func typed(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	status := run(ctx, args, strings.NewReader(stdin), &stdout, &stderr)
	if err := errors.Join(leak.Check("stdout", stdout.Bytes()), leak.Check("stderr", stderr.Bytes())); err != nil {
		t.Errorf("causeway %s: %v", strings.Join(args, " "), err)
	}
	return result{status, stdout.String(), stderr.String()}
}

func (r result) want(t *testing.T, status int, texts ...string) {
	t.Helper()
	if r.status != status {
		t.Errorf("status %d, want %d\n%s%s", r.status, status, r.stdout, r.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(r.stdout+r.stderr, text) {
			t.Errorf("output lacks %q:\n%s%s", text, r.stdout, r.stderr)
		}
	}
}

func decode[T any](t *testing.T, r result) (v T) {
	t.Helper()
	if r.status != 0 {
		t.Fatalf("status %d: %s", r.status, r.stderr)
	}
	if err := json.Unmarshal([]byte(r.stdout), &v); err != nil {
		t.Fatalf("%s: %v", r.stdout, err)
	}
	return v
}

func TestHelp(t *testing.T) {
	causeway(t, "--help").want(t, 0, "run", "check", "invoke", "status", "unsynced", "conflicts", "redrive", "causeway check")
	for _, command := range [][]string{
		{"run"},
		{"check"},
		{"invoke"},
		{"status"},
		{"unsynced", "list"},
		{"unsynced", "retry"},
		{"conflicts", "list"},
		{"redrive"},
		{"pause"},
		{"resume"},
		{"secrets", "put"},
		{"trigger", "show"},
	} {
		causeway(t, append(command, "--help")...).want(t, 0, "Example", "causeway "+strings.Join(command, " "))
	}
}

func TestErrUsage(t *testing.T) {
	for name, args := range map[string][]string{
		"NoCommand":      {},
		"UnknownCommand": {"frobnicate"},
		"UnknownFlag":    {"status", "--frobnicate"},
		"NoEvent":        {"invoke", "mongo-to-ditto"},
		"NoSuchFunction": {"invoke", "mongo-to-mongo", "x.json"},
	} {
		t.Run(name, func(t *testing.T) {
			if r := causeway(t, args...); r.status == 0 || r.stdout+r.stderr == "" {
				t.Errorf("status %d, output %q", r.status, r.stdout+r.stderr)
			}
		})
	}
}

func TestErrNotRunning(t *testing.T) {
	dir := t.TempDir()
	for _, args := range [][]string{{"status"}, {"unsynced"}, {"unsynced", "retry"}, {"conflicts"}, {"redrive"}, {"pause"}, {"resume"}} {
		causeway(t, append([]string{"--dir", dir}, args...)...).want(t, 1, "not running", "make run")
	}
}

func TestCheckManifest(t *testing.T) {
	t.Setenv("MONGODB_URI", "")
	t.Setenv("DITTO_URL", "")
	dir := t.TempDir()
	t.Run("OK", func(t *testing.T) {
		causeway(t, "--dir", dir, "check", writeManifest(t, "test-db")).want(t, 0, "manifest  ok", "database test-db", "skipped", "MONGODB_URI")
	})
	t.Run("ErrSeveral", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "bad.yaml")
		text := strings.ReplaceAll(strings.ReplaceAll(manifestText("test-db"), "fields: [_id]", "fields: []"), "database: test-db", "databse: test-db")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		causeway(t, "--dir", dir, "check", path).want(t, 1, "databse", ".tasks.fields", path+":", "→")
		var found []preflight.Finding
		r := causeway(t, "--dir", dir, "--json", "check", path)
		if err := json.Unmarshal([]byte(r.stdout), &found); err != nil || r.status != 1 || len(found) < 2 || found[0].Status != preflight.Problem || found[0].Mend == "" {
			t.Errorf("status %d, findings %+v, %v", r.status, found, err)
		}
	})
	t.Run("ErrNoFile", func(t *testing.T) {
		causeway(t, "--dir", dir, "check", filepath.Join(dir, "none.yaml")).want(t, 1, "none.yaml")
	})
	t.Run("ErrMongoDBAway", func(t *testing.T) {
		t.Setenv("MONGODB_URI", "mongodb://user:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=300")
		r := causeway(t, "--dir", dir, "check", writeManifest(t, "test-db"))
		r.want(t, 1, "PROBLEM", "Failed to connect to MongoDB", "Network Access", "comes from MONGODB_URI")
		if strings.Contains(r.stdout+r.stderr, "hunter2") {
			t.Errorf("the password is shown: %s%s", r.stdout, r.stderr)
		}
	})
	t.Run("ErrMongoDBInvalid", func(t *testing.T) {
		t.Setenv("MONGODB_URI", "http://somewhere")
		causeway(t, "--dir", dir, "check", writeManifest(t, "test-db")).want(t, 1, "Connection string provided is invalid.", "it must begin with mongodb://")
	})
	t.Run("ErrDittoAway", func(t *testing.T) {
		t.Setenv("DITTO_URL", "http://127.0.0.1:1")
		t.Setenv("DITTO_API_KEY", "hunter2")
		r := causeway(t, "--dir", dir, "check", writeManifest(t, "test-db"))
		r.want(t, 1, "PROBLEM", "does not answer", "DITTO_URL")
		if strings.Contains(r.stdout+r.stderr, "hunter2") {
			t.Errorf("the key is shown: %s%s", r.stdout, r.stderr)
		}
	})
}

func manifestText(database string) string {
	return `apiVersion: ditto.live/v1alpha1
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
      collections:
        tasks:
          fields: [_id]
        orders:
          fields: [orderId, storeId]
`
}

func writeManifest(t *testing.T, database string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "causeway.yaml")
	if err := os.WriteFile(path, []byte(manifestText(database)), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// bench is a running stack, and the commands on it.
type bench struct {
	dir    string
	config string
	opts   stack.Options
	info   stack.Info
	stack  *stack.Stack
	client *mongodb.Client
}

func (b *bench) causeway(t *testing.T, args ...string) result {
	t.Helper()
	return causeway(t, append([]string{"--dir", b.dir}, args...)...)
}

func startBench(t *testing.T) *bench { return startBenchWith(t, stack.Options{}) }

func startBenchWith(t *testing.T, opts stack.Options) *bench {
	t.Helper()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{dir: t.TempDir(), config: writeManifest(t, "causeway_test_"+bson.NewObjectID().Hex())}
	opts.Root, opts.Config, opts.Dir, opts.Out = root, b.config, b.dir, t.Output()
	b.opts = opts
	b.start(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if b.info.MongoDBKind == "external" {
			_ = b.client.Driver().Drop(ctx)
		}
		b.stop(t, ctx)
	})
	return b
}

func (b *bench) start(t *testing.T) {
	t.Helper()
	var err error
	if b.stack, err = stack.Start(t.Context(), b.opts); err != nil {
		t.Fatal(err)
	}
	b.info = b.stack.Info()
	if b.client, err = mongodb.Connect(b.info.MongoDB, b.info.Database); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) stop(t *testing.T, ctx context.Context) { //nolint:revive // t before ctx: a cleanup has a context of its own
	t.Helper()
	if err := errors.Join(b.client.Close(ctx), b.stack.Stop(ctx)); err != nil {
		t.Error(err)
	}
}

func (b *bench) restart(t *testing.T) {
	t.Helper()
	b.stop(t, t.Context())
	b.start(t)
}

func (b *bench) insert(t *testing.T, collection string, doc bson.D) {
	t.Helper()
	if _, err := b.client.Driver().Collection(collection).InsertOne(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
}

// awaitInitialRun waits until the run that the stack starts by itself is over.
func (b *bench) awaitInitialRun(t *testing.T) {
	t.Helper()
	m, err := manifest.Load(b.config)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the initial run", func() bool {
		runs, err := (&sweep.Runner{Manifest: m, DB: b.client}).Runs(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(runs) == 1 && !runs[0].Unfinished()
	})
}

// runsCollection is all that is noted of runs, as Extended JSON. The canary, whose
// beats go on, has a note there too.
func (b *bench) runsCollection(t *testing.T) []string {
	t.Helper()
	docs, err := b.client.Find(t.Context(), ledger.RunsCollection, bson.D{{Key: "_id", Value: bson.D{{Key: "$ne", Value: "canary"}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	texts := make([]string, len(docs))
	for i, doc := range docs {
		texts[i] = doc.String()
	}
	slices.Sort(texts)
	return texts
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come true", what)
		}
	}
}

// event is a golden event, for the stack's database, as a file.
func (b *bench) event(t *testing.T, name string) string {
	t.Helper()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, "events", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "event.json")
	text = bytes.ReplaceAll(text, []byte("test-db"), []byte(b.info.Database))
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommands(t *testing.T) {
	b := startBench(t)

	t.Run("Check", func(t *testing.T) {
		b.causeway(t, "check", b.config).want(t, 0, "manifest  ok", "collection tasks", "no unique index on orderId, storeId",
			"createIndex({orderId: 1, storeId: 1}, {unique: true})", "ditto     ok")
	})
	t.Run("CheckWritesNothing", func(t *testing.T) {
		b.awaitInitialRun(t) // which writes meanwhile
		before := b.runsCollection(t)
		b.causeway(t, "check", b.config).want(t, 0, "clocks here and of Ditto agree", "webhook secret: not looked at")
		if diff := cmp.Diff(before, b.runsCollection(t)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("CheckErrKey", func(t *testing.T) {
		t.Setenv("DITTO_URL", b.info.Ditto.URL)
		t.Setenv("DITTO_API_KEY", "hunter2")
		r := causeway(t, "--dir", t.TempDir(), "check", b.config)
		r.want(t, 1, "PROBLEM", "Ditto refuses the API key", "comes from DITTO_API_KEY")
		t.Setenv("DITTO_API_KEY", "")
		causeway(t, "--dir", t.TempDir(), "check", b.config).want(t, 1, "API key: it is empty", "set DITTO_API_KEY")
	})
	t.Run("CheckErrCollection", func(t *testing.T) {
		other := writeManifest(t, b.info.Database)
		text := strings.ReplaceAll(manifestText(b.info.Database), "tasks:", "capped:") + "        missing:\n          fields: [_id]\n"
		if err := os.WriteFile(other, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := b.client.Driver().RunCommand(t.Context(), bson.D{
			{Key: "create", Value: "capped"}, {Key: "capped", Value: true}, {Key: "size", Value: 4096},
		}).Err(); err != nil {
			t.Fatal(err)
		}
		b.causeway(t, "check", other).want(t, 1, "Collection missing not found", "Collection capped cannot be a capped collection")
	})
	t.Run("Status", func(t *testing.T) {
		b.insert(t, "tasks", bson.D{{Key: "_id", Value: "synced"}})
		var s status
		eventually(t, "the pair in the status", func() bool {
			s = decode[status](t, b.causeway(t, "--json", "status"))
			return len(s.Collections) == 2 && s.Collections[1].Pairs["live"] == 1
		})
		if c := s.Collections[1]; c.Collection != "tasks" || time.Since(c.LastEvent) > time.Minute {
			t.Errorf("status = %+v", s)
		}
		eventually(t, "an empty queue", func() bool {
			s = decode[status](t, b.causeway(t, "--json", "status"))
			q := s.Queues[0]
			return q.Function == stack.MongoToDitto && q.LagMS >= 0 && q.Waiting+q.InFlight+q.Delayed+q.DeadLetters == 0
		})
		b.causeway(t, "status").want(t, 0, "COLLECTION", "tasks", "mongo-to-ditto", "DEAD LETTERS")
	})
	t.Run("Unsynced", func(t *testing.T) { b.testUnsynced(t) })
	t.Run("Conflicts", func(t *testing.T) {
		b.causeway(t, "conflicts").want(t, 0, "no conflict")
		records := ledger.Records{DB: b.client}
		if err := records.PutConflicts(t.Context(), []ledger.Conflict{{
			Key: ledger.Key{Collection: "tasks", ID: docid.ID(`"a"`)}, Rev: 3, Path: value.PathOf("address", "city"),
			Side: value.Ditto, JSON: `"Berlin"`, Rule: "mongo",
		}}); err != nil {
			t.Fatal(err)
		}
		b.causeway(t, "conflicts", "list", "tasks").want(t, 0, "address.city", `"Berlin"`, "mongo")
		list := decode[[]conflictRecord](t, b.causeway(t, "--json", "conflicts", "list"))
		if len(list) != 1 || string(list[0].Value) != `"Berlin"` || list[0].Lost != value.Ditto || string(list[0].DittoID) != `"a"` {
			t.Errorf("conflicts = %+v", list)
		}
		b.causeway(t, "conflicts", "list", "orders").want(t, 0, "no conflict")
	})
	t.Run("Redrive", func(t *testing.T) {
		q := b.info.Queues[stack.MongoToDitto]
		body := `{"v":1,"collection":"tasks","mongoId":"synced","side":"mongodb","op":"upsert","tries":0}`
		if _, err := sqs.NewClient(b.info.SQS).SendMessage(t.Context(), &awssqs.SendMessageInput{
			QueueUrl: &q.DeadLettersURL, MessageBody: &body,
		}); err != nil {
			t.Fatal(err)
		}
		if moved := decode[map[string]int](t, b.causeway(t, "--json", "redrive")); moved[stack.MongoToDitto] != 1 {
			t.Errorf("moved = %v", moved)
		}
		b.causeway(t, "redrive", "mongo-to-ditto").want(t, 0, "0 messages")
	})
	t.Run("Invoke", func(t *testing.T) { b.testInvoke(t) })
}

func (b *bench) testUnsynced(t *testing.T) {
	b.causeway(t, "unsynced").want(t, 0, "every document is synced")
	b.insert(t, "orders", bson.D{{Key: "_id", Value: 1}, {Key: "orderId", Value: "o"}})
	eventually(t, "the record", func() bool {
		return len(decode[[]unsyncedRecord](t, b.causeway(t, "--json", "unsynced", "list", "orders"))) == 1
	})
	b.causeway(t, "unsynced", "list").want(t, 0, "orders", "storeId", "→")
	b.causeway(t, "unsynced", "list", "tasks").want(t, 0, "every document is synced")

	b.causeway(t, "unsynced", "retry").want(t, 1, "0 of 1 documents left the list", "storeId")
	b.update(t, "orders", 1, "storeId", "s")
	eventually(t, "the end of the record", func() bool {
		return len(decode[[]unsyncedRecord](t, b.causeway(t, "--json", "unsynced", "list"))) == 0
	})

	// What was wrong is mended where no event tells of it: a validator.
	b.validate(t, bson.D{{Key: "n", Value: bson.D{{Key: "$type", Value: "int"}}}})
	b.insertDitto(t, `{"_id": "rejected", "n": "text"}`)
	eventually(t, "the record of the rejected document", func() bool {
		return len(decode[[]unsyncedRecord](t, b.causeway(t, "--json", "unsynced", "list", "tasks"))) == 1
	})
	b.validate(t, bson.D{})
	b.causeway(t, "unsynced", "retry", "tasks").want(t, 0, "1 of 1 documents left the list")
	eventually(t, "the document in MongoDB", func() bool {
		docs, err := b.client.Find(t.Context(), "tasks", bson.D{{Key: "_id", Value: "rejected"}}, nil)
		return err == nil && len(docs) == 1
	})
	eventually(t, "the end of the record", func() bool {
		return len(decode[[]unsyncedRecord](t, b.causeway(t, "--json", "unsynced", "list"))) == 0
	})
}

func (b *bench) update(t *testing.T, collection string, id any, field string, v any) {
	t.Helper()
	if _, err := b.client.Driver().Collection(collection).UpdateOne(t.Context(), bson.D{{Key: "_id", Value: id}},
		bson.D{{Key: "$set", Value: bson.D{{Key: field, Value: v}}}}); err != nil {
		t.Fatal(err)
	}
}

// validate sets the validator of tasks.
func (b *bench) validate(t *testing.T, rule bson.D) {
	t.Helper()
	if err := b.client.Driver().RunCommand(t.Context(), bson.D{
		{Key: "collMod", Value: "tasks"}, {Key: "validator", Value: rule},
	}).Err(); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) insertDitto(t *testing.T, doc string) {
	t.Helper()
	client, err := ditto.NewClient(ditto.ClientConfig{Endpoint: b.info.Ditto.URL, Keys: ditto.StaticKey(b.info.Ditto.APIKey)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Execute(t.Context(), ditto.Request{
		API: ditto.V4, Statement: "INSERT INTO tasks DOCUMENTS (:d)", Args: json.RawMessage(`{"d": ` + doc + `}`), Write: true,
	}); err != nil {
		t.Fatal(err)
	}
}

func (b *bench) testInvoke(t *testing.T) {
	b.causeway(t, "invoke", "mongo-to-ditto", b.event(t, "mongo-to-ditto/insert-canonical.json")).want(t, 0, "{")
	b.causeway(t, "invoke", "mongo-to-ditto", "--logs", b.event(t, "mongo-to-ditto/sqs-keys.json")).want(t, 0, `"batchItemFailures": []`, `"handled"`)
	b.causeway(t, "invoke", "mongo-to-ditto", b.event(t, "mongo-to-ditto/bad-shape.json")).want(t, 1)
	b.causeway(t, "invoke", "mongo-to-ditto", b.event(t, "mongo-to-ditto/sqs-bad.json")).want(t, 1, "itemIdentifier", "not handled")
	webhook := b.event(t, "ditto-to-mongo/receiver/webhook-insert.json")
	b.causeway(t, "invoke", "ditto-to-mongo", webhook).want(t, 1, "401")
	b.causeway(t, "invoke", "ditto-to-mongo", "--sign", webhook).want(t, 0, `"statusCode": 200`, "accepted")
	b.causeway(t, "invoke", "mongo-to-ditto", filepath.Join(b.dir, "none.json")).want(t, 1, "none.json")
}

// Without a stack, invoke starts one for the event, and stops it.
func TestInvokeStartsWhatItNeeds(t *testing.T) {
	dir := t.TempDir()
	b := &bench{dir: dir, config: writeManifest(t, "causeway_test_"+bson.NewObjectID().Hex())}
	b.info.Database = filepath.Base(b.config) // of no collection: the event is not ours
	b.causeway(t, "invoke", "--config", b.config, "mongo-to-ditto", b.event(t, "mongo-to-ditto/canary.json")).want(t, 0, "starting one")
	causeway(t, "--dir", dir, "status").want(t, 1, "not running")
}
