package sweep_test

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sweep"
	localditto "github.com/causeway-sync/causeway/local/ditto"
	localmongo "github.com/causeway-sync/causeway/local/mongodb"
)

// The real servers, one of each for all tests of the package.
var mongoServer struct {
	sync.Once
	*localmongo.Server
	err error
}

var dittoServer struct {
	sync.Once
	*localditto.Server
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if mongoServer.Server != nil {
		_ = mongoServer.Stop(context.Background())
	}
	if dittoServer.Server != nil {
		_ = dittoServer.Stop()
	}
	if dittoServer.dir != "" {
		_ = os.RemoveAll(dittoServer.dir)
	}
	os.Exit(code)
}

// database is a fresh one on the MongoDB that `make run` would choose.
func database(t testing.TB, opts ...mongodb.Option) *mongodb.Client {
	t.Helper()
	mongoServer.Do(func() {
		mongoServer.Server, mongoServer.err = localmongo.Start(context.Background(), localmongo.Options{})
	})
	if mongoServer.err != nil {
		t.Fatal(mongoServer.err)
	}
	c, err := mongodb.Connect(mongoServer.URI, "causeway_test_"+bson.NewObjectID().Hex(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.Background()
		_ = c.Driver().Drop(ctx)
		_ = c.Close(ctx)
	})
	return c
}

// engine is the real Ditto engine behind the HTTP API.
func engine(t testing.TB) *ditto.Client {
	t.Helper()
	s := &dittoServer
	s.Do(func() {
		if s.dir, s.err = os.MkdirTemp("", "causeway-ditto-"); s.err != nil {
			return
		}
		s.Server, s.err = localditto.Start(context.Background(), localditto.Options{Local: "../../local", Dir: s.dir})
	})
	if s.err != nil {
		t.Fatal(s.err)
	}
	client, err := ditto.NewClient(ditto.ClientConfig{Endpoint: s.URL, Keys: ditto.StaticKey(s.APIKey)})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// config has the named collections, strict ones.
func config(names ...string) *manifest.Manifest {
	m := &manifest.Manifest{}
	for _, name := range names {
		m.Collections = append(m.Collections, manifest.Collection{Name: name, DittoName: name, Strict: true})
	}
	return m
}

func all(m *manifest.Manifest) []*manifest.Collection {
	var out []*manifest.Collection
	for i := range m.Collections {
		out = append(out, &m.Collections[i])
	}
	return out
}

func plan(t testing.TB, p *sweep.Pager, sources ...sweep.Source) ([]sweep.Range, sweep.Counts) {
	t.Helper()
	ranges, counts, err := p.Plan(t.Context(), all(p.Manifest), sources...)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, r := range ranges {
		if seen[r.ID] {
			t.Errorf("two ranges %s", r.ID)
		}
		seen[r.ID] = true
		ranges[i] = viaJSON(t, r)
	}
	return ranges, counts
}

// viaJSON is what the state machine makes of v.
func viaJSON[T any](t testing.TB, v T) T {
	t.Helper()
	js, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out T
	if err := json.Unmarshal(js, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// readAll pages through a range; size says how large the next page is to be,
// and stop after how many of its keys to go on anew.
func readAll(t testing.TB, p *sweep.Pager, r sweep.Range, size func() int, stop func(n int) int, each func(sweep.Page, int)) {
	t.Helper()
	var at json.RawMessage
	for range 20_000 {
		n := size()
		page, err := p.Page(t.Context(), r, at, n)
		if err != nil {
			t.Fatal(err)
		}
		if page.Len() > n {
			t.Fatalf("%s: a page of %d keys, not %d", r.ID, page.Len(), n)
		}
		took := stop(page.Len())
		each(page, took)
		next, err := page.After(took)
		if err != nil {
			t.Fatal(err)
		}
		if took == page.Len() && next == nil {
			return
		}
		at = viaJSON(t, next)
	}
	t.Fatalf("%s: no end", r.ID)
}

func whole(n int) int             { return n }
func pages(n int) func() int      { return func() int { return n } }
func name(v bson.RawValue) string { return v.Type.String() + " " + v.String() }

// insertIDs inserts documents. What a server refuses is not there then: some
// take two ids for one, or do not know a type.
func insertIDs(t testing.TB, db *mongodb.Client, collection string, ids ...any) {
	t.Helper()
	for len(ids) > 0 {
		n := min(len(ids), 5000)
		docs := make([]any, n)
		for i, id := range ids[:n] {
			docs[i] = bson.D{{Key: "_id", Value: id}, {Key: "x", Value: i}}
		}
		_, _ = db.Driver().Collection(collection).InsertMany(t.Context(), docs, options.InsertMany().SetOrdered(false))
		ids = ids[n:]
	}
}

// insertEach inserts one by one, for a server that refuses a whole request.
func insertEach(t testing.TB, db *mongodb.Client, collection string, ids ...any) {
	for _, id := range ids {
		insertIDs(t, db, collection, id)
	}
}

// stored are the ids that a collection has, by reading all of it.
func stored(t testing.TB, db *mongodb.Client, collection string) map[string]int {
	t.Helper()
	docs, err := db.Find(t.Context(), collection, bson.D{}, bson.D{{Key: "_id", Value: 1}})
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]int{}
	for _, d := range docs {
		out[name(d.Lookup("_id"))]++
	}
	return out
}
