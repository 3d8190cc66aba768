package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/causeway-sync/causeway/core/sweep"
)

// initialSync copies a collection to Ditto with a bare loop, then with an initial
// run, and verifies it, all on the same engines, anew in every round.
func initialSync(ctx context.Context, b *bench) error {
	for _, s := range []struct {
		name    string
		n, size int
	}{{"1,000 of 0.5 KB", 1000, 500}, {figure(float64(b.documents)) + " of 0.5 KB", b.documents, 500}, {"1,000 of 100 KB", 1000, 100_000}} {
		steps := []string{"bare loop", "initial sync", "verify"}
		rates, costs := make([][]float64, len(steps)), make([]cost, len(steps))
		for range b.rounds {
			took, used, err := initialOnce(ctx, b.root, b.data, s.n, s.size)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			for i := range steps {
				rates[i] = append(rates[i], float64(s.n)/took[i].Seconds())
				costs[i] = costs[i].plus(s.n, took[i], used[i])
			}
		}
		for i, step := range steps {
			b.add(row{what: s.name + ": " + step, unit: "documents/s", values: rates[i]})
			costs[i].what = s.name + ": " + step
		}
		b.costs = append(b.costs, costs...)
		b.add(row{what: s.name + ": initial sync / bare loop", values: ratios(rates[1], rates[0]), aim: atLeast(0.7)})
		b.add(row{what: s.name + ": verify / initial sync", values: ratios(rates[2], rates[1]), aim: atLeast(3)})
	}
	return runMemory(ctx, b)
}

// initialOnce gives the time and the CPU time of each of the three.
func initialOnce(ctx context.Context, root, data string, n, size int) (took []time.Duration, used []usage, err error) {
	dir, err := os.MkdirTemp(data, "causeway-bench-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	e, err := startEngines(ctx, root, dir)
	if err != nil {
		return nil, nil, err
	}
	defer e.stop()
	if err := fillMongo(ctx, e.mongo, 0, n, size); err != nil {
		return nil, nil, err
	}
	for _, step := range []func() error{
		func() error { return e.bare(ctx) },
		func() error { return e.run(ctx, "sync", sweep.Initial, connections, n) },
		func() error { return e.run(ctx, "verify", sweep.Verify, connections, n) },
	} {
		from, before := time.Now(), e.usage()
		if err := step(); err != nil {
			return nil, nil, err
		}
		took, used = append(took, time.Since(from)), append(used, e.usage().since(before))
	}
	return took, used, nil
}

// runMemory gives the memory of a process that copies a range at a time, as a
// function does, in a small collection and in larger ones: it does not grow with
// the collection.
func runMemory(ctx context.Context, b *bench) error {
	sizes := []int{10_000, 100_000}
	if b.large {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		if n > b.documents && !b.large {
			continue
		}
		var peaks []float64
		for range b.rounds {
			peak, err := runMemoryOnce(ctx, b.root, b.data, n)
			if err != nil {
				return err
			}
			peaks = append(peaks, peak)
		}
		b.add(row{what: "memory of a process that copies " + figure(float64(n)) + " documents", unit: "MiB", values: peaks})
	}
	return nil
}

func runMemoryOnce(ctx context.Context, root, data string, n int) (float64, error) {
	dir, err := os.MkdirTemp(data, "causeway-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	e, err := startEngines(ctx, root, dir)
	if err != nil {
		return 0, err
	}
	defer e.stop()
	if err := fillMongo(ctx, e.mongo, 0, n, 500); err != nil {
		return 0, err
	}
	debug.FreeOSMemory()
	// The peak counts from here on, where Linux can: elsewhere it is 0.
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	err = e.run(ctx, "sync", sweep.Initial, 1, n)
	return memory(os.Getpid(), "VmHWM"), err
}
