package sim

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/value"
)

// Rates are the probabilities of hazards, each for one opportunity.
type Rates struct {
	Crash          float64 // a handler is killed at an I/O call
	Duplicate      float64 // an event is delivered twice
	Lose           float64 // an event is lost; a sweep follows
	FailedWrite    float64 // a write request fails before it happened
	AmbiguousWrite float64 // a write request happened, and its answer is lost
	Behind         float64 // a Ditto node answers from an earlier transaction
	Blind          float64 // Ditto does not show a document at all
}

// World is one history: both databases, their users, a queue and handlers.
type World struct {
	Seed  uint64
	Rates Rates
	Mongo *mongosim.Sim
	Ditto *dittosim.Store

	log      *slog.Logger // nil for none
	rnd      *rand.Rand
	manifest *manifest.Manifest
	keys     []ledger.Key
	expiring bool         // a month may pass
	fields   []value.Path // that users change
	domain   int          // values that users write are below this

	now, uid int
	actor    *handler // nil while a user writes
	queue    []change.Hint
	live     []*handler
	idle     []*environment // handlers' environments that wait for work
	users    int            // actions left
	lost     bool
	swept    int

	hazards
	caughtUp int64 // every node has the transactions up to this one
	check
}

// New prepares the history that the seed stands for. With a log, every step is
// traced.
func New(seed uint64, rates Rates, log *slog.Logger) *World {
	w := &World{Seed: seed, Rates: rates, log: log, rnd: rand.New(rand.NewPCG(seed, 0))}
	w.domain = []int{2, 4, 1_000_000}[w.rnd.IntN(3)]
	w.users = 1 + w.rnd.IntN(12)
	w.hazards = newHazards()
	c := w.someCollection()
	w.manifest = &manifest.Manifest{Database: "sim", Collections: []manifest.Collection{c}}
	// Most histories are about few fields of one document, so that users meet.
	w.fields = slices.Clone(fieldPaths)
	w.rnd.Shuffle(len(w.fields), func(i, j int) { w.fields[i], w.fields[j] = w.fields[j], w.fields[i] })
	w.fields = w.fields[:1+w.rnd.IntN(len(w.fields))]
	kinds := []docid.ID{`"d0"`, `"d1"`, `"d2"`}
	if w.chance(0.3) {
		kinds = []docid.ID{`5`, `"d1"`, `true`}
		if c.Mode == value.EJSON {
			kinds[0] = `{"$numberInt":"5"}`
		}
	}
	for _, id := range kinds[:[]int{1, 1, 1, 2, 3}[w.rnd.IntN(5)]] {
		w.keys = append(w.keys, ledger.Key{Collection: c.Name, ID: id})
	}
	w.Mongo = mongosim.New(w.clock)
	if err := ledger.CreateIndexes(context.Background(), w.Mongo); err != nil {
		panic(err)
	}
	w.Ditto = dittosim.NewShared(statements)
	for range handlers {
		w.idle = append(w.idle, w.newEnvironment())
	}
	w.Mongo.OnWrite = w.onMongo
	w.Ditto.OnWrite = w.onDitto
	w.check.init(w)
	return w
}

// trace logs a step of a replayed history.
func (w *World) trace(what string, args ...any) {
	if w.log != nil {
		w.log.Info(what, append([]any{"step", w.now}, args...)...)
	}
}

// Run plays the history to its end and returns what went wrong.
func (w *World) Run() error {
	for range maxSteps {
		w.now++
		switch r := w.rnd.Float64(); {
		case w.users > 0 && r < 0.12:
			w.users--
			w.userActs()
		case r < 0.5 && len(w.queue) > 0 && len(w.idle) > 0:
			w.live = append(w.live, w.start(w.takeHints()))
		case len(w.live) > 0:
			w.stepHandler()
		case w.users == 0 && len(w.queue) == 0:
			if w.finished() {
				return w.verdict()
			}
		}
		if w.expiring && w.chance(0.003) {
			w.monthPasses()
		}
		if len(w.errors) > 0 {
			return w.verdict()
		}
	}
	w.fail("no quiescence after %d steps; queue %v", maxSteps, w.queue)
	return w.verdict()
}

const (
	maxSteps = 20_000
	handlers = 4 // at most so many at once
)

// statements are parsed once for all histories.
var statements = &dittosim.Statements{}

// stepHandler lets one handler go on to its next I/O call, or kills it.
func (w *World) stepHandler() {
	i := w.rnd.IntN(len(w.live))
	h := w.live[i]
	if w.chance(w.Rates.Crash) {
		w.hit("handler killed")
		h.stop()
		w.actor = nil
		w.drop(i)
		w.queue = append(w.queue, h.hints...)
		return
	}
	_, running := h.next()
	w.actor = nil
	if running {
		return
	}
	w.drop(i)
	for i, v := range h.verdicts {
		if v.Err != nil {
			hint := h.hints[i]
			hint.Tries++
			w.queue = append(w.queue, hint)
		}
	}
}

// monthPasses lets tombstones expire. By then every node has caught up.
func (w *World) monthPasses() {
	w.hit("tombstones expire")
	w.expiring = false // a conflict record lives for three months
	w.now += 31 * 24 * 3600
	w.caughtUp = w.Ditto.Txn()
	w.Mongo.Expire()
}

func (w *World) drop(i int) {
	w.idle = append(w.idle, w.live[i].env)
	w.live = append(w.live[:i], w.live[i+1:]...)
}

// takeHints takes a small batch out of the queue, in any order.
func (w *World) takeHints() []change.Hint {
	var hints []change.Hint
	for n := 1 + w.rnd.IntN(3); n > 0 && len(w.queue) > 0; n-- {
		i := w.rnd.IntN(len(w.queue))
		hints = append(hints, w.queue[i])
		w.queue = append(w.queue[:i], w.queue[i+1:]...)
	}
	return hints
}

// announce puts a change's event on the queue: once, twice, or not at all.
func (w *World) announce(h change.Hint) {
	h.At = w.clock()
	if w.chance(w.Rates.Lose) {
		w.hit("event lost")
		w.lost = true
		return
	}
	w.queue = append(w.queue, h)
	if w.chance(w.Rates.Duplicate) {
		w.hit("event duplicated")
		w.queue = append(w.queue, h)
	}
}

// finished reports whether the history is over. When all is quiet the sides
// must be equal, unless an event was lost; then a sweep of all keys runs, which
// must find nothing to write unless one was; then another, which must write
// nothing.
func (w *World) finished() bool {
	switch w.swept {
	case 0:
		if !w.lost {
			w.mustBeEqual("before the sweep")
		}
	case 1:
		w.mustBeEqual("after one sweep")
		w.quiet = true
	default:
		return true
	}
	w.swept++
	for _, k := range w.keys {
		w.queue = append(w.queue, change.Hint{Collection: k.Collection, DittoID: k.ID, Op: change.Sweep, Txn: w.Ditto.Txn()})
	}
	return false
}

func (w *World) chance(p float64) bool { return p > 0 && w.rnd.Float64() < p }

func (w *World) name(what string) string { return fmt.Sprintf("%s-%d", what, w.rnd.Uint64()) }

func (w *World) newID() bson.ObjectID {
	var id bson.ObjectID
	binary.BigEndian.PutUint64(id[4:], w.rnd.Uint64())
	return id
}

func unavailable() error { return &ditto.Error{Status: 408, Description: "simulated"} }
