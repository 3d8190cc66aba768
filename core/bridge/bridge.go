package bridge

import (
	"context"
	"log/slog"
	"time"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// Config is what a Bridge needs. All fields but Log and Metrics are required.
type Config struct {
	Manifest *manifest.Manifest
	Mongo    mongodb.Database
	Ditto    ditto.Executor
	Now      func() time.Time // monotonic clock, for deadlines
	NewOwner func() string    // a fresh claim owner
	Log      *slog.Logger
}

// Bridge settles document pairs.
type Bridge struct{ cfg Config }

// New returns a Bridge.
func New(cfg Config) *Bridge { return &Bridge{cfg: cfg} }

// Verdict is what became of one hint.
type Verdict struct {
	// Err is nil when the hint is done with. Otherwise it is to be tried
	// again: later when IsLater(Err), which is no failure, else as a failure.
	Err   error
	Delay time.Duration // with IsLater: how long to wait, 1 to 15 s
}

// Report counts what one Handle did.
type Report struct {
	Pairs, Equal, ToDitto, ToMongo, Conflicts, Parked, Later, Failed, Rounds int
}

// Handle settles the pairs that hints name; verdicts[i] belongs to hints[i].
// All hints of a pair share its fate.
func (b *Bridge) Handle(ctx context.Context, hints []change.Hint) (verdicts []Verdict, report Report) {
	return nil, Report{}
}
