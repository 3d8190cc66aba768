package trigger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// stored is the state file: where to carry on, and in which database.
type stored struct {
	Source   string          `json:"source"` // which server
	Database string          `json:"database"`
	Token    json.RawMessage `json:"token"` // canonical Extended JSON
}

// load returns the token to carry on from, nil if there is none for this
// source and database.
func load(path, source, database string) (bson.Raw, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read resume token: %w", err)
	}
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, fmt.Errorf("read resume token: %s: %w", path, err)
	}
	if s.Source != source || s.Database != database {
		return nil, nil
	}
	var token bson.Raw
	if err := bson.UnmarshalExtJSON(s.Token, true, &token); err != nil {
		return nil, fmt.Errorf("read resume token: %s: %w", path, err)
	}
	return token, nil
}

// save replaces the state file, whole or not at all.
func save(path, source, database string, token bson.Raw) error {
	t, err := bson.MarshalExtJSON(token, true, false)
	if err != nil {
		return fmt.Errorf("save resume token: %w", err)
	}
	b, err := json.Marshal(stored{source, database, t})
	if err != nil {
		return fmt.Errorf("save resume token: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("save resume token: %w", err)
	}
	next := path + ".next"
	if err := os.WriteFile(next, b, 0o600); err != nil {
		return fmt.Errorf("save resume token: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("save resume token: %w", err)
	}
	return nil
}
