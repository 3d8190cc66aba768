package ditto

import (
	"context"
	"net/http"
)

// Fault says what happens to the statements it matches. A statement meets the
// first fault that matches and has times left. The zero Fault answers nothing
// of its own: it executes the statement, after Delay.
type Fault struct {
	// API is "v4" or "v5", and Match a JavaScript regular expression that the
	// statement contains; empty ones match all.
	API   string `json:"api,omitempty"`
	Match string `json:"match,omitempty"`
	// Skip lets that many matching statements pass first; Times is how many
	// are hit then: 0 means one, negative means all from then on.
	Skip  int `json:"skip,omitempty"`
	Times int `json:"times,omitempty"`

	// DelayMillis is waited before anything else happens.
	DelayMillis int `json:"delayMs,omitempty"`
	// Status is answered instead of the true answer: 408, 429, 500, 503, 404
	// for a node that is behind (to statements that wait for a transaction
	// only), or 200, which carries error.description.
	Status int `json:"status,omitempty"`
	// Description is the error.description of that answer.
	Description string `json:"description,omitempty"`
	// RetryAfter is the answer's Retry-After header, in seconds, when not 0.
	RetryAfter int `json:"retryAfter,omitempty"`
	// Execute runs the statement before Status or Drop takes effect: a write
	// that happens although its answer says otherwise.
	Execute bool `json:"execute,omitempty"`
	// Drop closes the connection without an answer.
	Drop bool `json:"drop,omitempty"`
}

// Inject adds faults for the statements to come. The server must have been
// started with Faults.
func (s *Server) Inject(ctx context.Context, faults ...Fault) error {
	return s.control(ctx, http.MethodPost, "faults", map[string]any{"statements": faults}, nil)
}

// Feed is what happens to the events to come. Drop, Duplicate, Reorder and
// Compact count events; each event meets one of them at most, in that order.
type Feed struct {
	Drop      int `json:"drop,omitempty"`      // the next n are never sent
	Duplicate int `json:"duplicate,omitempty"` // the next n are sent twice
	Reorder   int `json:"reorder,omitempty"`   // the next n are sent last first, once n are there
	Compact   int `json:"compact,omitempty"`   // of the next n, only each document's last is sent, once n are there

	// DelayMillis is waited before each post, until set again.
	DelayMillis *int `json:"delayMs,omitempty"`
	// Paused holds all events back, or lets them go again.
	Paused *bool `json:"paused,omitempty"`
	// Requery puts one requeryRequired event into the feed.
	Requery bool `json:"requery,omitempty"`
}

// Feed disturbs the delivery of events.
func (s *Server) Feed(ctx context.Context, f Feed) error {
	return s.control(ctx, http.MethodPost, "faults", map[string]any{"feed": f}, nil)
}

// Pause holds events back until Resume.
func (s *Server) Pause(ctx context.Context) error {
	paused := true
	return s.Feed(ctx, Feed{Paused: &paused})
}

// Resume ends Pause.
func (s *Server) Resume(ctx context.Context) error {
	paused := false
	return s.Feed(ctx, Feed{Paused: &paused})
}

// Behind makes the server act as a node that has seen nothing after txn:
// a statement with a higher X-DITTO-TXN-ID is answered 404. The documents it
// shows are still the present ones. 0 ends it.
func (s *Server) Behind(ctx context.Context, txn int64) error {
	return s.control(ctx, http.MethodPost, "faults", map[string]any{"behind": txn}, nil)
}

// ClearFaults removes every fault, statements' and feed's.
func (s *Server) ClearFaults(ctx context.Context) error {
	return s.control(ctx, http.MethodDelete, "faults", nil, nil)
}
