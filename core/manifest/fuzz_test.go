package manifest_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/manifest"
)

// Any text is either refused with problems that say where and how to mend them,
// or gives a manifest that survives Public.
func FuzzParse(f *testing.F) {
	for _, glob := range []string{"testdata/valid/*", "testdata/bad/*.yaml", "../../causeway.yaml"} {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			f.Fatalf("%s: no files: %v", glob, err)
		}
		for _, file := range files {
			src, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		m, err := manifest.Parse(src, "causeway.yaml")
		if err != nil {
			var problems *manifest.Errors
			if m != nil || !errors.As(err, &problems) || len(problems.Problems) == 0 {
				t.Fatalf("Parse = %v, %v; want *Errors", m, err)
			}
			for _, p := range problems.Problems {
				if p.Line < 1 || p.Line > bytes.Count(src, []byte("\n"))+bytes.Count(src, []byte("\r"))+2 && !exoticBreaks(src) || p.What == "" || p.Mend == "" {
					t.Errorf("incomplete problem: %+v", p)
				}
			}
			if n := strings.Count(err.Error(), "\n") + 1; n != len(problems.Problems) {
				t.Errorf("%d lines for %d problems:\n%v", n, len(problems.Problems), err)
			}
			return
		}
		again, err := manifest.Parse(m.Public(), "public")
		if err != nil {
			t.Fatalf("public manifest: %v\n%s", err, m.Public())
		}
		m.ConnectionString = ""
		if diff := cmp.Diff(m, again); diff != "" {
			t.Errorf("public manifest (-original +parsed):\n%s", diff)
		}
	})
}

// exoticBreaks reports whether src has line breaks that YAML counts and editors
// do not, or is in UTF-16.
func exoticBreaks(src []byte) bool {
	return bytes.ContainsAny(src, "\u0085\u2028\u2029") || bytes.HasPrefix(src, []byte("\xff\xfe")) || bytes.HasPrefix(src, []byte("\xfe\xff"))
}
