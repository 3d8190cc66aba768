package stack_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/causeway-sync/causeway/infra/stack"
	"github.com/causeway-sync/causeway/local/install"
)

// Every function of the template that is deployed has a folder with an
// executable bootstrap for its architecture, as `make build` makes it. Those for
// this machine's are run by the tests of events/.
func TestArchitecture(t *testing.T) {
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"--silent", "-C", root}
	for _, b := range stack.Binaries {
		args = append(args, "dist/"+b+"/bootstrap")
	}
	if out, err := exec.CommandContext(t.Context(), "make", args...).CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	m := template(t, "option1").manifest
	bundles, err := stack.Bundle(t.TempDir(), filepath.Join(root, "dist"), stack.ARM64, m)
	if err != nil {
		t.Fatal(err)
	}
	tpl := synth(t, m, bundles, t.TempDir())
	functions := tpl.of(t, "AWS::Lambda::Function")
	for _, r := range functions {
		asset, _ := r.Metadata["aws:asset:path"].(string)
		path := filepath.Join(tpl.dir, asset, "bootstrap")
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o755 {
			t.Fatalf("%s: %v, %v", r.id, info, err)
		}
		f, err := elf.Open(path)
		if err != nil {
			t.Fatalf("%s: %v", r.id, err)
		}
		f.Close()
		if got := r.get("Architectures"); f.Machine != elf.EM_AARCH64 || got != `["arm64"]` {
			t.Errorf("%s: a binary for %s, a function for %s", r.id, f.Machine, got)
		}
	}
	if len(functions) != 4 {
		t.Errorf("%d functions", len(functions))
	}
}
