package stack_test

import (
	"context"
	"encoding/base64"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/stack"
)

// With a MongoDB and a Ditto Server of the user's own, the stack starts
// neither, makes nothing in the database but its own collections, and leaves
// both running.
func TestUsersOwnServers(t *testing.T) {
	ctx := t.Context()
	port := freePorts(t, 6)
	webhook := "http://127.0.0.1:" + strconv.Itoa(port+2) + "/webhook"
	secret := base64.StdEncoding.EncodeToString([]byte("a signing secret of the user's own"))
	server, err := ditto.Start(ctx, ditto.Options{
		Local: filepath.Join(repository(t), "local"), Dir: t.TempDir(), Webhook: webhook, WebhookSecret: secret,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	mongo, err := mongodb.Start(ctx, mongodb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = mongo.Stop(context.Background()) })

	var out output
	dir := t.TempDir()
	s, err := stack.Start(ctx, stack.Options{
		Root: repository(t), Dir: dir, Port: port, Config: writeManifest(t, database(), tasks), Out: &out,
		Getenv: func(key string) string {
			switch key {
			case "MONGODB_URI":
				return mongo.URI
			case "DITTO_URL":
				return server.URL + "/2164bef3-37c0-489c-9ac6-c94b034525d7"
			case "DITTO_API_KEY":
				return server.APIKey
			case "DITTO_WEBHOOK_SECRET":
				return secret
			}
			return os.Getenv(key)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	t.Cleanup(func() {
		if !stopped {
			stopStack(t, s)
		}
	})
	info := s.Info()
	if !info.Ditto.External || info.MongoDBKind != string(mongodb.External) || info.Processes["mongodb"]+info.Processes["ditto"] != 0 {
		t.Errorf("info = %+v, want neither started", info)
	}
	text := out.String()
	if !strings.Contains(text, "Enter this webhook in Ditto's portal") || !strings.Contains(text, webhook) {
		t.Errorf("the text does not say where webhooks go:\n%s", text)
	}
	if strings.Contains(text, server.APIKey) || strings.Contains(text, secret) {
		t.Errorf("the text shows the user's secrets:\n%s", text)
	}

	w := open(t, info)
	t.Cleanup(func() { _ = w.db.Drop(context.Background()) })
	names, err := w.db.ListCollectionNames(ctx, d())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.HasPrefix(name, "__") {
			t.Errorf("collection %s was made in the user's database", name)
		}
	}
	w.dql("v4", "INSERT INTO tasks DOCUMENTS (:d)", "d", map[string]any{"_id": "a", "n": 1})
	await(t, "a in MongoDB", `{"_id":"a","n":{"$numberInt":"1"}}`, func() string { return w.mongo("tasks", d("_id", "a")) })
	if _, err := w.db.Collection("tasks").InsertOne(ctx, d("_id", "b", "n", 2)); err != nil {
		t.Fatal(err)
	}
	await(t, "b in Ditto", `{"_id":"b","n":2}`, func() string { return w.ditto("v4", "tasks", `"b"`) })

	stopStack(t, s)
	stopped = true
	if err := w.db.Client().Ping(ctx, nil); err != nil {
		t.Errorf("the user's MongoDB: %v", err)
	}
	if _, err := server.State(ctx); err != nil {
		t.Errorf("the user's Ditto server: %v", err)
	}
}

// freePorts finds n ports in a row, below those that the system gives to others.
func freePorts(t *testing.T, n int) int {
	t.Helper()
	for range 1000 {
		port := 20_000 + rand.IntN(10_000)
		var taken []net.Listener
		for i := range n {
			l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port+i))
			if err != nil {
				break
			}
			taken = append(taken, l)
		}
		for _, l := range taken {
			l.Close()
		}
		if len(taken) == n {
			return port
		}
	}
	t.Fatal("no free ports in a row")
	return 0
}
