package manifest_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/manifest"
)

// The messages that the documentation quotes are those that people get.
func TestDocsMessages(t *testing.T) {
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(doc), "## Common mistakes")
	if !ok {
		t.Fatal("no section on common mistakes")
	}
	var printed strings.Builder
	golden, err := filepath.Glob("testdata/bad/*.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range golden {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		printed.Write(b)
	}
	rows := regexp.MustCompile("(?m)^\\| .* \\| `(.*)` \\|$").FindAllStringSubmatch(table, -1)
	if len(rows) < 10 {
		t.Fatalf("%d messages in the table", len(rows))
	}
	for _, row := range rows {
		if !strings.Contains(printed.String(), row[1]) {
			t.Errorf("no golden file has the message %s", row[1])
		}
	}
}

// Every field that a public manifest holds, which is every field that has a
// meaning, is documented.
func TestDocsFields(t *testing.T) {
	doc, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"everything.yaml", "option1.yaml", "created.yaml"} {
		m, err := manifest.Load(filepath.Join("testdata/valid", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)^ *(\w+):`).FindAllStringSubmatch(string(m.Public()), -1) {
			if name := match[1]; !regexp.MustCompile("[.` ]"+name+"\\b").Match(doc) && !testName[name] {
				t.Errorf("docs/configuration.md does not mention %s", name)
			}
		}
	}
}

// testName has the keys of the test files that are names of the user's own.
var testName = map[string]bool{"orders": true, "tasks": true, "total": true}

// The manifests of the page on migration are taken as they stand: the dump of a
// cluster alone, and with the Deployment behind it.
func TestDocsMigration(t *testing.T) {
	doc, err := os.ReadFile("../../docs/migrate.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(doc), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d manifests in docs/migrate.md, want the dump and the Deployment", len(blocks))
	}
	dump, deployment := blocks[0][1], blocks[1][1]
	for _, part := range []string{"kind: BigPeerDataBridge", "uid:", "resourceVersion:", "\nstatus:"} {
		if !strings.Contains(dump, part) {
			t.Errorf("a dump has %q, that of the page has not", part)
		}
	}
	m, err := manifest.Parse([]byte(dump), "dump.yaml")
	if err != nil {
		t.Fatalf("the dump: %v", err)
	}
	if m.Database != "test-db" || len(m.Collections) != 2 || m.Deployment != nil || m.Secret.ID != "ditto/example-mongo-connector" {
		t.Errorf("the dump: %+v", m)
	}
	whole, err := manifest.Parse([]byte(dump+deployment), "causeway.yaml")
	if err != nil {
		t.Fatalf("with the Deployment: %v", err)
	}
	if whole.Deployment == nil || whole.Deployment.Name != "example" {
		t.Errorf("the Deployment: %+v", whole.Deployment)
	}
}
