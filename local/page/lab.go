package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"

	"github.com/causeway-sync/causeway/core/ledger"
)

// Disturber makes things go wrong on purpose, in the local stack's own parts.
type Disturber interface {
	// DittoEvents drops or doubles the next event of Ditto.
	DittoEvents(ctx context.Context, drop, duplicate int) error
	// MongoEvents drops or doubles the next event of MongoDB.
	MongoEvents(drop, duplicate int)
	// DittoAnswers makes Ditto answer the next n statements that write with a
	// status, or late.
	DittoAnswers(ctx context.Context, status, delayMillis, n int) error
	// Clear ends all of that.
	Clear(ctx context.Context) error
}

// lab is the teaching corner.
type lab struct {
	p *Page

	mu   sync.Mutex
	kill string // the worker that dies once a pair is claimed
}

func newLab(p *Page) *lab {
	if p.cfg.Disturb == nil {
		return nil
	}
	return &lab{p: p}
}

// slow is how long Ditto takes to write while a handler is to be killed, so
// that it dies between its claim and its write.
const slow = 1500

// ledgerChanged kills the handler that was to die, now that it has claimed a
// pair.
func (l *lab) ledgerChanged(key ledger.Key) {
	l.mu.Lock()
	function := l.kill
	l.kill = ""
	l.mu.Unlock()
	if function == "" {
		return
	}
	n := l.p.cfg.Stack.KillWorker(function)
	l.p.flow.add(step{
		Kind: "fault", Collection: key.Collection, Key: string(key.ID), Function: function,
		Text: fmt.Sprintf("%s was killed with a claim in its hand (%d processes): whoever comes after it waits until the claim ends, up to 90 s, and carries on", function, n),
	})
}

// disturbance is what a person wants to see go wrong.
type disturbance struct {
	Kind     string `json:"kind"`
	Side     string `json:"side"` // whose events, or whose worker
	Function string `json:"function"`
}

func (p *Page) postDisturb(r *http.Request) (any, error) {
	var d disturbance
	if err := decode(r, &d); err != nil {
		return nil, err
	}
	if p.lab == nil {
		return nil, refused{http.StatusNotFound, errors.New("a Ditto Server of your own is not disturbed: run without DITTO_URL")}
	}
	text, err := p.lab.disturb(r.Context(), d)
	if err != nil {
		return nil, err
	}
	p.flow.add(step{Kind: "fault", Text: text})
	return map[string]string{"text": text}, nil
}

func (l *lab) disturb(ctx context.Context, d disturbance) (string, error) {
	by := l.p.cfg.Disturb
	mongo := d.Side == "mongodb"
	events := func(drop, duplicate int) error {
		if mongo {
			by.MongoEvents(drop, duplicate)
			return nil
		}
		return by.DittoEvents(ctx, drop, duplicate)
	}
	of := map[bool]string{true: "MongoDB", false: "Ditto"}[mongo]
	switch d.Kind {
	case "drop":
		return "the next event of " + of + " will be lost: the pair stays apart until its next change, or a repair", events(1, 0)
	case "duplicate":
		return "the next event of " + of + " will come twice: the second finds nothing to do", events(0, 1)
	case "503":
		return "Ditto answers 503 to the next three writes: they are tried again", by.DittoAnswers(ctx, http.StatusServiceUnavailable, 0, 3)
	case "delay":
		return "Ditto’s next write takes three seconds", by.DittoAnswers(ctx, 0, 3000, 1)
	case "kill":
		if d.Function == "" {
			return "", refused{http.StatusBadRequest, errors.New("function: which worker?")}
		}
		l.mu.Lock()
		l.kill = d.Function
		l.mu.Unlock()
		return d.Function + " will be killed once it has claimed its next pair", by.DittoAnswers(ctx, 0, slow, 1)
	case "clear":
		l.mu.Lock()
		l.kill = ""
		l.mu.Unlock()
		return "no disturbance any more", by.Clear(ctx)
	}
	return "", refused{http.StatusBadRequest, fmt.Errorf("no such disturbance: %q", d.Kind)}
}

func (p *Page) postSwitch(r *http.Request) (any, error) {
	var in struct {
		Function string `json:"function"`
		On       bool   `json:"on"`
	}
	if err := decode(r, &in); err != nil {
		return nil, err
	}
	if err := p.cfg.Stack.Switch(in.Function, in.On); err != nil {
		return nil, err
	}
	text := in.Function + " is paused: its events wait in the queue"
	if in.On {
		text = in.Function + " goes on with what has gathered in its queue"
	}
	p.flow.add(step{Kind: "fault", Function: in.Function, Text: text})
	_, err := p.tellQueues(r.Context())
	return struct{}{}, err
}
