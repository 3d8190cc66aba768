package ditto_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// recorder is an executor that notes what it is sent. answer, if set, comes
// first and may leave a request to the default, which is to do as asked: every
// id asked for exists, as a document of just that id, and every write wins.
type recorder struct {
	*testing.T
	requests []ditto.Request
	answer   func(r ditto.Request, args map[string]json.RawMessage) (*ditto.Response, error)
}

func (x *recorder) Execute(_ context.Context, r ditto.Request) (ditto.Response, error) {
	x.Helper()
	x.requests = append(x.requests, r)
	var args map[string]json.RawMessage
	if err := json.Unmarshal(r.Args, &args); err != nil {
		x.Fatalf("%s: %v", r.Args, err)
	}
	if x.answer != nil {
		if resp, err := x.answer(r, args); resp != nil || err != nil {
			if resp == nil {
				resp = &ditto.Response{}
			}
			return *resp, err
		}
	}
	resp := ditto.Response{Txn: int64(len(x.requests))}
	for _, id := range requestIDs(x.T, args) {
		if r.Write {
			resp.Mutated = append(resp.Mutated, id)
		} else {
			resp.Items = append(resp.Items, json.RawMessage(`{"_id":`+string(id)+`,"v0":`+string(id)+`}`))
		}
	}
	return resp, nil
}

func requestIDs(t *testing.T, args map[string]json.RawMessage) []json.RawMessage {
	t.Helper()
	if id, ok := args["id"]; ok {
		return []json.RawMessage{id}
	}
	var out []json.RawMessage
	if ids, ok := args["ids"]; ok {
		if err := json.Unmarshal(ids, &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	var docs []json.RawMessage
	if list, ok := args["docs"]; ok {
		if err := json.Unmarshal(list, &docs); err != nil {
			t.Fatal(err)
		}
	}
	for i := range len(args) {
		if d, ok := args[fmt.Sprint("d", i)]; ok {
			docs = append(docs, d)
		}
	}
	for _, d := range docs {
		out = append(out, value.Lookup(d, value.PathOf("_id")))
	}
	return out
}

// statements are the requests without repeats, with their number of documents.
func (x *recorder) statements() []string {
	var out []string
	for _, r := range x.requests {
		var args map[string]json.RawMessage
		_ = json.Unmarshal(r.Args, &args)
		out = append(out, fmt.Sprintf("%d: %s", len(requestIDs(x.T, args)), r.Statement))
	}
	return out
}

func rejected() error { return &ditto.Error{Status: 400, Description: "no"} }

func someDocs(n, size int) []ditto.Document {
	out := make([]ditto.Document, n)
	for i := range out {
		id := docid.ID(fmt.Sprintf(`"d%04d"`, i))
		out[i] = ditto.Document{ID: id, JSON: []byte(`{"_id":` + string(id) + `,"x":"` + strings.Repeat("x", size) + `"}`)}
	}
	return out
}

var tasks = ditto.Collection{Name: "tasks"}

func TestInsertBatches(t *testing.T) {
	counts := func(x *recorder) (out []int) {
		for _, s := range x.statements() {
			var n int
			_, _ = fmt.Sscanf(s, "%d:", &n)
			out = append(out, n)
		}
		return out
	}
	for _, tt := range []struct {
		name    string
		n, size int
		want    []int
	}{
		{"ByCount", 1234, 10, []int{500, 500, 234}},
		{"ByBytes", 7, 400_000, []int{2, 2, 2, 1}},
		{"OneLarge", 3, 2_000_000, []int{1, 1, 1}},
		{"None", 0, 0, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := &recorder{T: t}
			r, err := (&ditto.Store{Exec: x}).Insert(t.Context(), tasks, someDocs(tt.n, tt.size))
			if err != nil || len(r.Won) != tt.n || len(r.Rejected) != 0 || r.Txn != int64(len(tt.want)) {
				t.Errorf("won %d, rejected %v, txn %d, %v", len(r.Won), r.Rejected, r.Txn, err)
			}
			if diff := cmp.Diff(tt.want, counts(x)); diff != "" {
				t.Errorf("documents a request (-want +got):\n%s", diff)
			}
			for _, q := range x.requests {
				if !q.Write || q.API != ditto.V5 {
					t.Errorf("sent %+v", q)
				}
			}
		})
	}
}

func TestInsertHalves(t *testing.T) {
	docs := someDocs(500, 1)
	bad := map[docid.ID]bool{docs[77].ID: true, docs[78].ID: true, docs[499].ID: true}
	x := &recorder{T: t}
	x.answer = func(_ ditto.Request, args map[string]json.RawMessage) (*ditto.Response, error) {
		for _, id := range requestIDs(t, args) {
			if bad[docid.ID(id)] {
				return nil, rejected()
			}
		}
		return nil, nil
	}
	r, err := (&ditto.Store{Exec: x}).Insert(t.Context(), tasks, docs)
	if err != nil || len(r.Won) != 497 || len(r.Rejected) != 3 {
		t.Fatalf("won %d, rejected %v, %v", len(r.Won), r.Rejected, err)
	}
	for id := range bad {
		if !ditto.IsRejected(r.Rejected[id]) {
			t.Errorf("%s: %v", id, r.Rejected[id])
		}
	}
	if len(x.requests) > 70 {
		t.Errorf("%d requests for three culprits among 500", len(x.requests))
	}
}

func TestInsertServerWithoutArrays(t *testing.T) {
	x := &recorder{T: t}
	x.answer = func(r ditto.Request, _ map[string]json.RawMessage) (*ditto.Response, error) {
		if strings.Contains(r.Statement, ":docs") {
			return nil, rejected()
		}
		return nil, nil
	}
	s := &ditto.Store{Exec: x}
	for range 2 {
		if r, err := s.Insert(t.Context(), tasks, someDocs(3, 1)); err != nil || len(r.Won) != 3 {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	want := []string{
		"3: INSERT INTO `tasks` DOCUMENTS (:docs) ON ID CONFLICT DO NOTHING",
		"3: INSERT INTO `tasks` DOCUMENTS (:d0), (:d1), (:d2) ON ID CONFLICT DO NOTHING",
		"3: INSERT INTO `tasks` DOCUMENTS (:d0), (:d1), (:d2) ON ID CONFLICT DO NOTHING",
	}
	if diff := cmp.Diff(want, x.statements()); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}

// What a failure means for the documents, and for the rest of the batch.
func TestWriteFailures(t *testing.T) {
	tests := []struct {
		name    string
		err     error
		goesOn  bool // the other requests are still sent, and there is no error
		failing func(error) bool
	}{
		{"Timeout", &ditto.Error{Status: 408}, true, nil},
		{"Internal", &ditto.Error{Status: 500}, true, nil},
		{"Reset", &ditto.Error{Err: context.DeadlineExceeded}, true, nil},
		{"Down", &ditto.Error{Unsent: true, Err: context.DeadlineExceeded}, false, ditto.IsUnavailable},
		{"Overloaded", &ditto.Error{Status: 503}, false, ditto.IsUnavailable},
		{"Unauthorized", &ditto.Error{Status: 401}, false, ditto.IsUnauthorized},
		{"Behind", &ditto.Error{Status: 404, Txn: 1}, false, ditto.IsBehind},
	}
	const n = 1200
	writes := map[string]func(context.Context, *ditto.Store) (ditto.Result, error){
		"Insert": func(ctx context.Context, s *ditto.Store) (ditto.Result, error) {
			return s.Insert(ctx, tasks, someDocs(n, 1))
		},
		"Delete": func(ctx context.Context, s *ditto.Store) (ditto.Result, error) {
			return s.Delete(ctx, tasks, someDocs(n, 1))
		},
		"Update": func(ctx context.Context, s *ditto.Store) (ditto.Result, error) {
			return s.Update(ctx, tasks, someChanges(n, "x"))
		},
	}
	for _, tt := range tests {
		for _, what := range slices.Sorted(maps.Keys(writes)) {
			t.Run(tt.name+"/"+what, func(t *testing.T) {
				x := &recorder{T: t}
				count, lost := 0, 0
				x.answer = func(r ditto.Request, args map[string]json.RawMessage) (*ditto.Response, error) {
					if !r.Write {
						return nil, nil
					}
					if count++; count == 2 {
						lost = len(requestIDs(t, args))
						return nil, tt.err
					}
					return nil, nil
				}
				r, err := writes[what](t.Context(), &ditto.Store{Exec: x})
				if len(r.Rejected) != 0 {
					t.Errorf("rejected %v", r.Rejected)
				}
				if tt.goesOn {
					if err != nil || len(r.Won) != n-lost {
						t.Errorf("won %d of %d, %d unknown, %v", len(r.Won), n, lost, err)
					}
					return
				}
				if !tt.failing(err) || count != 2 || len(r.Won) == 0 {
					t.Errorf("won %d, %d writes, %v", len(r.Won), count, err)
				}
			})
		}
	}
	t.Run("ContextEnded", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		x := &recorder{T: t}
		x.answer = func(ditto.Request, map[string]json.RawMessage) (*ditto.Response, error) {
			cancel()
			return nil, &ditto.Error{Err: ctx.Err()}
		}
		if _, err := (&ditto.Store{Exec: x}).Insert(ctx, tasks, someDocs(600, 1)); err == nil || len(x.requests) != 1 {
			t.Errorf("%d requests, %v", len(x.requests), err)
		}
	})
}

func ExampleStore() {
	client, err := ditto.NewClient(ditto.ClientConfig{
		Endpoint: "https://example.cloud.dittolive.app/app-id",
		Keys:     ditto.StaticKey("api key"),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	store := &ditto.Store{Exec: client}
	ctx, cancel := context.WithCancel(context.Background())
	cancel() // the example contacts nobody
	_, _, err = store.Read(ctx, ditto.Collection{Name: "tasks"}, []docid.ID{`"task-1"`}, 0)
	fmt.Println(err)
	// Output: read ditto: ditto v5: context canceled
}
