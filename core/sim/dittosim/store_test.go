package dittosim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
)

func execute(t testing.TB, e ditto.Executor, api ditto.API, statement, args string) ditto.Response {
	t.Helper()
	r, err := e.Execute(context.Background(), ditto.Request{API: api, Statement: statement, Args: json.RawMessage(args)})
	if err != nil {
		t.Fatalf("%s: %s", statement, describe(err))
	}
	return r
}

func TestOnWrite(t *testing.T) {
	s := dittosim.New()
	var got []string
	s.OnWrite = func(w dittosim.Write) {
		got = append(got, fmt.Sprintf("%d %s %s: %s -> %s", w.Txn, w.Collection, w.ID, w.Old, w.New))
		if s.Txn() != w.Txn {
			t.Errorf("a write of transaction %d is announced at %d", w.Txn, s.Txn())
		}
	}
	execute(t, s, ditto.V5, "INSERT INTO c DOCUMENTS (:d)", `{"d":[{"_id":"a","n":{"x":1}},{"_id":"b"}]}`)
	execute(t, s, ditto.V4, "UPDATE c SET v = 1 WHERE _id IN :ids", `{"ids":["a","a"]}`)
	execute(t, s, ditto.V5, "UPDATE c SET v = 1 WHERE _id = 'a'", ``)
	execute(t, s, ditto.V5, "UPDATE c SET v = 1 WHERE _id = 'none'", ``)
	execute(t, s, ditto.V5, "INSERT INTO c DOCUMENTS (:d) ON ID CONFLICT DO NOTHING", `{"d":{"_id":"a","z":1}}`)
	execute(t, s, ditto.V5, "DELETE FROM c WHERE _id = 'a'", ``)
	want := []string{
		`1 c "a":  -> {"_id":"a","n":{"x":1}}`,
		`1 c "b":  -> {"_id":"b"}`,
		`2 c "a": {"_id":"a","n":{"x":1}} -> {"_id":"a","n":{"x":1},"v":1}`,
		`3 c "a": {"_id":"a","n":{"x":1},"v":1} -> {"_id":"a","n":{"x":1},"v":1}`,
		`6 c "a": {"_id":"a","n":{"x":1},"v":1} -> `,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNodeBehind(t *testing.T) {
	s := dittosim.New()
	for _, st := range []string{
		"INSERT INTO c DOCUMENTS ({'_id': 'a', 'v': 1})", "UPDATE c SET v = 2", "DELETE FROM c", "INSERT INTO c DOCUMENTS ({'_id': 'a', 'v': 4})",
	} {
		execute(t, s, ditto.V5, st, "")
	}
	n := s.Node()
	for behind, want := range []string{`{"_id":"a","v":4}`, ``, `{"_id":"a","v":2}`, `{"_id":"a","v":1}`, ``, ``} {
		n.Behind = int64(behind)
		r := execute(t, n, ditto.V5, "SELECT * FROM c WHERE _id = 'a'", "")
		if got := strings.Join(texts(r.Items, true), " "); got != want {
			t.Errorf("%d behind: got %s, want %s", behind, got, want)
		}
		if want := max(0, 4-int64(behind)); r.Txn != want {
			t.Errorf("%d behind: transaction %d, want %d", behind, r.Txn, want)
		}
		_, err := n.Execute(t.Context(), ditto.Request{API: ditto.V5, Statement: "SELECT * FROM c", Txn: 4})
		if ditto.IsBehind(err) != (behind > 0) {
			t.Errorf("%d behind, asked for the last transaction: %v", behind, err)
		}
	}
	n.Behind = 2
	execute(t, n, ditto.V5, "UPDATE c SET w = 1 WHERE v = 4", "")
	if got := string(s.Document(ditto.V5, "c", `"a"`)); got != `{"_id":"a","v":4,"w":1}` {
		t.Errorf("a write acts on the latest state; got %s", got)
	}
}

func TestNodeHides(t *testing.T) {
	s := dittosim.New()
	execute(t, s, ditto.V5, "INSERT INTO c DOCUMENTS (:d)", `{"d":[{"_id":"a"},{"_id":"b"}]}`)
	n := s.Node()
	n.Hides = func(_ string, id docid.ID) bool { return id == `"a"` }
	for _, st := range []string{"SELECT * FROM c", "SELECT * FROM c WHERE _id IN ('a', 'b')"} {
		if got := execute(t, n, ditto.V5, st, ""); len(got.Items) != 1 {
			t.Errorf("%s: %s", st, got.Items)
		}
	}
	for _, st := range []string{"UPDATE c SET v = 1 WHERE _id = 'a'", "DELETE FROM c WHERE _id = 'a'"} {
		if got := execute(t, n, ditto.V5, st, ""); len(got.Mutated) != 0 {
			t.Errorf("%s: mutated %s", st, got.Mutated)
		}
	}
	if got := string(s.Document(ditto.V5, "c", `"a"`)); got != `{"_id":"a"}` {
		t.Errorf("got %s", got)
	}
}

func TestAllOrNothing(t *testing.T) {
	for name, st := range map[string]string{
		"InsertConflict": "INSERT INTO c DOCUMENTS ({'_id': 'z'}, {'_id': 'b'})",
		"InsertBadID":    "INSERT INTO c DOCUMENTS ({'_id': 'z'}), ({'_id': 1.5})",
		"UpdateMissing":  "UPDATE c SET v = w",
		"Increment":      "UPDATE c APPLY n INCREMENT BY w",
	} {
		t.Run(name, func(t *testing.T) {
			s := dittosim.New()
			execute(t, s, ditto.V5, "INSERT INTO c DOCUMENTS (:d)", `{"d":[{"_id":"a","w":1},{"_id":"b"}]}`)
			s.OnWrite = func(w dittosim.Write) { t.Errorf("announced %+v", w) }
			_, err := s.Execute(t.Context(), ditto.Request{API: ditto.V5, Statement: st})
			if !ditto.IsRejected(err) {
				t.Fatalf("got %v", err)
			}
			var all []string
			for _, js := range s.Documents(ditto.V5, "c") {
				all = append(all, string(js))
			}
			if diff := cmp.Diff([]string{`{"_id":"a","w":1}`, `{"_id":"b"}`}, all); diff != "" || s.Txn() != 1 {
				t.Errorf("transaction %d\n%s", s.Txn(), diff)
			}
		})
	}
}

func TestTooLarge(t *testing.T) {
	s := dittosim.New()
	half := strings.Repeat("x", 3<<20)
	execute(t, s, ditto.V5, "INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"a","x":"`+half+`"}}`)
	execute(t, s, ditto.V5, "UPDATE c SET x = :v", `{"v":"`+half+`"}`)
	_, err := s.Execute(t.Context(), ditto.Request{API: ditto.V5, Statement: "UPDATE c SET y = :v", Args: json.RawMessage(`{"v":"` + half + `"}`)})
	if !ditto.IsRejected(err) || !strings.Contains(describe(err), "exceeds limit of 5242880 bytes") {
		t.Errorf("got %s", describe(err))
	}
}

func TestGeneratedID(t *testing.T) {
	s := dittosim.New()
	for range 2 {
		r := execute(t, s, ditto.V5, "INSERT INTO c DOCUMENTS ({'v': 1})", "")
		if len(r.Mutated) != 1 || len(r.Mutated[0]) != 26 {
			t.Errorf("got %s", r.Mutated)
		}
	}
}

func TestErrors(t *testing.T) {
	s := dittosim.New()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Execute(ctx, ditto.Request{API: ditto.V5, Statement: "DELETE FROM c"}); !errors.Is(err, context.Canceled) || ditto.IsAmbiguous(err) {
		t.Errorf("got %v", err)
	}
	for _, r := range []ditto.Request{
		{API: "v6", Statement: "SELECT * FROM c"},
		{API: ditto.V5, Statement: "SELECT * FROM c WHERE a = :v"},
		{API: ditto.V5, Statement: "SELECT * FROM c WHERE a = :v", Args: json.RawMessage(`[1]`)},
		{API: ditto.V5, Statement: "SELECT * FROM c WHERE a = :v", Args: json.RawMessage(`{"v":1e400}`)},
		{API: ditto.V5, Statement: "SELECT * FROM c WHERE a = :v", Args: json.RawMessage(`{"v":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`)},
	} {
		if _, err := s.Execute(t.Context(), r); !ditto.IsRejected(err) {
			t.Errorf("%s %s: %v", r.Statement, r.Args, err)
		}
	}
}

// What is outside the subset is refused by name, never run differently.
func TestUnsupported(t *testing.T) {
	s := dittosim.New()
	for _, c := range []struct{ statement, names string }{
		{"EVICT FROM c", "EVICT"},
		{"UPSERT INTO c DOCUMENTS ({})", "UPSERT"},
		{"SELECT DISTINCT a FROM c", "DISTINCT"},
		{"SELECT * FROM c ORDER BY a", "ORDER BY anything but _id"},
		{"SELECT * FROM c OFFSET 1", "OFFSET"},
		{"SELECT * FROM c GROUP BY a", "GROUP"},
		{"SELECT a FROM c JOIN d", "JOIN"},
		{"SELECT MAX(a) FROM c", "the function MAX"},
		{"SELECT COUNT(*), a FROM c", "COUNT(*) beside"},
		{"SELECT a, b.a FROM c", "two columns of one name"},
		{"SELECT * FROM c WHERE a LIKE 'x'", "LIKE"},
		{"SELECT * FROM c WHERE a BETWEEN 1 AND 2", "BETWEEN"},
		{"SELECT * FROM c WHERE a = 1 AND true", "a constant beside AND or OR"},
		{"SELECT * FROM c WHERE 1 + 'a' = 2", "a constant that cannot be evaluated"},
		{"SELECT * FROM c WHERE select = 1", "SELECT as a name without backticks"},
		{"SELECT * FROM COLLECTION c (a ATTACHMENT)", "ATTACHMENT"},
		{"INSERT INTO c INITIAL DOCUMENTS ({})", "INITIAL"},
		{"INSERT INTO c DOCUMENTS ({}) ON ID CONFLICT DO MERGE", "MERGE"},
		{"INSERT INTO c DOCUMENTS ({}) ON ID CONFLICT DO UPDATE_LOCAL_DIFF", "UPDATE_LOCAL_DIFF"},
		{"UPDATE c SET a = 1 LIMIT 1", "LIMIT"},
		{"UPDATE c SET a = 1 RETURNING *", "RETURNING"},
		{"UPDATE c SET a = 1 APPLY b RESTART", "APPLY"},
		{"DELETE FROM c LIMIT 3", "LIMIT"},
		{"ALTER SYSTEM SET DQL_STRICT_MODE = false", "ALTER"},
	} {
		_, err := s.Execute(t.Context(), ditto.Request{API: ditto.V5, Statement: c.statement})
		if want := "does not support " + c.names; !ditto.IsRejected(err) || !strings.Contains(describe(err), want) {
			t.Errorf("%s:\n got %s\nwant %s", c.statement, describe(err), want)
		}
	}
	for _, st := range []string{"", "SELECT", "SELECT * FROM c;", "SELECT * FROM c -- x", "SELECT * FROM `c", "SELECT 'a FROM c", "UPDATE c", "SELECT * FROM c WHERE a = ''''", "UPDATE c SET a[0] = 1"} {
		if _, err := s.Execute(t.Context(), ditto.Request{API: ditto.V5, Statement: st}); !ditto.IsRejected(err) {
			t.Errorf("%q: %v", st, err)
		}
	}
}

// The names of documents are those of package docid.
func TestIDs(t *testing.T) {
	for _, js := range []string{
		`"a"`, `""`, `"\u00e9\u0001\n\"\\\/\u007f<\u2028\ud83d\ude00"`, `5`, `-9223372036854775808`, `18446744073709551615`, `true`,
		`{"b":1,"a":{"d":null,"c":[]}}`, `[1,"x"]`, `{}`,
	} {
		want, err := docid.Parse([]byte(js))
		if err != nil {
			t.Fatal(err)
		}
		s := dittosim.New()
		s.OnWrite = func(w dittosim.Write) {
			if w.ID != want {
				t.Errorf("%s: got %s, want %s", js, w.ID, want)
			}
		}
		if r := execute(t, s, ditto.V5, "INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":`+js+`}}`); string(r.Mutated[0]) != string(want) {
			t.Errorf("%s: mutated %s", js, r.Mutated[0])
		}
	}
}
