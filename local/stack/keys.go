package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/causeway-sync/causeway/local/leak"
)

// keys are the secrets of the Ditto side. Those of the stack's own server are
// made once, so that a command that worked before a restart works after it.
type keys struct {
	APIKey  string `json:"apiKey"`
	Webhook string `json:"webhook"`
}

// loadKeys reads the kept keys, or makes them.
func loadKeys(path string) (keys, error) {
	var k keys
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		err = json.Unmarshal(b, &k)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		return k, fmt.Errorf("read keys of the local Ditto server: %s: %w", path, err)
	}
	if k.APIKey != "" && k.Webhook != "" {
		return k, nil
	}
	k = keys{APIKey: leak.New(), Webhook: leak.New()}
	if b, err = json.Marshal(k); err != nil {
		return k, fmt.Errorf("keep keys: %w", err)
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return k, fmt.Errorf("keep keys: %w", err)
	}
	return k, nil
}
