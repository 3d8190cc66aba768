package main

import (
	"context"
	"encoding/json"

	"github.com/causeway-sync/causeway/functions/internal/wire"
)

// handler handles a payload of one role: webhooks and Kafka records as the
// receiver, batches of the queue as the worker.
type handler func(ctx context.Context, payload json.RawMessage) (any, error)

func newHandler(env wire.Environment) handler {
	if env.Role == wire.Receiver {
		return env.Receiver().Invoke
	}
	return env.Worker().Invoke
}
