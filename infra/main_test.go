package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/infra/stack"
)

// An invalid manifest fails synthesis with the report that `causeway check`
// prints, before anything is written.
func TestErrManifest(t *testing.T) {
	files, err := filepath.Glob("../core/manifest/testdata/bad/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Setenv("CONFIG", file)
		err := run()
		var problems *manifest.Errors
		if !errors.As(err, &problems) {
			t.Fatalf("%s: %v", file, err)
		}
		golden, err := os.ReadFile(strings.TrimSuffix(file, ".yaml") + ".golden")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.ReplaceAll(problems.Error()+"\n", file+":", "causeway.yaml:"); got != string(golden) {
			t.Errorf("%s:\n%s\nwant\n%s", file, got, golden)
		}
	}
}

func TestErrNoDeployment(t *testing.T) {
	t.Setenv("CONFIG", "../causeway.yaml")
	if err := run(); !errors.Is(err, stack.ErrNoDeployment) || !strings.Contains(err.Error(), "../causeway.yaml: ") {
		t.Errorf("run = %v", err)
	}
}

// Without the functions there is nothing to deploy, and the mend is said.
func TestErrNotBuilt(t *testing.T) {
	config, err := filepath.Abs("../core/manifest/testdata/valid/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	t.Setenv("CONFIG", config)
	if err := run(); err == nil || !strings.Contains(err.Error(), "`make build` builds the functions") {
		t.Errorf("run = %v", err)
	}
}
