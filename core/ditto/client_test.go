package ditto_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
)

// replies answers one request after the other; the last one goes on for ever.
type replies struct {
	*testing.T
	all  []reply
	seen []*http.Request
	body []string
	at   []time.Time
}

type reply struct {
	status int
	body   string
	header http.Header
	err    error
	hang   bool // until the request's context ends
}

func (r *replies) RoundTrip(req *http.Request) (*http.Response, error) {
	b, err := io.ReadAll(req.Body)
	if err != nil {
		r.Fatal(err)
	}
	r.seen, r.body, r.at = append(r.seen, req), append(r.body, string(b)), append(r.at, time.Now())
	next := r.all[min(len(r.seen), len(r.all))-1]
	if next.hang {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	if next.err != nil {
		return nil, next.err
	}
	if next.header == nil {
		next.header = http.Header{}
	}
	return &http.Response{StatusCode: next.status, Body: io.NopCloser(strings.NewReader(next.body)), Header: next.header, Request: req}, nil
}

const good = `{"transactionId":7,"queryType":"select","items":[{"_id":"a"}],"mutatedDocumentIds":["a"],"error":{},"warnings":[],"totalWarningsCount":0}`

func newClient(t *testing.T, r *replies, change func(*ditto.ClientConfig)) *ditto.Client {
	t.Helper()
	cfg := ditto.ClientConfig{
		Endpoint: "https://example.cloud.dittolive.app/app-id", Keys: ditto.StaticKey("s3cret-key"), Transport: r,
		Jitter: func(d time.Duration) time.Duration { return d },
	}
	if change != nil {
		change(&cfg)
	}
	c, err := ditto.NewClient(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestClientRequest(t *testing.T) {
	r := &replies{T: t, all: []reply{{status: 200, body: good}}}
	c := newClient(t, r, nil)
	resp, err := c.Execute(t.Context(), ditto.Request{API: ditto.V5, Statement: "SELECT * FROM `a<b>` WHERE _id = :id", Args: json.RawMessage(`{"id":9007199254740993,"f":1.0}`), Txn: 42})
	if err != nil {
		t.Fatal(err)
	}
	want := ditto.Response{Txn: 7, Items: []json.RawMessage{json.RawMessage(`{"_id":"a"}`)}, Mutated: []json.RawMessage{json.RawMessage(`"a"`)}}
	if diff := cmp.Diff(want, resp); diff != "" {
		t.Errorf("response (-want +got):\n%s", diff)
	}
	req := r.seen[0]
	if got := req.Method + " " + req.URL.String(); got != "POST https://example.cloud.dittolive.app/app-id/api/v5/store/execute" {
		t.Error(got)
	}
	for name, want := range map[string]string{"Authorization": "Bearer s3cret-key", "Content-Type": "application/json", "X-Ditto-Txn-Id": "42"} {
		if got := req.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	var body struct {
		Statement string
		Args      json.RawMessage
	}
	if err := json.Unmarshal([]byte(r.body[0]), &body); err != nil {
		t.Fatal(err)
	}
	if body.Statement != "SELECT * FROM `a<b>` WHERE _id = :id" || string(body.Args) != `{"id":9007199254740993,"f":1.0}` {
		t.Errorf("body %s", r.body[0])
	}
}

func TestClientEndpoint(t *testing.T) {
	for in, want := range map[string]string{
		"https://host.example":                        "https://host.example/api/v4/store/execute",
		"host.example":                                "https://host.example/api/v4/store/execute",
		"host.example/":                               "https://host.example/api/v4/store/execute",
		" https://host.example/app-id/ ":              "https://host.example/app-id/api/v4/store/execute",
		"http://127.0.0.1:8080":                       "http://127.0.0.1:8080/api/v4/store/execute",
		"https://host.example/app/api/v5/":            "https://host.example/app/api/v4/store/execute",
		"https://host.example/api/v4/store/execute":   "https://host.example/api/v4/store/execute",
		"https://host.example/app-id/api":             "https://host.example/app-id/api/v4/store/execute",
		"":                                            "",
		"ftp://host.example":                          "",
		"https://user:password@host.example":          "",
		"https://host.example/?key=1":                 "",
		"https://host.example/%zz":                    "",
		"https://host.example/api/v4/store/execute#x": "",
	} {
		r := &replies{T: t, all: []reply{{status: 200, body: good}}}
		c, err := ditto.NewClient(ditto.ClientConfig{Endpoint: in, Keys: ditto.StaticKey("k"), Transport: r})
		if want == "" {
			if err == nil {
				t.Errorf("%q was taken", in)
			} else if strings.Contains(err.Error(), "password") && strings.Contains(err.Error(), "user:") {
				t.Errorf("%q: the error tells the password: %v", in, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if _, err := c.Execute(t.Context(), ditto.Request{API: ditto.V4}); err != nil {
			t.Fatal(err)
		}
		if got := r.seen[0].URL.String(); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestClientAnswers(t *testing.T) {
	tests := []struct {
		name, body  string
		txn         int64
		mutated     int
		description string
	}{
		{name: "ErrorAbsent", body: `{"transactionId":5,"items":[],"mutatedDocumentIds":["a",1]}`, txn: 5, mutated: 2},
		{name: "ErrorNull", body: `{"transactionId":5,"error":null}`, txn: 5},
		{name: "ErrorEmpty", body: `{"transactionId":"5","error":{}}`, txn: 5},
		{name: "ErrorEmptyDescription", body: `{"error":{"description":""}}`},
		{name: "SDKSpelling", body: `{"mutatedDocumentIDs":["a"],"transactionID":9}`, txn: 9, mutated: 1},
		{name: "ItemsNull", body: `{"items":null,"mutatedDocumentIds":null,"transactionId":null}`},
		{name: "Description", body: `{"error":{"description":"no"}}`, description: "no"},
		{name: "Message", body: `{"error":{"message":"no"}}`, description: "no"},
		{name: "Text", body: `{"error":"no"}`, description: "no"},
		{name: "RPCError", body: `{"message":"no"}`, description: "no"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &replies{T: t, all: []reply{{status: 200, body: tt.body}}}
			resp, err := newClient(t, r, nil).Execute(t.Context(), ditto.Request{API: ditto.V5, Write: true})
			if tt.description != "" {
				var e *ditto.Error
				if !errors.As(err, &e) || e.Description != tt.description || !ditto.IsRejected(err) {
					t.Errorf("got %v, want a rejection that says %q", err, tt.description)
				}
				return
			}
			if err != nil || resp.Txn != tt.txn || len(resp.Mutated) != tt.mutated {
				t.Errorf("got %+v, %v", resp, err)
			}
		})
	}
}

// TestClientStrangers: JSON that is no answer of Ditto's says nothing of its
// documents, least of all that there are none.
func TestClientStrangers(t *testing.T) {
	for _, body := range []string{`null`, `{}`, `{"status":"ok"}`, `{"transactionId":5}`, `{"items":null}`, `{"mutatedDocumentIds":[]}`, `[]`, `"ok"`, `7`} {
		r := &replies{T: t, all: slices.Repeat([]reply{{status: 200, body: body}}, 5)}
		if resp, err := newClient(t, r, nil).Execute(t.Context(), ditto.Request{API: ditto.V5}); !ditto.IsUnavailable(err) {
			t.Errorf("%s is taken for the answer %+v, %v", body, resp, err)
		}
	}
}

// class is the set of predicates that hold.
func class(err error) string {
	var out []string
	for name, is := range map[string]func(error) bool{
		"behind": ditto.IsBehind, "rejected": ditto.IsRejected, "unauthorized": ditto.IsUnauthorized,
		"unavailable": ditto.IsUnavailable, "ambiguous": ditto.IsAmbiguous, "too large": ditto.IsTooLarge,
	} {
		if is(err) {
			out = append(out, name)
		}
	}
	if len(out) == 2 && out[0] > out[1] {
		out[0], out[1] = out[1], out[0]
	}
	return strings.Join(out, " ")
}

func TestClientFailures(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}
	reset := &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	fail := func(status int) reply {
		return reply{status: status, body: `{"queryType":"unknown","items":[],"mutatedDocumentIds":[],"error":{"description":"..."},"warnings":[],"totalWarningsCount":0}`}
	}
	tests := []struct {
		name  string
		reply reply
		txn   int64
		// how often it is tried, and what the error is
		reads, writes int
		class         string
	}{
		{"BadRequest", fail(400), 0, 1, 1, "rejected"},
		{"TooLarge", fail(413), 0, 1, 1, "rejected"},
		{"Unauthorized", fail(401), 0, 2, 2, "unauthorized"},
		{"Forbidden", fail(403), 0, 1, 1, "unauthorized"},
		{"Behind", fail(404), 9, 1, 1, "behind"},
		{"NoSuchPath", fail(404), 0, 1, 1, ""},
		{"Timeout", fail(408), 0, 5, 1, "ambiguous unavailable"},
		{"TooMany", fail(429), 0, 5, 5, "unavailable"},
		{"Internal", fail(500), 0, 5, 1, "ambiguous unavailable"},
		{"BadGateway", reply{status: 502, body: "<html>oops"}, 0, 5, 1, "ambiguous unavailable"},
		{"Unavailable", fail(503), 0, 5, 5, "unavailable"},
		{"GatewayTimeout", fail(504), 0, 5, 1, "ambiguous unavailable"},
		{"Redirect", reply{status: 302, header: http.Header{"Location": {"https://elsewhere.example/"}}}, 0, 1, 1, ""},
		{"Refused", reply{err: refused}, 0, 5, 5, "unavailable"},
		{"Reset", reply{err: reset}, 0, 5, 1, "ambiguous unavailable"},
		{"Hangs", reply{hang: true}, 0, 5, 1, "ambiguous unavailable"},
		{"NoJSON", reply{status: 200, body: `{"items":[{"_id":`}, 0, 5, 1, "ambiguous unavailable"},
		{"Page", reply{status: 200, body: `<html>welcome`}, 0, 5, 1, "ambiguous unavailable"},
	}
	for _, tt := range tests {
		for _, write := range []bool{false, true} {
			want := tt.reads
			name := tt.name + "/Read"
			if write {
				want, name = tt.writes, tt.name+"/Write"
			}
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := &replies{T: t, all: []reply{tt.reply}}
					_, err := newClient(t, r, nil).Execute(t.Context(), ditto.Request{API: ditto.V5, Txn: tt.txn, Write: write})
					if len(r.seen) != want {
						t.Errorf("tried %d times, want %d", len(r.seen), want)
					}
					if got := class(err); got != tt.class {
						t.Errorf("%v: class %q, want %q", err, got, tt.class)
					}
					if err == nil || strings.Contains(err.Error(), "s3cret") {
						t.Errorf("error %v", err)
					}
				})
			})
		}
	}
}

func TestClientRetries(t *testing.T) {
	t.Run("SucceedsInTheEnd", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := &replies{T: t, all: []reply{{status: 503}, {status: 429, header: http.Header{"Retry-After": {"2"}}}, {status: 200, body: good}}}
			if _, err := newClient(t, r, nil).Execute(t.Context(), ditto.Request{API: ditto.V5, Write: true}); err != nil {
				t.Fatal(err)
			}
			var waits []time.Duration
			for i := range r.at[1:] {
				waits = append(waits, r.at[i+1].Sub(r.at[i]))
			}
			if diff := cmp.Diff([]time.Duration{100 * time.Millisecond, 2 * time.Second}, waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
		})
	})
	t.Run("NotBeyondTheDeadline", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			r := &replies{T: t, all: []reply{{status: 503}}}
			begin := time.Now()
			_, err := newClient(t, r, nil).Execute(ctx, ditto.Request{API: ditto.V5})
			if !ditto.IsUnavailable(err) || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v, want the server's answer", err)
			}
			if len(r.seen) != 3 || time.Since(begin) != 300*time.Millisecond {
				t.Errorf("%d tries in %v", len(r.seen), time.Since(begin))
			}
		})
	})
	t.Run("CancelledWhileWaiting", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(50*time.Millisecond, cancel)
			r := &replies{T: t, all: []reply{{status: 503}}}
			if _, err := newClient(t, r, nil).Execute(ctx, ditto.Request{API: ditto.V5}); err == nil || len(r.seen) != 1 {
				t.Errorf("%d tries, %v", len(r.seen), err)
			}
		})
	})
	t.Run("JitterWithinBounds", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := &replies{T: t, all: []reply{{status: 503}}}
			c := newClient(t, r, func(cfg *ditto.ClientConfig) { cfg.Jitter, cfg.Attempts = nil, 12 })
			if _, err := c.Execute(t.Context(), ditto.Request{API: ditto.V5}); err == nil {
				t.Fatal("no error")
			}
			for i := range r.at[1:] {
				most := min(100*time.Millisecond<<i, 3*time.Second)
				if got := r.at[i+1].Sub(r.at[i]); got < most/2 || got > most {
					t.Errorf("wait %d: %v, want between %v and %v", i, got, most/2, most)
				}
			}
		})
	})
}

// keys hands out one key after the other, the next one when asked to refresh.
type keys struct {
	all []string
	at  int
	err error
}

func (k *keys) Key(_ context.Context, refresh bool) (string, error) {
	if refresh {
		k.at++
	}
	return k.all[min(k.at, len(k.all)-1)], k.err
}

func TestClientKeys(t *testing.T) {
	t.Run("Rotated", func(t *testing.T) {
		r := &replies{T: t, all: []reply{{status: 401}, {status: 200, body: good}}}
		k := &keys{all: []string{"old", " new\n"}}
		c := newClient(t, r, func(cfg *ditto.ClientConfig) { cfg.Keys = k })
		for range 2 {
			if _, err := c.Execute(t.Context(), ditto.Request{API: ditto.V5, Write: true}); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, req := range r.seen {
			got = append(got, req.Header.Get("Authorization"))
		}
		if diff := cmp.Diff([]string{"Bearer old", "Bearer new", "Bearer new"}, got); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
	t.Run("Unreadable", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			r := &replies{T: t, all: []reply{{status: 200, body: good}}}
			c := newClient(t, r, func(cfg *ditto.ClientConfig) {
				cfg.Keys = &keys{all: []string{"x"}, err: errors.New("no such secret")}
			})
			_, err := c.Execute(t.Context(), ditto.Request{API: ditto.V5, Write: true})
			if len(r.seen) != 0 || class(err) != "unavailable" || !strings.Contains(err.Error(), "no such secret") {
				t.Errorf("%d requests, %v (%s)", len(r.seen), err, class(err))
			}
		})
	})
	t.Run("NotPrinted", func(t *testing.T) {
		if s := ditto.StaticKey("s3cret").String() + ditto.StaticKey("s3cret").GoString(); strings.Contains(s, "s3cret") {
			t.Error(s)
		}
	})
}

func TestClientLargeAnswer(t *testing.T) {
	r := &replies{T: t, all: []reply{{status: 200, body: good}}}
	c := newClient(t, r, func(cfg *ditto.ClientConfig) { cfg.MaxResponse = int64(len(good)) - 1 })
	_, err := c.Execute(t.Context(), ditto.Request{API: ditto.V5})
	if !ditto.IsTooLarge(err) || len(r.seen) != 1 {
		t.Errorf("%d requests, %v", len(r.seen), err)
	}
}

// Invariant 10: what an error prints holds no document contents.
func TestErrorsQuoteNothing(t *testing.T) {
	for _, description := range []string{
		`Query failed: ` + "`" + `DQL Internal execution error: Identifier conflict on document "S3CRET": using FAIL conflict policy` + "`",
		`Document ` + "`" + `_id = \"S3CRET\"` + "`" + ` size is 5300177 bytes and exceeds limit of 5242880 bytes`,
		`Expected 'S3CRET \' S3CRET' to be an integer value`,
		`Expected "S3CRET" and "S3CRET`,
		`Expected 4111111111111111.5e7 to be an integer value`,
	} {
		err := &ditto.Error{API: ditto.V5, Status: 400, Description: description}
		if s := err.Error(); strings.Contains(s, "S3CRET") || strings.Contains(s, "11111") || strings.Contains(s, "530017") {
			t.Errorf("%s\nprints %s", description, s)
		}
		if !strings.HasPrefix(err.Error(), "ditto v5: status 400: ") {
			t.Error(err)
		}
	}
}

func FuzzDecodeAnswer(f *testing.F) {
	for _, s := range []string{good, `{}`, `[]`, `{"error":{"description":1}}`, `{"transactionId":1e400}`, `{"items":[{},`, `{"mutatedDocumentIDs":[{"a":1}]}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		c := newClient(t, &replies{T: t, all: []reply{{status: 200, body: body}}}, func(cfg *ditto.ClientConfig) { cfg.Attempts = 1 })
		resp, err := c.Execute(t.Context(), ditto.Request{API: ditto.V5, Write: true})
		if err == nil && !json.Valid([]byte(body)) {
			t.Errorf("took %q for an answer", body)
		}
		for _, item := range append(resp.Items, resp.Mutated...) {
			if !json.Valid(item) {
				t.Errorf("%q is no JSON", item)
			}
		}
		_ = class(err)
		if err != nil {
			_ = err.Error()
		}
	})
}
