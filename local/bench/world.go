package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sweep"
	localditto "github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// manifestText is the configuration of what is measured: a strict collection, by
// the connector's defaults.
const manifestText = `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata:
  name: bench
  namespace: ditto
spec:
  bridge:
    mongoConnector:
      connectionSecret:
        kubernetesSecret:
          name: bench-mongo
      database: ` + databaseName + `
      collections:
        ` + collectionName + `:
          fields: [_id]
          initialSync: true
`

// world is a running local stack with both sides filled, and beside it a second
// Ditto server of the same kind, for the baseline, with nobody listening to it.
type world struct {
	size    int // documents at the start
	stack   *stack.Stack
	info    stack.Info
	mongo   *mongodb.Client
	ditto   *ditto.Client
	server  *localditto.Server // the stack's, to ask for its state
	queues  *awssqs.Client
	bare    *ditto.Client
	barePID int
	next    int // the number of the next new document, on either side of the stack
	bareN   int // of the next new document of the baseline
	version int // the last value of n that an update has set
	stops   []func() error
}

// openWorld fills both sides with size documents, by an initial run, and starts
// the stack over them.
func openWorld(ctx context.Context, b *bench, size int, opts stack.Options) (_ *world, err error) {
	w := &world{size: size, next: size, bareN: size, version: 1 << 20}
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	dir, err := os.MkdirTemp(b.data, "causeway-bench-")
	if err != nil {
		return nil, err
	}
	w.stops = append(w.stops, func() error { return os.RemoveAll(dir) })
	if err := w.fill(ctx, b, dir); err != nil {
		return nil, fmt.Errorf("fill with %d documents: %w", size, err)
	}
	opts.Root, opts.Dir, opts.Config = b.root, dir, filepath.Join(dir, "bench.yaml")
	opts.NoInitialSync, opts.Getenv, opts.Out = true, own, io.Discard
	if err := os.WriteFile(opts.Config, []byte(manifestText), 0o644); err != nil {
		return nil, err
	}
	if w.stack, err = stack.Start(ctx, opts); err != nil {
		return nil, err
	}
	w.stops = append(w.stops, func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return w.stack.Stop(ctx)
	})
	w.info = w.stack.Info()
	w.server = &localditto.Server{URL: w.info.Ditto.URL, APIKey: w.info.Ditto.APIKey}
	w.queues = sqs.NewClient(w.info.SQS)
	if w.mongo, err = mongodb.Connect(w.info.MongoDB, databaseName); err != nil {
		return nil, err
	}
	w.stops = append(w.stops, func() error { return w.mongo.Close(context.WithoutCancel(ctx)) })
	if w.ditto, err = ditto.NewClient(ditto.ClientConfig{Endpoint: w.info.Ditto.URL, Keys: ditto.StaticKey(w.info.Ditto.APIKey)}); err != nil {
		return nil, err
	}
	return w, w.startBare(ctx, b, dir)
}

// fill writes the documents into MongoDB, and brings them and the ledger to
// agreement by an initial run. The announcements of that are dropped.
func (w *world) fill(ctx context.Context, b *bench, dir string) error {
	e, err := startEngines(ctx, b.root, dir)
	if err != nil {
		return err
	}
	defer e.stop()
	if err := fillMongo(ctx, e.mongo, 0, w.size, 500); err != nil {
		return err
	}
	if err := e.run(ctx, "fill", sweep.Initial, connections, w.size); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, "data", "ditto", "outbox"))
}

// startBare starts the baseline's server, with as many documents.
func (w *world) startBare(ctx context.Context, b *bench, dir string) error {
	s, err := localditto.Start(ctx, localditto.Options{Local: filepath.Join(b.root, "local"), Dir: filepath.Join(dir, "data", "bare")})
	if err != nil {
		return err
	}
	w.stops, w.barePID = append(w.stops, s.Stop), s.PID
	if w.bare, err = ditto.NewClient(ditto.ClientConfig{Endpoint: s.URL, Keys: ditto.StaticKey(s.APIKey)}); err != nil {
		return err
	}
	return insertAll(ctx, w.bare, 0, w.size)
}

// close stops everything, last first.
func (w *world) close() error {
	var errs []error
	for i := len(w.stops) - 1; i >= 0; i-- {
		errs = append(errs, w.stops[i]())
	}
	w.stops = nil
	return errors.Join(errs...)
}

// usage is the CPU time that the parts have used so far.
func (w *world) usage() usage {
	u := usage{
		partMongoDB: cpuTime(w.info.Processes["mongodb"]),
		partDitto:   cpuTime(w.info.Processes["ditto"]) + cpuTime(w.barePID),
		partQueue:   cpuTime(w.info.Processes["sqs"]),
		partSelf:    ownTime(),
	}
	for pid, program := range children() {
		switch filepath.Base(filepath.Dir(program)) {
		case stack.MongoToDitto:
			u[partM2D] += cpuTime(pid)
		case stack.DittoToMongo:
			u[partD2M] += cpuTime(pid)
		}
	}
	return u
}

// insertAll inserts the documents from first on, to below end, 500 at a time over
// two connections.
func insertAll(ctx context.Context, c *ditto.Client, first, end int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(connections)
	for from := first; from < end; from += 500 {
		docs := make([]json.RawMessage, 0, 500)
		for i := from; i < min(end, from+500); i++ {
			js, err := bson.MarshalExtJSON(document(i, 500), false, false)
			if err != nil {
				return errors.Join(err, g.Wait())
			}
			docs = append(docs, js)
		}
		g.Go(func() error { return insertDitto(ctx, c, collectionName, docs) })
	}
	return g.Wait()
}

// updateMongo sets n of the documents from first on, to below end, one update
// each, 500 in a request.
func (w *world) updateMongo(ctx context.Context, first, end, value int) error {
	for from := first; from < end; from += 500 {
		var models []mongo.WriteModel
		for i := from; i < min(end, from+500); i++ {
			models = append(models, mongo.NewUpdateOneModel().
				SetFilter(bson.D{{Key: "_id", Value: key(i)}}).
				SetUpdate(bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: int32(value)}}}}))
		}
		r, err := w.mongo.Driver().Collection(collectionName).BulkWrite(ctx, models, options.BulkWrite().SetOrdered(false))
		if err != nil {
			return err
		}
		if r.ModifiedCount != int64(len(models)) {
			return fmt.Errorf("%d of %d documents updated in MongoDB", r.ModifiedCount, len(models))
		}
	}
	return nil
}

// updateDitto sets n of the documents from first on, to below end, 250 in a
// statement.
func (w *world) updateDitto(ctx context.Context, first, end, value int) error {
	for from := first; from < end; from += 250 {
		ids := keys(from, min(end, from+250))
		args, err := json.Marshal(map[string]any{"ids": ids, "n": value})
		if err != nil {
			return err
		}
		r, err := w.ditto.Execute(ctx, ditto.Request{
			API: ditto.V4, Statement: "UPDATE " + collectionName + " SET n = :n WHERE _id IN :ids", Args: args, Write: true,
		})
		if err == nil && len(r.Mutated) != len(ids) {
			err = fmt.Errorf("%d of %d documents updated in Ditto", len(r.Mutated), len(ids))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// updateOneByOne sets n of the baseline's first documents, a statement each.
func (w *world) updateOneByOne(ctx context.Context, n, value int) error {
	for i := range n {
		r, err := w.bare.Execute(ctx, ditto.Request{
			API: ditto.V4, Statement: "UPDATE " + collectionName + " SET n = :n WHERE _id = :id",
			Args: json.RawMessage(fmt.Sprintf(`{"n":%d,"id":%q}`, value, key(i))), Write: true,
		})
		if err == nil && len(r.Mutated) != 1 {
			err = errors.New("a document of the baseline was not updated")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func keys(first, end int) []string {
	ids := make([]string, 0, end-first)
	for i := first; i < end; i++ {
		ids = append(ids, key(i))
	}
	return ids
}

// value of n that a document should have: want, or its own number if that is
// negative.
func wanted(i, want int) int {
	if want < 0 {
		return i
	}
	return want
}

// errNotThere means that documents did not arrive in time, or not as they should
// be.
var errNotThere = errors.New("not there")

// lacking is errNotThere of so many.
type lacking int

func (n lacking) Error() string { return fmt.Sprintf("%s: %d", errNotThere, int(n)) }
func (n lacking) Unwrap() error { return errNotThere }

// inDitto is an error unless Ditto has the documents, with that n.
func (w *world) inDitto(ctx context.Context, first, end, want int) error {
	for from := first; from < end; from += 500 {
		to := min(end, from+500)
		args, err := json.Marshal(map[string]any{"ids": keys(from, to)})
		if err != nil {
			return err
		}
		r, err := w.ditto.Execute(ctx, ditto.Request{
			API: ditto.V4, Statement: "SELECT _id, n, text FROM " + collectionName + " WHERE _id IN :ids", Args: args,
		})
		if err != nil {
			return err
		}
		got := map[string]int{}
		for _, item := range r.Items {
			var d struct {
				ID   string `json:"_id"`
				N    int
				Text string
			}
			if err := json.Unmarshal(item, &d); err != nil {
				return err
			}
			if d.Text != "" {
				got[d.ID] = d.N
			}
		}
		if err := compare(got, from, to, want); err != nil {
			return fmt.Errorf("ditto: %w", err)
		}
	}
	return nil
}

// inMongo is an error unless MongoDB has the documents, with that n.
func (w *world) inMongo(ctx context.Context, first, end, want int) error {
	for from := first; from < end; from += 500 {
		to := min(end, from+500)
		numbers := make([]int, 0, to-from)
		for i := from; i < to; i++ {
			numbers = append(numbers, i)
		}
		got, err := w.readMongo(ctx, numbers)
		if err != nil {
			return err
		}
		if err := compare(got, from, to, want); err != nil {
			return fmt.Errorf("mongodb: %w", err)
		}
	}
	return nil
}

// readMongo gives n of the whole documents of these numbers that MongoDB has, by
// key.
func (w *world) readMongo(ctx context.Context, numbers []int) (map[string]int, error) {
	ids := make([]string, 0, len(numbers))
	for _, i := range numbers {
		ids = append(ids, key(i))
	}
	docs, err := w.mongo.Find(ctx, collectionName, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: ids}}}},
		bson.D{{Key: "n", Value: 1}, {Key: "text", Value: 1}})
	if err != nil {
		return nil, err
	}
	got := make(map[string]int, len(docs))
	for _, doc := range docs {
		id, _ := doc.Lookup("_id").StringValueOK()
		n, ok := doc.Lookup("n").AsInt64OK()
		text, _ := doc.Lookup("text").StringValueOK()
		if ok && text != "" {
			got[id] = int(n)
		}
	}
	return got, nil
}

// compare is errNotThere unless got has every document, with the n it should have.
func compare(got map[string]int, first, end, want int) error {
	var missing []string
	for i := first; i < end; i++ {
		if n, ok := got[key(i)]; !ok || n != wanted(i, want) {
			missing = append(missing, key(i))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %d of %d documents, such as %s", errNotThere, len(missing), end-first, strings.Join(missing[:min(3, len(missing))], ", "))
}

// patience is how long n documents may take, at the very most.
func patience(n int) time.Duration { return time.Minute + time.Duration(n)*10*time.Millisecond }

// perMissing is the least time that one more of many documents takes to arrive:
// whoever waits for them does not look sooner, so that looking costs next to
// nothing.
const perMissing = 100 * time.Microsecond

// await looks until the documents are there.
func await(ctx context.Context, n int, every time.Duration, look func() error) error {
	for deadline := time.Now().Add(patience(n)); ; {
		every := every
		err := look()
		if err == nil || !errors.Is(err, errNotThere) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %s: %w", patience(n), err)
		}
		var missing lacking
		if errors.As(err, &missing) {
			every = max(every, time.Duration(missing)*perMissing)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(every):
		}
	}
}

// awaitDitto waits until Ditto has the documents. It looks at them once the server
// has counted as many writes beyond before.
func (w *world) awaitDitto(ctx context.Context, before int64, first, end, want int) error {
	return await(ctx, end-first, 2*time.Millisecond, func() error {
		s, err := w.server.State(ctx)
		if err != nil {
			return err
		}
		if n := before + int64(end-first) - s.Writes; n > 0 {
			return fmt.Errorf("writes in Ditto: %w", lacking(n))
		}
		return w.inDitto(ctx, first, end, want)
	})
}

// awaitMongo waits until MongoDB has the documents. It reads each about once.
func (w *world) awaitMongo(ctx context.Context, first, end, want int) error {
	left := make([]int, 0, end-first)
	for i := first; i < end; i++ {
		left = append(left, i)
	}
	return await(ctx, end-first, 2*time.Millisecond, func() error {
		for len(left) > 0 {
			some := left[:min(500, len(left))]
			got, err := w.readMongo(ctx, some)
			if err != nil {
				return err
			}
			still := slices.DeleteFunc(slices.Clone(some), func(i int) bool { n, ok := got[key(i)]; return ok && n == wanted(i, want) })
			left = append(still, left[len(some):]...)
			if len(still) > 0 {
				return fmt.Errorf("documents in MongoDB: %w", lacking(len(left)))
			}
		}
		return nil
	})
}

// quiet waits until no event is on its way any more, and is an error when one has
// become a dead letter.
func (w *world) quiet(ctx context.Context) error {
	calm := 0
	return await(ctx, 30_000, 20*time.Millisecond, func() error {
		on := 0
		for name, q := range w.info.Queues {
			dead, err := sqs.ReadDepth(ctx, w.queues, q.DeadLettersURL)
			if err != nil {
				return err
			}
			if !dead.Empty() {
				return fmt.Errorf("%d dead letters of %s: see its log", dead.Total(), name)
			}
			d, err := sqs.ReadDepth(ctx, w.queues, q.URL)
			if err != nil {
				return err
			}
			on += d.Total()
		}
		s, err := w.server.State(ctx)
		if err != nil {
			return err
		}
		if on += int(s.Pending); on > 0 {
			calm = 0
			return fmt.Errorf("%w: the end of %d events", errNotThere, on)
		}
		if calm++; calm < 5 {
			return fmt.Errorf("%w: five calm looks", errNotThere)
		}
		return nil
	})
}
