package dittosim_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
)

const (
	// wantStatements is how many of Causeway's statements a run compares at least.
	wantStatements = 5000
	// lanesPerGroup histories share a collection, each with documents of its own.
	lanesPerGroup     = 8
	statementsPerLane = 110
	defaultHistories  = 45
)

var histories = flag.Int("dittosim.histories", defaultHistories, "how many histories TestGenerated plays, from -dittosim.seed on")

// TestGenerated runs the very statements that core/ditto and core/dql form here
// and on the real engine. Devices bring documents into every state first: maps,
// registers where maps were, counters, values that hide, changes of type. After
// each statement the answers, the mutated ids, and what all documents show,
// undeclared, declared MAP and declared COUNTER, must be the same.
//
// A failure prints the history without what it does not need, and its seed.
//
// What it does not prove: the order of rows and of mutated ids, the wording of
// errors, what several peers' merges make of a document.
func TestGenerated(t *testing.T) {
	t.Parallel()
	engine := start(t)
	total := &tally{}
	var failed atomic.Bool
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(3)
	for first := *seed; first < *seed+uint64(*histories); {
		n := min(lanesPerGroup-first%lanesPerGroup, *seed+uint64(*histories)-first)
		seeds := make([]uint64, n)
		for i := range seeds {
			seeds[i] = first + uint64(i)
		}
		first += n
		group.Go(func() error {
			if failed.Load() {
				return nil
			}
			lanes, strays := playLanes(ctx, engine, seeds)
			for _, l := range lanes {
				total.add(&l.tally)
				if l.diff != "" && failed.CompareAndSwap(false, true) {
					return explain(ctx, engine, l)
				}
			}
			if strays != "" && failed.CompareAndSwap(false, true) {
				return fmt.Errorf("seeds %d to %d: %s", seeds[0], seeds[n-1], strays)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", total)
	if *histories < defaultHistories {
		return // a replay
	}
	for _, lack := range total.lacking() {
		t.Error(lack)
	}
}

// explain runs the statements of a history that failed again, and leaves out
// those that the difference does not need.
func explain(ctx context.Context, engine ditto.Executor, l *lane) error {
	again := func(requests []ditto.Request) *lane {
		s := newLockstep(engine, dittosim.New(), fmt.Sprintf("g%d", collections.Add(1)), l.collection.Strict)
		s.all = true
		alone := newLane(s, l.seed, l.collection.Strict)
		s.lanes, s.active = []*lane{alone}, 1
		in := strings.NewReplacer(l.step.collection, s.collection)
		for _, r := range requests {
			if alone.diff += s.strays; alone.diff != "" {
				break
			}
			r.Txn, r.Statement, r.Args = 0, in.Replace(r.Statement), []byte(in.Replace(string(r.Args)))
			_, _ = alone.Execute(ctx, r)
		}
		alone.diff += s.strays
		return alone
	}
	p, note := l.pair, ""
	if again(p.requests).diff == "" {
		note = "\nby itself, the history shows no difference\n"
	} else {
		p = again(minimise(p.requests, func(r []ditto.Request) bool { return again(r).diff != "" })).pair
	}
	return fmt.Errorf("the stores differ: go test ./core/sim/dittosim -run TestGenerated -dittosim.seed=%d -dittosim.histories=1\n%s%s%s",
		l.seed, p.log.String(), p.diff, note)
}

// playLanes plays histories side by side in one collection.
func playLanes(ctx context.Context, engine ditto.Executor, seeds []uint64) (lanes []*lane, strays string) {
	strict := seeds[0]/lanesPerGroup%4 == 3 // v4 and v5 do not go well side by side
	s := newLockstep(engine, dittosim.New(), fmt.Sprintf("g%d", collections.Add(1)), strict)
	for _, seed := range seeds {
		s.lanes = append(s.lanes, newLane(s, seed, strict))
	}
	s.active = len(s.lanes)
	var group errgroup.Group
	for _, l := range s.lanes {
		group.Go(func() error {
			defer s.leave(ctx)
			l.play(ctx)
			return nil
		})
	}
	_ = group.Wait()
	return s.lanes, s.strays
}
