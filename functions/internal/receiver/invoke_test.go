package receiver_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/functions/internal/receiver"
	"github.com/causeway-sync/causeway/functions/internal/webhook"
)

// webRequest is a request of an HTTP API, signed for the body's raw bytes.
func webRequest(t *testing.T, body string, inBase64 bool, headers map[string]string) json.RawMessage {
	t.Helper()
	req := events.APIGatewayV2HTTPRequest{Version: "2.0", RouteKey: "$default", Headers: headers, Body: body, IsBase64Encoded: inBase64}
	if inBase64 {
		req.Body = base64.StdEncoding.EncodeToString([]byte(body))
	}
	b, err := json.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func signature(t *testing.T, body string) string {
	t.Helper()
	k, err := webhook.ParseKeys(manifest.Redacted(secretOne))
	if err != nil {
		t.Fatal(err)
	}
	return k.Sign([]byte(body), now)
}

func TestInvokeWeb(t *testing.T) {
	body := event("é", 5)
	for _, tc := range []struct {
		name    string
		payload json.RawMessage
		status  int
	}{
		{"Text", webRequest(t, body, false, map[string]string{"ditto-signature": signature(t, body)}), 200},
		{"Base64", webRequest(t, body, true, map[string]string{"ditto-signature": signature(t, body)}), 200},
		{"HeaderCase", webRequest(t, body, false, map[string]string{"Ditto-Signature": signature(t, body)}), 200},
		{"Bearer", webRequest(t, body, false, map[string]string{"authorization": "Bearer " + secretOne}), 200},
		{"ErrUnsigned", webRequest(t, body, false, nil), 401},
		{"ErrSignedOverBase64", webRequest(t, body, true, map[string]string{"ditto-signature": signature(t, base64.StdEncoding.EncodeToString([]byte(body)))}), 401},
		{"ErrNotBase64", json.RawMessage(`{"requestContext":{},"isBase64Encoded":true,"body":"%%%"}`), 400},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHarness()
			out, err := h.Invoke(t.Context(), tc.payload)
			if err != nil {
				t.Fatal(err)
			}
			res, ok := out.(events.APIGatewayV2HTTPResponse)
			if !ok || res.StatusCode != tc.status {
				t.Fatalf("answer %+v, want status %d", out, tc.status)
			}
			var a receiver.Answer
			if err := json.Unmarshal([]byte(res.Body), &a); err != nil || (a.Error == "") != (tc.status == 200) {
				t.Errorf("body %s, error %v", res.Body, err)
			}
		})
	}
}

func TestInvokeKafka(t *testing.T) {
	record := func(v string) string {
		return fmt.Sprintf(`{"topic":"changes","partition":0,"offset":1,"timestamp":1763882100000,"timestampType":"CREATE_TIME","value":%q,"headers":[]}`, v)
	}
	b64 := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	payload := `{"eventSource":"SelfManagedKafka","bootstrapServers":"b:9092","records":{
 "changes-1":[` + record(b64(event("c", 7))) + `],
 "changes-0":[` + strings.Join([]string{record(b64(event("a", 5))), record("not base64!"), record(b64(event("b", 6)))}, ",") + `]}}`
	h := newHarness()
	if _, err := h.Invoke(t.Context(), json.RawMessage(payload)); err != nil {
		t.Fatal(err)
	}
	want := []string{`upsert "a" 5`, `upsert "b" 6`, `upsert "c" 7`, "undecodable event"}
	if diff := cmp.Diff(want, h.queued()); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
}

// A receiver takes nothing that could name keys without being verified.
func TestInvokeErrors(t *testing.T) {
	for name, payload := range map[string]string{
		"Queue":   `{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":"{}"}]}`,
		"Bare":    event("a", 5),
		"NotJSON": `{`,
		"Kafka":   `{"eventSource":"aws:kafka","records":[]}`,
		"Web":     `{"requestContext":5}`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness()
			if _, err := h.Invoke(t.Context(), json.RawMessage(payload)); err == nil {
				t.Error("no error")
			}
			if len(h.queue.sent) != 0 {
				t.Errorf("queued %v", h.queued())
			}
		})
	}
}
