package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/value"
)

// Pairs of one Handle, and batches of one round on each core.
const (
	memoryBatch   = 100
	memoryBatches = 20
)

// stage is both databases in memory, with a bridge between them.
type stage struct {
	mongo  *mongosim.Sim
	ditto  *dittosim.Store
	bridge *bridge.Bridge
	hints  []change.Hint
}

func newStage(ctx context.Context) (*stage, error) {
	m := &manifest.Manifest{Database: databaseName, Collections: []manifest.Collection{{
		Name: collectionName, DittoName: collectionName, Fields: []string{"_id"}, Strict: true,
		Direction: manifest.Both, Deletes: manifest.Deletes{Ditto: manifest.DeleteApply},
	}}}
	s := &stage{mongo: mongosim.New(time.Now), ditto: dittosim.New()}
	s.bridge = bridge.New(bridge.Config{Manifest: m, Mongo: s.mongo, Ditto: s.ditto})
	return s, ledger.CreateIndexes(ctx, s.mongo)
}

// write puts the documents of a batch into MongoDB, with that n.
func (s *stage) write(batch, n int) error {
	s.hints = nil
	for i := range memoryBatch {
		doc := document(batch*memoryBatch+i, 500)
		for j := range doc {
			if doc[j].Key == "n" {
				doc[j].Value = int32(n)
			}
		}
		raw, err := bson.Marshal(doc)
		if err != nil {
			return err
		}
		if err := s.mongo.Set(collectionName, raw); err != nil {
			return err
		}
		s.hints = append(s.hints, change.Hint{
			Collection: collectionName, Side: value.MongoDB, Op: change.Upsert, At: time.Now(),
			MongoIDs: []bson.RawValue{bson.Raw(raw).Lookup("_id")},
		})
	}
	return nil
}

// handle settles what write has announced, and is an error unless every document
// was written to Ditto.
func (s *stage) handle(ctx context.Context) error {
	verdicts, report := s.bridge.Handle(ctx, s.hints)
	for _, v := range verdicts {
		if v.Err != nil {
			return v.Err
		}
	}
	if report.ToDitto != len(s.hints) {
		return fmt.Errorf("%d of %d documents written to Ditto", report.ToDitto, len(s.hints))
	}
	return nil
}

// check is an error unless Ditto has the batch, with that n.
func (s *stage) check(ctx context.Context, batch, n int) error {
	ids, err := json.Marshal(map[string]any{"ids": keys(batch*memoryBatch, (batch+1)*memoryBatch), "n": n})
	if err != nil {
		return err
	}
	r, err := s.ditto.Execute(ctx, ditto.Request{
		API: ditto.V4, Statement: "SELECT * FROM " + collectionName + " WHERE _id IN :ids AND n = :n", Args: ids,
	})
	if err == nil && len(r.Items) != memoryBatch {
		err = fmt.Errorf("ditto: %w: %d of %d documents", errNotThere, memoryBatch-len(r.Items), memoryBatch)
	}
	return err
}

// inMemory gives the pairs per second of bridges over stores in memory, one of
// each per core, and what the reading, deciding and writing of a pair allocates,
// the stores' own share included. On a
// machine that is busy otherwise the CPU time tells more than the rate.
func inMemory(ctx context.Context, b *bench) error {
	cores := min(2, runtime.GOMAXPROCS(0))
	var rates, cpu, allocs [2][]float64
	for range b.rounds {
		stages := make([][]*stage, cores)
		for c := range stages {
			for range memoryBatches {
				s, err := newStage(ctx)
				if err != nil {
					return err
				}
				stages[c] = append(stages[c], s)
			}
		}
		for kind := range rates {
			if err := each(stages, func(batch int, s *stage) error { return s.write(batch, kind+7) }); err != nil {
				return err
			}
			runtime.GC()
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			from, used := time.Now(), ownTime()
			if err := each(stages, func(_ int, s *stage) error { return s.handle(ctx) }); err != nil {
				return err
			}
			took, used := time.Since(from), ownTime()-used
			runtime.ReadMemStats(&after)
			pairs := float64(cores * memoryBatches * memoryBatch)
			rates[kind] = append(rates[kind], pairs/took.Seconds())
			cpu[kind] = append(cpu[kind], float64(used)/float64(time.Microsecond)/pairs)
			allocs[kind] = append(allocs[kind], float64(after.Mallocs-before.Mallocs)/pairs)
			if err := each(stages, func(batch int, s *stage) error { return s.check(ctx, batch, kind+7) }); err != nil {
				return err
			}
		}
	}
	name := fmt.Sprintf("bridge over stores in memory, 0.5 KB, %d cores", cores)
	for kind, what := range []string{"new", "updated"} {
		b.add(row{what: name + ": " + what, unit: "pairs/s", values: rates[kind], aim: atLeast(50_000)})
		b.add(row{what: name + ": " + what, unit: "µs of CPU/pair", values: cpu[kind]})
		b.add(row{what: name + ": " + what, unit: "allocations/pair", values: allocs[kind]})
	}
	return nil
}

// each calls f with every stage, a core's one after the other.
func each(stages [][]*stage, f func(batch int, s *stage) error) error {
	var g errgroup.Group
	for _, of := range stages {
		g.Go(func() error {
			for batch, s := range of {
				if err := f(batch, s); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
