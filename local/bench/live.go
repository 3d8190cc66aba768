package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/causeway-sync/causeway/local/stack"
)

// The kinds of change whose rate is measured.
const (
	newToDitto    = "new, MongoDB → Ditto"
	updateToDitto = "one-field update, MongoDB → Ditto"
	newToMongo    = "new, Ditto → MongoDB"
	updateToMongo = "one-field update, Ditto → MongoDB"
	baseline      = "bare array INSERT (the baseline)"
	oneByOne      = "one-by-one UPDATE"
)

// changeKinds are those that pass through Causeway, with the part of the baseline
// that they should reach.
var changeKinds = []struct {
	name string
	part float64
}{{newToDitto, 0.75}, {updateToDitto, 0.45}, {newToMongo, 0.6}, {updateToMongo, 0.6}}

// live gives the rate of changes from the first one made to the last one visible
// on the other side, through trigger or webhook, queue and function, in a small
// collection and in a large one, in turns with the baseline.
func live(ctx context.Context, b *bench) (err error) {
	sizes := []int{1000}
	if b.documents > 1000 {
		sizes = append(sizes, b.documents)
	}
	seen, err := b.rates(ctx, sizes)
	if err != nil {
		return err
	}
	for _, size := range sizes {
		s, in := seen[size], "among "+figure(float64(size))+": "
		b.add(row{what: in + baseline, unit: "documents/s", values: s[baseline]})
		b.add(row{what: in + oneByOne, unit: "documents/s", values: s[oneByOne]})
		for _, k := range changeKinds {
			b.add(row{what: in + k.name, unit: "documents/s", values: s[k.name]})
			b.add(row{what: in + k.name + " / baseline", values: ratios(s[k.name], s[baseline]), aim: atLeast(k.part)})
		}
		b.add(row{what: in + updateToDitto + " / one-by-one", values: ratios(s[updateToDitto], s[oneByOne]), aim: atLeast(20)})
	}
	return nil
}

// growth gives the time of a change in a large collection, as a multiple of that
// in one of 10,000, in turns.
func growth(ctx context.Context, b *bench) error {
	sizes := []int{10_000, max(b.documents, 20_000)}
	if b.large {
		sizes[1] = 1_000_000
	}
	seen, err := b.rates(ctx, sizes)
	if err != nil {
		return err
	}
	for _, k := range changeKinds {
		what := fmt.Sprintf("%s: time at %s / at %s documents", k.name, figure(float64(sizes[1])), figure(float64(sizes[0])))
		b.add(row{what: what, values: ratios(seen[sizes[0]][k.name], seen[sizes[1]][k.name]), aim: atMost(1.1)})
	}
	return nil
}

// ratios divides the figures of each round.
func ratios(a, b []float64) []float64 {
	out := make([]float64, len(a))
	for i := range a {
		out[i] = a[i] / b[i]
	}
	return out
}

// rates measures every kind of change in turns, in collections of these sizes:
// by size and kind, documents per second of each round.
func (b *bench) rates(ctx context.Context, sizes []int) (_ map[int]map[string][]float64, err error) {
	seen := map[int]map[string][]float64{}
	var worlds []*world
	defer func() {
		for _, w := range worlds {
			err = errors.Join(err, w.close())
		}
	}()
	for _, size := range sizes {
		w, err := openWorld(ctx, b, size, stack.Options{BatchSize: b.batch})
		if err != nil {
			return nil, err
		}
		worlds = append(worlds, w)
		seen[size] = map[string][]float64{}
	}
	costs := map[string]cost{}
	for round := range b.rounds + 1 {
		n := b.changes
		if round == 0 {
			n = min(n, 100) // connections, caches, the functions' first environments
		}
		for _, w := range worlds {
			if err := w.round(ctx, n, func(kind string, d time.Duration, n int, by usage) {
				if round == 0 {
					return
				}
				seen[w.size][kind] = append(seen[w.size][kind], float64(n)/d.Seconds())
				what := fmt.Sprintf("among %s: %s", figure(float64(w.size)), kind)
				c := costs[what].plus(n, d, by)
				c.what = what
				costs[what] = c
			}); err != nil {
				return nil, fmt.Errorf("round %d among %d documents: %w", round, w.size, err)
			}
		}
	}
	for _, size := range sizes {
		for _, kind := range []string{baseline, newToDitto, updateToDitto, newToMongo, updateToMongo} {
			b.costs = append(b.costs, costs[fmt.Sprintf("among %s: %s", figure(float64(size)), kind)])
		}
	}
	return seen, nil
}

// round measures every kind once, n documents each, and waits after each until
// nothing is on its way.
func (w *world) round(ctx context.Context, n int, keep func(kind string, d time.Duration, n int, by usage)) error {
	timed := func(kind string, n int, f, check func() error) error {
		before, from := w.usage(), time.Now()
		if err := f(); err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
		took := time.Since(from)
		keep(kind, took, n, w.usage().since(before))
		if err := w.quiet(ctx); err != nil {
			return err
		}
		if err := check(); err != nil {
			return fmt.Errorf("%s, once nothing is on its way: %w", kind, err)
		}
		return nil
	}
	nothing := func() error { return nil } // the statements have told
	w.bareN += n
	if err := timed(baseline, n, func() error { return insertAll(ctx, w.bare, w.bareN-n, w.bareN) }, nothing); err != nil {
		return err
	}
	w.version++
	one := min(n, w.size, 500)
	if err := timed(oneByOne, one, func() error { return w.updateOneByOne(ctx, one, w.version) }, nothing); err != nil {
		return err
	}
	for _, k := range changeKinds {
		if k.name == newToDitto || k.name == newToMongo {
			w.next += n
		}
		w.version++
		if err := timed(k.name, n, func() error { return w.change(ctx, k.name, w.next-n, w.next) }, func() error { return w.arrived(ctx, k.name, w.next-n, w.next) }); err != nil {
			return err
		}
	}
	return nil
}

// change makes a kind of change to the documents from first on, to below end, and
// returns when all are visible on the other side.
func (w *world) change(ctx context.Context, kind string, first, end int) error {
	s, err := w.server.State(ctx)
	if err != nil {
		return err
	}
	switch kind {
	case newToDitto:
		if err := fillMongo(ctx, w.mongo, first, end, 500); err != nil {
			return err
		}
		return w.awaitDitto(ctx, s.Writes, first, end, -1)
	case updateToDitto:
		if err := w.updateMongo(ctx, first, end, w.version); err != nil {
			return err
		}
		return w.awaitDitto(ctx, s.Writes, first, end, w.version)
	case newToMongo:
		if err := insertAll(ctx, w.ditto, first, end); err != nil {
			return err
		}
		return w.awaitMongo(ctx, first, end, -1)
	case updateToMongo:
		if err := w.updateDitto(ctx, first, end, w.version); err != nil {
			return err
		}
		return w.awaitMongo(ctx, first, end, w.version)
	}
	return fmt.Errorf("no such kind of change: %s", kind)
}

// arrived is an error unless a kind of change to the documents from first on, to
// below end, shows on the other side.
func (w *world) arrived(ctx context.Context, kind string, first, end int) error {
	switch kind {
	case newToDitto:
		return w.inDitto(ctx, first, end, -1)
	case updateToDitto:
		return w.inDitto(ctx, first, end, w.version)
	case newToMongo:
		return w.inMongo(ctx, first, end, -1)
	}
	return w.inMongo(ctx, first, end, w.version)
}
