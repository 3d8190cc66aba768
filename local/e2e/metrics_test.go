package e2e_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/causeway-sync/causeway/core/telemetry/emf"
)

// checkMetrics wants every line of metrics in the functions' logs to be one
// that CloudWatch takes.
func checkMetrics(logs string) error {
	files, err := filepath.Glob(filepath.Join(logs, "*.log"))
	if err != nil {
		return err
	}
	lines := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		for line := range bytes.Lines(text) {
			if !emf.Is(line) {
				continue
			}
			if lines++; emf.Check(bytes.TrimSpace(line)) != nil {
				return emf.Check(bytes.TrimSpace(line))
			}
		}
	}
	if lines == 0 {
		return errors.New("no function has written metrics")
	}
	return nil
}
