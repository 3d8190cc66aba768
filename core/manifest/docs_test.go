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
