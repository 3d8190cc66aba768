package bench_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sweep"
	localditto "github.com/causeway-sync/causeway/local/ditto"
	localmongo "github.com/causeway-sync/causeway/local/mongodb"
)

// workers is how many ranges are copied at a time, and how many connections the
// bare loop has.
const workers = 2

// engines are both databases, afresh.
type engines struct {
	b     *testing.B
	kind  localmongo.Kind
	mongo *mongodb.Client
	ditto *ditto.Client
	m     *manifest.Manifest
}

func start(b *testing.B) *engines {
	b.Helper()
	ctx := context.Background()
	server, err := localmongo.Start(ctx, localmongo.Options{Log: io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Stop(ctx) })
	engine, err := localditto.Start(ctx, localditto.Options{Local: "..", Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = engine.Stop() })
	e := &engines{b: b, kind: server.Kind, m: &manifest.Manifest{Database: "bench", Collections: []manifest.Collection{{
		Name: "c", DittoName: "c", Fields: []string{"_id"}, InitialSync: true, Strict: true, Direction: manifest.Both,
		Deletes: manifest.Deletes{Ditto: manifest.DeleteApply},
	}}}}
	if e.mongo, err = mongodb.Connect(server.URI, e.m.Database); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = e.mongo.Close(ctx) })
	if e.ditto, err = ditto.NewClient(ditto.ClientConfig{Endpoint: engine.URL, Keys: ditto.StaticKey(engine.APIKey)}); err != nil {
		b.Fatal(err)
	}
	for _, create := range []func(context.Context, ledger.Indexer) error{ledger.CreateIndexes, sweep.CreateIndexes} {
		if err := create(ctx, e.mongo); err != nil {
			b.Fatal(err)
		}
	}
	return e
}

// document is one of about size bytes as BSON, 0.5 KB being the smallest.
func document(i, size int) bson.D {
	doc := bson.D{
		{Key: "_id", Value: fmt.Sprintf("doc-%08d", i)},
		{Key: "title", Value: fmt.Sprintf("Complete documentation %d", i)},
		{Key: "status", Value: "active"},
		{Key: "n", Value: int32(i)},
		{Key: "price", Value: 12.5},
		{Key: "tags", Value: bson.A{"a", "b", "c"}},
		{Key: "owner", Value: bson.D{{Key: "name", Value: "Francis"}, {Key: "mail", Value: "francis@example.com"}, {Key: "score", Value: 1.5}}},
		{Key: "text", Value: strings.Repeat("lorem ipsum ", 20)},
	}
	for n := 500; n < size; n += 500 {
		doc = append(doc, bson.E{Key: fmt.Sprintf("field%d", n), Value: strings.Repeat("lorem ipsum ", 40)})
	}
	return doc
}

// fill inserts n documents into a collection of MongoDB.
func (e *engines) fill(collection string, n, size int) {
	e.b.Helper()
	per := max(1, min(5000, 4<<20/size))
	for from := 0; from < n; from += per {
		docs := make([]any, 0, per)
		for i := from; i < min(n, from+per); i++ {
			docs = append(docs, document(i, size))
		}
		if _, err := e.mongo.Driver().Collection(collection).InsertMany(context.Background(), docs, options.InsertMany().SetOrdered(false)); err != nil {
			e.b.Fatal(err)
		}
	}
}

// bare reads a collection with the driver and inserts the same documents into
// Ditto, 500 at a time or what fits 900 kB, over two connections.
func (e *engines) bare(collection string) error {
	ctx := e.b.Context()
	cursor, err := e.mongo.Driver().Collection(collection).Find(ctx, bson.D{}, options.Find().SetBatchSize(500))
	if err != nil {
		return err
	}
	defer cursor.Close(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(workers)
	send := func(docs []json.RawMessage) {
		g.Go(func() error {
			args, err := json.Marshal(map[string]any{"d": docs})
			if err != nil {
				return err
			}
			resp, err := e.ditto.Execute(ctx, ditto.Request{API: ditto.V4, Statement: "INSERT INTO bare DOCUMENTS (:d) ON ID CONFLICT DO NOTHING", Args: args, Write: true})
			if err == nil && len(resp.Mutated) != len(docs) {
				err = fmt.Errorf("%d of %d inserted", len(resp.Mutated), len(docs))
			}
			return err
		})
	}
	var docs []json.RawMessage
	size := 0
	for cursor.Next(ctx) {
		js, err := bson.MarshalExtJSON(cursor.Current, false, false)
		if err != nil {
			return err
		}
		if len(docs) == 500 || size+len(js) > 900_000 {
			send(docs)
			docs, size = nil, 0
		}
		docs, size = append(docs, js), size+len(js)
	}
	if len(docs) > 0 {
		send(docs)
	}
	return errors.Join(cursor.Err(), g.Wait())
}

// run is a whole run, as the state machine goes through it, so many ranges at a
// time.
func (e *engines) run(name string, mode sweep.Mode, workers int) (sweep.Summary, error) {
	ctx := e.b.Context()
	r := &sweep.Runner{
		Manifest: e.m, DB: e.mongo, Ditto: e.ditto,
		Bridge: bridge.New(bridge.Config{Manifest: e.m, Mongo: e.mongo, Ditto: e.ditto}),
		Keys:   &sweep.Pager{Mongo: e.mongo, Ditto: e.ditto, Manifest: e.m},
	}
	run, err := r.Preflight(ctx, name, sweep.Input{Mode: mode})
	for p := run.Plan; err == nil; {
		if p, err = r.Plan(ctx, run.Run, p.Phase); err != nil || len(p.Ranges) == 0 {
			break
		}
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(workers)
		for _, x := range p.Ranges {
			g.Go(func() error {
				for {
					done, err := r.Copy(ctx, run.Run, x)
					if done || err != nil {
						return err
					}
				}
			})
		}
		err = g.Wait()
	}
	if err == nil {
		err = r.Guard(ctx, run.Run)
	}
	if err == nil {
		_, err = r.Delete(ctx, run.Run)
	}
	if err != nil {
		return sweep.Summary{}, err
	}
	return r.Summary(ctx, run.Run, "")
}

// BenchmarkInitialSync copies a collection to Ditto with a bare loop, then with
// an initial run, and verifies it, all on the same engines.
func BenchmarkInitialSync(b *testing.B) {
	for _, bb := range []struct {
		name    string
		n, size int
	}{{"1000x0.5KB", 1_000, 500}, {"100000x0.5KB", 100_000, 500}, {"1000x100KB", 1_000, 100_000}} {
		b.Run(bb.name, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				e := start(b)
				e.fill("c", bb.n, bb.size)
				rate := func(what string, f func() error) float64 {
					b.StartTimer()
					from := b.Elapsed()
					err := f()
					took := b.Elapsed() - from
					b.StopTimer()
					if err != nil {
						b.Fatal(what, err)
					}
					perSecond := float64(bb.n) / took.Seconds()
					b.ReportMetric(perSecond, what+"-docs/s")
					return perSecond
				}
				agree := func(name string, mode sweep.Mode) func() error {
					return func() error {
						s, err := e.run(name, mode, workers)
						if err == nil && (!s.Agree || s.Collections[0].Compared != int64(bb.n)) {
							err = fmt.Errorf("%+v", s)
						}
						return err
					}
				}
				bare := rate("bare", func() error { return e.bare("c") })
				sync := rate("sync", agree("sync", sweep.Initial))
				verify := rate("verify", agree("verify", sweep.Verify))
				b.ReportMetric(sync/bare, "sync/bare")
				b.ReportMetric(verify/sync, "verify/sync")
				b.Logf("%s: bare %.0f, sync %.0f, verify %.0f documents/s", e.kind, bare, sync, verify)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkRunMemory gives the memory of a process that copies a range at a time,
// as a function does, in a small collection and in large ones: it does not grow
// with the collection.
func BenchmarkRunMemory(b *testing.B) {
	for _, n := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if os.Getenv("CAUSEWAY_BENCH_LARGE") == "" && n > 100_000 {
				b.Skip("set CAUSEWAY_BENCH_LARGE: it takes minutes")
			}
			for b.Loop() {
				b.StopTimer()
				e := start(b)
				e.fill("c", n, 500)
				debug.FreeOSMemory()
				resetPeak(b)
				b.StartTimer()
				s, err := e.run("sync", sweep.Initial, 1)
				if err != nil || !s.Agree {
					b.Fatal(s, err)
				}
				b.ReportMetric(float64(resident())/(1<<20), "MiB")
			}
		})
	}
}

// resetPeak lets resident count from now on, where Linux can.
func resetPeak(b *testing.B) {
	b.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		b.Log("the figure is that of the whole process so far:", err)
	}
}

// resident is the most memory that the process has had resident since
// resetPeak, in bytes; 0 where /proc does not tell.
func resident() uint64 {
	status, err := os.ReadFile(filepath.Join("/proc", "self", "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		var kb uint64
		if n, _ := fmt.Sscanf(line, "VmHWM: %d kB", &kb); n == 1 {
			return kb << 10
		}
	}
	return 0
}
