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

// toDitto is the worker that writes Ditto first, and MongoDB then.
const toDitto = "mongo-to-ditto"

// slow is how long Ditto takes to write while the worker that writes it is to be
// killed, so that it dies between its claim and its write. MongoDB cannot be
// slowed: the other worker is killed at the first sight of a claim.
const slow = 1500

// ledgerChanged kills the worker that was to die, now that a pair is claimed.
func (l *lab) ledgerChanged(ctx context.Context, key ledger.Key) {
	l.mu.Lock()
	function := l.kill
	l.mu.Unlock()
	if function == "" || function == toDitto && !l.claimed(ctx, key) {
		return
	}
	l.mu.Lock()
	l.kill = ""
	l.mu.Unlock()
	n := l.p.cfg.Stack.KillWorker(function)
	l.p.flow.add(step{
		Kind: "fault", Collection: key.Collection, Key: string(key.ID), Function: function,
		Text: fmt.Sprintf("%s was killed at work (%d processes). Its message comes back; if its claim is still held, whoever comes waits until it ends, up to 90 s, and carries on", function, n),
	})
}

// claimed reports whether somebody writes the pair now.
func (l *lab) claimed(ctx context.Context, key ledger.Key) bool {
	list, err := ledger.Store{DB: l.p.cfg.Mongo}.Read(ctx, []ledger.Key{key}, nil)
	return err == nil && len(list) == 1 && list[0].Claim != nil && list[0].Claim.Live
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
		return l.armKill(ctx, d.Function)
	case "clear":
		l.mu.Lock()
		l.kill = ""
		l.mu.Unlock()
		return "no disturbance any more", by.Clear(ctx)
	}
	return "", refused{http.StatusBadRequest, fmt.Errorf("no such disturbance: %q", d.Kind)}
}

// armKill lets a worker die at its next pair.
func (l *lab) armKill(ctx context.Context, function string) (string, error) {
	if err := l.p.cfg.Stack.Worker(function); err != nil {
		return "", refused{http.StatusBadRequest, err}
	}
	text := function + " will be killed as soon as a pair is seen to be claimed: before its write, or just after it"
	if function == toDitto {
		if err := l.p.cfg.Disturb.DittoAnswers(ctx, 0, slow, 1); err != nil {
			return "", err
		}
		text = function + " will be killed once it has claimed its next pair, and before it has written"
	}
	l.mu.Lock()
	l.kill = function
	l.mu.Unlock()
	return text, nil
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
