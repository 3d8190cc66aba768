package sim_test

import (
	"flag"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/causeway-sync/causeway/core/sim"
)

var (
	seed        = flag.Uint64("seed", 0, "replay this one history, with its log")
	histories   = flag.Int("histories", 100_000, "how many histories to play")
	maxFailures = flag.Int("failures", 5, "stop after so many")
	anyRate     = flag.Bool("any-rate", false, "do not ask how often each hazard occurred")
)

// rates draws one of four rates of crashes from the seed, and the other
// hazards with it.
func rates(seed uint64) sim.Rates {
	r := sim.Rates{Crash: []float64{0, 0.002, 0.01, 0.05}[seed%4], Duplicate: 0.2}
	if seed/4%2 == 1 {
		r.Behind, r.Blind = 0.1, 0.01
	}
	if seed/8%2 == 1 {
		r.Lose = 0.1
	}
	if seed/16%2 == 1 {
		r.FailedWrite, r.AmbiguousWrite = 0.02, 0.02
	}
	return r
}

// TestHistories plays random histories (invariants 1 to 5 and 7).
func TestHistories(t *testing.T) {
	if *seed != 0 {
		log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
		w := sim.New(*seed, rates(*seed), log)
		if err := w.Run(); err != nil {
			t.Fatal(err)
		}
		return
	}
	var next atomic.Uint64
	var failures atomic.Int64
	var wg sync.WaitGroup
	counts := tally{could: map[sim.Hazard]int{}, did: map[sim.Hazard]int{}}
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				s := next.Add(1)
				if s > uint64(*histories) || failures.Load() >= int64(*maxFailures) {
					return
				}
				w := sim.New(s, rates(s), nil)
				err := w.Run()
				counts.add(w.Hazards)
				if err != nil {
					failures.Add(1)
					t.Errorf("history %d: %v\nreplay: go test ./core/sim -run TestHistories -seed %d", s, err, s)
				}
			}
		})
	}
	wg.Wait()
	counts.report(t)
}

// tally counts in how many histories each hazard could occur, and did.
type tally struct {
	mu         sync.Mutex
	could, did map[sim.Hazard]int
}

func (h *tally) add(of sim.Hazards) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range of.Could {
		if of.Could[i] {
			h.could[sim.Hazard(i)]++
		}
		if of.Did[i] {
			h.did[sim.Hazard(i)]++
		}
	}
}

// report prints the counts, and fails where a hazard was too rare to prove
// anything.
func (h *tally) report(t *testing.T) {
	for _, name := range slices.Sorted(maps.Keys(h.could)) {
		t.Logf("%-34s in %6d of %6d histories", name, h.did[name], h.could[name])
		if !*anyRate && h.could[name] >= 1000 && h.did[name]*100 < h.could[name] {
			t.Errorf("%s occurred in fewer than 1 %% of the histories that could have it", name)
		}
	}
}
