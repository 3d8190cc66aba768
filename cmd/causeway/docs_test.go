package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/install"
)

// Every command that the documentation shows is one that there is, with the
// options that it shows; and the table of the README has them all.
func TestDocsCommands(t *testing.T) {
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	help := map[string]string{}
	known := func(words ...string) string {
		key := strings.Join(words, " ")
		if _, ok := help[key]; !ok {
			r := causeway(t, append(words, "--help")...)
			if r.status != 0 {
				r.stdout = ""
			}
			help[key] = r.stdout
		}
		return help[key]
	}
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, file := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?m)(?:`|^|\\| )(?:dist/)?causeway ([a-z]+(?:-[a-z]+)*)((?: [^`#\\n|]*)?)").FindAllStringSubmatch(string(text), -1) {
			shown++
			args := strings.Fields(m[2])
			out := known(m[1])
			if out == "" {
				t.Errorf("%s: there is no command %s", filepath.Base(file), m[0])
				continue
			}
			// A subcommand, if the command has any.
			if len(args) > 0 && strings.Contains(out, "<command>") && regexp.MustCompile(`^[a-z]+$`).MatchString(args[0]) {
				if out = known(m[1], args[0]); out == "" {
					t.Errorf("%s: there is no command %s", filepath.Base(file), m[0])
					continue
				}
			}
			for _, a := range args {
				if name, _, _ := strings.Cut(a, "="); strings.HasPrefix(name, "--") && !strings.Contains(out, strings.TrimRight(name, ".,:;)")) {
					t.Errorf("%s: %s has no option %s", filepath.Base(file), m[0], a)
				}
			}
		}
	}
	if shown < 40 {
		t.Errorf("%d commands found: the pattern does not see them", shown)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+)(?: [a-z]+)? +\S`).FindAllStringSubmatch(causeway(t, "--help").stdout[strings.Index(causeway(t, "--help").stdout, "Commands:"):], -1) {
		if name := m[1]; name != "install" && !strings.Contains(string(readme), "| `"+name) && !strings.Contains(string(readme), ", `"+name) {
			t.Errorf("the README's table lacks %s", name)
		}
	}
}
