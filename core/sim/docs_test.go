package sim_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/invariants.md has a row for each invariant, names tests and faults that
// there are, and code and tests cite every invariant by its number.
func TestInvariantsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/invariants.md")
	if err != nil {
		t.Fatal(err)
	}
	code, tests := sources(t, "../..")
	for n := 1; n <= 11; n++ {
		if !strings.Contains(string(page), fmt.Sprintf("\n| %d | **", n)) {
			t.Errorf("the page has no row for invariant %d", n)
		}
		cited := regexp.MustCompile(fmt.Sprintf(`(?i)\binvariants? (\d+(, | and | to ))*%d\b`, n))
		for what, text := range map[string]string{"code": code, "test": tests} {
			if !cited.MatchString(text) {
				t.Errorf("no %s cites invariant %d", what, n)
			}
		}
	}
	for _, name := range regexp.MustCompile(`\bTest[A-Z]\w*`).FindAllString(string(page), -1) {
		if !strings.Contains(tests, "func "+name+"(") {
			t.Errorf("the page names %s, and there is no such test", name)
		}
	}
	row := regexp.MustCompile("faults? ((?:`[a-z-]+\\*?`(?:, )?)+)")
	for _, m := range row.FindAllStringSubmatch(string(page), -1) {
		for _, name := range regexp.MustCompile("`([a-z-]+)\\*?`").FindAllStringSubmatch(m[1], -1) {
			if !slices.ContainsFunc(faults, func(f fault) bool { return strings.HasPrefix(f.name, name[1]) }) {
				t.Errorf("the page names the fault %s, and there is none", name[1])
			}
		}
	}
}

// sources are the repository's Go files, those of tests apart.
func sources(t *testing.T, root string) (code, tests string) {
	t.Helper()
	var parts [2]strings.Builder
	for _, dir := range []string{"cmd", "core", "events", "functions", "local"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.Name() == "node_modules":
				return fs.SkipDir
			case !strings.HasSuffix(path, ".go"):
				return nil
			}
			text, err := os.ReadFile(path)
			i := 0
			if strings.HasSuffix(path, "_test.go") {
				i = 1
			}
			parts[i].Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return parts[0].String(), parts[1].String()
}
