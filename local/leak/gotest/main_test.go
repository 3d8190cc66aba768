package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/leak"
)

// A test that passes and prints a secret fails the run; what go test says is
// shown as it says it, and its status is kept.
func TestRun(t *testing.T) {
	secret := leak.New()
	for name, c := range map[string]struct {
		body       string
		status     int
		says, hide string
	}{
		"Log":         {`t.Log("level=INFO key=` + secret + `")`, 1, "LEAK: planted TestPlanted prints a secret, as it is", secret},
		"InPieces":    {`fmt.Print("` + secret[:9] + `"); fmt.Print("` + secret[9:] + `\n")`, 1, "LEAK: planted TestPlanted", secret},
		"Told":        {`t.Log("  API key    ` + secret + `")`, 0, "ok  \tplanted", secret},
		"Failing":     {`t.Error("this is wrong")`, 1, "this is wrong", "LEAK"},
		"NotCompiled": {`t.Nothing()`, 1, "t.Nothing undefined", "LEAK"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := planted(t, c.body)
			var out, stderr bytes.Buffer
			status := run(&out, &stderr, dir, "-count", "1", "./...")
			if status != c.status || !strings.Contains(out.String(), c.says) {
				t.Errorf("status %d, want %d and %q:\n%s", status, c.status, c.says, strings.ReplaceAll(out.String(), secret, "[secret]"))
			}
			if strings.Contains(out.String(), c.hide) {
				t.Errorf("%q is shown", strings.ReplaceAll(c.hide, secret, "[secret]"))
			}
		})
	}
}

// With -v, what a test that passed says is shown too.
func TestVerbose(t *testing.T) {
	dir := planted(t, `t.Log("so many histories")`)
	for flag, want := range map[string]bool{"-v": true, "-count=1": false} {
		var out, stderr bytes.Buffer
		if status := run(&out, &stderr, dir, flag, "./..."); status != 0 || strings.Contains(out.String(), "so many histories") != want {
			t.Errorf("%s: status %d, said %v, want %v:\n%s", flag, status, !want, want, out.String())
		}
	}
}

// planted is a module with one test of this body.
func planted(t *testing.T, body string) string {
	t.Helper()
	dir := t.TempDir()
	source := "package planted\n\nimport (\n\t\"fmt\"\n\t\"testing\"\n)\n\nfunc TestPlanted(t *testing.T) {\n\t" + body + "\n}\n\nvar _ = fmt.Print\n"
	for file, text := range map[string]string{"go.mod": "module planted\n\ngo 1.26\n", "planted_test.go": source} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
