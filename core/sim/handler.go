package sim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
)

// crash unwinds a handler that was killed.
const crash = "the handler was killed"

// environment is where handlers run, one after the other, as in a Lambda
// function's execution environment: the bridge stays.
type environment struct {
	w      *World
	bridge *bridge.Bridge
	node   *dittosim.Node
	now    *handler
}

// handler is one invocation under way: a coroutine that pauses before each
// I/O call.
type handler struct {
	env      *environment
	hints    []change.Hint
	verdicts []bridge.Verdict
	next     func() (struct{}, bool)
	stop     func()
	pause    func()
	readAt   int // users' actions before its last read of documents
}

// start begins an invocation with these hints.
func (w *World) start(hints []change.Hint) *handler {
	last := len(w.idle) - 1
	h := &handler{env: w.idle[last], hints: hints}
	w.idle = w.idle[:last]
	h.env.now = h
	h.next, h.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil && r != any(crash) {
				panic(r)
			}
		}()
		h.pause = func() {
			if !yield(struct{}{}) {
				panic(crash)
			}
			w.actor = h
		}
		h.verdicts, _ = h.env.bridge.Handle(context.Background(), h.hints)
	})
	return h
}

func (w *World) newEnvironment() *environment {
	e := &environment{w: w, node: w.Ditto.Node()}
	e.bridge = bridge.New(bridge.Config{
		Manifest: w.manifest,
		Mongo:    gatedMongo{e},
		Ditto:    gatedDitto{e},
		Now:      w.clock,
		NewOwner: func() string { return w.name("owner") },
		NewID:    w.newID,
		Jitter:   w.rnd.Int64N,
		Both:     w.both,
		Wait:     func(context.Context, time.Duration) {},
		Log:      w.log,
	})
	return e
}

// both runs two reads one after the other, in any order.
func (w *World) both(f, g func() error) error {
	if w.rnd.IntN(2) == 0 {
		f, g = g, f
	}
	if err := f(); err != nil {
		return err
	}
	return g()
}

// gatedMongo is MongoDB as handlers see it.
type gatedMongo struct{ *environment }

func (e gatedMongo) Find(ctx context.Context, collection string, filter, projection bson.D) ([]bson.Raw, error) {
	e.now.pause()
	if e.w.manifest.Collection(collection) != nil {
		e.now.readAt = e.w.uid
	}
	return e.w.Mongo.Find(ctx, collection, filter, projection)
}

func (e gatedMongo) Write(ctx context.Context, collection string, models []mongodb.Model) (mongodb.BulkResult, error) {
	e.now.pause()
	switch w := e.w; {
	case w.chance(w.Rates.FailedWrite):
		w.hit("write failed")
		return mongodb.BulkResult{}, errors.New("connection lost before the write")
	case w.chance(w.Rates.AmbiguousWrite):
		w.hit("write happened, answer lost")
		_, _ = w.Mongo.Write(ctx, collection, models)
		return mongodb.BulkResult{}, errors.New("connection lost after the write")
	}
	return e.w.Mongo.Write(ctx, collection, models)
}

// gatedDitto is Ditto as handlers see it: a node that may be behind, and a key
// that may not see a document.
type gatedDitto struct{ *environment }

func (e gatedDitto) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	e.now.pause()
	w := e.w
	e.node.Behind, e.node.Hides = 0, nil
	switch {
	case r.Write && w.chance(w.Rates.FailedWrite):
		w.hit("write failed")
		return ditto.Response{}, unavailable()
	case r.Write && w.chance(w.Rates.AmbiguousWrite):
		w.hit("write happened, answer lost")
		_, _ = w.Ditto.Execute(ctx, r)
		return ditto.Response{}, unavailable()
	case !r.Write && w.swept == 0 && w.chance(w.Rates.Behind):
		w.hit("node behind")
		e.node.Behind = min(1+w.rnd.Int64N(3), max(0, w.Ditto.Txn()-w.caughtUp))
	case !r.Write && w.swept == 0 && w.chance(w.Rates.Blind):
		w.hit("key sees nothing")
		w.lost = true // what it does not see waits for the sweep
		e.node.Hides = func(string, docid.ID) bool { return true }
	}
	answer, err := e.node.Execute(ctx, r)
	w.trace("execute", "statement", r.Statement, "args", string(r.Args), "items", fmt.Sprintf("%s", answer.Items), "mutated", fmt.Sprintf("%s", answer.Mutated), "error", err)
	return answer, err
}

func (w *World) clock() time.Time { return epoch.Add(time.Duration(w.now) * time.Second) }

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
