package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

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

// connections is how many ranges are copied at a time, and how many connections
// the baseline has.
const connections = 2

// The names of everything measured.
const (
	databaseName   = "bench"
	collectionName = "c"
)

// own hides what would lead the stand-ins to a MongoDB or Ditto of the user's
// own: this program fills databases.
func own(name string) string {
	switch name {
	case "MONGODB_URI", "DITTO_URL", "DITTO_API_KEY", "DITTO_WEBHOOK_SECRET":
		return ""
	}
	return os.Getenv(name)
}

// engines are both databases, without anything between them.
type engines struct {
	pids  map[string]int // by part
	mongo *mongodb.Client
	ditto *ditto.Client
	m     *manifest.Manifest
	stops []func()
}

// startEngines starts both, with their data in data/ of dir, where a stack of
// dir keeps them.
func startEngines(ctx context.Context, root, dir string) (_ *engines, err error) {
	e := &engines{pids: map[string]int{}, m: &manifest.Manifest{Database: databaseName, Collections: []manifest.Collection{{
		Name: collectionName, DittoName: collectionName, Fields: []string{"_id"}, InitialSync: true, Strict: true,
		Direction: manifest.Both, Deletes: manifest.Deletes{Ditto: manifest.DeleteApply},
	}}}}
	defer func() {
		if err != nil {
			e.stop()
		}
	}()
	server, err := localmongo.Start(ctx, localmongo.Options{Dir: filepath.Join(dir, "data", "mongodb"), Log: io.Discard, Getenv: own})
	if err != nil {
		return nil, err
	}
	e.pids[partMongoDB] = server.PID
	e.stops = append(e.stops, func() { _ = server.Stop(context.WithoutCancel(ctx)) })
	engine, err := localditto.Start(ctx, localditto.Options{Local: filepath.Join(root, "local"), Dir: filepath.Join(dir, "data", "ditto")})
	if err != nil {
		return nil, err
	}
	e.pids[partDitto] = engine.PID
	e.stops = append(e.stops, func() { _ = engine.Stop() })
	if e.mongo, err = mongodb.Connect(server.URI, databaseName); err != nil {
		return nil, err
	}
	e.stops = append(e.stops, func() { _ = e.mongo.Close(context.WithoutCancel(ctx)) })
	if e.ditto, err = ditto.NewClient(ditto.ClientConfig{Endpoint: engine.URL, Keys: ditto.StaticKey(engine.APIKey)}); err != nil {
		return nil, err
	}
	for _, create := range []func(context.Context, ledger.Indexer) error{ledger.CreateIndexes, sweep.CreateIndexes} {
		if err := create(ctx, e.mongo); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// stop ends what was started, last first.
func (e *engines) stop() {
	for i := len(e.stops) - 1; i >= 0; i-- {
		e.stops[i]()
	}
	e.stops = nil
}

// usage is the CPU time that the parts have used so far.
func (e *engines) usage() usage {
	u := usage{partSelf: ownTime()}
	for part, pid := range e.pids {
		u[part] = cpuTime(pid)
	}
	return u
}

// key is the id of the document of that number.
func key(i int) string { return fmt.Sprintf("doc-%08d", i) }

// document is one of about size bytes as BSON, 0.5 KB being the smallest.
func document(i, size int) bson.D {
	doc := bson.D{
		{Key: "_id", Value: key(i)},
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

// fillMongo inserts the documents from first on, to below end.
func fillMongo(ctx context.Context, c *mongodb.Client, first, end, size int) error {
	per := max(1, min(5000, 4<<20/size))
	for from := first; from < end; from += per {
		docs := make([]any, 0, per)
		for i := from; i < min(end, from+per); i++ {
			docs = append(docs, document(i, size))
		}
		if _, err := c.Driver().Collection(collectionName).InsertMany(ctx, docs, options.InsertMany().SetOrdered(false)); err != nil {
			return err
		}
	}
	return nil
}

// insertDitto inserts documents into a Ditto collection with one statement, and
// is an error unless all of them are new.
func insertDitto(ctx context.Context, c *ditto.Client, collection string, docs []json.RawMessage) error {
	args, err := json.Marshal(map[string]any{"d": docs})
	if err != nil {
		return err
	}
	resp, err := c.Execute(ctx, ditto.Request{
		API: ditto.V4, Statement: "INSERT INTO " + collection + " DOCUMENTS (:d) ON ID CONFLICT DO NOTHING", Args: args, Write: true,
	})
	if err == nil && len(resp.Mutated) != len(docs) {
		err = fmt.Errorf("%d of %d documents inserted", len(resp.Mutated), len(docs))
	}
	return err
}

// bare reads the collection with the driver and inserts the same documents into
// Ditto, 500 at a time or what fits 900 kB, over two connections.
func (e *engines) bare(ctx context.Context) error {
	cursor, err := e.mongo.Driver().Collection(collectionName).Find(ctx, bson.D{}, options.Find().SetBatchSize(500))
	if err != nil {
		return err
	}
	defer cursor.Close(ctx)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(connections)
	send := func(docs []json.RawMessage) {
		g.Go(func() error { return insertDitto(ctx, e.ditto, "bare", docs) })
	}
	var docs []json.RawMessage
	size := 0
	for cursor.Next(ctx) {
		js, err := bson.MarshalExtJSON(cursor.Current, false, false)
		if err != nil {
			return errors.Join(err, g.Wait())
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

// run is a whole run over n documents, as the state machine goes through it, so
// many ranges at a time. It is an error unless all were compared and the sides
// agree.
func (e *engines) run(ctx context.Context, name string, mode sweep.Mode, workers, n int) error {
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
		return err
	}
	s, err := r.Summary(ctx, run.Run, "")
	if err == nil && (!s.Agree || s.Collections[0].Compared != int64(n)) {
		err = fmt.Errorf("the sides should agree in %d documents: %+v", n, s)
	}
	return err
}
