package stack

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/causeway-sync/causeway/core/manifest"
)

// Arch is a processor that Lambda runs functions on, in Lambda's words.
type Arch string

const (
	ARM64 Arch = "arm64"
	X8664 Arch = "x86_64"
)

// Host is the processor of a Go architecture, ARM64 if Lambda has none like it.
func Host(goarch string) Arch {
	if goarch == "amd64" {
		return X8664
	}
	return ARM64
}

// Binaries are the three that functions are built from.
var Binaries = []string{binMongoToDitto, binDittoToMongo, binInitialSync}

const (
	binMongoToDitto = "mongo-to-ditto"
	binDittoToMongo = "ditto-to-mongo"
	binInitialSync  = "initial-sync"
)

// Bundles are the folders that become the functions' code, by binary.
type Bundles struct {
	Arch  Arch
	Local bool // to be run here, by `sam local invoke`, and not to be deployed
	dirs  map[string]string
}

// Bundle makes them below dir: each has the binary from <from>/<binary>/bootstrap
// and the manifest without its secrets (invariant 11).
func Bundle(dir, from string, arch Arch, m *manifest.Manifest) (Bundles, error) {
	b := Bundles{Arch: arch, dirs: map[string]string{}}
	for _, name := range Binaries {
		target := filepath.Join(dir, name)
		if err := os.MkdirAll(target, 0o755); err != nil {
			return b, fmt.Errorf("bundle %s: %w", name, err)
		}
		if err := replace(filepath.Join(from, name, "bootstrap"), filepath.Join(target, "bootstrap")); err != nil {
			return b, fmt.Errorf("bundle %s: %w (`make build` builds the functions)", name, err)
		}
		if err := os.WriteFile(filepath.Join(target, "causeway.yaml"), m.Public(), 0o644); err != nil {
			return b, fmt.Errorf("bundle %s: %w", name, err)
		}
		b.dirs[name] = target
	}
	return b, nil
}

// replace copies an executable file. Every copy has the same mode.
func replace(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.Remove(to); err != nil && !os.IsNotExist(err) {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
