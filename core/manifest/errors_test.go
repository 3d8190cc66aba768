package manifest_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/manifest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Each file of testdata/bad has its problems, as a person sees them, beside it.
func TestParseErrGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".yaml"), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			m, err := manifest.Parse(src, "causeway.yaml")
			var problems *manifest.Errors
			if m != nil || !errors.As(err, &problems) {
				t.Fatalf("Parse = %v, %v; want *Errors", m, err)
			}
			got := err.Error() + "\n"
			if strings.Contains(got, "s3cr3t") {
				t.Errorf("the secret is in the error:\n%s", got)
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// A file that is damaged in any one line is refused or accepted, but its secret
// is never printed.
func TestParseErrNoSecret(t *testing.T) {
	const secret = "s3cr3t"
	src, err := os.ReadFile("testdata/valid/option1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.Replace(string(src), "username:password", secret+":"+secret, 1), "\n")
	damage := map[string]func(line string) string{
		"removed":   func(string) string { return "" },
		"doubled":   func(l string) string { return l + l },
		"outdented": func(l string) string { return strings.TrimLeft(l, " ") },
		"indented":  func(l string) string { return "    " + l },
		"tab":       func(l string) string { return "\t" + l },
		"no colon":  func(l string) string { return strings.Replace(l, ":", "", 1) },
		"quote":     func(l string) string { return strings.Replace(l, ": ", `: "`, 1) },
		"list":      func(l string) string { return strings.Replace(l, ": ", ": [", 1) },
		"alias":     func(l string) string { return strings.Replace(l, ": ", ": *", 1) },
		"anchor":    func(l string) string { return strings.Replace(l, ": ", ": &", 1) },
		"tag":       func(l string) string { return strings.Replace(l, ": ", ": !", 1) },
		"directive": func(l string) string { return "%" + l },
		"no space":  func(l string) string { return strings.Replace(l, ": ", ":", 1) },
		"moved":     func(l string) string { return "" },
	}
	refused := 0
	for name, change := range damage {
		for i := range lines {
			changed := append([]string(nil), lines...)
			changed[i] = change(lines[i])
			if name == "moved" { // to the end of the file, below the bridge
				changed = append(changed, lines[i])
			}
			_, err := manifest.Parse([]byte(strings.Join(changed, "")), "causeway.yaml")
			if err == nil {
				continue
			}
			refused++
			if strings.Contains(err.Error(), secret) {
				t.Errorf("line %d %s: the secret is in the error:\n%v", i+1, name, err)
			}
		}
	}
	if refused < 100 {
		t.Errorf("only %d damaged files were refused", refused)
	}
}
