package golden_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/secret"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/telemetry/emf"
	"github.com/causeway-sync/causeway/functions/internal/queue"
	"github.com/causeway-sync/causeway/functions/internal/receiver"
	"github.com/causeway-sync/causeway/functions/internal/webhook"
)

const documentChanged = `{"txnId":1,"type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":{"_id":"a","note":"hush"}}}`

// receivers are webhooks that the receiver cannot hand on, or not in full.
var receivers = []struct {
	name              string
	keysErr, queueErr error
	body              string
}{
	{"QueueUnavailable", nil, errors.New("send to queue: service unavailable"), documentChanged},
	{"SecretUnavailable", &secret.Error{Ref: secret.Ref{ID: "prod/webhook"}, Err: context.DeadlineExceeded}, nil, documentChanged},
	{"SecretMissing", &secret.Error{Ref: secret.Ref{ID: "prod/webhook"}, Mend: "store it", Err: errors.New("not found")}, nil, documentChanged},
	{"SecretMalformed", errors.New("webhook secret: a signing secret is not base64"), nil, documentChanged},
	{"Unread", nil, nil, `[` + documentChanged + `,{"type":"documentChanged","collection":"tasks","change":{"method":"hush"}}]`},
}

type senderFunc func() error

func (f senderFunc) Send(_ context.Context, msgs []queue.Message) []error {
	errs := make([]error, len(msgs))
	for i := range errs {
		errs[i] = f()
	}
	return errs
}

// receive hands a webhook to a receiver, and returns the log line of what
// failed.
func receive(t *testing.T, keysErr, queueErr error, body string) string {
	line, _ := receiveMetrics(t, keysErr, queueErr, body)
	return line
}

// receiveMetrics is receive, with the metrics.
func receiveMetrics(t *testing.T, keysErr, queueErr error, body string) (string, []byte) {
	t.Helper()
	var log, metrics bytes.Buffer
	r := &receiver.Receiver{
		Decoder: change.Decoder{Manifest: &manifest.Manifest{Database: "db", Collections: []manifest.Collection{{Name: "tasks", DittoName: "tasks", Fields: []string{"_id"}}}}},
		Queue:   senderFunc(func() error { return queueErr }),
		Keys: func(context.Context, bool) (webhook.Keys, error) {
			if keysErr != nil {
				return webhook.Keys{}, keysErr
			}
			return webhook.ParseKeys(`{"bearer":"token"}`)
		},
		Metrics: telemetry.NewMetrics(&metrics, time.Now),
		Log:     telemetry.NewLogger(&log, slog.LevelDebug, true),
		Now:     time.Now,
	}
	a := r.Webhook(t.Context(), receiver.Request{Body: []byte(body), Header: func(name string) string {
		if name == "authorization" {
			return "Bearer token"
		}
		return ""
	}})
	if failed := keysErr != nil || queueErr != nil; failed != (a.Status == 503) {
		t.Errorf("answer %+v", a)
	}
	if err := emf.Check(bytes.TrimSpace(metrics.Bytes())); err != nil {
		t.Error(err)
	}
	if strings.Contains(log.String(), "hush") {
		t.Errorf("the log shows contents:\n%s", &log)
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, `"class"`) {
			return stable(line), metrics.Bytes()
		}
	}
	return fmt.Sprintf("nothing logged: %s", &log), metrics.Bytes()
}
