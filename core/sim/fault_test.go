package sim_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/overlay"
)

var (
	faultName      = flag.String("fault", "", "plant this one fault only")
	faultHistories = flag.Int("fault-histories", 100_000, "how many histories may pass before a fault counts as not caught")
)

// fault is a defect that can be planted by name: edits of the source in an
// overlay that only a test binary is built with. What is shipped cannot contain
// it. FAULT stands for "this fault is on" in what is put in.
type fault struct {
	name   string
	rule   string // of the design, that it breaks
	breaks string
	edits  []overlay.Edit
}

// planted is the package that tells which fault is on. It exists in the overlay
// only.
const planted = `// Package planted says which defect this binary has.
package planted

import "os"

var name = os.Getenv("CAUSEWAY_FAULT")

func Is(n string) bool { return n == name }
`

// TestFaultsAreCaught plants each fault and plays histories until one fails. A
// simulation that lets a fault pass proves nothing about the rule it breaks.
func TestFaultsAreCaught(t *testing.T) {
	bin := buildFaults(t)
	// The edits by themselves change nothing.
	if out, err := play(t, bin, "", 2000); err != nil {
		t.Fatalf("with no fault on: %v\n%s", err, out)
	}
	t.Logf("%-30s %-5s %8s  %s", "fault", "rule", "history", "what it breaks")
	for _, f := range faults {
		if *faultName != "" && f.name != *faultName {
			continue
		}
		out, err := play(t, bin, f.name, *faultHistories)
		m := regexp.MustCompile(`history (\d+): `).FindStringSubmatch(out)
		switch {
		case err == nil:
			t.Errorf("%-30s %-5s %8s  %s: not caught in %d histories", f.name, f.rule, "-", f.breaks, *faultHistories)
		case m == nil:
			t.Errorf("%s: the histories did not run: %v\n%s", f.name, err, out)
		default:
			t.Logf("%-30s %-5s %8s  %s", f.name, f.rule, m[1], f.breaks)
		}
	}
}

// play runs histories with a fault on, and returns what they said.
func play(t *testing.T, bin, fault string, n int) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, bin, "-test.run", "^TestHistories$", "-histories", fmt.Sprint(n), "-failures", "1", "-any-rate")
	cmd.Env = append(os.Environ(), "CAUSEWAY_FAULT="+fault)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// buildFaults builds this package's test binary with all faults in it.
func buildFaults(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	o := overlay.Overlay{
		Import: "github.com/causeway-sync/causeway/core/planted",
		Files:  map[string]string{"core/planted/planted.go": planted},
	}
	names := map[string]bool{}
	for _, f := range faults {
		if names[f.name] {
			t.Fatalf("two faults are named %s", f.name)
		}
		names[f.name] = true
		for _, e := range f.edits {
			e.To = strings.ReplaceAll(e.To, "FAULT", fmt.Sprintf("planted.Is(%q)", f.name))
			o.Edits = append(o.Edits, e)
		}
	}
	bin := filepath.Join(t.TempDir(), "sim.test")
	if err := o.Build(t.Context(), root, "test", "-c", "-vet=off", "-o", bin, "./core/sim"); err != nil {
		t.Fatal(err)
	}
	return bin
}
