package stack_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/local/install"
)

const checks = "infra/checks"

// checkers installs them where they are not there yet.
func checkers(t *testing.T) (root, node string) {
	t.Helper()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	if err := install.Packages(t.Context(), root, checks, "checkers of templates", func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	if node, err = install.FindNode(t.Context(), os.Getenv); err != nil {
		t.Fatal(err)
	}
	return root, node
}

// finding is what a checker objects to.
type finding struct{ Rule, Resource, Text string }

func rulesOf(fs []finding) (out []string) {
	for _, f := range fs {
		out = append(out, f.Rule+" "+f.Resource)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// checked is a template with its state machine, as AWS gets them.
type checked struct{ template, definition string }

// nag is what cdk-nag and asl-validator find, in each.
func nag(t *testing.T, all ...checked) (findings [][]finding) {
	t.Helper()
	root, node := checkers(t)
	args := []string{filepath.Join(root, checks, "check.mjs")}
	for _, c := range all {
		dir := t.TempDir()
		for name, text := range map[string]string{"template.json": c.template, "definition.json": c.definition} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, dir)
	}
	cmd := exec.CommandContext(t.Context(), node, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("check.mjs: %v\n%s", err, stderr.String())
	}
	if err := json.Unmarshal(out, &findings); err != nil || len(findings) != len(all) {
		t.Fatalf("check.mjs: %v\n%s", err, out)
	}
	return findings
}

// guard is what cfn-guard finds, with the rules of AWS Control Tower.
func guard(t *testing.T, template string) (fs []finding) {
	t.Helper()
	root, _ := checkers(t)
	pkg := filepath.Join(root, checks, "node_modules", "@cdklabs", "cdk-validator-cfnguard")
	system := map[string]string{"linux": "ubuntu", "darwin": "macos"}[runtime.GOOS]
	arch := map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
	file := filepath.Join(t.TempDir(), "template.json")
	if err := os.WriteFile(file, []byte(template), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(pkg, "bin", system, arch, "cfn-guard"), "validate",
		"--data", file, "--rules", filepath.Join(pkg, "rules", "control-tower"), "--output-format", "json", "--show-summary", "none", "--structured")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || len(out) == 0) { // it fails where it finds something
		t.Fatalf("cfn-guard: %v\n%s", err, stderr.String())
	}
	var reports []struct {
		NotCompliant []struct{ Rule json.RawMessage } `json:"not_compliant"`
		Compliant    []string
	}
	if err := json.Unmarshal(out, &reports); err != nil {
		t.Fatalf("cfn-guard: %v\n%.500s", err, out)
	}
	if len(reports) != 1 || len(reports[0].Compliant) < 10 {
		t.Fatalf("cfn-guard: %d reports: %.500s", len(reports), out)
	}
	for _, r := range reports[0].NotCompliant {
		var rule struct{ Name string }
		if err := json.Unmarshal(r.Rule, &rule); err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"/?Resources/([A-Za-z0-9]+)`).FindAllStringSubmatch(string(r.Rule), -1) {
			fs = append(fs, finding{Rule: rule.Name, Resource: m[1]})
		}
	}
	return fs
}

// definition is the state machine as AWS runs it: with its placeholders filled.
func definition(t *testing.T, tpl *Template) string {
	t.Helper()
	def, _ := tpl.one(t, "Runs").Properties["DefinitionString"].(string)
	for name, value := range map[string]string{
		"InitialSyncFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:example-initial-sync", "Partition": "aws", "Results": "results",
	} {
		if !strings.Contains(def, "${"+name+"}") || tpl.one(t, "Runs").get("DefinitionSubstitutions."+name) == "" {
			t.Fatalf("the definition has no %s", name)
		}
		def = strings.ReplaceAll(def, "${"+name+"}", value)
	}
	if i := strings.Index(def, "${"); i >= 0 {
		t.Fatalf("left: %s", def[i:i+30])
	}
	return def
}

// A run has as many children at once as the manifest allows workers.
func TestConcurrency(t *testing.T) {
	for name, want := range map[string]string{"option1": `"MaxConcurrency":10,`, "everything": `"MaxConcurrency":50,`} {
		if def := definition(t, template(t, name)); !strings.Contains(def, want) {
			t.Errorf("%s: no %s", name, want)
		}
	}
}

// No checker objects to a template, but for what is explained beside the
// construct; and nothing is explained that nobody objects to. So they do look.
func TestCheckers(t *testing.T) {
	names := []string{"option2", "everything", "created"}
	var all []checked
	for _, name := range names {
		tpl := template(t, name)
		all = append(all, checked{tpl.text, definition(t, tpl)})
	}
	tpl := template(t, "everything")
	broken := strings.Replace(definition(t, tpl), `"Type":"Succeed"`, `"Type":"Success"`, 1)
	findings := nag(t, append(all, checked{unexplained(t, tpl), broken})...)
	for i, name := range names {
		for _, f := range findings[i] {
			t.Errorf("%s: %s: %s: %s", name, f.Resource, f.Rule, f.Text)
		}
		if diff := cmp.Diff(template(t, name).explained(guardRules), rulesOf(guard(t, all[i].template))); diff != "" {
			t.Errorf("%s: cfn-guard (-explained +found):\n%s", name, diff)
		}
	}
	want := append(tpl.explained(nagRules), "asl-validator Runs")
	slices.Sort(want)
	if diff := cmp.Diff(want, rulesOf(findings[len(names)])); diff != "" {
		t.Errorf("found, where nothing is explained (-explained +found):\n%s", diff)
	}
}

// unexplained is a template without its metadata.
func unexplained(t *testing.T, tpl *Template) string {
	t.Helper()
	var bare map[string]any
	if err := json.Unmarshal([]byte(tpl.text), &bare); err != nil {
		t.Fatal(err)
	}
	for _, r := range bare["Resources"].(map[string]any) {
		delete(r.(map[string]any), "Metadata")
	}
	return text(bare)
}

const (
	nagRules   = true
	guardRules = false
)

// explained are the rules of a checker that resources say do not hold, each with
// the resource.
func (tpl *Template) explained(nag bool) (out []string) {
	for id, r := range tpl.Resources {
		for _, x := range explained(r) {
			if strings.HasPrefix(x.rule, "AwsSolutions-") == nag {
				out = append(out, x.rule+" "+id)
			}
		}
	}
	slices.Sort(out)
	return out
}

// explanation is what a resource says of a rule that does not hold.
type explanation struct{ rule, why string }

func explained(r *Resource) (out []explanation) {
	if nag, ok := r.Metadata["cdk_nag"].(map[string]any); ok {
		for _, x := range nag["rules_to_suppress"].([]any) {
			rule := x.(map[string]any)
			out = append(out, explanation{rule["id"].(string), rule["reason"].(string)})
		}
	}
	if guard, ok := r.Metadata["guard"].(map[string]any); ok {
		whys := guard["Reasons"].([]any)
		for i, x := range guard["SuppressedRules"].([]any) {
			out = append(out, explanation{x.(string), whys[i].(string)})
		}
	}
	return out
}
