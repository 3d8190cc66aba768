package wire_test

import (
	"context"
	"crypto/md5" //nolint:gosec // SQS answers with it
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/functions/internal/wire"
	"github.com/causeway-sync/causeway/functions/internal/worker"
)

const bridgeYAML = `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata: {name: test, namespace: ditto}
spec:
  bridge:
    mongoConnector:
      connectionSecret: {kubernetesSecret: {name: mongo}}
      database: test-db
      collections:
        tasks: {fields: [_id]}
`

const deploymentYAML = `---
apiVersion: causeway/v1
kind: Deployment
metadata: {name: test}
spec:
  ditto: {endpoint: "https://ditto.example.com/app", apiKeySecret: ditto/key, webhookSecret: ditto/webhook}
  atlas: {triggerEventSources: [aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f]}
`

// environment writes a manifest and returns a getenv over vars.
func environment(t *testing.T, yaml string, vars map[string]string) func(string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "causeway.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(name string) string {
		if v, ok := vars[name]; ok {
			return v
		}
		if name == "CAUSEWAY_CONFIG" {
			return path
		}
		return ""
	}
}

func TestRead(t *testing.T) {
	type settings struct{ Role, URL, Key, Webhook, Queue string }
	for _, tc := range []struct {
		name, yaml string
		vars       map[string]string
		want       settings
	}{
		{"Deployment", bridgeYAML + deploymentYAML, nil, settings{"worker", "https://ditto.example.com/app", "ditto/key", "ditto/webhook", ""}},
		{
			"Variables", bridgeYAML + deploymentYAML,
			map[string]string{"CAUSEWAY_DITTO_URL": "http://127.0.0.1:1", "CAUSEWAY_DITTO_API_KEY_SECRET": "k", "CAUSEWAY_DITTO_WEBHOOK_SECRET": "w", "CAUSEWAY_QUEUE_URL": "http://q", "CAUSEWAY_ROLE": "worker"},
			settings{"worker", "http://127.0.0.1:1", "k", "w", "http://q"},
		},
		{"Receiver", bridgeYAML, map[string]string{"CAUSEWAY_ROLE": "receiver", "CAUSEWAY_QUEUE_URL": "http://q"}, settings{"receiver", "", "", "", "http://q"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			env, err := wire.Read("ditto-to-mongo", environment(t, tc.yaml, tc.vars), wire.Worker, wire.Receiver)
			if err != nil {
				t.Fatal(err)
			}
			got := settings{string(env.Role), env.DittoURL, env.APIKeySecret, env.WebhookSecret, env.QueueURL}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadErrors(t *testing.T) {
	for _, tc := range []struct {
		name, yaml string
		vars       map[string]string
		want       []string
	}{
		{"NoConfig", bridgeYAML, map[string]string{"CAUSEWAY_CONFIG": ""}, []string{"CAUSEWAY_CONFIG is not set"}},
		{"NoFile", bridgeYAML, map[string]string{"CAUSEWAY_CONFIG": "/nowhere/causeway.yaml"}, []string{"/nowhere/causeway.yaml"}},
		{"BadFile", "kind: BigPeerDataBridge", nil, []string{"causeway.yaml:1"}},
		{"NoDitto", bridgeYAML, nil, []string{"CAUSEWAY_DITTO_URL", "CAUSEWAY_DITTO_API_KEY_SECRET"}},
		{"NoQueue", bridgeYAML, map[string]string{"CAUSEWAY_ROLE": "receiver"}, []string{"CAUSEWAY_QUEUE_URL"}},
		{"Role", bridgeYAML, map[string]string{"CAUSEWAY_ROLE": "king"}, []string{`CAUSEWAY_ROLE is "king"`}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := wire.Read("ditto-to-mongo", environment(t, tc.yaml, tc.vars), wire.Worker, wire.Receiver)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tc.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want one that says %q", err, want)
				}
			}
		})
	}
	t.Run("NoDittoForRuns", func(t *testing.T) {
		if _, err := wire.Read("initial-sync", environment(t, bridgeYAML, nil), wire.Sweep); err == nil || !strings.Contains(err.Error(), "CAUSEWAY_DITTO_URL") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("RoleOfOtherFunction", func(t *testing.T) {
		vars := map[string]string{"CAUSEWAY_ROLE": "receiver", "CAUSEWAY_QUEUE_URL": "http://q"}
		if _, err := wire.Read("mongo-to-ditto", environment(t, bridgeYAML, vars), wire.Worker); err == nil {
			t.Error("mongo-to-ditto takes the role of a receiver")
		}
	})
}

// aws stands in for Secrets Manager and SQS, and records what is asked of them.
type aws struct {
	mu      sync.Mutex
	secrets map[string]string
	asked   []string
	bodies  []string
}

func newAWS(t *testing.T, secrets map[string]string) *aws {
	t.Helper()
	a := &aws{secrets: secrets}
	srv := httptest.NewServer(a)
	t.Cleanup(srv.Close)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": srv.URL, "AWS_ENDPOINT_URL_SQS": srv.URL,
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(k, v)
	}
	return a
}

func (a *aws) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	var in struct {
		SecretId string
		Entries  []struct{ Id, MessageBody string }
	}
	if err := json.Unmarshal(body, &in); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	if in.SecretId == "" {
		var sent []string
		for _, e := range in.Entries {
			a.bodies = append(a.bodies, e.MessageBody)
			sent = append(sent, fmt.Sprintf(`{"Id":%q,"MessageId":"m","MD5OfMessageBody":"%x"}`, e.Id, md5.Sum([]byte(e.MessageBody)))) //nolint:gosec // the SDK compares the checksum that the service sends
		}
		fmt.Fprintf(w, `{"Successful":[%s]}`, strings.Join(sent, ","))
		return
	}
	a.asked = append(a.asked, in.SecretId)
	v, ok := a.secrets[in.SecretId]
	if !ok {
		w.Header().Set("X-Amzn-ErrorType", "ResourceNotFoundException")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"__type":"ResourceNotFoundException","Message":"not found"}`)
		return
	}
	fmt.Fprintf(w, `{"Name":%q,"SecretString":%q}`, in.SecretId, v)
}

// The receiver asks for the webhook's secret, and for no database's.
func TestReceiver(t *testing.T) {
	a := newAWS(t, map[string]string{"ditto/webhook": "token"})
	env, err := wire.Read("ditto-to-mongo", environment(t, bridgeYAML+deploymentYAML, map[string]string{"CAUSEWAY_ROLE": "receiver", "CAUSEWAY_QUEUE_URL": "http://queue/1"}), wire.Worker, wire.Receiver)
	if err != nil {
		t.Fatal(err)
	}
	r := env.Receiver()
	req := events.APIGatewayV2HTTPRequest{
		Version: "2.0", Headers: map[string]string{"authorization": "Bearer token"},
		Body: `{"txnId":1,"type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":{"_id":"a"}}}`,
	}
	payload, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out, err := r.Invoke(t.Context(), payload)
		if res, ok := out.(events.APIGatewayV2HTTPResponse); err != nil || !ok || res.StatusCode != http.StatusOK {
			t.Fatalf("answer %+v, error %v", out, err)
		}
	}
	if diff := cmp.Diff([]string{"ditto/webhook"}, a.asked); diff != "" {
		t.Errorf("secrets asked for (-want +got):\n%s", diff)
	}
	if len(a.bodies) != 2 || !strings.Contains(a.bodies[0], `"dittoId":"a"`) {
		t.Errorf("queued %v", a.bodies)
	}
}

// A worker whose databases cannot be reached gives its messages back, says why,
// and shows no secret (invariant 11).
func TestWorkerUnavailable(t *testing.T) {
	batch := `{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":"{\"v\":1,\"collection\":\"tasks\",\"dittoId\":\"a\",\"op\":\"upsert\"}"}]}`
	event := `{"v":1,"collection":"tasks","dittoId":"a","op":"upsert"}`
	for _, tc := range []struct {
		name    string
		secrets map[string]string
		want    string
		mend    string // what a person has to do: then the invocation fails as a whole
	}{
		{"NoSecret", nil, `read secret "ditto/mongo"`, "store it"},
		{"BadSecret", map[string]string{"ditto/mongo": "http://user:hunter2@host"}, "connect", "store a valid connection string"},
		{"NoServer", map[string]string{"ditto/mongo": "mongodb://user:hunter2@127.0.0.1:9/?serverSelectionTimeoutMS=50&connectTimeoutMS=50"}, "ledger", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			newAWS(t, tc.secrets)
			env, err := wire.Read("mongo-to-ditto", environment(t, bridgeYAML+deploymentYAML, nil), wire.Worker)
			if err != nil {
				t.Fatal(err)
			}
			w := env.Worker()
			// Little more than the margin, so that nobody waits long for a server.
			ctx, cancel := context.WithTimeout(t.Context(), worker.Margin+time.Second)
			defer cancel()
			out, err := w.Invoke(ctx, json.RawMessage(batch))
			var want any
			if tc.mend == "" {
				want = events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{{ItemIdentifier: "m1"}}}
			}
			if diff := cmp.Diff(want, out); (err == nil) != (tc.mend == "") || diff != "" {
				t.Errorf("error %v, answer (-want +got):\n%s", err, diff)
			}
			if err != nil && !strings.Contains(err.Error(), tc.mend) {
				t.Errorf("error %v, want one that says %q", err, tc.mend)
			}
			_, err = w.Invoke(ctx, json.RawMessage(event))
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error shows a secret: %v", err)
			}
		})
	}
}

// The function that performs the steps of runs says why it cannot, and shows no
// secret (invariant 11).
func TestSweeperUnavailable(t *testing.T) {
	for name, tc := range map[string]struct {
		secrets map[string]string
		want    string
	}{
		"NoSecret":  {nil, `read secret "ditto/mongo"`},
		"BadSecret": {map[string]string{"ditto/mongo": "http://user:hunter2@host"}, "connect"},
		"NoServer":  {map[string]string{"ditto/mongo": "mongodb://user:hunter2@127.0.0.1:9/?serverSelectionTimeoutMS=50&connectTimeoutMS=50"}, "Failed to connect to MongoDB"},
	} {
		t.Run(name, func(t *testing.T) {
			newAWS(t, tc.secrets)
			env, err := wire.Read("initial-sync", environment(t, bridgeYAML+deploymentYAML, nil), wire.Sweep)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			_, err = env.Sweeper().Invoke(ctx, json.RawMessage(`{"step":"preflight","run":"r","input":{"mode":"verify"}}`))
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}

// A worker asks for a state machine where it has one, and else leaves a request
// at its metric and log line.
func TestWorkerSweeps(t *testing.T) {
	newAWS(t, map[string]string{"ditto/mongo": "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50&connectTimeoutMS=50"})
	for arn, fails := range map[string]bool{"": false, "arn:aws:states:us-east-1:123456789012:stateMachine:x": true} {
		env, err := wire.Read("mongo-to-ditto", environment(t, bridgeYAML+deploymentYAML, map[string]string{"CAUSEWAY_STATE_MACHINE_ARN": arn}), wire.Worker)
		if err != nil || env.StateMachine != arn {
			t.Fatalf("state machine %q, %v", env.StateMachine, err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err = env.Worker().Invoke(ctx, json.RawMessage(`{"v":1,"collection":"tasks","op":"notice","reason":"drop"}`))
		cancel()
		if (err != nil) != fails { // its records cannot be reached
			t.Errorf("with the state machine %q: error %v", arn, err)
		}
	}
}

// A worker that cannot get ready tries again with the connections that it has.
func TestTriesLeaveNoConnectionsBehind(t *testing.T) {
	newAWS(t, map[string]string{"ditto/mongo": "mongodb://user:hunter2@127.0.0.1:9/?connectTimeoutMS=50"})
	env, err := wire.Read("mongo-to-ditto", environment(t, bridgeYAML+deploymentYAML, nil), wire.Worker)
	if err != nil {
		t.Fatal(err)
	}
	w := env.Worker()
	try := func() int {
		ctx, cancel := context.WithTimeout(t.Context(), worker.Margin+100*time.Millisecond)
		defer cancel()
		if _, err := w.Invoke(ctx, json.RawMessage(`{"v":1,"collection":"tasks","dittoId":"a","op":"upsert"}`)); err == nil {
			t.Error("a worker without MongoDB succeeds")
		}
		return runtime.NumGoroutine()
	}
	before, after := try(), 0
	for range 5 {
		after = try()
	}
	// Each client that is left behind has five and more.
	if after >= before+20 {
		t.Errorf("%d goroutines after six tries, %d after one", after, before)
	}
}

// What is deployed carries nothing of the local stack, the stack's definition
// or the command-line program (docs/architecture.md, "layout").
func TestDependencies(t *testing.T) {
	const module = "github.com/causeway-sync/causeway/"
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc", module+"functions/...", module+"core/...").CombinedOutput()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 100 {
		t.Fatalf("%d dependencies", len(deps))
	}
	for _, dep := range deps {
		for _, not := range []string{module + "local", module + "infra", module + "cmd", "github.com/aws/aws-cdk-go", "github.com/alecthomas/kong"} {
			if dep == not || strings.HasPrefix(dep, not+"/") {
				t.Errorf("deployed binaries would carry %s", dep)
			}
		}
	}
}
