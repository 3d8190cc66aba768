package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/local/stack"
)

// singles is how many documents the collection holds while one is changed.
const singles = 1000

// hot changes one document 1,000 times in ten seconds, on each side in turn, and
// counts the writes on the other side per batching window, which is one second.
func hot(ctx context.Context, b *bench) (err error) {
	const (
		changes = 1000
		lasting = 10 * time.Second
		window  = time.Second
	)
	w, err := openWorld(ctx, b, singles, stack.Options{Window: window, BatchSize: b.batch})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	announced, err := w.announced(ctx)
	if err != nil {
		return err
	}
	var toDitto, toMongo []float64
	for range b.rounds {
		for _, way := range []struct {
			writes *[]float64
			change func(int) error
			await  func(int) error
			count  func() (int64, error)
		}{
			{
				&toDitto,
				func(n int) error { return w.updateMongo(ctx, 0, 1, n) },
				func(n int) error { return w.awaitDitto(ctx, 0, 0, 1, n) },
				func() (int64, error) { s, err := w.server.State(ctx); return s.Writes, err },
			},
			{
				&toMongo,
				func(n int) error { return w.updateDitto(ctx, 0, 1, n) },
				func(n int) error { return w.awaitMongo(ctx, 0, 1, n) },
				announced,
			},
		} {
			before, err := way.count()
			if err != nil {
				return err
			}
			from := time.Now()
			for i := range changes {
				w.version++
				if err := way.change(w.version); err != nil {
					return err
				}
				time.Sleep(time.Until(from.Add(lasting * time.Duration(i+1) / changes)))
			}
			took := time.Since(from)
			if err := way.await(w.version); err != nil {
				return err
			}
			if err := w.quiet(ctx); err != nil {
				return err
			}
			after, err := way.count()
			if err != nil {
				return err
			}
			// The last window begins with the last change.
			*way.writes = append(*way.writes, float64(after-before)/(took.Seconds()/window.Seconds()+1))
		}
	}
	b.add(row{what: "hot document, MongoDB → Ditto", unit: "writes/window", values: toDitto, aim: atMost(1)})
	b.add(row{what: "hot document, Ditto → MongoDB", unit: "writes/window", values: toMongo, aim: atMost(1)})
	return nil
}

// markCollection is one that the trigger does not watch.
const markCollection = "marks"

// announced counts the changes of the first document that MongoDB announces. What
// it returns inserts a mark, and gives the count up to that.
func (w *world) announced(ctx context.Context) (func() (int64, error), error) {
	match := bson.D{{Key: "$match", Value: bson.D{{Key: "$or", Value: bson.A{
		bson.D{{Key: "documentKey._id", Value: key(0)}},
		bson.D{{Key: "ns.coll", Value: markCollection}},
	}}}}}
	stream, err := w.mongo.Driver().Watch(ctx, bson.A{match}, options.ChangeStream().SetMaxAwaitTime(100*time.Millisecond))
	if err != nil {
		return nil, err
	}
	w.stops = append(w.stops, func() error { return stream.Close(context.WithoutCancel(ctx)) })
	var seen, marks int64
	return func() (int64, error) {
		marks++
		if _, err := w.mongo.Driver().Collection(markCollection).InsertOne(ctx, bson.D{{Key: "_id", Value: marks}}); err != nil {
			return 0, err
		}
		for stream.Next(ctx) {
			id, ok := stream.Current.Lookup("documentKey", "_id").AsInt64OK()
			if ok && id == marks {
				return seen, nil
			}
			if !ok {
				seen++
			}
		}
		return 0, stream.Err()
	}, nil
}

// latency gives the time from a change that was acknowledged on one side to the
// read that shows it on the other, on an idle stack without a batching window.
func latency(ctx context.Context, b *bench) (err error) {
	const changes = 100 // of one round
	w, err := openWorld(ctx, b, singles, stack.Options{Window: time.Nanosecond})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	idle := make([]float64, 0, b.rounds)
	for range b.rounds {
		before, from := w.usage(), time.Now()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(2 * time.Second):
		}
		var sum time.Duration
		for part, used := range w.usage().since(before) {
			if part != partSelf {
				sum += used
			}
		}
		idle = append(idle, 100*float64(sum)/float64(time.Since(from)))
	}
	b.add(row{what: "CPU of an idle stack, without this program", unit: "% of a core", values: idle})
	var to [2][2][]float64 // by direction: p50 and p99 of each round
	for round := range b.rounds + 1 {
		for way := range to {
			var times []float64
			for i := range changes {
				w.version++
				took, err := w.delay(ctx, way == 0, i, w.version)
				if err != nil {
					return err
				}
				times = append(times, float64(took)/float64(time.Millisecond))
				if err := w.quiet(ctx); err != nil {
					return err
				}
			}
			if round > 0 {
				to[way][0], to[way][1] = append(to[way][0], quantile(times, 0.5)), append(to[way][1], quantile(times, 0.99))
			}
		}
	}
	for way, name := range []string{"MongoDB → Ditto", "Ditto → MongoDB"} {
		b.add(row{what: "latency of one change, " + name + ", p50", unit: "ms", values: to[way][0], aim: atMost(50)})
		b.add(row{what: "latency of one change, " + name + ", p99", unit: "ms", values: to[way][1], aim: atMost(250)})
	}
	return nil
}

// delay changes one document and gives the time until the other side shows it.
func (w *world) delay(ctx context.Context, toDitto bool, i, value int) (time.Duration, error) {
	change, shown := w.updateDitto, w.inMongo
	if toDitto {
		change, shown = w.updateMongo, w.inDitto
	}
	if err := change(ctx, i, i+1, value); err != nil {
		return 0, err
	}
	from := time.Now()
	err := await(ctx, 1, time.Millisecond, func() error { return shown(ctx, i, i+1, value) })
	return time.Since(from), err
}

// steady changes documents of 20 KB at 10 MB/s, and gives the memory of the
// function that carries the changes to Ditto.
func steady(ctx context.Context, b *bench) (err error) {
	const (
		size      = 20_000
		perSecond = 10_000_000 / size
		seconds   = 20
	)
	w, err := openWorld(ctx, b, singles, stack.Options{BatchSize: b.batch})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	early, late, rate := make([]float64, 0, b.rounds), make([]float64, 0, b.rounds), make([]float64, 0, b.rounds)
	for range b.rounds {
		state, err := w.server.State(ctx)
		if err != nil {
			return err
		}
		first := w.next
		from := time.Now()
		var half float64
		for s := range seconds {
			if err := fillMongo(ctx, w.mongo, w.next, w.next+perSecond, size); err != nil {
				return err
			}
			w.next += perSecond
			time.Sleep(time.Until(from.Add(time.Duration(s+1) * time.Second)))
			if s == seconds/2 {
				half = w.resident()
			}
		}
		if err := w.awaitDitto(ctx, state.Writes, first, w.next, -1); err != nil {
			return err
		}
		took := time.Since(from)
		early, late = append(early, half), append(late, w.resident())
		rate = append(rate, float64(w.next-first)*size/1e6/took.Seconds())
		if err := w.quiet(ctx); err != nil {
			return err
		}
	}
	b.add(row{what: "steady changes of 20 KB, until the last is visible", unit: "MB/s", values: rate, aim: atLeast(10)})
	b.add(row{what: "memory of mongo-to-ditto, half way", unit: "MiB", values: early})
	b.add(row{what: "memory of mongo-to-ditto, at the end", unit: "MiB", values: late})
	b.add(row{what: "memory of mongo-to-ditto, end / half way", values: ratios(late, early), aim: atMost(1.1)})
	return nil
}

// resident is the memory of the largest process of mongo-to-ditto, in MiB.
func (w *world) resident() float64 {
	var most float64
	for _, pid := range w.stack.PIDs(stack.MongoToDitto) {
		most = max(most, memory(pid, "VmRSS"))
	}
	return most
}

// queueEvent is what a queue hands a function: one key of a document that is on
// neither side.
func queueEvent(queue string) ([]byte, error) {
	body := `{"v":1,"collection":"` + collectionName + `","mongoId":"none","dittoId":"none","side":"mongodb","op":"upsert","at":"2026-11-23T07:00:00Z","tries":0}`
	event, err := json.Marshal(map[string]any{"Records": []any{map[string]any{
		"messageId": "00000000-0000-4000-8000-000000000001", "receiptHandle": "1", "body": body,
		"attributes":  map[string]string{"ApproximateReceiveCount": "1", "SentTimestamp": "1795417200250"},
		"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:" + queue, "awsRegion": "us-east-1",
	}}})
	if err != nil {
		return nil, fmt.Errorf("queue event: %w", err)
	}
	return event, nil
}
