package bridge

import (
	"context"
	"log/slog"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/telemetry"
)

// Times of the protocol. A batch may write for batchTime from before its claim
// is sent; its claim lives claimTime by the database's clock.
const (
	batchTime = 45 * time.Second
	claimTime = 90 * time.Second
	// graceTime is for the ledger alone, to end claims once the time is over. It
	// has to fit into what a function keeps for its answer.
	graceTime = 2 * time.Second
	rounds    = 4 // under one claim, before the message is given back
	restarts  = 4 // lost races for the claim, before the message is given back
	// txnLife: an older transaction is on every Ditto node, or collected.
	txnLife = 15 * time.Minute
	// oldTries: after so many delays every node has what the first one saw.
	oldTries = 20
)

// Config is what a Bridge needs. Mongo, Ditto and Manifest are required.
type Config struct {
	Manifest *manifest.Manifest
	Mongo    mongodb.Database
	Ditto    ditto.Executor

	Now      func() time.Time                           // monotonic; time.Now by default
	NewOwner func() string                              // a fresh claim owner per batch; random by default
	NewID    func() bson.ObjectID                       // for documents born in Ditto; random by default
	Wait     func(ctx context.Context, d time.Duration) // before a round after an unanswered write
	Jitter   func(n int64) int64                        // a number below n; random by default
	Both     func(f, g func() error) error              // runs two reads; in parallel by default
	Log      *slog.Logger                               // nothing is logged by default
}

// Bridge settles document pairs. It is safe for concurrent use.
type Bridge struct {
	cfg     Config
	records ledger.Records
	mongo   mongodb.Store
	ditto   *ditto.Store
	mappers map[string]docid.Mapper

	tombstones time.Duration // how long a delete is remembered; 0 for the ledger's default
}

// New returns a Bridge.
func New(cfg Config) *Bridge {
	cfg = withDefaults(cfg)
	b := &Bridge{
		cfg:     cfg,
		records: ledger.Records{DB: cfg.Mongo},
		mongo:   mongodb.Store{DB: cfg.Mongo},
		ditto:   &ditto.Store{Exec: cfg.Ditto},
		mappers: map[string]docid.Mapper{},
	}
	if d := cfg.Manifest.Deployment; d != nil {
		b.tombstones = time.Duration(d.TombstoneTTL) * 24 * time.Hour
	}
	for _, c := range cfg.Manifest.Collections {
		b.mappers[c.Name] = docid.New(c.Fields, c.Mode)
	}
	return b
}

// Verdict is what became of one hint.
type Verdict struct {
	// Err is nil when the hint is done with. Otherwise it is to be tried
	// again: later when IsLater(Err), which is no failure, else as a failure.
	// It is a *Failure.
	Err   error
	Delay time.Duration // with IsLater: how long to wait, 1 to 15 s
}

// Report counts what one Handle did, in pairs.
type Report struct {
	Pairs, Equal, ToDitto, ToMongo, Conflicts, Parked, Later, Failed, Rounds int
	// Large counts those whose Ditto document is over ditto.LargeDocument.
	Large int
}

// Handle settles the pairs that hints name; verdicts[i] belongs to hints[i].
// All hints of a pair share its fate.
func (b *Bridge) Handle(ctx context.Context, hints []change.Hint) ([]Verdict, Report) {
	t := b.batch(hints)
	t.do(ctx, func() {
		t.echoes(ctx)
		t.run(ctx)
		t.forget(ctx)
	})
	return t.verdicts, t.report
}

func (b *Bridge) batch(hints []change.Hint) *batch {
	owner := b.cfg.NewOwner()
	return &batch{
		Bridge:   b,
		owner:    owner,
		ledger:   ledger.Store{DB: b.cfg.Mongo, Writer: owner, TombstoneTTL: b.tombstones},
		hints:    hints,
		verdicts: make([]Verdict, len(hints)),
		pairs:    make(map[ledger.Key]*pair, len(hints)),
	}
}

// do finds the pairs of the hints, works on them, and gives each hint its
// verdict.
func (t *batch) do(ctx context.Context, work func()) {
	t.traced = t.trace(ctx)
	if err := t.resolve(ctx); err != nil {
		for i := range t.verdicts {
			t.verdicts[i] = Verdict{Err: Fail(t.hints[i], err)}
		}
		t.report.Failed = len(t.hints)
		return
	}
	t.traced.mark("ledger")
	t.report.Pairs = len(t.pairs)
	work()
	for _, p := range t.pairs {
		t.conclude(ctx, p)
	}
}

// batch is one Handle under way.
type batch struct {
	*Bridge
	owner    string
	ledger   ledger.Store
	hints    []change.Hint
	verdicts []Verdict
	pairs    map[ledger.Key]*pair
	room     []pair    // for the next ones
	claimed  time.Time // when the newest claim was sent
	parkings []parking
	orphans  []ledger.Unsynced
	gone     []string // ids of unsynced records of documents that are no more
	report   Report
	traced   *trace // nil without debug lines

	sweep bool
	mode  Mode
	loose []Finding // documents of MongoDB without a pair
}

// conclude turns a pair's end into its hints' verdicts.
func (t *batch) conclude(ctx context.Context, p *pair) {
	var v Verdict
	if p.err != nil {
		v.Err = p.failure(Explain(p.err), t.tries(p), p.err)
	}
	if p.ditto != nil && ditto.IsLarge(p.ditto.JSON) || ditto.IsLarge(p.plan.ToDitto.Insert) {
		t.report.Large++
		t.cfg.Log.WarnContext(ctx, "document is large for Ditto", telemetry.KeyCollection, p.key.Collection, telemetry.KeyDittoID, string(p.key.ID))
	}
	switch {
	case p.err == nil:
	case IsLater(p.err):
		t.report.Later++
		v.Delay = t.delay(p)
	default:
		t.report.Failed++
	}
	for _, i := range p.hints {
		t.verdicts[i] = v
	}
	if t.cfg.Log.Enabled(ctx, slog.LevelDebug) {
		t.logPair(ctx, p)
	}
}

// delay is how long to wait before a pair is looked at again: longer the more
// often it was sent again already, 1 to 15 s.
func (t *batch) delay(p *pair) time.Duration {
	longest := min(15, int64(1)<<min(t.tries(p)+1, 4))
	return time.Duration(1+t.cfg.Jitter(longest)) * time.Second
}

// tries is how often the pair was sent again already.
func (t *batch) tries(p *pair) int {
	tries := 0
	for _, i := range p.hints {
		tries = max(tries, t.hints[i].Tries)
	}
	return tries
}

// pause gives a side that did not answer time to recover: 0.2 to 1.2 s.
func (t *batch) pause(ctx context.Context) {
	t.cfg.Wait(ctx, time.Duration(200+t.cfg.Jitter(1000))*time.Millisecond)
}
