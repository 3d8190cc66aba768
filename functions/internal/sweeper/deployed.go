package sweeper

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry"
)

// Deployer prepares the collections of a deployment: sweep.Runner.
type Deployer interface {
	// Activate notes that Causeway looks at the collections from now on.
	Activate(ctx context.Context) error
	// Initials are the runs that collections still wait for.
	Initials(ctx context.Context) ([]sweep.Input, error)
}

// Deployed does what a deployment begins with, and says what that was. It never
// fails: a side that cannot be reached yet, such as an Atlas project that does
// not allow the address which this very deployment has made, is told of by log,
// metric and answer, and mended by a sync.
func (s *Sweeper) Deployed(ctx context.Context) string {
	started := s.Now()
	names, err := s.deployed(ctx)
	failed := 0.0
	var said string
	switch {
	case err != nil:
		failed = 1
		said = "not begun: " + err.Error() + "; when that is mended: causeway sync"
		s.Log.LogAttrs(ctx, slog.LevelError, "deployed", append(bridge.Explain(err).Attrs(), slog.String(telemetry.KeyError, err.Error()))...)
	case len(names) == 0:
		said = "nothing to begin: every collection was copied, or its baseline taken, before"
	default:
		said = "begun: " + strings.Join(names, ", ")
	}
	const most = 1000 // of CloudFormation's 4 KiB
	said = said[:min(len(said), most)]
	if err == nil {
		s.Log.LogAttrs(ctx, slog.LevelInfo, "deployed", slog.Any("runs", names), slog.Int64(telemetry.KeyDuration, s.Now().Sub(started).Milliseconds()))
	}
	if err := s.Metrics.Emit(telemetry.Metric{Name: telemetry.RunsFailed, Unit: telemetry.Count, Value: failed}); err != nil {
		s.Log.WarnContext(ctx, "metrics", telemetry.KeyError, err.Error())
	}
	return said
}

// patience is how long a deployment waits for both sides, and again how long
// after it looks again: what it has made, such as a role, may not be known
// everywhere at once.
const (
	patience = 2 * time.Minute
	again    = 10 * time.Second
)

func (s *Sweeper) deployed(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		names, err := s.begin(ctx)
		if err == nil {
			return names, nil
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(again):
		}
	}
}

// begin activates the collections and starts the runs that they wait for.
func (s *Sweeper) begin(ctx context.Context) (names []string, err error) {
	d, err := s.Deploy(ctx)
	if err != nil {
		return nil, err
	}
	if err := d.Activate(ctx); err != nil {
		return nil, err
	}
	runs, err := d.Initials(ctx)
	if err != nil {
		return nil, err
	}
	for i, in := range runs {
		if s.Machine == nil {
			return nil, errors.New("CAUSEWAY_STATE_MACHINE_ARN is not set: there is nothing to start runs with")
		}
		name := sweep.RunName(sweep.Initial, "", s.Now().Add(time.Duration(i)*time.Millisecond))
		if in.Resume != "" {
			name = sweep.RunName("resume", "", s.Now())
		}
		if _, err := s.Machine.Start(ctx, name, in); err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	return names, nil
}
