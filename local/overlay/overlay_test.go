package overlay_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/overlay"
)

// program is a module with one program, which says what it is told to.
func program(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":  "module example\n\ngo 1.26\n",
		"main.go": "// Says it.\npackage main\n\nimport \"fmt\"\n\nfunc main() { fmt.Print(\"right\") }\n",
	} {
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestBuild(t *testing.T) {
	root := program(t)
	o := overlay.Overlay{
		Import: "example/word",
		Files:  map[string]string{"word/word.go": "package word\n\nconst It = \"wrong\"\n"},
		Edits:  []overlay.Edit{{File: "main.go", From: `"right"`, To: `word.It`}},
	}
	for want, o := range map[string]overlay.Overlay{"right": {}, "wrong": o} {
		bin := filepath.Join(t.TempDir(), "program")
		if err := o.Build(t.Context(), root, "build", "-o", bin, "."); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), bin).Output()
		if err != nil || string(out) != want {
			t.Errorf("the program says %q, %v; want %q", out, err, want)
		}
	}
	if src, err := os.ReadFile(filepath.Join(root, "main.go")); err != nil || strings.Contains(string(src), "word") {
		t.Errorf("the source was changed: %s, %v", src, err)
	}
}

func TestBuildErrors(t *testing.T) {
	root := program(t)
	for name, tc := range map[string]struct {
		edit overlay.Edit
		want string
	}{
		"NotThere":  {overlay.Edit{File: "main.go", From: "left", To: "x"}, `main.go has "left" 0 times`},
		"Ambiguous": {overlay.Edit{File: "main.go", From: "main", To: "x"}, `main.go has "main" 2 times`},
		"NoFile":    {overlay.Edit{File: "other.go", From: "x", To: "y"}, "other.go"},
		"Broken":    {overlay.Edit{File: "main.go", From: `"right"`, To: `left`}, "undefined: left"},
	} {
		t.Run(name, func(t *testing.T) {
			o := overlay.Overlay{Edits: []overlay.Edit{tc.edit}}
			err := o.Build(t.Context(), root, "build", "-o", filepath.Join(t.TempDir(), "program"), ".")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
