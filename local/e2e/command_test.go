package e2e_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/install"
)

// build builds the command into a folder.
func build(dir string) (string, error) {
	root, err := install.Root("")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "causeway")
	cmd := exec.Command("go", "build", "-o", path, "./cmd/causeway")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the command: %w: %s", err, out)
	}
	return path, nil
}

// causeway runs the command on the stack, and decodes the JSON that it prints,
// also where its status says that not all is well.
func (w *world) causeway(t *testing.T, v any, args ...string) {
	t.Helper()
	path, err := w.command()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), path, append(args, "--json", "--dir", w.dir)...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if jerr := json.Unmarshal(out, v); jerr != nil {
		err = errors.Join(err, jerr)
		t.Fatalf("causeway %s: %v: %s%s", strings.Join(args, " "), err, out, &stderr)
	}
}
