package ditto_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

func TestReadGroups(t *testing.T) {
	x := &recorder{T: t}
	x.answer = func(_ ditto.Request, args map[string]json.RawMessage) (*ditto.Response, error) {
		return &ditto.Response{Txn: int64(100 - len(x.requests)), Items: []json.RawMessage{json.RawMessage(`{"_id":` + string(requestIDs(t, args)[0]) + `}`)}}, nil
	}
	ids := []docid.ID{`1`, `"a"`, `{"$oid":"x"}`, `true`, `[1]`, `"b"`, `2`, `"a"`, `{"a":1}`}
	s := &ditto.Store{Exec: x}
	docs, txn, err := s.Read(t.Context(), ditto.Collection{Name: "tasks", Strict: true}, ids, 42)
	if err != nil || txn != 94 || len(docs) != 6 {
		t.Errorf("%d documents, txn %d, %v", len(docs), txn, err)
	}
	var got []string
	for _, r := range x.requests {
		got = append(got, string(r.Args))
		if r.Txn != 42 || r.API != ditto.V4 || r.Write {
			t.Errorf("sent %+v", r)
		}
	}
	want := []string{`{"ids":[[1]]}`, `{"ids":[true]}`, `{"ids":[1,2]}`, `{"ids":["a","b"]}`, `{"ids":[{"$oid":"x"}]}`, `{"ids":[{"a":1}]}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestReadCuts(t *testing.T) {
	var ids []docid.ID
	for _, d := range someDocs(1200, 1) {
		ids = append(ids, d.ID)
	}
	t.Run("ByCount", func(t *testing.T) {
		x := &recorder{T: t}
		if docs, _, err := (&ditto.Store{Exec: x}).Read(t.Context(), tasks, ids, 0); err != nil || len(docs) != 1200 || len(x.requests) != 3 {
			t.Errorf("%d documents in %d requests, %v", len(docs), len(x.requests), err)
		}
	})
	t.Run("BySize", func(t *testing.T) {
		x := &recorder{T: t}
		docs, _, err := (&ditto.Store{Exec: x}).ReadSized(t.Context(), tasks, ids, 0, func(docid.ID) int { return 1 << 20 })
		if err != nil || len(docs) != 1200 || len(x.requests) != 150 {
			t.Errorf("%d documents in %d requests, %v", len(docs), len(x.requests), err)
		}
	})
	t.Run("AnswerTooLarge", func(t *testing.T) {
		r := &replies{T: t, all: []reply{{status: 200, body: good}, {status: 200, body: `{"items":[{"_id":"d0000"}]}`}}}
		c := newClient(t, r, func(cfg *ditto.ClientConfig) { cfg.MaxResponse = 100 })
		docs, _, err := (&ditto.Store{Exec: c}).Read(t.Context(), tasks, ids[:2], 0)
		if err != nil || len(docs) != 1 || len(r.seen) != 3 {
			t.Errorf("%v in %d requests, %v", docs, len(r.seen), err)
		}
	})
	t.Run("Behind", func(t *testing.T) {
		x := &recorder{T: t, answer: func(r ditto.Request, _ map[string]json.RawMessage) (*ditto.Response, error) {
			return nil, &ditto.Error{Status: http.StatusNotFound, Txn: r.Txn}
		}}
		if _, _, err := (&ditto.Store{Exec: x}).Read(t.Context(), tasks, ids[:2], 7); !ditto.IsBehind(err) {
			t.Errorf("got %v", err)
		}
	})
}

// An increment between the two readings does not make a register of a counter.
func TestReadHotCounter(t *testing.T) {
	n := 10
	x := &recorder{T: t}
	x.answer = func(r ditto.Request, _ map[string]json.RawMessage) (*ditto.Response, error) {
		n++
		field := "qty"
		if strings.Contains(r.Statement, "COUNTER") {
			field = "v0"
		}
		return &ditto.Response{Txn: int64(n), Items: []json.RawMessage{json.RawMessage(fmt.Sprintf(`{"_id":"a","%s":%d}`, field, n))}}, nil
	}
	docs, txn, err := (&ditto.Store{Exec: x}).Read(t.Context(), ditto.Collection{Name: "c", Counters: []value.Path{value.PathOf("qty")}}, []docid.ID{`"a"`}, 0)
	if err != nil {
		t.Fatal(err)
	}
	want := ditto.Document{ID: `"a"`, JSON: []byte(`{"_id":"a","qty":13}`), Txn: 13}
	if diff := cmp.Diff(want, docs[`"a"`]); diff != "" || txn != 11 {
		t.Errorf("txn %d, document (-want +got):\n%s", txn, diff)
	}
}

// A change between the two readings is not taken for something hidden.
func TestShadowOfAChange(t *testing.T) {
	n := 0
	x := &recorder{T: t}
	x.answer = func(ditto.Request, map[string]json.RawMessage) (*ditto.Response, error) {
		n++
		return &ditto.Response{Txn: int64(n), Items: []json.RawMessage{json.RawMessage(fmt.Sprintf(`{"_id":"a","x":%d}`, n))}}, nil
	}
	got, err := (&ditto.Store{Exec: x}).Shadow(t.Context(), ditto.Collection{Name: "c", Strict: true}, []docid.ID{`"a"`})
	if err != nil || len(got) != 0 {
		t.Errorf("got %v, %v", got, err)
	}
	var apis []ditto.API
	for _, r := range x.requests {
		apis = append(apis, r.API)
	}
	if !slices.Equal(apis, []ditto.API{ditto.V4, ditto.V5, ditto.V4}) || x.requests[2].Txn != 2 {
		t.Errorf("read through %v, the last one at %d", apis, x.requests[2].Txn)
	}
}
