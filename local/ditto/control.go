package ditto

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// State is where the server stands.
type State struct {
	Txn        int64 `json:"txn"`        // the store's current transaction
	Writes     int64 `json:"writes"`     // documents mutated since the process started
	Statements int64 `json:"statements"` // statements executed since then
	Seq        int64 `json:"seq"`        // the last event in the outbox
	Delivered  int64 `json:"delivered"`  // the last event that the webhook acknowledged
	Pending    int64 `json:"pending"`    // events not yet acknowledged
	Checkpoint int64 `json:"checkpoint"` // events up to here are never sent again
	Refused    int64 `json:"refused"`    // events that the webhook found too large (413)
	Paused     bool  `json:"paused"`     // delivery is held back by Feed
}

// Write is one mutated document.
type Write struct {
	Txn        int64           `json:"txn"`
	Collection string          `json:"collection"`
	ID         json.RawMessage `json:"id"`
	Method     string          `json:"method"` // upsert or remove
}

// State asks where the server stands.
func (s *Server) State(ctx context.Context) (State, error) {
	var out State
	err := s.control(ctx, http.MethodGet, "state", nil, &out)
	return out, err
}

// Writes lists the documents mutated in transactions after since, oldest first.
// The server remembers the last 100,000 of its own lifetime; an error tells
// that the list would not be complete.
func (s *Server) Writes(ctx context.Context, since int64) ([]Write, error) {
	var out struct {
		Complete bool    `json:"complete"`
		Writes   []Write `json:"writes"`
	}
	if err := s.control(ctx, http.MethodGet, "writes?since="+strconv.FormatInt(since, 10), nil, &out); err != nil {
		return nil, err
	}
	if !out.Complete {
		return nil, fmt.Errorf("ditto writes: the server no longer remembers every write after transaction %d", since)
	}
	return out.Writes, nil
}

// Checkpoint says that everything up to event upto has done its work and need
// not be delivered again. What was delivered but not checkpointed is delivered
// again after a restart. The caller reads State.Delivered first, then finds its
// queue empty, then passes that number.
func (s *Server) Checkpoint(ctx context.Context, upto int64) error {
	return s.control(ctx, http.MethodPost, "checkpoint", map[string]int64{"upto": upto}, nil)
}

func (s *Server) control(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("ditto %s: %w", path, err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.URL+"/_control/"+path, body)
	if err != nil {
		return fmt.Errorf("ditto %s: %w", path, err)
	}
	req.Header.Set("Authorization", "Bearer "+s.APIKey)
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ditto %s: %w", path, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("ditto %s: %w", path, err)
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("ditto %s: %s: %s", path, res.Status, bytes.TrimSpace(b))
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("ditto %s: %w", path, err)
	}
	return nil
}
