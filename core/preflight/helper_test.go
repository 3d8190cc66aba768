package preflight_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/preflight"
	localditto "github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/install"
	localmongo "github.com/causeway-sync/causeway/local/mongodb"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// engines are MongoDB and Ditto as `make run` chooses them.
var engines struct {
	sync.Once
	mongo *localmongo.Server
	ditto *localditto.Server
	dir   string
	err   error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if engines.mongo != nil {
		_ = engines.mongo.Stop(context.Background())
	}
	if engines.ditto != nil {
		_ = engines.ditto.Stop()
	}
	os.RemoveAll(engines.dir)
	os.Exit(code)
}

func start(t *testing.T) (uri string, server *localditto.Server) {
	t.Helper()
	engines.Do(func() {
		root, err := install.Root("")
		if err != nil {
			engines.err = err
			return
		}
		if engines.dir, engines.err = os.MkdirTemp("", "causeway-preflight-"); engines.err != nil {
			return
		}
		if engines.mongo, engines.err = localmongo.Start(context.Background(), localmongo.Options{}); engines.err != nil {
			return
		}
		engines.ditto, engines.err = localditto.Start(context.Background(), localditto.Options{
			Local: filepath.Join(root, "local"), Dir: engines.dir, APIKey: "hunter2-key", Faults: true,
		})
	})
	if engines.err != nil {
		t.Fatal(engines.err)
	}
	return engines.mongo.URI, engines.ditto
}

// world is a database with the configured collections, and a Checker that
// finds nothing wrong with it.
type world struct {
	check  preflight.Checker
	client *mongodb.Client
	db     string
	ditto  *localditto.Server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	uri, server := start(t)
	w := &world{db: "causeway_test_" + bson.NewObjectID().Hex(), ditto: server}
	var err error
	if w.client, err = mongodb.Connect(uri, w.db); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		_ = w.client.Driver().Drop(ctx)
		_ = w.client.Close(ctx)
		_ = server.ClearFaults(ctx)
	})
	for _, c := range []string{"orders", "tasks"} {
		w.command(t, bson.D{
			{Key: "create", Value: c}, {Key: "changeStreamPreAndPostImages", Value: bson.D{{Key: "enabled", Value: true}}},
		})
	}
	w.command(t, bson.D{{Key: "createIndexes", Value: "orders"}, {Key: "indexes", Value: bson.A{bson.D{
		{Key: "key", Value: bson.D{{Key: "storeId", Value: 1}, {Key: "orderId", Value: 1}}}, {Key: "name", Value: "ids"}, {Key: "unique", Value: true},
	}}}})
	w.check = preflight.Checker{
		Manifest: w.manifest(t, ""), ConnectionString: connection(uri), Endpoint: server.URL, Keys: ditto.StaticKey(server.APIKey),
		Webhook: func(context.Context) error { return nil }, Note: true,
		Wait: func(context.Context, time.Duration) error { return nil },
	}
	return w
}

func (w *world) command(t *testing.T, command bson.D) {
	t.Helper()
	if err := w.client.Driver().RunCommand(t.Context(), command).Err(); err != nil {
		t.Fatal(err)
	}
}

func (w *world) drop(t *testing.T, collection string) {
	t.Helper()
	if err := w.client.Driver().Collection(collection).Drop(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// note is what is noted of Ditto, nil if nothing is.
func (w *world) note(t *testing.T) bson.Raw {
	t.Helper()
	docs, err := w.client.Find(t.Context(), ledger.RunsCollection, bson.D{}, nil)
	switch {
	case err != nil:
		t.Fatal(err)
	case len(docs) > 1:
		t.Fatalf("%v in %s", docs, ledger.RunsCollection)
	case len(docs) == 0:
		return nil
	}
	return docs[0]
}

func connection(uri string) mongodb.Secret {
	return func(context.Context, bool) (string, error) { return uri, nil }
}

// manifest is one of the world's database, with a network if it is deployed.
func (w *world) manifest(t *testing.T, network string) *manifest.Manifest {
	t.Helper()
	text := `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata: {name: test}
spec:
  bridge:
    mongoConnector:
      connectionSecret: {awsSecretsManager: {secretId: ditto/mongo}}
      database: ` + w.db + `
      collections:
        tasks: {fields: [_id]}
        orders: {fields: [orderId, storeId], dqlStrictMode: false, dittoCollection: purchases}
`
	endpoint := ""
	if network == "privatelink" {
		endpoint = ", privateEndpointService: com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
	}
	if network != "" {
		text += `---
apiVersion: causeway/v1
kind: Deployment
metadata: {name: test}
spec:
  network: ` + network + `
  ditto: {endpoint: https://ditto.example.com/app, apiKeySecret: ditto/key, webhookSecret: ditto/webhook}
  atlas: {triggerEventSources: [aws.partner/mongodb.com/stitch.trigger/0123456789abcdef01234567]` + endpoint + "}\n"
	}
	m, err := manifest.Parse([]byte(text), "causeway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// worst are the findings that are not OK.
func worst(findings []preflight.Finding) (out []preflight.Finding) {
	for _, f := range findings {
		if f.Status != preflight.OK {
			out = append(out, f)
		}
	}
	return out
}

func has(findings []preflight.Finding, code preflight.Code, status preflight.Status) bool {
	for _, f := range findings {
		if f.Code == code && f.Status == status {
			return true
		}
	}
	return false
}

func render(findings []preflight.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(string(f.Side) + " " + string(f.Status) + " " + string(f.Code) + "\n  " + f.What + "\n")
		if f.Mend != "" {
			b.WriteString("  → " + f.Mend + "\n")
		}
	}
	return b.String()
}
