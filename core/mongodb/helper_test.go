package mongodb_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	local "github.com/causeway-sync/causeway/local/mongodb"
)

var update = flag.Bool("update", false, "rewrite the golden files")

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

// uri is the MongoDB that `make run` would choose.
func uri(t testing.TB) string {
	t.Helper()
	server.Do(func() { server.Server, server.err = local.Start(context.Background(), local.Options{}) })
	if server.err != nil {
		t.Fatal(server.err)
	}
	return server.URI
}

// serverDB is a fresh database on the real server.
func serverDB(t testing.TB) *mongodb.Client {
	t.Helper()
	c, err := mongodb.Connect(uri(t), "causeway_test_"+bson.NewObjectID().Hex())
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

// each runs f on the real server and on the simulation.
func each(t *testing.T, f func(t *testing.T, db mongodb.Database)) {
	t.Run("Real", func(t *testing.T) { f(t, serverDB(t)) })
	t.Run("Sim", func(t *testing.T) { f(t, mongosim.New(time.Now)) })
}

func raw(t testing.TB, extJSON string) bson.Raw {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(extJSON), false, &d); err != nil {
		t.Fatalf("%s: %v", extJSON, err)
	}
	r, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// val is a value in Extended JSON; "" is an absent one.
func val(t testing.TB, extJSON string) bson.RawValue {
	t.Helper()
	if extJSON == "" {
		return bson.RawValue{}
	}
	return raw(t, `{"v":`+extJSON+`}`).Lookup("v")
}

func insert(t testing.TB, db mongodb.Database, collection string, docs ...bson.Raw) {
	t.Helper()
	models := make([]mongodb.Model, len(docs))
	for i, doc := range docs {
		models[i].Insert = doc
	}
	result, err := db.Write(t.Context(), collection, models)
	if err != nil || len(result.Errors) > 0 || result.Inserted != int64(len(docs)) {
		t.Fatalf("insert: %+v, %v", result, err)
	}
}

// get reads one document as Extended JSON, "" if it is not there.
func get(t testing.TB, db mongodb.Database, collection string, id any) string {
	t.Helper()
	docs, err := db.Find(t.Context(), collection, bson.D{{Key: "_id", Value: id}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	switch len(docs) {
	case 0:
		return ""
	case 1:
		return text(docs[0])
	}
	t.Fatalf("%d documents with one _id", len(docs))
	return ""
}

func text(doc bson.Raw) string {
	b, err := bson.MarshalExtJSON(doc, true, false)
	if err != nil {
		return fmt.Sprint(err)
	}
	return string(b)
}
