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
	KeyFunction   = "function"
	KeyCollection = "collection"
	KeyPair       = "pair" // ledger.Key
	KeyTxn        = "txn"
	KeyOp         = "op"
	KeySide       = "side"
	KeyReason     = "reason"
	KeyError      = "error"
	KeyMessage    = "messageId" // of the queue
	KeySource     = "source"    // what invoked: sqs, eventbridge, webhook, kafka
	KeyTries      = "tries"
	KeyDuration   = "ms"
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
