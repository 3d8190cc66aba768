package sim

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/value"
)

// batchTime is how long a batch may write after its claim, in seconds (design,
// section 9).
const batchTime = 45

// crash unwinds a handler that was killed.
const crash = "the handler was killed"

// environment is where handlers run, one after the other, as in a Lambda
// function's execution environment: the bridge stays.
type environment struct {
	w      *World
	bridge *bridge.Bridge
	runner *sweep.Runner
	node   *dittosim.Node
	now    *handler
}

// handler is one invocation under way: a coroutine that pauses before each
// I/O call.
type handler struct {
	env      *environment
	hints    []change.Hint
	verdicts []bridge.Verdict
	job      *job // instead of hints
	outcome  outcome
	next     func() (struct{}, bool)
	stop     func()
	pause    func(before Hazard)
	claimed  int                     // when its newest claim was sent, 0 for none
	before   Hazard                  // what it is about to do: being killed before that
	pausedAt int                     // when it began the request under way
	startAt  int                     // users' actions before it began
	readAt   int                     // … before its last read of documents
	read     map[ledger.Key][][]byte // what its looks at Ditto showed
}

// handle settles the pairs of hints, or takes their baseline.
func (e *environment) handle(hints []change.Hint) []bridge.Verdict {
	if hints[0].Op == takeBaseline {
		return e.bridge.Baseline(context.Background(), hints, e.w.activation)
	}
	verdicts, _ := e.bridge.Handle(context.Background(), hints)
	return verdicts
}

// start begins an invocation with these hints, or with a step of a run.
func (w *World) start(hints []change.Hint, j *job) *handler {
	last := len(w.idle) - 1
	h := &handler{env: w.idle[last], hints: hints, job: j, startAt: w.uid, read: map[ledger.Key][][]byte{}}
	w.idle = w.idle[:last]
	h.env.now = h
	h.next, h.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil && r != any(crash) {
				panic(r)
			}
		}()
		h.pause = func(before Hazard) {
			h.before, h.pausedAt = before, w.now
			if h.claimed > 0 && w.now-h.claimed > batchTime {
				w.hit(TimeOver)
			}
			if !yield(struct{}{}) {
				panic(crash)
			}
			w.actor = h
		}
		growStack(false)
		if j != nil {
			h.outcome = h.env.do(*j)
			return
		}
		h.verdicts = h.env.handle(h.hints)
	})
	return h
}

// growStack makes the coroutine's stack as large as a handler needs, while there
// is nothing on it that has to be moved: entering the function does.
//
//go:noinline
func growStack(use bool) {
	if use {
		var room [12 << 10]byte
		touch(&room)
	}
}

//go:noinline
func touch(room *[12 << 10]byte) { room[0] = 1 }

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
	e.runner = w.newRunner(e)
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
	e.now.pause(HandlerKilled)
	if e.w.manifest.Collection(collection) != nil {
		e.now.readAt = e.w.uid
	}
	return e.w.Mongo.Find(ctx, collection, filter, projection)
}

func (e gatedMongo) Write(ctx context.Context, collection string, models []mongodb.Model) (mongodb.BulkResult, error) {
	before := step(collection, models)
	if before == KilledBeforeClaim {
		e.now.claimed = e.w.now
	}
	e.now.pause(before)
	switch w := e.w; {
	case w.chance(w.Rates.FailedWrite):
		w.hit(WriteFailed)
		return mongodb.BulkResult{}, errors.New("connection lost before the write")
	case w.chance(w.Rates.AmbiguousWrite):
		w.hit(AnswerLost)
		_, _ = w.Mongo.Write(ctx, collection, models)
		return mongodb.BulkResult{}, errors.New("connection lost after the write")
	}
	return e.w.Mongo.Write(ctx, collection, models)
}

func (e gatedMongo) Now(ctx context.Context) (time.Time, error) {
	e.now.pause(HandlerKilled)
	return e.w.Mongo.Now(ctx)
}

// gatedDitto is Ditto as handlers see it: a node that may be behind, and a key
// that may not see a document.
type gatedDitto struct{ *environment }

func (e gatedDitto) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	before := HandlerKilled
	if r.Write {
		before = KilledBeforeDitto
	}
	e.now.pause(before)
	w := e.w
	e.node.Behind, e.node.Hides = 0, nil
	switch {
	case e.now.blind():
		e.node.Hides = func(string, docid.ID) bool { return true }
	case r.Write && w.chance(w.Rates.FailedWrite):
		w.hit(WriteFailed)
		return ditto.Response{}, unavailable()
	case r.Write && w.chance(w.Rates.AmbiguousWrite):
		w.hit(AnswerLost)
		_, _ = w.Ditto.Execute(ctx, r)
		return ditto.Response{}, unavailable()
	case !r.Write && w.swept == 0 && w.chance(w.Rates.Behind):
		w.hit(NodeBehind)
		e.node.Behind = min(1+w.rnd.Int64N(3), max(0, w.Ditto.Txn()-w.caughtUp))
	case !r.Write && w.swept == 0 && !w.running() && w.chance(w.Rates.Blind): // a run trusts absence: that is for its guard
		w.hit(KeyBlind)
		w.lost = true // what it does not see waits for the sweep
		e.node.Hides = func(string, docid.ID) bool { return true }
	}
	answer, err := e.node.Execute(ctx, r)
	if w.log != nil {
		w.trace("execute", "statement", r.Statement, "args", string(r.Args), "items", fmt.Sprintf("%s", answer.Items), "mutated", fmt.Sprintf("%s", answer.Mutated), "error", err)
	}
	if strings.HasPrefix(r.Statement, "SELECT * FROM `") {
		for _, item := range answer.Items {
			id, _ := docid.Parse(value.Lookup(item, value.PathOf("_id")))
			k := ledger.Key{Collection: w.rules().Name, ID: id}
			e.now.read[k] = append(e.now.read[k], item)
		}
	}
	return answer, err
}

// step is the step of the protocol that a write in MongoDB is.
func step(collection string, models []mongodb.Model) Hazard {
	switch collection {
	case ledger.Collection:
		if entry := ledger.EntryOf(models[0]); entry.Lookup("claim").Type != 0 {
			return KilledBeforeClaim
		}
		return KilledBeforeSettle
	case ledger.ConflictCollection:
		return KilledBeforeRecord
	case ledger.UnsyncedCollection, sweep.Collection:
		return HandlerKilled
	}
	return KilledBeforeMongo
}

func (w *World) clock() time.Time { return epoch.Add(time.Duration(w.now) * time.Second) }

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
