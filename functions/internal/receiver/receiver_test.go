package receiver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/queue"
	"github.com/causeway-sync/causeway/functions/internal/receiver"
	"github.com/causeway-sync/causeway/functions/internal/webhook"
)

var now = time.Date(2026, 11, 23, 7, 0, 10, 0, time.UTC)

const (
	// as the local stack makes them, so that one in a test's output is found
	secretOne = "CausewayLocalKeyOneOneOneOneOneO"
	secretTwo = "CausewayLocalKeyTwoTwoTwoTwoTwoT"
)

var decoder = change.Decoder{Manifest: &manifest.Manifest{
	Database:    "test-db",
	Collections: []manifest.Collection{{Name: "tasks", DittoName: "tasks", Fields: []string{"_id"}}},
}}

// fakeQueue records what it takes.
type fakeQueue struct {
	err  error
	sent [][]byte
}

func (f *fakeQueue) Send(_ context.Context, msgs []queue.Message) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		if errs[i] = f.err; f.err == nil {
			f.sent = append(f.sent, m.Body)
		}
	}
	return errs
}

// harness is a receiver over fakes. secret is what the cache holds, fresh what
// a second look finds.
type harness struct {
	*receiver.Receiver
	queue         *fakeQueue
	secret, fresh string
	refreshes     int
	log, metrics  bytes.Buffer
}

func newHarness() *harness {
	h := &harness{queue: &fakeQueue{}, secret: secretOne, fresh: secretOne}
	clock := func() time.Time { return now }
	h.Receiver = &receiver.Receiver{
		Decoder: decoder,
		Queue:   h.queue,
		Keys: func(_ context.Context, refresh bool) (webhook.Keys, error) {
			if refresh {
				h.refreshes++
				h.secret = h.fresh
			}
			if h.secret == "" {
				return webhook.Keys{}, errors.New("read secret: not found")
			}
			return webhook.ParseKeys(manifest.Redacted(h.secret))
		},
		Metrics: telemetry.NewMetrics(&h.metrics, clock),
		Log:     telemetry.NewLogger(&h.log, slog.LevelDebug, false),
		Now:     clock,
	}
	return h
}

// queued are the keys in the queue, as "op id txn", and the notices' reasons.
func (h *harness) queued() (out []string) {
	for _, body := range h.queue.sent {
		b := decoder.Decode(body)
		for _, k := range b.Hints {
			out = append(out, fmt.Sprintf("%s %s %d", k.Op, k.DittoID, k.Txn))
		}
		for _, n := range b.Notices {
			out = append(out, n.Reason)
		}
	}
	return out
}

// signed is a request as Ditto sends it.
func signed(t *testing.T, secret, body string, at time.Time) receiver.Request {
	t.Helper()
	k, err := webhook.ParseKeys(manifest.Redacted(secret))
	if err != nil {
		t.Fatal(err)
	}
	sig := k.Sign([]byte(body), at)
	return receiver.Request{Body: []byte(body), Header: func(name string) string {
		if name == webhook.SignatureHeader {
			return sig
		}
		return ""
	}}
}

func event(id string, txn int) string {
	return fmt.Sprintf(`{"txnId":%d,"type":"documentChanged","collection":"tasks","change":{"method":"upsert","oldValue":null,"newValue":{"_id":%q,"title":"contents"}}}`, txn, id)
}

const foreign = `{"txnId":1,"type":"documentChanged","collection":"other","change":{"method":"upsert","newValue":{"_id":"a"}}}`

func TestWebhook(t *testing.T) {
	none := func(string) string { return "" }
	for _, tc := range []struct {
		name   string
		req    receiver.Request
		want   receiver.Answer
		queued []string
	}{
		{"OK", signed(t, secretOne, event("a", 5), now), receiver.Answer{Status: 200, Accepted: 1}, []string{`upsert "a" 5`}},
		{"Array", signed(t, secretOne, "["+event("a", 5)+","+event("b", 5)+","+foreign+"]", now), receiver.Answer{Status: 200, Accepted: 2, Ignored: 1}, []string{`upsert "a" 5`, `upsert "b" 5`}},
		{"EmptyArray", signed(t, secretOne, "[]", now), receiver.Answer{Status: 200}, nil},
		{"Requery", signed(t, secretOne, `{"txnId":45,"type":"requeryRequired","documents":[]}`, now), receiver.Answer{Status: 200, Accepted: 1}, []string{"requeryRequired"}},
		{"UnknownCollection", signed(t, secretOne, foreign, now), receiver.Answer{Status: 200, Ignored: 1}, nil},
		{"PartlyUnread", signed(t, secretOne, "["+event("a", 5)+`,{"txnId":6,"type":"documentChanged","collection":"tasks"}]`, now), receiver.Answer{Status: 200, Accepted: 1, Unread: 1}, []string{`upsert "a" 5`, "undecodable event"}},
		{"ErrUnsigned", receiver.Request{Body: []byte(event("a", 5)), Header: none}, receiver.Answer{Status: 401, Error: webhook.ErrUnsigned.Error()}, nil},
		{"ErrWronglySigned", signed(t, secretTwo, event("a", 5), now), receiver.Answer{Status: 401, Error: webhook.ErrMismatch.Error()}, nil},
		{"ErrReplayed", signed(t, secretOne, event("a", 5), now.Add(-5*time.Minute-time.Second)), receiver.Answer{Status: 401, Error: webhook.ErrStale.Error()}, nil},
		{"ErrNotJSON", signed(t, secretOne, "hello", now), receiver.Answer{Status: 400, Unread: 1, Error: "event is not JSON"}, nil},
		{"ErrNotJSONUnsigned", receiver.Request{Body: []byte("hello"), Header: none}, receiver.Answer{Status: 401, Error: webhook.ErrUnsigned.Error()}, nil},
		{"ErrEmpty", signed(t, secretOne, "", now), receiver.Answer{Status: 400, Unread: 1, Error: "event is empty"}, nil},
		{"ErrTooLarge", receiver.Request{Body: make([]byte, receiver.MaxBody+1), Header: none}, receiver.Answer{Status: 413, Error: "body is over 6 MiB"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHarness()
			if diff := cmp.Diff(tc.want, h.Webhook(t.Context(), tc.req)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.queued, h.queued()); diff != "" {
				t.Errorf("queued (-want +got):\n%s", diff)
			}
			if strings.Contains(h.log.String(), "contents") || bytes.Contains(bytes.Join(h.queue.sent, nil), []byte("contents")) {
				t.Errorf("a value of the document in the log or the queue:\n%s", h.log.String())
			}
			if n := strings.Count(h.log.String(), "level=INFO"); n != 1 {
				t.Errorf("%d info lines, want 1", n)
			}
		})
	}
}

func TestWebhookRotation(t *testing.T) {
	h := newHarness()
	h.fresh = secretTwo
	if a := h.Webhook(t.Context(), signed(t, secretTwo, event("a", 5), now)); a.Status != 200 {
		t.Errorf("answer %+v after the secret was rotated", a)
	}
	if a := h.Webhook(t.Context(), signed(t, secretTwo, event("b", 6), now)); a.Status != 200 || h.refreshes != 1 {
		t.Errorf("answer %+v after %d looks at the secret, want 200 after 1", a, h.refreshes)
	}
	h.Webhook(t.Context(), receiver.Request{Body: []byte("x"), Header: func(string) string { return "" }})
	if h.refreshes != 1 {
		t.Error("an unsigned webhook makes the receiver read the secret")
	}
}

// 200 only when the keys are safely queued.
func TestWebhookUnavailable(t *testing.T) {
	t.Run("Queue", func(t *testing.T) {
		h := newHarness()
		h.queue.err = errors.New("throttled")
		a := h.Webhook(t.Context(), signed(t, secretOne, event("a", 5), now))
		if diff := cmp.Diff(receiver.Answer{Status: 503, Error: "keys cannot be queued now"}, a); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
		if !strings.Contains(h.log.String(), "throttled") {
			t.Errorf("the log lacks the cause:\n%s", h.log.String())
		}
	})
	t.Run("Secret", func(t *testing.T) {
		h := newHarness()
		h.secret = ""
		a := h.Webhook(t.Context(), signed(t, secretOne, event("a", 5), now))
		if a.Status != 503 || len(h.queue.sent) != 0 {
			t.Errorf("answer %+v, %d messages", a, len(h.queue.sent))
		}
	})
}

func TestWebhookMetrics(t *testing.T) {
	h := newHarness()
	h.Webhook(t.Context(), signed(t, secretOne, "["+event("a", 5)+","+foreign+",5]", now))
	var m map[string]any
	if err := json.Unmarshal(h.metrics.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	delete(m, "_aws")
	want := map[string]any{"Accepted": 1.0, "Ignored": 1.0, "Undecodable": 1.0, "Rejected": 0.0, "Failed": 0.0}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

func TestRecords(t *testing.T) {
	then := now.Add(-time.Minute)
	h := newHarness()
	a, err := h.Records(t.Context(), []receiver.Record{
		{Value: []byte(event("a", 5)), At: then},
		{Value: nil},
		{Value: []byte("hello"), At: then},
		{Value: []byte("[" + event("b", 6) + "," + foreign + "]")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(receiver.Answer{Status: 200, Accepted: 2, Ignored: 1, Unread: 1}, a); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{`upsert "a" 5`, `upsert "b" 6`, "undecodable event"}, h.queued()); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
	hints := decoder.Decode(h.queue.sent[0]).Hints
	if !hints[0].At.Equal(then) || !hints[1].At.Equal(now) {
		t.Errorf("times %v and %v", hints[0].At, hints[1].At)
	}
	h.queue.err = errors.New("throttled")
	if _, err := h.Records(t.Context(), []receiver.Record{{Value: []byte(event("a", 5))}}); err == nil {
		t.Error("no error when the keys are not queued")
	}
}
