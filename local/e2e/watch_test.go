package e2e_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// markCollection is written by the tests alone: once its change shows in the
// stream, every earlier change has shown.
const markCollection = "e2e_marks"

// event is one write.
type event struct{ collection, op, key string }

// watch counts the writes in MongoDB's collections by a change stream.
type watch struct {
	db     *mongo.Database
	cancel context.CancelFunc
	ended  chan struct{}

	mu     sync.Mutex
	events []event
	keys   map[string]string // the mongoKey of each `_id`, by collection and `_id`
	marks  int
}

func newWatch(ctx context.Context, db *mongo.Database, collections []string) (*watch, error) {
	if err := db.CreateCollection(ctx, markCollection); err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	names := bson.A{markCollection}
	for _, name := range collections {
		names = append(names, name)
	}
	stream, err := db.Watch(ctx, mongo.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "ns.coll", Value: bson.D{{Key: "$in", Value: names}}}}}},
	}, options.ChangeStream().SetMaxAwaitTime(200*time.Millisecond))
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	run, cancel := context.WithCancel(context.Background())
	w := &watch{db: db, cancel: cancel, ended: make(chan struct{}), keys: map[string]string{}}
	go func() {
		defer close(w.ended)
		defer stream.Close(context.Background())
		for stream.Next(run) {
			w.take(stream.Current)
		}
	}()
	return w, nil
}

func (w *watch) take(ev bson.Raw) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := ev.Lookup("ns", "coll").StringValue()
	if name == markCollection {
		w.marks++
		return
	}
	e := event{collection: name, op: ev.Lookup("operationType").StringValue()}
	id := name + " " + ev.Lookup("documentKey").String()
	if doc, ok := ev.Lookup("fullDocument").DocumentOK(); ok && e.op == "insert" {
		w.keys[id] = byName(name).mongoKey(doc)
	}
	e.key = w.keys[id]
	w.events = append(w.events, e)
}

func (w *watch) stop() {
	w.cancel()
	<-w.ended
}

// position is how many writes there were, all made before now included.
func (w *watch) position(t *testing.T) int {
	t.Helper()
	w.mu.Lock()
	marks := w.marks
	w.mu.Unlock()
	if _, err := w.db.Collection(markCollection).InsertOne(t.Context(), bson.D{}); err != nil {
		t.Fatal(err)
	}
	n := 0
	await(t, "the change stream's position", "seen", func() string {
		w.mu.Lock()
		defer w.mu.Unlock()
		if n = len(w.events); w.marks > marks {
			return "seen"
		}
		return "not seen yet"
	})
	return n
}

// between lists the writes after a position and up to another, by collection
// and mongoKey.
func (w *watch) between(since, upto int) map[[2]string][]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	writes := map[[2]string][]string{}
	for _, e := range w.events[since:upto] {
		of := [2]string{e.collection, e.key}
		writes[of] = append(writes[of], e.op)
	}
	return writes
}
