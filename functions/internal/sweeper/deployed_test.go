package sweeper_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/sweeper"
)

// fakeDeployer records what it is asked for.
type fakeDeployer struct {
	calls    []string
	runs     []sweep.Input
	err      error
	failures int // after which there is no err any more; 0 for never
}

func (f *fakeDeployer) Activate(context.Context) error {
	f.calls = append(f.calls, "activate")
	if f.failures > 0 && len(f.calls) > f.failures {
		return nil
	}
	return f.err
}

func (f *fakeDeployer) Initials(context.Context) ([]sweep.Input, error) {
	f.calls = append(f.calls, "initials")
	return f.runs, nil
}

// A deployment activates the collections first, then starts what they wait for;
// when it cannot, it says so in its answer, the log and a metric.
func TestDeployed(t *testing.T) {
	for _, tc := range []struct {
		name    string
		d       fakeDeployer
		open    error
		machine *fakeMachine
		want    string
		calls   []string
		started []string
		failed  string
	}{
		{
			name: "OKNew", d: fakeDeployer{runs: []sweep.Input{{Mode: sweep.Initial}}}, machine: &fakeMachine{},
			want: "begun: initial-all-20261127T070000.000", calls: []string{"activate", "initials"},
			started: []string{"initial-all-20261127T070000.000"}, failed: `"RunsFailed":0`,
		},
		{
			name: "OKCarriedOnAndNew", machine: &fakeMachine{},
			d:       fakeDeployer{runs: []sweep.Input{{Resume: "one"}, {Mode: sweep.Initial, Collections: []string{"more"}}}},
			want:    "begun: resume-all-20261127T070000.000, initial-all-20261127T070000.001",
			calls:   []string{"activate", "initials"},
			started: []string{"resume-all-20261127T070000.000", "initial-all-20261127T070000.001"}, failed: `"RunsFailed":0`,
		},
		{
			name: "OKNothing", machine: &fakeMachine{}, want: "nothing to begin: every collection was copied, or its baseline taken, before",
			calls: []string{"activate", "initials"}, failed: `"RunsFailed":0`,
		},
		{
			name: "OKLater", d: fakeDeployer{runs: []sweep.Input{{Mode: sweep.Initial}}, failures: 3, err: errors.New("secret: access denied")}, machine: &fakeMachine{},
			want:    "begun: initial-all-20261127T070000.000",
			calls:   []string{"activate", "activate", "activate", "activate", "initials"},
			started: []string{"initial-all-20261127T070000.000"}, failed: `"RunsFailed":0`,
		},
		{
			name: "ErrSide", d: fakeDeployer{err: errors.New("mongodb: no server answers")}, machine: &fakeMachine{},
			want: "not begun: mongodb: no server answers; when that is mended: causeway sync", calls: []string{"activate"}, failed: `"RunsFailed":1`,
		},
		{
			name: "ErrOpen", open: errors.New("prepare ledger: no server answers"), machine: &fakeMachine{},
			want: "not begun: prepare ledger: no server answers; when that is mended: causeway sync", failed: `"RunsFailed":1`,
		},
		{
			name: "ErrMachine", d: fakeDeployer{runs: []sweep.Input{{Mode: sweep.Initial}}}, machine: &fakeMachine{err: errors.New("start run: throttled")},
			want: "not begun: start run: throttled; when that is mended: causeway sync", calls: []string{"activate", "initials"},
			started: []string{"initial-all-20261127T070000.000"}, failed: `"RunsFailed":1`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log, metrics bytes.Buffer
				now := func() time.Time { return time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC) }
				begun := time.Now()
				s := &sweeper.Sweeper{
					Deploy: func(context.Context) (sweeper.Deployer, error) {
						if tc.open != nil {
							return nil, tc.open
						}
						return &tc.d, nil
					},
					Machine: tc.machine, Metrics: telemetry.NewMetrics(&metrics, now), Log: slog.New(slog.NewJSONHandler(&log, nil)), Now: now,
				}
				if got := s.Deployed(t.Context()); got != tc.want {
					t.Errorf("Deployed = %q, want %q", got, tc.want)
				}
				if tc.failed == `"RunsFailed":1` { // for two minutes, every ten seconds
					if tries := int(time.Since(begun) / (10 * time.Second)); tries != 12 {
						t.Errorf("%d tries", tries)
					}
					tc.d.calls, tc.machine.started = tc.d.calls[:len(tc.calls)], slices.Compact(tc.machine.started)
				}
				if diff := cmp.Diff(tc.calls, tc.d.calls); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(tc.started, tc.machine.started); diff != "" {
					t.Errorf("started (-want +got):\n%s", diff)
				}
				if !strings.Contains(metrics.String(), tc.failed) {
					t.Errorf("metrics %s, want %s", metrics.String(), tc.failed)
				}
				if strings.Contains(log.String(), `"level":"ERROR"`) != strings.HasPrefix(tc.want, "not begun") {
					t.Errorf("log %s", log.String())
				}
			})
		})
	}
}
