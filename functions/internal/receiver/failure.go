package receiver

import (
	"context"
	"errors"
	"log/slog"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/telemetry"
)

// fail logs why a request is not answered by 200. Its sender keeps the events
// and sends them again.
func (r *Receiver) fail(ctx context.Context, what string, c bridge.Cause, err error) {
	r.Log.LogAttrs(ctx, slog.LevelError, what, append(c.Attrs(), slog.String(telemetry.KeyError, err.Error()))...)
}

// secretCause tells a secret that cannot be read now from one that a person
// has to mend: an error that does not come from reading it says what is wrong
// with it.
func secretCause(err error) bridge.Cause {
	var read interface{ Remedy() string }
	if errors.As(err, &read) {
		return bridge.Explain(err)
	}
	return bridge.CauseSecret
}
