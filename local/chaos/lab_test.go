package chaos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	coreditto "github.com/causeway-sync/causeway/core/ditto"
	coremongo "github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/secretsmanager"
)

// lab is both databases and the functions, which a test invokes by hand.
// There is no queue: a key that is to come later comes back as a failure.
type lab struct {
	t *testing.T
	*parts
}

type parts struct {
	database string
	mongo    *mongodb.Server
	ditto    *ditto.Server
	secrets  *secretsmanager.Server

	client *coremongo.Client
	db     *mongo.Database
	exec   *coreditto.Client
	env    []string // of the functions
	whole  map[string]*lambda.Function
	log    *os.File // what the functions write

	stream *mongo.ChangeStream
	marks  int
}

const labCollections = `
things:
  fields: [_id]
  dqlStrictMode: false
  dittoTypes: {settableCounters: [q]}
  conflicts: {default: mongo, fields: {b: ditto}}
strict:
  fields: [_id]
mapped:
  fields: [k]
  dqlStrictMode: false
blocked:
  fields: [_id]`

func openLab(t *testing.T) *lab {
	t.Helper()
	looksForProcesses(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	l := &lab{t, &parts{
		database: "causeway_chaos_" + bson.NewObjectID().Hex(), whole: map[string]*lambda.Function{},
	}}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	l.log, err = os.Create(filepath.Join(scratch, "functions.log"))
	must(err)
	t.Cleanup(func() { l.log.Close() })
	root, err := install.Root("")
	must(err)
	node, err := install.FindNode(ctx, os.Getenv)
	must(err)
	must(install.Modules(ctx, root, func(string) {}))
	must(install.Bootstraps(ctx, root, func(string) {}))
	l.mongo, err = mongodb.Start(ctx, mongodb.Options{})
	must(err)
	t.Cleanup(func() { stop(t, l.mongo.Stop) })
	l.ditto, err = ditto.Start(ctx, ditto.Options{Local: filepath.Join(root, "local"), Dir: t.TempDir(), Faults: true, Node: node})
	must(err)
	t.Cleanup(func() { stop(t, func(context.Context) error { return l.ditto.Stop() }) })
	l.secrets, err = secretsmanager.Start(0,
		secretsmanager.Secret{ID: "ditto/mongo", Value: l.mongo.URI}, secretsmanager.Secret{ID: "ditto/key", Value: l.ditto.APIKey})
	must(err)
	t.Cleanup(func() { stop(t, l.secrets.Stop) })
	l.exec, err = coreditto.NewClient(coreditto.ClientConfig{Endpoint: l.ditto.URL, Keys: coreditto.StaticKey(l.ditto.APIKey)})
	must(err)
	l.client, err = coremongo.Connect(l.mongo.URI, l.database)
	must(err)
	l.db = l.client.Driver()
	t.Cleanup(func() {
		stop(t, l.db.Drop) // the server may be the user's own
		stop(t, l.client.Close)
	})
	for _, name := range []string{"things", "strict", "mapped", "blocked", markCollection} {
		must(l.db.CreateCollection(ctx, name))
	}
	l.stream, err = l.db.Watch(ctx, mongo.Pipeline{})
	must(err)
	t.Cleanup(func() { stop(t, l.stream.Close) })
	config := writeManifest(t, l.database, "ditto/mongo", labCollections)
	l.env = []string{
		"CAUSEWAY_CONFIG=" + config, "CAUSEWAY_ROLE=worker", "CAUSEWAY_DITTO_URL=" + l.ditto.URL, "CAUSEWAY_DITTO_API_KEY_SECRET=ditto/key",
		"AWS_REGION=" + lambda.Region, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"AWS_ENDPOINT_URL_SECRETS_MANAGER=" + l.secrets.Endpoint,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
	}
	for _, name := range []string{mongoToDitto, dittoToMongo} {
		f := lambda.New(lambda.Config{Name: name, Bootstrap: install.Bootstrap(root, name), Env: l.env, Log: l.log})
		l.whole[name] = f
		t.Cleanup(func() { stop(t, f.Close) })
	}
	return l
}

// stop ends a part of a test.
func stop(t *testing.T, f func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := f(ctx); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// writeManifest writes a manifest with these collections, in YAML, indented
// as they stand below `collections:`.
func writeManifest(t *testing.T, database, secret, collections string) string {
	t.Helper()
	namespace, name, _ := strings.Cut(secret, "/")
	indent := "\n        "
	text := `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata: {name: chaos, namespace: ` + namespace + `}
spec:
  bridge:
    mongoConnector:
      connectionSecret: {kubernetesSecret: {name: ` + name + `}}
      database: ` + database + `
      collections:` + indent + strings.ReplaceAll(strings.TrimSpace(collections), "\n", indent) + "\n"
	path := filepath.Join(t.TempDir(), "causeway.yaml")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// invoke hands keys to a function and returns how many of them failed.
func (l *lab) invoke(function string, keys ...string) int {
	l.t.Helper()
	out, err := l.whole[function].Invoke(l.t.Context(), batch(keys))
	if lambda.IsFunctionError(err) && strings.Contains(err.Error(), "cannot be sent again") {
		return len(keys) // there is no queue, and where no key is handled the invocation fails
	}
	if err != nil {
		l.t.Fatal(err)
	}
	var answer struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		l.t.Fatal(err)
	}
	return len(answer.BatchItemFailures)
}

// cutOff hands a key to a function that kills itself at a failpoint, and waits
// for its end. wait may name another failpoint and what the function asks
// there before it goes on.
func (l *lab) cutOff(function, point, wait, key string) error {
	dir, err := cut()
	if err != nil {
		return err
	}
	f := lambda.New(lambda.Config{
		Name: function, Bootstrap: filepath.Join(dir, function), Log: l.log,
		Env: append([]string{failpointEnv + "=" + point, waitEnv + "=" + wait}, l.env...),
	})
	defer stop(l.t, f.Close)
	out, err := f.Invoke(l.t.Context(), batch([]string{key}))
	var failed *lambda.Error
	if !errors.As(err, &failed) || !strings.Contains(failed.Message, "signal: killed") {
		return fmt.Errorf("the function was not killed: answer %s, error %w", out, err)
	}
	return nil
}

// batch is an event of the queue.
func batch(keys []string) []byte {
	type record struct {
		ID     string `json:"messageId"`
		Source string `json:"eventSource"`
		Body   string `json:"body"`
	}
	var event struct{ Records []record }
	for i, key := range keys {
		event.Records = append(event.Records, record{fmt.Sprint(i), "aws:sqs", key})
	}
	b, _ := json.Marshal(event) // strings always encode
	return b
}

// dql runs a statement as a device does, and returns its documents.
func (l *lab) dql(collection, statement string, args map[string]any) []json.RawMessage {
	l.t.Helper()
	js, err := json.Marshal(args)
	if err != nil {
		l.t.Fatal(err)
	}
	api := coreditto.V5
	if collection == "strict" || collection == "blocked" {
		api = coreditto.V4
	}
	res, err := l.exec.Execute(l.t.Context(), coreditto.Request{
		API: api, Statement: statement, Args: js, Write: !strings.HasPrefix(statement, "SELECT"),
	})
	if err != nil {
		l.t.Fatalf("%s: %v", statement, err)
	}
	return res.Items
}

func (l *lab) txn() int64 {
	l.t.Helper()
	s, err := l.ditto.State(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return s.Txn
}
