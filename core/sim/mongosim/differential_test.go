package mongosim_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	local "github.com/causeway-sync/causeway/local/mongodb"
)

var (
	seed   = flag.Uint64("seed", 1, "first seed of the differential test")
	rounds = flag.Uint64("rounds", 6, "number of its seeds, 100 documents each")
)

var server struct {
	sync.Once
	*local.Server
	err error
}

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	if server.Server != nil {
		_ = server.Stop(context.Background())
	}
	os.Exit(code)
}

func serverDB(t testing.TB) *mongodb.Client {
	t.Helper()
	server.Do(func() { server.Server, server.err = local.Start(context.Background(), local.Options{}) })
	if server.err != nil {
		t.Fatal(server.err)
	}
	c, err := mongodb.Connect(server.URI, "causeway_test_"+bson.NewObjectID().Hex())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Driver().Drop(context.Background())
		_ = c.Close(context.Background())
	})
	return c
}

// The statements that core/mongodb generates do the same on the simulation and
// on the real server: random documents, random changes made from what was
// read, against documents that others may have changed since.
func TestDifferential(t *testing.T) {
	db, sim := serverDB(t), mongosim.New(time.Now)
	for s := *seed; s < *seed+*rounds; s++ {
		g := generator{rand.New(rand.NewPCG(s, 0))}
		var stored []mongodb.Model
		var changes []mongodb.Change
		for i := range 100 {
			read := g.document(i)
			now := read
			if g.IntN(2) == 0 {
				now = g.tamper(read)
			}
			if g.IntN(10) > 0 {
				stored = append(stored, mongodb.Model{Insert: marshal(now)})
			}
			changes = append(changes, g.change(read))
		}
		collection := fmt.Sprint("c", s)
		for _, d := range []mongodb.Database{db, sim} {
			if r, err := d.Write(t.Context(), collection, stored); err != nil || len(r.Errors) > 0 {
				t.Fatalf("%+v, %v", r, err)
			}
		}
		// One change at a time tells which differs; a bulk would only say that one does.
		for i := range changes {
			before := find(t, sim, collection, changes[i].ID)
			var outcomes [2][]mongodb.Outcome
			var errs [2]error
			outcomes[0], _, errs[0] = mongodb.Store{DB: db}.Write(t.Context(), collection, changes[i:i+1])
			outcomes[1], _, errs[1] = mongodb.Store{DB: sim}.Write(t.Context(), collection, changes[i:i+1])
			onServer, simulated := find(t, db, collection, changes[i].ID), find(t, sim, collection, changes[i].ID)
			if errs[0] != nil || errs[1] != nil || outcomes[0][0] != outcomes[1][0] || onServer != simulated {
				t.Errorf("seed %d, change %d (run: go test ./core/sim/mongosim -run Differential -seed %d -rounds 1)\nread   %s\nstored %s\nops    %s\nreal   %v %v %s\nsim    %v %v %s",
					s, i, s, text(changes[i].Doc), before, describe(changes[i]), outcomes[0], errs[0], onServer, outcomes[1], errs[1], simulated)
			}
		}
		if t.Failed() {
			break
		}
	}
}

// The same in bulk: totals and documents agree.
func TestDifferentialBulk(t *testing.T) {
	db, sim := serverDB(t), mongosim.New(time.Now)
	for s := *seed; s < *seed+*rounds; s++ {
		g := generator{rand.New(rand.NewPCG(s, 1))}
		var stored []mongodb.Model
		var changes []mongodb.Change
		for i := range 200 {
			read := g.document(i)
			now := read
			if g.IntN(20) == 0 {
				now = g.tamper(read)
			}
			stored = append(stored, mongodb.Model{Insert: marshal(now)})
			changes = append(changes, g.change(read))
		}
		collection := fmt.Sprint("b", s)
		var results [2][]string
		for i, d := range []mongodb.Database{db, sim} {
			if r, err := d.Write(t.Context(), collection, stored); err != nil || len(r.Errors) > 0 {
				t.Fatalf("%+v, %v", r, err)
			}
			counted := &counter{Database: d}
			outcomes, errs, err := mongodb.Store{DB: counted}.Write(t.Context(), collection, changes)
			if err != nil {
				t.Fatal(err)
			}
			results[i] = append(results[i], fmt.Sprintf("%+v", counted.result), fmt.Sprint(outcomes))
			for j := range errs {
				results[i] = append(results[i], fmt.Sprint(errs[j]))
			}
			docs, err := d.Find(t.Context(), collection, bson.D{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			var texts []string
			for _, doc := range docs {
				texts = append(texts, text(doc))
			}
			slices.Sort(texts)
			results[i] = append(results[i], texts...)
		}
		if diff := cmp.Diff(results[0], results[1]); diff != "" {
			t.Fatalf("seed %d (-real +sim):\n%s", s, diff)
		}
	}
}

type counter struct {
	mongodb.Database
	result mongodb.BulkResult
}

func (c *counter) Write(ctx context.Context, collection string, models []mongodb.Model) (mongodb.BulkResult, error) {
	r, err := c.Database.Write(ctx, collection, models)
	c.result = r
	return r, err
}

func find(t testing.TB, db mongodb.Database, collection string, id bson.RawValue) string {
	t.Helper()
	docs, err := db.Find(t.Context(), collection, bson.D{{Key: "_id", Value: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := ""
	for _, doc := range docs {
		out += text(doc)
	}
	return out
}

func describe(c mongodb.Change) string {
	out := ""
	for _, op := range c.Ops {
		out += fmt.Sprintf("%s: %s -> %s; ", op.Path, op.Old, op.New)
	}
	if c.Delete != nil {
		out = "delete"
	}
	return out
}

func marshal(v any) bson.Raw {
	raw, err := bson.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

func text(doc bson.Raw) string {
	b, err := bson.MarshalExtJSON(doc, true, false)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}

// lookup is a copy of a value, zero if there is none.
func lookup(doc bson.Raw, path []string) bson.RawValue {
	v := bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: doc}
	for _, name := range path {
		if v.Type != bson.TypeEmbeddedDocument {
			return bson.RawValue{}
		}
		v = bson.Raw(v.Value).Lookup(name)
	}
	return v
}
