package main

import (
	"context"
	"encoding/json"

	"github.com/causeway-sync/causeway/functions/internal/worker"
)

// handler settles the document pairs that trigger events name: a batch of the
// queue behind the EventBridge rule, or a bare event.
type handler struct{ worker *worker.Worker }

func (h handler) handle(ctx context.Context, payload json.RawMessage) (any, error) {
	return h.worker.Invoke(ctx, payload)
}
