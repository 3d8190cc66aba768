package install

import (
	"errors"
	"os"
	"path/filepath"
)

// Root is the folder of the repository: the nearest one above dir that holds
// this module's go.mod. dir "" is the working directory.
func Root(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "local", "package.json")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the repository: run this from inside a clone of it")
		}
		dir = parent
	}
}
