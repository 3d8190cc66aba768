package ditto_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/ditto"
)

// start runs a server for one test, on the engine in local/node_modules. It
// fails, and does not skip, when that is not installed.
func start(t *testing.T, o ditto.Options) *ditto.Server {
	t.Helper()
	o.Local = ".."
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	s, err := ditto.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// answer is the body of store/execute. Documents stay text: their exact form
// is what many tests are about.
type answer struct {
	Status  int
	Txn     int64             `json:"transactionId"`
	Type    string            `json:"queryType"`
	Items   []json.RawMessage `json:"items"`
	Mutated []json.RawMessage `json:"mutatedDocumentIds"`
	Error   struct {
		Description string `json:"description"`
	} `json:"error"`
	Warnings []json.RawMessage `json:"warnings"`
	Total    *int64            `json:"totalWarningsCount"`
}

func (a answer) items() string   { return string(bytes.Join(raw(a.Items), []byte(" "))) }
func (a answer) mutated() string { return string(bytes.Join(raw(a.Mutated), []byte(" "))) }

func raw(in []json.RawMessage) [][]byte {
	out := make([][]byte, len(in))
	for i := range in {
		out[i] = in[i]
	}
	return out
}

// call is a request to store/execute; Args are JSON text, so that numbers
// arrive as written.
type call struct {
	api       string // v5 when empty
	statement string
	args      string
	header    http.Header
}

func send(ctx context.Context, s *ditto.Server, c call) (answer, error) {
	if c.api == "" {
		c.api = "v5"
	}
	if c.args == "" {
		c.args = "{}"
	}
	statement, _ := json.Marshal(c.statement)
	body := `{"statement":` + string(statement) + `,"args":` + c.args + `}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/api/"+c.api+"/store/execute", bytes.NewBufferString(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Authorization", "Bearer "+s.APIKey)
	req.Header.Set("Content-Type", "application/json")
	for k, v := range c.header {
		req.Header[k] = v
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	out := answer{Status: res.StatusCode}
	err = json.Unmarshal(b, &out)
	return out, err
}

// ask sends a statement and wants an answer, of any status.
func ask(t *testing.T, s *ditto.Server, c call) answer {
	t.Helper()
	a, err := send(t.Context(), s, c)
	if err != nil {
		t.Fatalf("%s: %v", c.statement, err)
	}
	return a
}

// run sends a statement that must succeed.
func run(t *testing.T, s *ditto.Server, c call) answer {
	t.Helper()
	a := ask(t, s, c)
	if a.Status != http.StatusOK || a.Error.Description != "" {
		t.Fatalf("%s: status %d: %s", c.statement, a.Status, a.Error.Description)
	}
	return a
}

// show is every document of a collection, read on v5 in the order of ids.
func show(t *testing.T, s *ditto.Server, collection string) string {
	t.Helper()
	return run(t, s, call{statement: "SELECT * FROM `" + collection + "` ORDER BY _id"}).items()
}

func state(t *testing.T, s *ditto.Server) ditto.State {
	t.Helper()
	st, err := s.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// until waits for a condition.
func until(t *testing.T, what string, met func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !met() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// header is a request's header of one field.
func header(k, v string) http.Header { return http.Header{http.CanonicalHeaderKey(k): {v}} }
