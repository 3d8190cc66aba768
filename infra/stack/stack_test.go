package stack_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/infra/stack"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const valid = "../../core/manifest/testdata/valid/"

// manifests are those that templates are made of: both of the connector's guide,
// with the Deployment of the example, and two that use everything else.
var manifests = map[string]func() (string, error){
	"option1": func() (string, error) { return withDeployment("option1.yaml", "") },
	"option2": func() (string, error) { return withDeployment("option2.yaml", "") },
	"off": func() (string, error) {
		return withDeployment("option1.yaml", "\n  sweep: {schedule: off}\n  network: nat\n")
	},
	"everything": func() (string, error) { return file(valid + "everything.yaml") },
	"created":    func() (string, error) { return file(valid + "created.yaml") },
}

func file(path string) (string, error) {
	b, err := os.ReadFile(path)
	return string(b), err
}

// withDeployment is a manifest of the guide with the example's Deployment.
func withDeployment(name, more string) (string, error) {
	src, err := file(valid + name)
	if err != nil {
		return "", err
	}
	return src + `
---
apiVersion: causeway/v1
kind: Deployment
metadata:
  name: example
spec:
  ditto:
    endpoint: https://6b1b5999.cloud.dittolive.app/f5e954d9
    apiKeySecret: causeway/example/ditto-api-key
    webhookSecret: causeway/example/ditto-webhook
  atlas:
    triggerEventSources:
      - aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f
  alarms:
    email: ops@example.com
` + more, nil
}

// Template is what CloudFormation is given.
type Template struct {
	text      string
	dir       string // with the assets
	manifest  *manifest.Manifest
	Resources map[string]*Resource
	Outputs   map[string]struct{ Value any }
}

// Resource is one resource of a template.
type Resource struct {
	id                                                   string
	Type, DeletionPolicy, UpdateReplacePolicy, Condition string
	DependsOn                                            any
	Properties                                           map[string]any
	Metadata                                             map[string]any
}

var (
	mu        sync.Mutex
	templates = map[string]*Template{}
	outdir    string
)

func TestMain(m *testing.M) {
	flag.Parse()
	var err error
	if outdir, err = os.MkdirTemp("", "causeway-infra-"); err != nil {
		panic(err)
	}
	code := m.Run()
	jsii.Close()
	os.RemoveAll(outdir)
	os.Exit(code)
}

// template synthesises a manifest, once per run of the tests.
func template(t testing.TB, name string) *Template {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	if templates[name] == nil {
		templates[name] = synthesise(t, name, filepath.Join(outdir, name))
	}
	return templates[name]
}

func synthesise(t testing.TB, name, dir string) *Template {
	t.Helper()
	src, err := manifests[name]()
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse([]byte(src), "causeway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	from := filepath.Join(dir, "dist")
	for _, b := range stack.Binaries {
		if err := os.MkdirAll(filepath.Join(from, b), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(from, b, "bootstrap"), []byte(b), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	bundles, err := stack.Bundle(filepath.Join(dir, "bundle"), from, stack.ARM64, m)
	if err != nil {
		t.Fatal(err)
	}
	return synth(t, m, bundles, filepath.Join(dir, "cdk.out"))
}

func synth(t testing.TB, m *manifest.Manifest, bundles stack.Bundles, dir string) *Template {
	t.Helper()
	definition, err := file("../../functions/initial-sync/statemachine.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	app := awscdk.NewApp(&awscdk.AppProps{
		Outdir:  &dir,
		Context: &map[string]any{"aws:cdk:enable-asset-metadata": true, "aws:cdk:enable-path-metadata": true},
	})
	if _, err := stack.New(app, stack.Options{Manifest: m, Definition: definition, Bundles: bundles}); err != nil {
		t.Fatal(err)
	}
	app.Synth(nil)
	b, err := os.ReadFile(filepath.Join(dir, m.Deployment.Name+".template.json"))
	if err != nil {
		t.Fatal(err)
	}
	tpl := &Template{text: string(b), dir: dir, manifest: m}
	if err := json.Unmarshal(b, tpl); err != nil {
		t.Fatal(err)
	}
	for id, r := range tpl.Resources {
		r.id = id
	}
	return tpl
}

// of are the resources of a type; there has to be one.
func (tpl *Template) of(t testing.TB, typ string) (out []*Resource) {
	t.Helper()
	for _, r := range tpl.Resources {
		if r.Type == typ {
			out = append(out, r)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no %s", typ)
	}
	return out
}

// one is the resource of that logical id.
func (tpl *Template) one(t testing.TB, id string) *Resource {
	t.Helper()
	if tpl.Resources[id] == nil {
		t.Fatalf("no resource %s", id)
	}
	return tpl.Resources[id]
}

// get is what stands at a path of a resource's properties, as JSON; "" if
// nothing does.
func (r *Resource) get(path string) string {
	var v any = r.Properties
	for name := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[name]
		case []any:
			if name != "0" || len(x) == 0 {
				return ""
			}
			v = x[0]
		default:
			return ""
		}
	}
	if v == nil {
		return ""
	}
	return text(v)
}

func text(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

// The templates are what a reviewer has seen. Rewritten with -update.
func TestSnapshot(t *testing.T) {
	for _, name := range []string{"option1", "everything"} {
		t.Run(name, func(t *testing.T) {
			got := template(t, name).text
			golden := "testdata/" + name + ".template.json"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := file(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("template (-want +got), rewritten with -update:\n%s", diff)
			}
		})
	}
}

// Synthesis is deterministic: what has not changed is not deployed.
func TestDeterministic(t *testing.T) {
	first := template(t, "everything")
	if again := synthesise(t, "everything", t.TempDir()); again.text != first.text {
		t.Errorf("a second synthesis differs:\n%s", cmp.Diff(first.text, again.text))
	}
}

// The command reads these.
func TestOutputs(t *testing.T) {
	always := []string{
		"DashboardUrl", "DittoToMongoDeadLettersUrl", "DittoToMongoFunction", "DittoToMongoQueueUrl", "EventBuses", "EventSourceMappings",
		"FirstRunResult", "InitialSyncFunction", "KmsKeyArn", "ManifestHash", "MongoToDittoDeadLettersUrl", "MongoToDittoFunction",
		"MongoToDittoQueueUrl", "ReceiverFunction", "RuleDeadLettersUrl", "Schedules", "StateMachineArn",
	}
	for name, more := range map[string][]string{
		"option1": {"WebhookUrl"}, "off": {"WebhookUrl", "OutgoingAddress"}, "created": nil,
		"everything": {"WebhookUrl", "OutgoingAddress", "AtlasEndpointId"},
	} {
		want, got := map[string]bool{}, map[string]bool{}
		for _, id := range append(more, always...) {
			want[id] = true
		}
		for id := range template(t, name).Outputs {
			got[id] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	outs := template(t, "option1").Outputs
	for id, want := range map[string]string{
		"StateMachineArn":     `{"Ref":"Runs"}`,
		"Schedules":           `{"Fn::Join":["",["rule:",{"Ref":"SweepSchedule"},",rule:",{"Ref":"CanarySchedule"}]]}`,
		"EventSourceMappings": `{"Fn::Join":["",[{"Ref":"MongoToDittoSource"},",",{"Ref":"DittoToMongoSource"}]]}`,
		"EventBuses":          `"aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f"`,
		"WebhookUrl":          `{"Fn::Join":["",[{"Fn::GetAtt":["Webhook","ApiEndpoint"]},"/webhook"]]}`,
		"ReceiverFunction":    `{"Ref":"Receiver"}`,
	} {
		if got := text(outs[id].Value); got != want {
			t.Errorf("%s = %s, want %s", id, got, want)
		}
	}
}

// A manifest without a Deployment is no stack.
func TestErrNoDeployment(t *testing.T) {
	m, err := manifest.Load(valid + "option1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stack.New(nil, stack.Options{Manifest: m}); err == nil || !strings.Contains(err.Error(), "no Deployment document") {
		t.Errorf("New = %v", err)
	}
}

// A machine that has no map of ranges is not deployed without one.
func TestErrDefinition(t *testing.T) {
	src, err := manifests["option1"]()
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Parse([]byte(src), "causeway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, definition := range []string{"", "{}", `{"States":{"CopyRanges":{"Type":"Task"}}}`} {
		if _, err := stack.New(nil, stack.Options{Manifest: m, Definition: definition}); err == nil {
			t.Errorf("%q is taken", definition)
		}
	}
}
