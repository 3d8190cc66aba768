package mongosim_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	local "github.com/causeway-sync/causeway/local/mongodb"
)

// defaultHistories compares more than wantStatements and wantLedger.
const defaultHistories = 36

var (
	seed      = flag.Uint64("mongosim.seed", 1, "the first history's seed")
	histories = flag.Uint64("mongosim.histories", defaultHistories, "how many histories TestGenerated and TestLedger play")
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
	server.Do(func() { server.Server, server.err = local.Start(context.Background(), local.Options{NoRust: true}) })
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

type counter struct {
	mongodb.Database
	result mongodb.BulkResult
}

func (c *counter) Write(ctx context.Context, collection string, models []mongodb.Model) (mongodb.BulkResult, error) {
	r, err := c.Database.Write(ctx, collection, models)
	c.result = r
	return r, err
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
