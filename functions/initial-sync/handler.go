package main

import (
	"context"
	"encoding/json"

	"github.com/causeway-sync/causeway/functions/internal/sweeper"
)

// handler performs the step that a payload of the state machine names.
type handler struct{ sweeper *sweeper.Sweeper }

func (h handler) handle(ctx context.Context, payload json.RawMessage) (any, error) {
	return h.sweeper.Invoke(ctx, payload)
}
