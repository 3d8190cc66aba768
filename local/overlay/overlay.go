package overlay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Edit is one change of a source file.
type Edit struct {
	File     string // below the repository's root
	From, To string // From occurs once in the file as it stands
}

// Overlay is what a build sees instead of the files that are there.
type Overlay struct {
	Edits []Edit
	// Files are further files, by their paths below the root.
	Files map[string]string
	// Import is the path of a package that every edited file imports, if any.
	Import string
}

// Build runs the go command with these arguments, such as "build", "-o", …, on
// the repository at root as the overlay shows it. It says which edit does not
// fit the source any more.
func (o Overlay) Build(ctx context.Context, root string, args ...string) error {
	dir, err := os.MkdirTemp("", "overlay-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	files, err := o.apply(root)
	if err != nil {
		return err
	}
	replace := map[string]string{}
	for path, text := range files {
		file := filepath.Join(root, filepath.FromSlash(path))
		replace[file] = filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(replace[file], []byte(text), 0o600); err != nil {
			return err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		return err
	}
	args = append([]string{args[0], "-overlay", path}, args[1:]...)
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// apply makes the files that the build sees.
func (o Overlay) apply(root string) (map[string]string, error) {
	files := map[string]string{}
	for path, text := range o.Files {
		files[path] = text
	}
	var problems []error
	for _, e := range o.Edits {
		text, ok := files[e.File]
		if !ok {
			src, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(e.File)))
			if err != nil {
				return nil, err
			}
			if text, err = o.imports(e.File, string(src)); err != nil {
				return nil, err
			}
		}
		if n := strings.Count(text, e.From); n != 1 {
			problems = append(problems, fmt.Errorf("%s has %q %d times, want once: change the edit with the code", e.File, e.From, n))
		}
		files[e.File] = strings.Replace(text, e.From, e.To, 1)
	}
	return files, errors.Join(problems...)
}

// imports adds the overlay's import behind the package clause.
func (o Overlay) imports(file, src string) (string, error) {
	if o.Import == "" {
		return src, nil
	}
	head, rest, ok := strings.Cut("\n"+src, "\npackage ")
	if !ok {
		return "", fmt.Errorf("%s has no package clause", file)
	}
	name, rest, _ := strings.Cut(rest, "\n")
	return strings.TrimPrefix(head+"\npackage "+name+"\n\nimport "+fmt.Sprintf("%q", o.Import)+"\n"+rest, "\n"), nil
}
