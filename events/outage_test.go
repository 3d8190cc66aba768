package events_test

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/causeway-sync/causeway/core/secret"
	"github.com/causeway-sync/causeway/local/secretsmanager"
)

// TestOutages stops and starts engines of its own, and rotates their secrets,
// under functions that go on running.
func TestOutages(t *testing.T) {
	t.Parallel()
	own, err := open(t.Context(), t.TempDir(), options{keep: true, timeout: 12 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.close(); err != nil {
			t.Error(err)
		}
	})
	w := own.in(t)
	// All secrets are read here.
	w.begin()
	w.finish(w.invoke(receiver, w.payload("ditto-to-mongo/receiver/webhook-insert")))
	synced("tasks", `"old"`, `{"_id":"old"}`)(w)
	read := time.Now()

	t.Run("Failing", func(t *testing.T) { testFailing(own.in(t)) })
	t.Run("DiskFull", func(t *testing.T) { testDiskFull(own.in(t)) })
	t.Run("Ditto", func(t *testing.T) {
		w := own.in(t)
		w.outage(func() {
			if err := w.ditto.Stop(); err != nil {
				t.Fatal(err)
			}
		}, func() { w.restartDitto(w.ditto.APIKey) })
	})
	t.Run("MongoDB", func(t *testing.T) {
		w := own.in(t)
		w.outage(w.mongo.Kill, w.restartMongoDB)
	})
	// A new key is in force at once; the old one is still in the functions'
	// caches. Nobody asks for a secret more often than MinRefresh.
	await(t, "the secrets' age", true, func() bool { return time.Since(read) > secret.MinRefresh })
	t.Run("APIKey", func(t *testing.T) {
		w := own.in(t)
		w.clean()
		inMongo("tasks", milkTask(oid))(w)
		reads := w.secrets.Reads(apiKeySecret)
		if err := w.ditto.Stop(); err != nil {
			t.Fatal(err)
		}
		w.restartDitto("another-key")
		w.secrets.Put(secretsmanager.Secret{ID: apiKeySecret, Value: w.ditto.APIKey})
		want := inserted(oid, hex)
		want.Answer = noFailures
		w.begin()
		w.compare("rotated", want, w.finish(w.invoke(mongoToDitto, []byte(milkBatch))))
		if n := w.secrets.Reads(apiKeySecret) - reads; n != 1 {
			t.Errorf("the secret was read %d times, want once", n)
		}
	})
	t.Run("WebhookSecret", func(t *testing.T) {
		w := own.in(t)
		w.clean()
		inDitto("tasks", `{"_id":"task-001","title":"Buy milk","done":false}`)(w)
		old := w.payload("ditto-to-mongo/receiver/webhook-insert")
		w.webhookKey = base64.StdEncoding.EncodeToString([]byte("another secret of Ditto's"))
		w.secrets.Put(secretsmanager.Secret{ID: webhookSecret, Value: w.webhookKey})
		w.begin()
		got := w.finish(w.invoke(receiver, w.payload("ditto-to-mongo/receiver/webhook-insert")))
		if got.Answer != accepted || len(got.Queue) != 1 {
			t.Errorf("signed by the new secret: %s, queue %q", got.Answer, got.Queue)
		}
		w.begin()
		got = w.finish(w.invoke(receiver, old))
		if !strings.HasPrefix(got.Answer, "401 ") || got.Queue != nil {
			t.Errorf("signed by the old secret: %s, queue %q", got.Answer, got.Queue)
		}
	})
}

// outage invokes a worker while an engine is down, and again when it is back:
// the same message then does its work, once.
func (w *world) outage(stop, start func()) {
	w.t.Helper()
	w.clean()
	inMongo("tasks", milkTask(oid))(w)
	stop()
	got := w.invoke(mongoToDitto, []byte(milkBatch))
	start()
	w.finish(got)
	if got != "failed: 1" {
		w.t.Errorf("down: %s, want the key's message to fail", got)
	}
	want := inserted(oid, hex)
	want.Answer = noFailures
	w.begin()
	w.compare("up again", want, w.finish(w.invoke(mongoToDitto, []byte(milkBatch))))
}

func (w *world) restartDitto(key string) {
	w.t.Helper()
	if err := w.startDitto(w.t.Context(), port(w.t, w.ditto.URL), key); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) restartMongoDB() {
	w.t.Helper()
	if err := w.startMongoDB(w.t.Context(), port(w.t, w.mongo.URI)); err != nil {
		w.t.Fatal(err)
	}
	_ = w.stream.Close(w.t.Context())
	var err error
	if w.stream, err = w.db.Watch(w.t.Context(), mongo.Pipeline{}); err != nil {
		w.t.Fatal(err)
	}
}

func port(t *testing.T, address string) int {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return n
}
