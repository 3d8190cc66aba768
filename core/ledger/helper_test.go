package ledger_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	local "github.com/causeway-sync/causeway/local/mongodb"
)

var server struct {
	sync.Once
	*local.Server
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.Server != nil {
		_ = server.Stop(context.Background())
	}
	os.Exit(code)
}

// serverDB is a fresh database on the MongoDB that `make run` would choose.
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
		ctx := context.Background()
		_ = c.Driver().Drop(ctx)
		_ = c.Close(ctx)
	})
	if err := ledger.CreateIndexes(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func sim(t testing.TB) *mongosim.Sim {
	t.Helper()
	s := mongosim.New(time.Now)
	if err := ledger.CreateIndexes(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	return s
}

// each runs f on the real server and on the simulation.
func each(t *testing.T, f func(t *testing.T, db mongodb.Database)) {
	t.Run("Real", func(t *testing.T) { f(t, serverDB(t)) })
	t.Run("Sim", func(t *testing.T) { f(t, sim(t)) })
}

func key(n int) ledger.Key {
	return ledger.Key{Collection: "tasks", ID: docid.ID(fmt.Sprintf(`"task/%03d"`, n))}
}

func val(t testing.TB, v any) bson.RawValue {
	t.Helper()
	kind, data, err := bson.MarshalValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return bson.RawValue{Type: kind, Value: data}
}

func read(t testing.TB, db mongodb.Database, keys ...ledger.Key) []ledger.Entry {
	t.Helper()
	entries, err := ledger.Store{DB: db}.Read(t.Context(), keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
