package sweep_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/event"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/sweep"
)

// fakeMongo says that it has n documents, and makes the ids of a sample up. A
// page is all of ids.
type fakeMongo struct {
	n    int64
	id   func(i, of int) any
	ids  []bson.D
	mu   sync.Mutex
	read int // documents, in samples
	asks int // requests
}

func (f *fakeMongo) Count(context.Context, string) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asks++
	return f.n, nil
}

func (f *fakeMongo) Sample(_ context.Context, collection string, n int, _ ...string) ([]bson.Raw, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asks++
	f.read += n
	docs := make([]bson.Raw, n)
	for i := range docs {
		id := f.id(i, n)
		doc := bson.D{{Key: "_id", Value: id}}
		if collection == ledger.Collection {
			doc = bson.D{{Key: "_id", Value: fmt.Sprintf(`tasks/"%v"`, id)}, {Key: "collection", Value: "tasks"}, {Key: "state", Value: "live"}}
		}
		docs[i], _ = bson.Marshal(doc)
	}
	return docs, nil
}

func (f *fakeMongo) Page(context.Context, string, bson.D, int, ...string) ([]bson.Raw, error) {
	docs := make([]bson.Raw, len(f.ids))
	for i := range docs {
		docs[i], _ = bson.Marshal(f.ids[i])
	}
	return docs, nil
}

func spreadID(i, of int) any {
	var id bson.ObjectID
	binary.BigEndian.PutUint64(id[:], uint64(i)*(1<<63/uint64(of)))
	return id
}

// Ten million documents are planned from a bounded sample, as are a billion.
func TestPlanBounded(t *testing.T) {
	for _, n := range []int64{10_000_000, 1_000_000_000} {
		mongo := &fakeMongo{n: n, id: spreadID}
		p := &sweep.Pager{Mongo: mongo, Ditto: &fakeDitto{n: int(n)}, Manifest: config("tasks")}
		ranges, counts := plan(t, p)
		if mongo.read > 2*400*128 || mongo.asks != 4 {
			t.Errorf("%d documents: read %d of them in %d requests", n, mongo.read, mongo.asks)
		}
		if len(ranges) < 500 || len(ranges) > 1000 {
			t.Errorf("%d documents: %d ranges", n, len(ranges))
		}
		want := sweep.Counts{"tasks": {sweep.MongoDB: n, sweep.Ditto: n, sweep.Ledger: n}}
		if d := cmp.Diff(want, counts); d != "" {
			t.Error(d)
		}
		for _, r := range ranges {
			if js, _ := json.Marshal(r); len(js) > 190 {
				t.Errorf("a range of %d bytes: %s", len(js), js)
			}
		}
		// Each begins where the one before ends.
		last := map[sweep.Source]sweep.Range{}
		for _, r := range ranges {
			if b, ok := last[r.Source]; ok && r.Type == b.Type && r.Except == nil && string(b.To) != string(r.From) {
				t.Errorf("%s ends at %s, %s begins at %s", b.ID, b.To, r.ID, r.From)
			}
			last[r.Source] = r
		}
		again, _ := plan(t, p)
		if d := cmp.Diff(ranges, again); d != "" {
			t.Errorf("another plan of the same:\n%s", d)
		}
	}
}

// What a real server answers while planning does not grow with the collection.
func TestPlanReads(t *testing.T) {
	var mu sync.Mutex
	bytes := 0
	monitor := &event.CommandMonitor{Succeeded: func(_ context.Context, e *event.CommandSucceededEvent) {
		mu.Lock()
		defer mu.Unlock()
		bytes += len(e.Reply)
	}}
	db := database(t, func(o *options.ClientOptions) { o.SetMonitor(monitor) })
	read := map[string]int{}
	for collection, n := range map[string]int{"few": 1500, "many": 7500} {
		ids := make([]any, n)
		for i := range ids {
			ids[i] = bson.NewObjectID()
		}
		insertIDs(t, db, collection, ids...)
		mu.Lock()
		bytes = 0
		mu.Unlock()
		p := &sweep.Pager{Mongo: db, Manifest: config(collection), Limits: sweep.Limits{PerRange: n / 10}}
		plan(t, p, sweep.MongoDB)
		mu.Lock()
		read[collection] = bytes
		mu.Unlock()
	}
	if read["few"] < 1000 || read["many"] > read["few"]*3/2 {
		t.Errorf("bytes read: %v", read)
	}
}

func TestPlanLimits(t *testing.T) {
	names := func(n, length int) []string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf("c%03d%s", i, strings.Repeat("x", length)))
		}
		return out
	}
	long := func(i, _ int) any { return fmt.Sprintf("%08d%s", i, strings.Repeat("long id ", 100)) }
	compound := func(i, _ int) any {
		return bson.D{{Key: "region", Value: i / 1000}, {Key: "customer", Value: fmt.Sprint(i)}}
	}
	for name, c := range map[string]struct {
		names []string
		n     int64
		id    func(i, of int) any
		least int
	}{
		"OneCollection": {names(1, 0), 1e7, spreadID, 400},
		"Collections":   {names(100, 0), 1e7, spreadID, 500},
		"Billions":      {names(20, 0), 1e10, spreadID, 500},
		"LongIDs":       {names(3, 0), 1e7, long, 50},
		"CompoundIDs":   {names(3, 0), 1e7, compound, 300},
		"LongNames":     {names(10, 200), 1e7, spreadID, 100},
		"Most":          {names(330, 0), 1e7, spreadID, 330},
		"Empty":         {names(330, 0), 0, spreadID, 330},
	} {
		t.Run(name, func(t *testing.T) {
			mongo := &fakeMongo{n: c.n, id: c.id}
			p := &sweep.Pager{Mongo: mongo, Manifest: config(c.names...)}
			ranges, _ := plan(t, p, sweep.MongoDB)
			js, _ := json.Marshal(ranges)
			if len(ranges) > sweep.MaxRanges || len(js) > sweep.MaxBytes || len(ranges) < c.least {
				t.Errorf("%d ranges, %d bytes", len(ranges), len(js))
			}
			if mongo.read > 1000*128 {
				t.Errorf("read %d documents", mongo.read)
			}
			for _, n := range c.names {
				if !slices.ContainsFunc(ranges, func(r sweep.Range) bool { return r.ID == n+"/mongodb/rest" }) {
					t.Errorf("%s has no rest", n)
				}
			}
		})
	}
	t.Run("ErrTooMany", func(t *testing.T) {
		p := &sweep.Pager{Mongo: &fakeMongo{n: 1e7, id: spreadID}, Manifest: config(names(1001, 0)...)}
		if _, _, err := p.Plan(t.Context(), all(p.Manifest), sweep.MongoDB); !errors.Is(err, sweep.ErrTooMany) {
			t.Errorf("error %v", err)
		}
	})
}

// The budget is for all: a small collection keeps its range beside large ones.
func TestPlanShares(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	mixed := func(i, of int) any {
		if r.IntN(4) == 0 {
			return fmt.Sprintf("%08d", i)
		}
		return spreadID(i, of)
	}
	p := &sweep.Pager{Mongo: &fakeMongo{n: 1e6, id: mixed}, Manifest: config("tasks")}
	ranges, _ := plan(t, p, sweep.MongoDB)
	n := map[string]int{}
	for _, r := range ranges {
		n[r.Type]++
	}
	if n["objectId"] < 70 || n["objectId"] > 80 || n["string"] < 20 || n["string"] > 30 || n[""] != 1 {
		t.Errorf("ranges by type: %v", n)
	}
}
