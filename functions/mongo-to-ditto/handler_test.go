package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/worker"
)

// failing is a core that cannot reach its databases.
type failing struct{}

func (failing) Handle(_ context.Context, hints []change.Hint) ([]bridge.Verdict, bridge.Report) {
	out := make([]bridge.Verdict, len(hints))
	for i := range out {
		out[i].Err = errors.New("no reachable servers")
	}
	return out, bridge.Report{}
}

// Of a batch, the messages with a key come again, and those without are done
// with; a bare event fails as a whole.
func TestHandleFailure(t *testing.T) {
	m, err := manifest.Load("../../events/causeway.yaml")
	if err != nil {
		t.Fatal(err)
	}
	h := handler{&worker.Worker{
		Decoder: change.Decoder{Manifest: m},
		Settler: func(context.Context) (worker.Settler, error) { return failing{}, nil },
		IsLater: bridge.IsLater,
		Metrics: telemetry.NewMetrics(t.Output(), time.Now),
		Log:     telemetry.NewLogger(t.Output(), slog.LevelInfo, true),
		Now:     time.Now,
	}}
	read := func(name string) json.RawMessage {
		t.Helper()
		b, err := os.ReadFile("../../events/mongo-to-ditto/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	out, err := h.handle(t.Context(), read("sqs-rule"))
	res, ok := out.(events.SQSEventResponse)
	if err != nil || !ok || len(res.BatchItemFailures) != 3 {
		t.Errorf("answer %+v, error %v, want three failures", out, err)
	}
	if _, err := h.handle(t.Context(), read("insert-plain")); err == nil {
		t.Error("a bare event that was not handled does not fail")
	}
	if _, err := h.handle(t.Context(), read("canary")); err != nil {
		t.Errorf("canary: %v", err)
	}
}
