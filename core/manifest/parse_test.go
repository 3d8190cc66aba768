package manifest_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

var guideSecret = manifest.Secret{ID: "ditto/example-mongo-connector", Key: "connectionString", Kubernetes: "example-mongo-connector"}

// collection is one with every default, as changed by edit.
func collection(name string, fields []string, edit func(*manifest.Collection)) manifest.Collection {
	c := manifest.Collection{
		Name: name, DittoName: name, Fields: fields, Strict: true, Direction: manifest.Both,
		Conflicts: manifest.Conflicts{Default: value.MongoDB}, Deletes: manifest.Deletes{Ditto: manifest.DeleteApply},
	}
	if edit != nil {
		edit(&c)
	}
	return c
}

func guideTasks(c *manifest.Collection) {
	c.InitialSync, c.Mode, c.Strict = true, value.EJSON, false
}

func TestLoadOK(t *testing.T) {
	guide := func(collections ...manifest.Collection) *manifest.Manifest {
		return &manifest.Manifest{
			Name: "example-mongo-connector", Namespace: "ditto", Database: "test-db",
			Secret: guideSecret, Collections: collections,
		}
	}
	option1 := guide(collection("tasks", []string{"_id"}, guideTasks))
	option1.ConnectionString = "mongodb://username:password@mongodb-host:27017/test-db?authSource=admin"
	option2 := guide(collection("tasks", []string{"_id"}, guideTasks))
	option2.Secret = manifest.Secret{
		ID: "dittocluster/app-id/mongo-connector", Key: "connectionString", Region: "us-east-1",
		RoleARN: "arn:aws:iam::123456789012:role/dittocluster/mongo-connector-app-id",
	}
	json := guide(collection("tasks", []string{"_id"}, func(c *manifest.Collection) { c.Mode, c.Strict = value.EJSON, false }))
	json.Secret = manifest.Secret{ID: "dittocluster/app-id/mongo-connector", Key: "connectionString"}

	tests := map[string]*manifest.Manifest{
		"../../../../causeway.yaml": option1,
		"option1.yaml":              option1,
		"option2.yaml":              option2,
		"manifest.json":             json,
		"collections.yaml": guide(
			collection("orders", []string{"orderId", "storeId"}, guideTasks),
			collection("tasks", []string{"_id"}, guideTasks),
			collection("users", []string{"userId"}, nil),
		),
		"counters.yaml": guide(collection("inventory", []string{"_id"}, func(c *manifest.Collection) {
			c.Strict = false
			c.Counters = []value.Path{value.PathOf("quantity"), value.PathOf("order", "qty")}
		})),
		"cluster-dump.yaml": {
			Name: "shop", Namespace: "ditto", Database: "shop",
			Secret:           manifest.Secret{ID: "ditto/shop-mongo", Key: "connectionString", Kubernetes: "shop-mongo"},
			ConnectionString: "mongodb+srv://bridge:s3cr3t@cluster0.abcde.mongodb.net/shop",
			Collections: []manifest.Collection{
				collection("inventory", []string{"sku", "storeId"}, func(c *manifest.Collection) {
					c.InitialSync, c.Strict, c.Counters = true, false, []value.Path{value.PathOf("quantity")}
				}),
				collection("receipts", []string{"_id"}, nil),
			},
		},
		"everything.yaml": {
			Name: "shop", Namespace: "default", Database: "shop",
			Secret: manifest.Secret{ID: "shop/mongo", Key: "connectionString", RoleARN: "arn:aws:iam::123456789012:role/shop-mongo"},
			Collections: []manifest.Collection{
				collection("2024", []string{"2024"}, func(c *manifest.Collection) { c.Direction = manifest.DittoToMongo }),
				collection("old.orders", []string{"orderId"}, func(c *manifest.Collection) {
					c.InitialSync, c.Strict, c.Direction, c.DittoName = true, false, manifest.MongoToDitto, "archive"
					c.Counters = []value.Path{value.PathOf("total", "items")}
					c.Conflicts.Default = value.Ditto
					c.Deletes = manifest.Deletes{Resurrect: true, Ditto: manifest.DeleteIgnore}
				}),
				collection("orders", []string{"orderId", "storeId"}, func(c *manifest.Collection) {
					c.InitialSync, c.Strict = true, false
					c.Counters = []value.Path{value.PathOf("total", "items")}
					c.Conflicts = manifest.Conflicts{Default: value.Ditto, Fields: map[value.Path]value.Side{
						value.PathOf("total"): value.MongoDB, value.PathOf("notes", "text"): value.Ditto,
					}}
					c.Deletes = manifest.Deletes{Ditto: manifest.DeleteSoft, SoftField: value.PathOf("meta", "deleted")}
				}),
			},
			Deployment: &manifest.Deployment{
				Name: "shop", Endpoint: "https://6b1b5999.cloud.dittolive.app/f5e954d9", APIKey: "causeway/shop/ditto-api-key",
				Webhook: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:causeway/shop/webhook-AbCdEf",
				Triggers: []string{
					"aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f",
					"aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c40",
				},
				ExistingBus: true, AlarmEmail: "ops@example.com", Sweep: "cron(0 3 * * ? *)", SecretRole: "existing", ExternalID: "shop-1",
				Network: "privatelink", MaxWorkers: 50, DeleteShare: 0.1, DeleteCount: 0, TombstoneTTL: 7,
				Endpoints: "com.amazonaws.vpce.eu-west-1.vpce-svc-0123456789abcdef0",
				Kafka: &manifest.Kafka{
					Servers: []string{"kafka-1.example.com:9094", "kafka-2.example.com:9094"},
					Topic:   "user-consumable-6b1b5999", Group: "6b1b5999-consumer",
					Secret: "causeway/shop/kafka", CA: "causeway/shop/kafka-ca",
				},
			},
		},
		"created.yaml": {
			Name: "shop", Namespace: "ditto", Database: "shop",
			Secret:      manifest.Secret{ID: "ditto/shop-mongo", Key: "connectionString", Kubernetes: "shop-mongo"},
			Collections: []manifest.Collection{collection("tasks", []string{"_id"}, nil)},
			Deployment: &manifest.Deployment{
				Name: "shop", Endpoint: "https://6b1b5999.cloud.dittolive.app/f5e954d9", APIKey: "causeway/shop/ditto-api-key",
				Create: &manifest.AtlasTriggers{
					ProjectID: "614b4cb6b23f417e5e559c3a", AppID: "614b4cb6b23f417e5e559c3b", ServiceID: "614b4cb6b23f417e5e559c3c", Profile: "default",
				},
				Kafka: &manifest.Kafka{Servers: []string{"kafka.example.com:9094"}, Topic: "tasks", Group: "tasks-1", Secret: "causeway/shop/kafka"},
				Sweep: "rate(1 day)", SecretRole: "create", Network: "public",
				MaxWorkers: 10, DeleteShare: 0.05, DeleteCount: 20, TombstoneTTL: 30,
			},
		},
	}
	for file, want := range tests {
		t.Run(filepath.Base(file), func(t *testing.T) {
			got, err := manifest.Load(filepath.Join("testdata/valid", file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, exposeSecrets); diff != "" {
				t.Errorf("manifest (-want +got):\n%s", diff)
			}
		})
	}
	entries, err := os.ReadDir("testdata/valid")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if tests[e.Name()] == nil {
			t.Errorf("testdata/valid/%s is not tested", e.Name())
		}
	}
}

// exposeSecrets makes a difference of connection strings readable in tests.
var exposeSecrets = cmp.Transformer("string", func(r manifest.Redacted) string { return string(r) })

// The Deployment of the example is commented out: without the comment signs it
// must be accepted too.
func TestExampleDeployment(t *testing.T) {
	src, err := os.ReadFile("../../causeway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(src), "# ---\n")
	if !ok {
		t.Fatal("no commented-out document")
	}
	after = strings.ReplaceAll("\n"+after, "\n# ", "\n")
	m, err := manifest.Parse([]byte(before+"---"+after), "causeway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &manifest.Deployment{
		Name: "example", Endpoint: "https://6b1b5999.cloud.dittolive.app/f5e954d9",
		APIKey: "causeway/example/ditto-api-key", Webhook: "causeway/example/ditto-webhook",
		Triggers:   []string{"aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f"},
		AlarmEmail: "ops@example.com",
		Sweep:      "rate(1 day)", SecretRole: "create", Network: "public",
		MaxWorkers: 10, DeleteShare: 0.05, DeleteCount: 20, TombstoneTTL: 30,
	}
	if diff := cmp.Diff(want, m.Deployment); diff != "" {
		t.Errorf("deployment (-want +got):\n%s", diff)
	}
}

// What the example says are the defaults must be the defaults.
func TestDeploymentDefaults(t *testing.T) {
	const doc = `---
apiVersion: causeway/v1
kind: Deployment
metadata: {name: example}
spec:
  ditto: {endpoint: "https://ditto.example", apiKeySecret: a, webhookSecret: b}
  atlas: {triggerEventSources: [aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f]}
`
	src, err := os.ReadFile("testdata/valid/option2.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse(append(src, doc...), "causeway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &manifest.Deployment{
		Name: "example", Endpoint: "https://ditto.example", APIKey: "a", Webhook: "b",
		Triggers: []string{"aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f"},
		Sweep:    "rate(1 day)", SecretRole: "create", Network: "public",
		MaxWorkers: 10, DeleteShare: 0.05, DeleteCount: 20, TombstoneTTL: 30,
	}
	if diff := cmp.Diff(want, m.Deployment); diff != "" {
		t.Errorf("deployment (-want +got):\n%s", diff)
	}
}

func TestLoadErrNoFile(t *testing.T) {
	_, err := manifest.Load(filepath.Join(t.TempDir(), "causeway.yaml"))
	var problems *manifest.Errors
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &problems) {
		t.Errorf("Load of a missing file: %v", err)
	}
}

func TestPublic(t *testing.T) {
	files, err := filepath.Glob("testdata/valid/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			m, err := manifest.Load(file)
			if err != nil {
				t.Fatal(err)
			}
			public := m.Public()
			if uri := string(m.ConnectionString); uri != "" && bytes.Contains(public, []byte(uri)) || bytes.Contains(public, []byte("kind: Secret")) {
				t.Errorf("public manifest holds the secret:\n%s", public)
			}
			again, err := manifest.Parse(public, "public")
			if err != nil {
				t.Fatalf("%v\n%s", err, public)
			}
			m.ConnectionString = ""
			if diff := cmp.Diff(m, again); diff != "" {
				t.Errorf("public manifest (-original +parsed):\n%s", diff)
			}
		})
	}
}
