package events_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"golang.org/x/sync/errgroup"

	coreditto "github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	coremongo "github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/secretsmanager"
	"github.com/causeway-sync/causeway/local/sqs"
)

// The functions, as they are deployed; the queue is named after the worker.
const (
	mongoToDitto = "mongo-to-ditto"
	dittoToMongo = "ditto-to-mongo"
	receiver     = "ditto-to-mongo-receiver"
	initialSync  = "initial-sync"
)

const (
	apiKeySecret  = "ditto/api-key"
	webhookSecret = "ditto/webhook"
	// webhookKey is the one that README.md names, base64 of the bytes 0 to 127.
	webhookKey = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn8="
)

// options say what a world is like. The zero options: all in memory or in a
// folder that goes, and the functions' own timeout.
type options struct {
	keep    bool          // the data outlives a stop of its engine
	timeout time.Duration // of an invocation
}

// world is both databases, the queue and the secrets, and the functions.
type world struct {
	t *testing.T
	*engines
}

// invoker is a function: a lambda.Function, or one under AWS's emulator.
type invoker interface {
	Invoke(ctx context.Context, event []byte) ([]byte, error)
	Close(ctx context.Context) error
}

type engines struct {
	opts options
	root string // of the repository
	dir  string
	node string

	webhookKey string // base64
	manifest   *manifest.Manifest
	database   string // test-db, or a name of its own on a server that is the user's
	mongo      *mongodb.Server
	ditto      *ditto.Server
	sqs        *sqs.Server
	secrets    *secretsmanager.Server

	functions map[string]invoker
	client    *coremongo.Client
	db        *mongo.Database
	exec      *coreditto.Client
	log       *output // what the functions wrote

	stream    *mongo.ChangeStream // of the database
	marks     int
	txn       int64           // of Ditto, at begin
	queued    []types.Message // at finish
	requested int             // runs that events asked for
	// stamped is Ditto's transaction that the payload names.
	stamped int64
}

// in is the world for a test: w's engines, and t to fail.
func (w *world) in(t *testing.T) *world { return &world{t, w.engines} }

// open starts the engines and the functions.
func open(ctx context.Context, dir string, opts options) (_ *world, err error) {
	w := &world{engines: &engines{opts: opts, dir: dir, webhookKey: webhookKey, functions: map[string]invoker{}, log: &output{}}}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.root, err = install.Root(""); err != nil {
		return nil, err
	}
	if w.node, err = install.FindNode(ctx, os.Getenv); err != nil {
		return nil, err
	}
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return w.startMongoDB(gctx, 0) })
	g.Go(func() error { return install.Bootstraps(gctx, w.root, func(string) {}) })
	g.Go(func() error {
		if err := install.Modules(gctx, w.root, func(string) {}); err != nil {
			return err
		}
		if err := w.startDitto(gctx, 0, ""); err != nil {
			return err
		}
		return w.startSQS(gctx)
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := w.configure(); err != nil {
		return nil, err
	}
	if err := w.connect(ctx); err != nil {
		return nil, err
	}
	w.start(mongoToDitto, mongoToDitto, "worker", mongoToDitto)
	w.start(dittoToMongo, dittoToMongo, "worker", dittoToMongo)
	w.start(receiver, dittoToMongo, "receiver", dittoToMongo)
	w.start(initialSync, initialSync, "sweep", mongoToDitto)
	return w, nil
}

func (w *world) startMongoDB(ctx context.Context, port int) (err error) {
	o := mongodb.Options{Port: port}
	if w.opts.keep { // a test stops it, so it is not the user's own
		o.Dir, o.Getenv = filepath.Join(w.dir, "mongodb"), withoutURI
	}
	w.mongo, err = mongodb.Start(ctx, o)
	return err
}

func (w *world) startSQS(ctx context.Context) (err error) {
	w.sqs, err = sqs.Start(ctx, sqs.Options{
		Root: w.root, Node: w.node, Queues: []sqs.Queue{{Name: mongoToDitto}, {Name: dittoToMongo}},
	})
	return err
}

func withoutURI(name string) string {
	if name == "MONGODB_URI" {
		return ""
	}
	return os.Getenv(name)
}

// startDitto starts the Ditto server, on the data that it had.
func (w *world) startDitto(ctx context.Context, port int, key string) (err error) {
	w.ditto, err = ditto.Start(ctx, ditto.Options{
		Local: filepath.Join(w.root, "local"), Dir: filepath.Join(w.dir, "ditto"),
		Port: port, APIKey: key, Faults: true, Node: w.node,
	})
	if err != nil {
		return err
	}
	w.exec, err = coreditto.NewClient(coreditto.ClientConfig{Endpoint: w.ditto.URL, Keys: coreditto.StaticKey(w.ditto.APIKey)})
	return err
}

// configure reads the manifest and fills the secrets. On a server of the
// user's own the database has a name that nobody else uses.
func (w *world) configure() error {
	w.database = "test-db"
	if w.mongo.Kind == mongodb.External {
		w.database = "causeway_test_" + bson.NewObjectID().Hex()
	}
	text, err := os.ReadFile("causeway.yaml")
	if err != nil {
		return err
	}
	if err := os.WriteFile(w.config(), w.named(text), 0o600); err != nil {
		return err
	}
	if w.manifest, err = manifest.Load(w.config()); err != nil {
		return err
	}
	uri, err := json.Marshal(map[string]string{cmp.Or(w.manifest.Secret.Key, "connectionString"): marked(w.mongo.URI)})
	if err != nil {
		return err
	}
	w.secrets, err = secretsmanager.Start(0,
		secretsmanager.Secret{ID: w.manifest.Secret.ID, Value: string(uri)},
		secretsmanager.Secret{ID: apiKeySecret, Value: w.ditto.APIKey},
		secretsmanager.Secret{ID: webhookSecret, Value: w.webhookKey})
	return err
}

// marked is a connection string that is found wherever it is shown.
func marked(uri string) string {
	if strings.Contains(uri, "?") {
		return uri + "&appName=" + leak.New()
	}
	return strings.TrimSuffix(uri, "/") + "/?appName=" + leak.New()
}

func (w *world) config() string { return filepath.Join(w.dir, "causeway.yaml") }

// named is a golden file with the database's name in it.
func (w *world) named(text []byte) []byte {
	return bytes.ReplaceAll(text, []byte("test-db"), []byte(w.database))
}

func (w *world) connect(ctx context.Context) (err error) {
	if w.client, err = coremongo.Connect(w.mongo.URI, w.database); err != nil {
		return err
	}
	w.db = w.client.Driver()
	for _, c := range w.manifest.Collections {
		if err := w.db.CreateCollection(ctx, c.Name); err != nil {
			return fmt.Errorf("create collection %s: %w", c.Name, err)
		}
	}
	w.stream, err = w.db.Watch(ctx, mongo.Pipeline{})
	return err
}

// start defines a function with the variables that it has in the cloud.
func (w *world) start(name, binary, role, queue string) {
	env := []string{"CAUSEWAY_CONFIG=" + w.config(), "CAUSEWAY_ROLE=" + role, "CAUSEWAY_QUEUE_URL=" + w.sqs.URL(queue)}
	if role == "receiver" {
		env = append(env, "CAUSEWAY_DITTO_WEBHOOK_SECRET="+webhookSecret)
	} else {
		env = append(env, "CAUSEWAY_DITTO_URL="+w.ditto.URL, "CAUSEWAY_DITTO_API_KEY_SECRET="+apiKeySecret)
	}
	timeout := w.opts.timeout
	if role == "sweep" { // which keeps more than the others' of it
		timeout = 900 * time.Second
	}
	w.functions[name] = w.define(name, binary, timeout, w.log, env)
}

// define defines a function that finds the stand-ins of AWS.
func (w *world) define(name, binary string, timeout time.Duration, log io.Writer, env []string) *lambda.Function {
	return lambda.New(lambda.Config{
		Name: name, Bootstrap: install.Bootstrap(w.root, binary), Timeout: timeout, Log: log,
		Env: append([]string{
			"AWS_REGION=" + lambda.Region, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=" + leak.New(),
			"AWS_ENDPOINT_URL_SQS=" + w.sqs.Endpoint, "AWS_ENDPOINT_URL_SECRETS_MANAGER=" + w.secrets.Endpoint,
			"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
			"LOG_LEVEL=debug",
		}, env...),
	})
}

// close stops everything that was started.
func (w *world) close() error {
	if w == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var errs []error
	for _, f := range w.functions {
		errs = append(errs, f.Close(ctx))
	}
	if w.stream != nil {
		_ = w.stream.Close(ctx)
	}
	if w.mongo != nil && w.mongo.Kind == mongodb.External && w.db != nil {
		errs = append(errs, w.db.Drop(ctx))
	}
	if w.client != nil {
		_ = w.client.Close(ctx)
	}
	if w.secrets != nil {
		errs = append(errs, w.secrets.Stop(ctx))
	}
	if w.sqs != nil {
		errs = append(errs, w.sqs.Stop(ctx))
	}
	if w.ditto != nil {
		errs = append(errs, w.ditto.Stop())
	}
	if w.mongo != nil {
		errs = append(errs, w.mongo.Stop(ctx))
	}
	return errors.Join(append(errs, leak.Check("the functions' log", []byte(w.log.String())))...)
}

// output is what a function writes, while a test reads it.
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

// take returns what was written since the last take.
func (o *output) take() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	defer o.b.Reset()
	return o.b.String()
}

// invoke runs a function on a payload and describes its answer: a web answer's
// status and body, a batch's messages that failed, a summary's counts that are
// not 0, or the error.
func (w *world) invoke(function string, payload []byte) string {
	w.t.Helper()
	out, err := w.functions[function].Invoke(w.t.Context(), payload)
	var failed *lambda.Error
	switch {
	case errors.As(err, &failed):
		return "fails: " + failed.Message
	case err != nil:
		w.t.Fatal(err)
	}
	var answer map[string]any
	if err := json.Unmarshal(out, &answer); err != nil {
		w.t.Fatalf("answer %s: %v", out, err)
	}
	if status, ok := answer["statusCode"]; ok {
		return fmt.Sprintf("%v %s", status, answer["body"])
	}
	if failures, ok := answer["batchItemFailures"].([]any); ok {
		return "failed: " + strings.Join(records(w.t, payload, failures), " ")
	}
	var parts []string
	for name, n := range answer {
		if n != 0.0 {
			parts = append(parts, fmt.Sprintf("%s %v", name, n))
		}
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// records are the places of a batch's failures in the batch, from 1.
func records(t *testing.T, payload []byte, failures []any) (places []string) {
	t.Helper()
	var batch struct {
		Records []struct {
			ID string `json:"messageId"`
		}
	}
	if err := json.Unmarshal(payload, &batch); err != nil {
		t.Fatal(err)
	}
	for _, f := range failures {
		id, _ := f.(map[string]any)["itemIdentifier"].(string)
		place := "unknown"
		for i, r := range batch.Records {
			if r.ID == id {
				place = fmt.Sprint(i + 1)
			}
		}
		places = append(places, place)
	}
	return places
}
