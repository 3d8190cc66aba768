package manifest_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/manifest"
)

// hidden is what no text may show of the Secret that FuzzParse appends, be it
// well placed or not.
const hidden = "cAuSeWaY-HiDdEn"

// Any text is either refused with problems that say where and how to mend them,
// or gives a manifest that survives Public. A Secret that follows in the file
// is shown by neither (invariant 11).
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
		keepsSecret(t, src)
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

// keepsSecret parses src with a Secret behind it: one that the manifests of
// testdata refer to, good or bad, plain or in base64.
func keepsSecret(t *testing.T, src []byte) {
	uri := "mongodb://bridge:" + hidden + "@db.example.net/shop"
	if len(src)%2 == 1 {
		uri = "mongodb://bridge:" + hidden + "@@db.example.net:" + hidden + "/shop"
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(uri))
	body := "stringData:\n  connectionString: " + uri
	if len(src)%3 == 1 {
		body = "data:\n  connectionString: " + encoded
	}
	name := "example-mongo-connector"
	if bytes.Contains(src, []byte("shop-mongo")) {
		name = "shop-mongo"
	}
	both := fmt.Appendf(bytes.Clone(src), "\n---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n%s\n", name, body)
	m, err := manifest.Parse(both, "causeway.yaml")
	shown := fmt.Sprintf("%+v %v", m, err)
	if m != nil {
		shown += string(m.Public())
	}
	for _, part := range []string{hidden, encoded, encoded[8:40]} {
		if strings.Contains(shown, part) {
			t.Fatalf("%q is shown: %s", part, shown)
		}
	}
}

// exoticBreaks reports whether src has line breaks that YAML counts and editors
// do not, or is in UTF-16.
func exoticBreaks(src []byte) bool {
	return bytes.ContainsAny(src, "\u0085\u2028\u2029") || bytes.HasPrefix(src, []byte("\xff\xfe")) || bytes.HasPrefix(src, []byte("\xfe\xff"))
}
