package telemetry

import (
	"context"
	"io"
	"log/slog"
	"strings"
)

// Keys of log lines. Packages use these and no others for the same thing, so
// that one query finds a document across all functions.
const (
	KeyCollection = "collection"
	KeyDittoID    = "dittoId"   // JSON text
	KeyMongoID    = "mongoId"   // canonical Extended JSON
	KeyMongoHash  = "mongoHash" // of the whole document, or of the value at path
	KeyDittoHash  = "dittoHash" // likewise
	KeyPath       = "path"      // of a unit
	KeyRule       = "rule"      // by which a value lost
	KeyTxn        = "txn"
	KeySide       = "side"
	KeyClass      = "class"  // of a failure: retry, park or stop
	KeyReason     = "reason" // a code, one of docs/operating.md
	KeyMend       = "mend"   // what a person does about it
	KeyError      = "error"
	KeyMessage    = "messageId" // of the queue
	KeySource     = "source"    // what invoked: sqs, event, webhook, kafka
	KeyTries      = "tries"     // how often the key was sent again
	KeyKeys       = "keys"      // how many keys a line stands for
	KeyDuration   = "ms"
	KeyDelay      = "delayMs"
	KeyLag        = "lagMs"
	KeyStatus     = "status"
)

// ParseLevel reads LOG_LEVEL: debug, info, warn or error, in any case. The
// level is info for anything else.
func ParseLevel(s string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(strings.TrimSpace(s))); err != nil {
		return slog.LevelInfo
	}
	return l
}

// NewLogger writes log lines to w, as JSON if asked and as text otherwise.
func NewLogger(w io.Writer, level slog.Leveler, asJSON bool) *slog.Logger {
	opts := &slog.HandlerOptions{Level: level}
	if asJSON {
		return slog.New(slog.NewJSONHandler(w, opts))
	}
	return slog.New(slog.NewTextHandler(w, opts))
}

// WithLevel is h at another level, for handlers that choose their own.
func WithLevel(h slog.Handler, level slog.Leveler) slog.Handler {
	return leveled{h, level}
}

type leveled struct {
	slog.Handler
	level slog.Leveler
}

func (h leveled) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

func (h leveled) WithAttrs(as []slog.Attr) slog.Handler {
	return leveled{h.Handler.WithAttrs(as), h.level}
}

func (h leveled) WithGroup(name string) slog.Handler {
	return leveled{h.Handler.WithGroup(name), h.level}
}
