package stack_test

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/infra/stack"
)

// What SAM is given leads each function to the local stack, by variables that
// the template declares: SAM drops all others without a word.
func TestSAMVariables(t *testing.T) {
	const local = `{"pid":1,"functions":{
	  "mongo-to-ditto":{"bootstrap":"b","env":{"CAUSEWAY_CONFIG":"/x/causeway.yaml","CAUSEWAY_ROLE":"worker","CAUSEWAY_QUEUE_URL":"http://127.0.0.1:1/q",
	    "CAUSEWAY_DITTO_URL":"http://127.0.0.1:2","AWS_ENDPOINT_URL_SQS":"http://127.0.0.1:1","AWS_SECRET_ACCESS_KEY":"hush","LOG_LEVEL":"info"}},
	  "ditto-to-mongo-receiver":{"env":{"CAUSEWAY_DITTO_WEBHOOK_SECRET":"causeway/ditto-webhook"}},
	  "something-new":{"env":{"LOG_LEVEL":"info"}}}}`
	b, err := stack.SAMVariables([]byte(local))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]map[string]string
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		"MongoToDitto": {
			"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:1", "CAUSEWAY_DITTO_URL": "http://127.0.0.1:2",
			"CAUSEWAY_QUEUE_URL": "http://127.0.0.1:1/q", "LOG_LEVEL": "info",
		},
		"Receiver": {"CAUSEWAY_DITTO_WEBHOOK_SECRET": "causeway/ditto-webhook"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}

	m := template(t, "option1").manifest
	from := filepath.Join(filepath.Dir(template(t, "option1").dir), "dist")
	bundles, err := stack.Bundle(t.TempDir(), from, stack.X8664, m)
	if err != nil {
		t.Fatal(err)
	}
	bundles.Local = true
	tpl := synth(t, m, bundles, t.TempDir())
	for id, variables := range want {
		f := tpl.one(t, id)
		for name := range variables {
			if f.get("Environment.Variables."+name) == "" {
				t.Errorf("the template does not declare %s of %s", name, id)
			}
		}
		if got := f.get("Architectures"); got != `["x86_64"]` {
			t.Errorf("%s: %s", id, got)
		}
	}
	// What is deployed has none of them.
	for _, f := range template(t, "option1").of(t, "AWS::Lambda::Function") {
		var names []string
		for name := range f.Properties["Environment"].(map[string]any)["Variables"].(map[string]any) {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			if !slices.Contains([]string{"CAUSEWAY_CONFIG", "CAUSEWAY_QUEUE_URL", "CAUSEWAY_ROLE", "CAUSEWAY_STATE_MACHINE_ARN", "LOG_LEVEL"}, name) {
				t.Errorf("%s is deployed with %s", f.id, name)
			}
		}
	}
	if _, err := stack.SAMVariables([]byte("no")); err == nil {
		t.Error("no JSON is taken")
	}
}
