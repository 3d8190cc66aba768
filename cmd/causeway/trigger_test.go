package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/atlas"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/local/install"
)

func TestTriggerShow(t *testing.T) {
	file := secretManifest(t, deployedText("test-db", "https://ditto.example.com"))
	show := func(args ...string) result {
		return causeway(t, append([]string{"trigger", "show", "--config", file}, args...)...)
	}
	t.Run("Trigger", func(t *testing.T) {
		var got, want any
		r := show("--only", "trigger", "--account", "123456789012", "--region", "eu-west-1", "--service-id", "614b4cb6b23f417e5e559c3e")
		if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
			t.Fatal(err)
		}
		in := `{"$in": ["__causeway_canary", "orders", "tasks"]}`
		if err := json.Unmarshal([]byte(`{
			"name": "causeway-example", "type": "DATABASE", "disabled": false,
			"config": {
				"service_id": "614b4cb6b23f417e5e559c3e", "database": "test-db",
				"operation_types": ["INSERT", "UPDATE", "REPLACE", "DELETE", "DROP_COLLECTION", "RENAME_COLLECTION"],
				"match": {"$or": [{"ns.coll": `+in+`}, {"to.coll": `+in+`}, {"operationType": {"$in": ["dropDatabase", "invalidate"]}}]},
				"project": {"_id": 1, "operationType": 1, "ns": 1, "to": 1, "documentKey": 1, "clusterTime": 1},
				"full_document": false, "full_document_before_change": false, "unordered": true, "maximum_throughput": false,
				"skip_catchup_events": false, "tolerate_resume_errors": false
			},
			"event_processors": {"AWS_EVENTBRIDGE": {"config": {"account_id": "123456789012", "region": "eu-west-1", "extended_json_enabled": true}}},
			"error_handler": {"config": {"enabled": true, "function_name": "causewayOversize"}}
		}`), &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("trigger (-want +got):\n%s", diff)
		}
	})
	t.Run("AdminAPI", func(t *testing.T) {
		got := decode[atlas.Trigger](t, show("--only", "trigger", "--function-id", "f1"))
		if diff := cmp.Diff(atlas.HandlerConfig{Enabled: true, FunctionID: "f1"}, got.Handler.Config); diff != "" {
			t.Errorf("error handler (-want +got):\n%s", diff)
		}
	})
	t.Run("Expressions", func(t *testing.T) {
		for only, want := range map[string]bson.D{"match": change.TriggerMatch([]string{"orders", "tasks"}), "project": change.TriggerProject()} {
			var got bson.D
			r := show("--only", only)
			if err := bson.UnmarshalExtJSON([]byte(r.stdout), false, &got); err != nil {
				t.Fatalf("%s: %s: %v", only, r.stdout, err)
			}
			a, errA := bson.MarshalExtJSON(want, false, false)
			b, errB := bson.MarshalExtJSON(got, false, false)
			if errA != nil || errB != nil || !bytes.Equal(a, b) {
				t.Errorf("%s: %s, want %s", only, b, a)
			}
		}
	})
	t.Run("Text", func(t *testing.T) {
		t.Setenv("AWS_REGION", "")
		show().want(t, 0, "causeway-example", "YOUR_AWS_ACCOUNT_ID", "YOUR_AWS_REGION", "exports = async function", "appservices push",
			"the atlas CLI has no command", "MongoDB::Atlas::Trigger", "it takes all but the error", "within two weeks", "causeway sync --stack")
		all := decode[map[string]any](t, show("--json"))
		if all["functionName"] != atlas.FunctionName || len(all["commands"].([]any)) < 5 {
			t.Errorf("for scripts: %v", all)
		}
	})
	t.Run("Err", func(t *testing.T) {
		causeway(t, "trigger", "show", "--config", filepath.Join(t.TempDir(), "none.yaml")).want(t, 1, "none.yaml")
	})
}

// harness runs an Atlas Function as Atlas does, and prints what it asks of the
// database, or the error that it throws.
const harness = `
import { EJSON } from "bson";
import { readFileSync } from "node:fs";
const input = EJSON.parse(readFileSync(0, "utf8"), { relaxed: false });
const calls = [];
const context = { services: { get: (service) => ({ db: (db) => ({ collection: (collection) => ({
  updateOne: async (filter, update, options) => { calls.push({ service, db, collection, filter, update, options }); },
}) }) }) } };
const handler = new Function("context", "EJSON", "let exports; " + input.source + "; return exports;")(context, EJSON);
try {
  await handler(input.error, input.event);
  console.log(EJSON.stringify({ calls }, { relaxed: false }));
} catch (e) {
  console.log(EJSON.stringify({ thrown: e.message, calls }));
}
`

type handled struct {
	Thrown string `bson:"thrown"`
	Calls  []struct {
		Service    string `bson:"service"`
		DB         string `bson:"db"`
		Collection string `bson:"collection"`
		Filter     bson.D `bson:"filter"`
		Update     bson.D `bson:"update"`
		Options    struct {
			Upsert bool `bson:"upsert"`
		} `bson:"options"`
	} `bson:"calls"`
}

func runHandler(t *testing.T, source, code string, event bson.D) (out handled) {
	t.Helper()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	node, err := install.FindNode(t.Context(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	input, err := bson.MarshalExtJSON(bson.D{
		{Key: "source", Value: source}, {Key: "error", Value: bson.D{{Key: "code", Value: code}, {Key: "message", Value: "total size is over the limit"}}}, {Key: "event", Value: event},
	}, true, false)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), node, "--input-type=module", "-e", harness)
	cmd.Dir, cmd.Stdin, cmd.Stderr = filepath.Join(root, "local"), bytes.NewReader(input), t.Output()
	b, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := bson.UnmarshalExtJSON(b, true, &out); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return out
}

// An event that EventBridge finds too large is listed until it is tried again;
// any other error suspends the trigger.
func TestErrorHandler(t *testing.T) {
	b := startBench(t)
	b.awaitInitialRun(t)
	source := causeway(t, "trigger", "show", "--only", "function", "--service", "Cluster0", "--config", b.config).stdout
	id := bson.NewObjectID()
	event := func(id any) bson.D {
		return bson.D{
			{Key: "operationType", Value: "insert"},
			{Key: "ns", Value: bson.D{{Key: "db", Value: b.info.Database}, {Key: "coll", Value: "tasks"}}},
			{Key: "documentKey", Value: bson.D{{Key: "_id", Value: id}}},
		}
	}
	for name, tc := range map[string]struct {
		code  string
		event bson.D
	}{"OtherError": {"OTHER", event(id)}, "NoKey": {"DOCUMENT_TOO_LARGE", bson.D{{Key: "operationType", Value: "drop"}}}} {
		if got := runHandler(t, source, tc.code, tc.event); !strings.Contains(got.Thrown, "over the limit") || len(got.Calls) > 0 {
			t.Errorf("%s: %+v, want the trigger to be suspended", name, got)
		}
	}

	got := runHandler(t, source, "DOCUMENT_TOO_LARGE", event(id))
	if got.Thrown != "" || len(got.Calls) != 1 || got.Calls[0].Service != "Cluster0" || got.Calls[0].DB != b.info.Database || !got.Calls[0].Options.Upsert {
		t.Fatalf("handler %+v", got)
	}
	// Its event is lost: the change is made while nothing is announced.
	if err := b.stack.StopTrigger(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.insert(t, "tasks", bson.D{{Key: "_id", Value: id}, {Key: "n", Value: 1}})
	c := got.Calls[0]
	for range 2 { // as often as it happens
		if _, err := b.client.Driver().Collection(c.Collection).UpdateOne(t.Context(), c.Filter, c.Update, options.UpdateOne().SetUpsert(true)); err != nil {
			t.Fatal(err)
		}
	}
	b.causeway(t, "unsynced", "list", "tasks").want(t, 0, "event-too-large", id.Hex(), "causeway unsynced retry tasks")
	if list := decode[[]unsyncedRecord](t, b.causeway(t, "--json", "unsynced")); len(list) != 1 || list[0].At.IsZero() {
		t.Errorf("unsynced %+v", list)
	}
	b.causeway(t, "unsynced", "retry").want(t, 0, "1 of 1 documents left the list")
	b.inDitto(t, id.Hex())
	// A second time, when both sides know the document.
	b.update(t, "tasks", id, "n", 2)
	if _, err := b.client.Driver().Collection(c.Collection).UpdateOne(t.Context(), c.Filter, c.Update, options.UpdateOne().SetUpsert(true)); err != nil {
		t.Fatal(err)
	}
	b.causeway(t, "unsynced", "retry").want(t, 0, "1 of 1 documents left the list")
	if doc := b.ditto(t, id.Hex()); !strings.Contains(doc, `"n":2`) {
		t.Errorf("in Ditto: %s", doc)
	}
}
