package events_test

import (
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/infra/stack"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/rie"
)

// The functions of the template, by the names that tests have for them.
var logicalIDs = map[string]string{
	mongoToDitto: "MongoToDitto", dittoToMongo: "DittoToMongo", receiver: "Receiver", initialSync: "InitialSync",
}

// deployedFunction is a function as the template describes it.
type deployedFunction struct {
	Properties struct {
		Architectures []string
		Timeout       int
		Environment   struct{ Variables map[string]any }
		LoggingConfig struct{ LogFormat string }
		Handler       string
	}
	Metadata map[string]any
}

// synthesise writes the template of the golden events' manifest, as `make
// template` does, with w's Ditto behind the Deployment's endpoint.
func (w *world) synthesise() (dir string, functions map[string]deployedFunction) {
	w.t.Helper()
	src, err := os.ReadFile(w.config())
	if err != nil {
		w.t.Fatal(err)
	}
	m, err := manifest.Parse(append(src, []byte(`
---
apiVersion: causeway/v1
kind: Deployment
metadata: {name: golden-events}
spec:
  ditto: {endpoint: "`+w.ditto.URL+`", apiKeySecret: `+apiKeySecret+`, webhookSecret: `+webhookSecret+`}
  atlas: {triggerEventSources: [aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f]}
  network: nat # where plain http is allowed
`)...), "causeway.yaml")
	if err != nil {
		w.t.Fatal(err)
	}
	definition, err := os.ReadFile(filepath.Join(w.root, "functions", "initial-sync", "statemachine.asl.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	tmp := w.t.TempDir()
	bundles, err := stack.Bundle(filepath.Join(tmp, "bundle"), filepath.Join(w.root, "dist", "host"), stack.Host(runtime.GOARCH), m)
	if err != nil {
		w.t.Fatal(err)
	}
	bundles.Local = true
	dir = filepath.Join(tmp, "cdk.out")
	app := awscdk.NewApp(&awscdk.AppProps{Outdir: &dir, Context: &map[string]any{"aws:cdk:enable-asset-metadata": true}})
	if _, err := stack.New(app, stack.Options{Manifest: m, Definition: string(definition), Bundles: bundles}); err != nil {
		w.t.Fatal(err)
	}
	app.Synth(nil)
	text, err := os.ReadFile(filepath.Join(dir, "golden-events.template.json"))
	if err != nil {
		w.t.Fatal(err)
	}
	var template struct{ Resources map[string]deployedFunction }
	if err := json.Unmarshal(text, &template); err != nil {
		w.t.Fatal(err)
	}
	return dir, template.Resources
}

// useDeployed gives a test the shared world with its functions as the template
// has them: its code, its variables, its time; under AWS's own emulator where
// there is one.
func useDeployed(t *testing.T) *world {
	t.Helper()
	inUse.Lock()
	t.Cleanup(inUse.Unlock)
	w, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	w = w.in(t)
	dir, functions := w.synthesise()
	machine := startMachine(t)
	own := w.functions
	w.functions = map[string]invoker{}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		for name, f := range w.functions {
			if err := f.Close(ctx); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		w.functions = own
	})
	for name, id := range logicalIDs {
		w.functions[name] = w.deploy(name, dir, functions[id], machine)
	}
	return w
}

// deploy starts a function of the template.
func (w *world) deploy(name, dir string, f deployedFunction, machine string) invoker {
	w.t.Helper()
	asset, _ := f.Metadata["aws:asset:path"].(string)
	if asset == "" || f.Properties.Handler != "bootstrap" || len(f.Properties.Architectures) != 1 {
		w.t.Fatalf("%s: the template has the asset %q, the handler %q, the architectures %q", name, asset, f.Properties.Handler, f.Properties.Architectures)
	}
	code := filepath.Join(dir, asset)
	executable(w.t, filepath.Join(code, "bootstrap"), f.Properties.Architectures[0])
	// What CloudFormation fills in, and where Lambda puts the code.
	known := map[string]string{
		"MongoToDittoQueue": w.sqs.URL(mongoToDitto), "DittoToMongoQueue": w.sqs.URL(dittoToMongo),
		"Runs": "arn:aws:states:us-east-1:123456789012:stateMachine:golden-events",
	}
	var env []string
	for variable, v := range f.Properties.Environment.Variables {
		text, ok := v.(string)
		if ref, isRef := v.(map[string]any); isRef {
			text, ok = known[fmt.Sprint(ref["Ref"])]
		}
		if !ok {
			w.t.Fatalf("%s: %s is %v", name, variable, v)
		}
		if variable == "LOG_LEVEL" { // the tests read what is logged at this level
			text = "debug"
		}
		env = append(env, variable+"="+strings.Replace(text, "/var/task", code, 1))
	}
	// What `sam local invoke` takes from --env-vars, and Lambda sets itself.
	env = append(env,
		"AWS_REGION="+lambda.Region, "AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY="+leak.New(),
		"AWS_ENDPOINT_URL_SQS="+w.sqs.Endpoint, "AWS_ENDPOINT_URL_SECRETS_MANAGER="+w.secrets.Endpoint, "AWS_ENDPOINT_URL_SFN="+machine,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_LAMBDA_LOG_FORMAT="+f.Properties.LoggingConfig.LogFormat)
	timeout := time.Duration(f.Properties.Timeout) * time.Second
	py, err := install.FindPython(w.t.Context(), os.Getenv)
	if err != nil {
		w.t.Fatal(err)
	}
	emulator, err := install.Emulator(w.t.Context(), py, filepath.Join(w.root, ".causeway", "tools"), func(line string) { w.t.Log(line) })
	switch {
	case errors.Is(err, install.ErrNoEmulator): // the stand-in, on the same code
		return lambda.New(lambda.Config{Name: name, Bootstrap: filepath.Join(code, "bootstrap"), Env: env, Timeout: timeout, Log: w.log})
	case err != nil:
		w.t.Fatal(err)
	}
	fn, err := rie.Start(w.t.Context(), rie.Config{Emulator: emulator, Name: name, Dir: code, Env: env, Timeout: timeout, Log: w.log})
	if err != nil {
		w.t.Fatal(err)
	}
	return fn
}

// executable sees that a bootstrap can be run on a processor of Lambda's.
func executable(t *testing.T, path, arch string) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil || info.Mode()&0o111 != 0o111 {
		t.Fatalf("%s: %v, %v", path, info, err)
	}
	if runtime.GOOS != "linux" {
		return // built for this machine
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	defer f.Close()
	if want := map[string]elf.Machine{"x86_64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}[arch]; f.Machine != want {
		t.Fatalf("%s is for %s, the function for %s", path, f.Machine, arch)
	}
}

// startMachine answers for Step Functions that each execution is started.
func startMachine(t *testing.T) (endpoint string) {
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("X-Amz-Target"); got != "AWSStepFunctions.StartExecution" {
			t.Errorf("Step Functions is asked for %s", got)
		}
		rw.Header().Set("Content-Type", "application/x-amz-json-1.0")
		fmt.Fprint(rw, `{"executionArn":"arn:aws:states:us-east-1:123456789012:execution:golden-events:run","startDate":1795417200}`)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// What is deployed does what the functions do, event by event: the tables are
// the same.
func TestWorkersDeployed(t *testing.T) {
	w := useDeployed(t)
	w.requested = 0
	workers(t, w)
	if w.requested == 0 {
		t.Error("no event has asked for a run")
	}
}

func TestReceiverDeployed(t *testing.T) { receivers(t, useDeployed(t)) }

func TestStepsDeployed(t *testing.T) { steps(t, useDeployed(t)) }
