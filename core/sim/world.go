package sim

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/sweep"
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

	deviceOnly bool // one of the ids is spelled as only a device does
	slow       bool // requests may take long
	baseline   bool // the collection is activated with documents in it, which are not copied
	baselines  int  // pairs whose baseline is still to be taken
	active     bool // events are sent
	activeAt   int  // users' actions before the activation
	activation bridge.Activation

	domain int // values that users write are below this

	now, uid int
	actor    *handler      // nil while a user writes
	queue    []change.Hint // that may be taken now
	waiting  []delayed     // that come back later
	live     []*handler
	idle     []*environment // handlers' environments that wait for work
	users    int            // actions left
	runs     bool           // sweeps are runs of the state machine
	early    bool           // … one of them while users write
	machine  *machine       // the latest run
	jobs     []job          // steps of runs that may be taken now
	lost     bool
	swept    int

	Hazards
	caughtUp int64 // every node has the transactions up to this one
	check
}

// New prepares the history that the seed stands for. With a log, every step is
// traced.
func New(seed uint64, rates Rates, log *slog.Logger) *World {
	w := &World{Seed: seed, Rates: rates, log: log, rnd: rand.New(rand.NewPCG(seed, 0))}
	w.domain = []int{2, 4, 1_000_000}[w.rnd.IntN(3)]
	w.users = 1 + w.rnd.IntN(9)
	if w.slow = w.chance(0.15); w.slow {
		w.possible(TimeOver)
	}
	w.check.init()
	w.possibleAt(rates)
	c := w.someCollection()
	w.manifest = &manifest.Manifest{Database: "sim", Collections: []manifest.Collection{c}}
	w.someKeys(&c)
	if w.expiring = w.chance(0.2); w.expiring {
		w.possible(TombstoneExpired)
	}
	// Most histories are about few fields, so that users meet.
	w.fields = slices.Clone(fieldPaths)
	w.rnd.Shuffle(len(w.fields), func(i, j int) { w.fields[i], w.fields[j] = w.fields[j], w.fields[i] })
	w.fields = w.fields[:1+w.rnd.IntN(len(w.fields))]

	if w.runs = w.chance(0.12); w.runs {
		w.early = w.chance(0.5)
		w.possible(RangeInParts, RangeTwice)
		if rates.Crash > 0 {
			w.possible(RunKilled)
		}
		if w.early {
			w.possible(DeletesRefused)
		}
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
	w.activate()
	return w
}

// activate begins the bridge's work. In some histories there are documents by
// then: each pair's baseline is taken while users go on.
func (w *World) activate() {
	w.baseline = w.chance(0.1)
	w.manifest.Collections[0].InitialSync = !w.baseline
	if w.baseline {
		w.possible(BaselineTaken, WrittenDuringBaseline)
		for range 3 * len(w.keys) {
			w.userActs()
		}
		w.now += 10
	}
	w.active, w.activeAt = true, w.uid
	for _, t := range w.units {
		t.before = [2]string{t.now[0].val, t.now[1].val}
	}
	if !w.baseline {
		return
	}
	w.caughtUp = w.Ditto.Txn() // what is that old is on every node
	if w.runs {
		w.baselines = len(w.keys)
		w.startRun(sweep.Initial, 0)
		w.beginNow()
		return
	}
	w.activation = bridge.Activation{At: w.clock(), Txn: w.Ditto.Txn()}
	for _, k := range w.keys {
		w.queue = append(w.queue, change.Hint{Collection: k.Collection, DittoID: k.ID, Op: takeBaseline})
		w.baselines++
	}
}

// takeBaseline is a message of the simulation's own queue.
const takeBaseline change.Op = "baseline"

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
		w.comeBack()
		switch r := w.rnd.Float64(); {
		case w.users > 0 && r < 0.12:
			w.users--
			w.userActs()
			if w.early && !w.running() && w.chance(0.4) {
				w.early = false
				w.startRun(sweep.Repair, 0)
				if w.machine.blind = w.chance(0.3); w.machine.blind {
					w.lost = true // what it does not see waits for the sweep
				}
			}
		case r < 0.5 && len(w.queue)+len(w.jobs) > 0 && len(w.idle) > 0:
			if w.rnd.IntN(len(w.queue)+len(w.jobs)) < len(w.jobs) {
				j := w.takeJob()
				w.live = append(w.live, w.start(nil, &j))
			} else {
				w.live = append(w.live, w.start(w.takeHints(), nil))
			}
		case len(w.live) > 0:
			w.stepHandler()
		case w.users == 0 && len(w.queue)+len(w.jobs)+len(w.waiting) == 0:
			if w.finished() {
				return w.verdict()
			}
		}
		if w.slow && w.chance(0.1) {
			w.takeTime()
		}
		if w.expiring && len(w.live) == 0 && w.chance(0.01) { // no handler lives for a month
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
	rate := w.Rates.Crash
	if h.before == KilledBeforeMongo || h.before == KilledBeforeRecord {
		rate *= 3 // these steps are rare
	}
	if w.chance(rate) {
		w.hit(HandlerKilled)
		w.hit(h.before)
		w.lookForChosenID(h)
		h.stop()
		w.actor = nil
		w.drop(i)
		w.queue = append(w.queue, h.hints...)
		if h.job != nil {
			w.hit(RunKilled)
			w.jobs = append(w.jobs, *h.job)
		}
		return
	}
	_, running := h.next()
	w.actor = nil
	if running {
		return
	}
	w.drop(i)
	if h.job != nil {
		w.jobEnded(*h.job, h.outcome)
	}
	for i, v := range h.verdicts {
		switch hint := h.hints[i]; {
		case v.Err != nil:
			hint.Tries++
			w.waiting = append(w.waiting, delayed{w.now + int(v.Delay.Seconds()), hint})
		case hint.Op == takeBaseline:
			w.baselines--
		}
	}
}

// lookForChosenID notes whether a handler was killed after it had chosen an
// ObjectId for a document born in Ditto, and before it inserted that.
func (w *World) lookForChosenID(h *handler) {
	for _, k := range w.keys {
		e := w.entries[k]
		if h.before == KilledBeforeMongo && e.Claim != nil && e.MongoID.Type == bson.TypeObjectID && len(w.mongoNow[k]) == 0 && w.dittoNow[k] != nil {
			w.hit(KilledBeforeInsert)
		}
	}
}

// takeTime makes every request under way a slow one, but not so slow that it
// would have been given up (design, section 9: times).
func (w *World) takeTime() {
	const most = 40 // seconds; a batch has 45
	took := 10 + w.rnd.IntN(most-10)
	for _, h := range w.live {
		if w.now-h.pausedAt+took > most {
			return
		}
	}
	w.now += took
}

// monthPasses lets tombstones expire. By then every node has caught up.
func (w *World) monthPasses() {
	w.hit(TombstoneExpired)
	w.expiring = false // a conflict record lives for three months
	w.now += 31 * 24 * 3600
	w.caughtUp = w.Ditto.Txn()
	w.Mongo.Expire()
	for k := range w.entries {
		id := bson.RawValue{Type: bson.TypeString, Value: bsoncore.AppendString(nil, k.String())}
		if w.Mongo.Get(ledger.Collection, id) == nil {
			delete(w.entries, k)
		}
	}
}

func (w *World) drop(i int) {
	w.idle = append(w.idle, w.live[i].env)
	w.live = append(w.live[:i], w.live[i+1:]...)
}

// delayed is a hint that comes back at a time.
type delayed struct {
	at   int
	hint change.Hint
}

// comeBack puts the hints whose delay is over on the queue again.
func (w *World) comeBack() {
	w.waiting = slices.DeleteFunc(w.waiting, func(d delayed) bool {
		if d.at <= w.now {
			w.queue = append(w.queue, d.hint)
		}
		return d.at <= w.now
	})
}

// takeHints takes a small batch out of the queue, in any order.
func (w *World) takeHints() []change.Hint {
	var hints []change.Hint
	for n := 1 + w.rnd.IntN(3); n > 0 && len(w.queue) > 0; n-- {
		i := w.rnd.IntN(len(w.queue))
		if len(hints) > 0 && (w.queue[i].Op == takeBaseline) != (hints[0].Op == takeBaseline) {
			break
		}
		hints = append(hints, w.queue[i])
		w.queue = append(w.queue[:i], w.queue[i+1:]...)
	}
	for _, h := range hints {
		if idKind(h) != idKind(hints[0]) {
			w.hit(MixedIDs)
		}
	}
	return hints
}

// idKind tells the ids of hints apart by what they are in Ditto.
func idKind(h change.Hint) byte {
	if !h.DittoID.IsZero() {
		return kind(h.DittoID)
	}
	switch t := h.MongoIDs[0].Type; t {
	case bson.TypeString, bson.TypeObjectID:
		return '"'
	default:
		return byte(t)
	}
}

// announce puts a change's event on the queue: once, twice, or not at all.
func (w *World) announce(h change.Hint) {
	if !w.active {
		return
	}
	h.At = w.clock()
	// An event of the time in which a baseline is taken tells what no sweep can.
	lose := w.Rates.Lose
	if w.runs {
		lose *= 3
	}
	if w.baselines == 0 && w.chance(lose) {
		w.hit(EventLost)
		w.lost = true
		return
	}
	w.queue = append(w.queue, h)
	if w.chance(w.Rates.Duplicate) {
		w.hit(EventDuplicated)
		w.queue = append(w.queue, h)
	}
}

// finished reports whether the history is over. When all is quiet the sides
// must be equal, unless an event was lost; then a sweep of all keys runs, which
// must find nothing to write unless one was; then another, which must write
// nothing. Where two documents have one id, the second has its turn in the sweep
// after the one that found the first gone.
func (w *World) finished() bool {
	switch {
	case w.quiet:
		w.mustAgree()
		return true
	case w.swept == 0:
		if !w.lost {
			w.mustBeEqual("before the sweep")
		}
	case w.swept == 1 && w.loose:
	default:
		w.mustBeEqual(fmt.Sprintf("after %d sweeps", w.swept))
		w.checkRegisters()
		w.quiet = true
	}
	w.swept++
	switch {
	case w.runs && w.quiet:
		w.startRun(sweep.Verify, 0)
		return false
	case w.runs:
		w.startRun(sweep.Repair, 100)
		return false
	}
	for _, k := range w.keys {
		w.queue = append(w.queue, change.Hint{Collection: k.Collection, DittoID: k.ID, Op: change.Sweep, Txn: w.Ditto.Txn()})
	}
	return false
}

func (w *World) chance(p float64) bool { return p > 0 && w.rnd.Float64() < p }

func (w *World) name(what string) string {
	return string(strconv.AppendUint(append([]byte(what), '-'), w.rnd.Uint64(), 10))
}

func (w *World) newID() bson.ObjectID {
	var id bson.ObjectID
	binary.BigEndian.PutUint64(id[4:], w.rnd.Uint64())
	return id
}

func unavailable() error { return &ditto.Error{Status: 408, Description: "simulated"} }
