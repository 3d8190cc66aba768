package ditto_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// event is what the webhook gets. Documents stay text.
type event struct {
	TxnID      int64  `json:"txnId"`
	Type       string `json:"type"`
	Collection string `json:"collection"`
	Change     struct {
		Method   string          `json:"method"`
		OldValue json.RawMessage `json:"oldValue"`
		NewValue json.RawMessage `json:"newValue"`
		Value    json.RawMessage `json:"value"`
	} `json:"change"`
}

func (e event) String() string {
	if e.Type != "documentChanged" {
		return e.Type
	}
	if e.Change.Method == "remove" {
		return fmt.Sprintf("remove %s", e.Change.Value)
	}
	return fmt.Sprintf("%s %s -> %s", e.Change.Method, e.Change.OldValue, e.Change.NewValue)
}

type post struct {
	body   []byte
	header http.Header
	events []event
}

// receiver is a webhook. It answers 200 unless answer says otherwise.
type receiver struct {
	URL    string
	mu     sync.Mutex
	posts  []post
	tried  int
	answer func(n int, p post) int // of the n-th post, from 1
}

func receive(t *testing.T, answer func(n int, p post) int) *receiver {
	r := &receiver{answer: answer}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		p := post{body: body, header: req.Header}
		if err == nil {
			p.events, err = decode(body)
		}
		if err != nil {
			t.Errorf("webhook: %v: %s", err, body)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.tried++
		status := http.StatusOK
		if r.answer != nil {
			status = r.answer(r.tried, p)
		}
		if status == http.StatusOK {
			r.posts = append(r.posts, p)
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(srv.Close)
	r.URL = srv.URL
	return r
}

func decode(body []byte) ([]event, error) {
	if len(body) > 0 && body[0] == '[' {
		var es []event
		err := json.Unmarshal(body, &es)
		return es, err
	}
	var e event
	err := json.Unmarshal(body, &e)
	return []event{e}, err
}

func (r *receiver) accepted() []post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]post(nil), r.posts...)
}

func (r *receiver) attempts() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tried
}

// events are all accepted ones, in order of arrival.
func (r *receiver) events() []event {
	var out []event
	for _, p := range r.accepted() {
		out = append(out, p.events...)
	}
	return out
}

func (r *receiver) strings() []string {
	var out []string
	for _, e := range r.events() {
		out = append(out, e.String())
	}
	return out
}

func secret(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// verify checks a ditto-signature as the documentation tells it, with a secret
// before its encoding.
func verify(header string, body []byte, secret string) error {
	var at string
	var sums []string
	for part := range strings.SplitSeq(header, ",") {
		k, v, _ := strings.Cut(part, "=")
		switch k {
		case "t":
			at = v
		case "v1":
			sums = append(sums, v)
		}
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return fmt.Errorf("header %q: %w", header, err)
	}
	if age := time.Since(time.Unix(seconds, 0)).Abs(); age > time.Minute {
		return fmt.Errorf("header %q is %s off", header, age)
	}
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s", at, body)
	want := mac.Sum(nil)
	for _, s := range sums {
		if got, err := hex.DecodeString(s); err == nil && hmac.Equal(got, want) {
			return nil
		}
	}
	return fmt.Errorf("no v1 of %q fits", header)
}
