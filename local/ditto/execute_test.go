package ditto_test

import (
	"encoding/json"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/causeway-sync/causeway/local/ditto"
)

// TestGuide sends the two requests of the connector's own guide as printed,
// but for port and key: v4, `bearer` in lower case, an app id in the path.
func TestGuide(t *testing.T) {
	s := start(t, ditto.Options{})
	curl := func(data string) answer {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost,
			s.URL+"/2164bef3-37c0-489c-9ac6-c94b034525d7/api/v4/store/execute", strings.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "bearer "+s.APIKey)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		a := answer{Status: res.StatusCode}
		if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
			t.Fatal(err)
		}
		if a.Status != http.StatusOK {
			t.Fatalf("status %d: %s", a.Status, a.Error.Description)
		}
		return a
	}
	a := curl(`{
	"statement": "INSERT INTO tasks DOCUMENTS (:doc1)",
	"args": {
	"doc1": {
	"_id": "task-001",
	"title": "Complete documentation",
	"status": "active"
	}
	}
	}`)
	if got, want := a.mutated(), `"task-001"`; got != want {
		t.Errorf("mutated %s, want %s", got, want)
	}
	if a.Txn == 0 || a.Type != "mutation" || len(a.Items) != 0 || a.Warnings == nil || a.Total == nil {
		t.Errorf("not the shape of a QueryResponse: %+v", a)
	}
	b := curl(`{ "statement": "SELECT * FROM tasks WHERE _id = 'task-001'" }`)
	if got, want := b.items(), `{"_id":"task-001","status":"active","title":"Complete documentation"}`; got != want {
		t.Errorf("items %s, want %s", got, want)
	}
	if b.Txn != a.Txn || b.Type != "select" || b.Mutated == nil {
		t.Errorf("a read after transaction %d: %+v", a.Txn, b)
	}
}

func TestStrictness(t *testing.T) {
	s := start(t, ditto.Options{})
	// v4 writes objects as registers, v5 as maps.
	run(t, s, call{api: "v4", statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"v4","o":{"a":1}}}`})
	run(t, s, call{api: "v5", statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"v5","o":{"a":1}}}`})
	for _, tt := range []struct{ name, api, want string }{
		{"V5SeesBoth", "v5", `{"_id":"v4","o":{"a":1}} {"_id":"v5","o":{"a":1}}`},
		{"V4HidesMaps", "v4", `{"_id":"v4","o":{"a":1}} {"_id":"v5"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, s, call{api: tt.api, statement: "SELECT * FROM c ORDER BY _id"}).items()
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
	t.Run("V4RefusesNestedSet", func(t *testing.T) {
		a := ask(t, s, call{api: "v4", statement: "UPDATE c SET o.a = 2 WHERE _id = 'v4'"})
		if a.Status != http.StatusBadRequest || !strings.Contains(a.Error.Description, "REGISTER") {
			t.Errorf("status %d: %s", a.Status, a.Error.Description)
		}
	})
	t.Run("DeclaredMapOnlyHoldsMaps", func(t *testing.T) {
		got := run(t, s, call{statement: "SELECT * FROM COLLECTION c (o MAP) ORDER BY _id"}).items()
		if want := `{"_id":"v4"} {"_id":"v5","o":{"a":1}}`; got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

func TestRefused(t *testing.T) {
	s := start(t, ditto.Options{})
	txn := run(t, s, call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"a"}}`}).Txn
	for _, tt := range []struct {
		name   string
		call   call
		status int
		says   string
	}{
		{"BadStatement", call{statement: "SELEKT"}, 400, "parser error"},
		{"Semicolon", call{statement: "SELECT * FROM c;"}, 400, "parser error"},
		{"Conflict", call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"a"}}`}, 400, "Identifier conflict"},
		{"MissingArgument", call{statement: "SELECT * FROM c WHERE _id = :x"}, 400, "x was not provided"},
		{"ArgsNoObject", call{statement: "SELECT * FROM c", args: `[1]`}, 400, "`args`"},
		{"FloatID", call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":1.5}}`}, 400, "Floats are not supported"},
		{"LongID", call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"` + strings.Repeat("x", 300) + `"}}`}, 400, "256 bytes"},
		{"OverFiveMiB", call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"big","s":"` + strings.Repeat("x", 5300000) + `"}}`}, 400, "exceeds limit of 5242880"},
		{"TooLarge", call{statement: "SELECT * FROM c", args: `{"d":"` + strings.Repeat("x", 33<<20) + `"}`}, 413, "exceeds"},
		{"LoneSurrogate", call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"s","s":"\ud800x"}}`}, 400, ":d is an invalid"},
		{"AlterSystem", call{statement: "ALTER SYSTEM SET DQL_STRICT_MODE = true"}, 400, "not available"},
		{"CommentThenAlter", call{statement: "/* x */ alter SYSTEM SET DQL_STRICT_MODE = true"}, 400, "not available"},
		{"Evict", call{statement: "EVICT FROM c"}, 400, "not available"},
		{"NoKey", call{statement: "SELECT * FROM c", header: header("Authorization", "")}, 401, "unauthorized"},
		{"WrongKey", call{statement: "SELECT * FROM c", header: header("Authorization", "Bearer "+s.APIKey+"x")}, 401, "unauthorized"},
		{"OtherScheme", call{statement: "SELECT * FROM c", header: header("Authorization", "Basic "+s.APIKey)}, 401, "unauthorized"},
		{"TxnAhead", call{statement: "SELECT * FROM c", header: header("X-DITTO-TXN-ID", strconv.FormatInt(txn+1, 10))}, 404, "not available on this node"},
		{"TxnNoNumber", call{statement: "SELECT * FROM c", header: header("X-DITTO-TXN-ID", "abc")}, 400, "X-DITTO-TXN-ID"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := ask(t, s, tt.call)
			if a.Status != tt.status || !strings.Contains(a.Error.Description, tt.says) {
				t.Errorf("status %d, error %q; want %d, %q", a.Status, a.Error.Description, tt.status, tt.says)
			}
			if a.Type != "unknown" || a.Items == nil || a.Mutated == nil || a.Warnings == nil || a.Total == nil {
				t.Errorf("not the shape of a QueryResponse: %+v", a)
			}
		})
	}
	if got, want := show(t, s, "c"), `{"_id":"a"}`; got != want {
		t.Errorf("documents %s, want %s", got, want)
	}
}

func TestEndpoints(t *testing.T) {
	s := start(t, ditto.Options{})
	for _, tt := range []struct {
		name, method, path, body string
		want                     int
	}{
		{"OK", "POST", "/api/v5/store/execute", `{"statement":"SELECT * FROM c"}`, 200},
		{"AppID", "POST", "/some-app/api/v4/store/execute", `{"statement":"SELECT * FROM c","args":null}`, 200},
		{"Get", "GET", "/api/v5/store/execute", "", 405},
		{"NotJSON", "POST", "/api/v5/store/execute", "statement", 400},
		{"NoBody", "POST", "/api/v5/store/execute", "", 400},
		{"NoStatement", "POST", "/api/v5/store/execute", `{"args":{}}`, 400},
		{"OtherVersion", "POST", "/api/v6/store/execute", `{"statement":"SELECT * FROM c"}`, 404},
		{"OtherEndpoint", "POST", "/api/v4/store/write", `{"commands":[]}`, 404},
		{"NoControl", "GET", "/_control/nothing", "", 404},
		{"ControlNotJSON", "POST", "/_control/checkpoint", "x", 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), tt.method, s.URL+tt.path, strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "BEARER "+s.APIKey)
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			var body map[string]any
			if err := json.NewDecoder(res.Body).Decode(&body); err != nil {
				t.Error(err)
			}
			if res.StatusCode != tt.want {
				t.Errorf("status %d, want %d: %v", res.StatusCode, tt.want, body)
			}
		})
	}
}

func TestTransactions(t *testing.T) {
	s := start(t, ditto.Options{})
	a := run(t, s, call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"a"}}`})
	b := run(t, s, call{statement: "UPDATE c SET x = 1"})
	if b.Txn <= a.Txn {
		t.Errorf("transaction %d after %d", b.Txn, a.Txn)
	}
	none := run(t, s, call{statement: "UPDATE c SET x = 1 WHERE _id = 'b'"})
	if none.Txn < b.Txn || len(none.Mutated) != 0 {
		t.Errorf("a mutation that matches nothing: %+v", none)
	}
	read := run(t, s, call{
		statement: "SELECT * FROM c",
		header:    http.Header{"X-Ditto-Txn-Id": {strconv.FormatInt(none.Txn, 10)}},
	})
	if read.Txn != none.Txn {
		t.Errorf("a read at transaction %d, want %d", read.Txn, none.Txn)
	}
}

// TestScripts runs the tests of the server's own modules, which need no engine.
func TestScripts(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=tap").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "# fail 0") || strings.Contains(string(out), "# pass 0") {
		t.Errorf("no test passed:\n%s", out)
	}
}

func diff(t *testing.T, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}
