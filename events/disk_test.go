package events_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/mongodb"
)

// full makes a command fail when its files grow over that many blocks of 512
// bytes (or 1 KiB), as on a full disk.
const full = `trap '' XFSZ; ulimit -f 64; exec "$@"`

// bulky is a document that does not fit onto a full disk.
const bulky = `{"_id":` + oid + `,"note":"hush","data":"DATA"}`

// testDiskFull: either engine runs on with a full disk, and takes no write.
func testDiskFull(w *world) {
	w.t.Run("Ditto", func(t *testing.T) {
		w := w.in(t)
		w.full(mongoToDitto, inMongo("tasks", data()), func() {
			if err := w.ditto.Stop(); err != nil {
				t.Fatal(err)
			}
			node := filepath.Join(t.TempDir(), "node")
			text := "#!/bin/sh\n" + strings.Replace(full, `"$@"`, `"`+w.node+`" "$@"`, 1) + "\n"
			if err := os.WriteFile(node, []byte(text), 0o700); err != nil {
				t.Fatal(err)
			}
			own := w.node
			w.engines.node = node
			defer func() { w.engines.node = own }()
			w.restartDitto(w.ditto.APIKey)
		}, func() {
			_ = w.ditto.Stop() // which a full disk may make fail
			w.restartDitto(w.ditto.APIKey)
		})
	})
	w.t.Run("MongoDB", func(t *testing.T) {
		w := w.in(t)
		w.full(dittoToMongo, inDitto("tasks", `{"_id":`+hex+`,"data":"`+padding+`"}`), func() {
			w.mongo.Kill()
			at := port(t, w.mongo.URI)
			limited, err := mongodb.Start(t.Context(), mongodb.Options{
				Port: at, Dir: filepath.Join(w.dir, "mongodb"), Getenv: withoutURI, Wrap: []string{"sh", "-c", full, "sh"},
			})
			if err != nil { // one that cannot even start is down
				t.Logf("on a full disk: %v", err)
				return
			}
			w.engines.mongo = limited
		}, func() {
			w.mongo.Kill()
			w.restartMongoDB()
		})
	})
}

var padding = strings.Repeat("hush", 25_000)

func data() string { return strings.Replace(bulky, "DATA", padding, 1) }

// full invokes a worker while an engine's disk is full, and again when there is
// room.
func (w *world) full(function string, given step, begin, end func()) {
	w.t.Helper()
	w.clean()
	given(w)
	w.log.take()
	begin()
	key := `{"v":1,"collection":"tasks","mongoId":` + oid + `,"side":"mongodb","op":"upsert"}`
	if function == dittoToMongo {
		key = `{"v":1,"collection":"tasks","dittoId":` + hex + `,"side":"ditto","op":"upsert"}`
	}
	batch := []byte(`{"Records":[{"messageId":"a","eventSource":"aws:sqs","body":` + quote(key) + `}]}`)
	got := w.invoke(function, batch)
	await(w.t, "the end of the log", true, func() bool { return strings.Contains(w.log.String(), `"_aws"`) })
	log := w.log.take()
	end()
	if got != "failed: 1" || !strings.Contains(log, `"class":"retry"`) || strings.Contains(log, "document parked") || strings.Contains(log, "hush") {
		w.t.Errorf("on a full disk: %s, want the key's message to fail\n%s", got, log)
	}
	if got := w.invoke(function, batch); got != noFailures {
		w.t.Errorf("with room: %s", got)
	}
	docs := w.documents()
	if len(docs.Mongo) != 1 || len(docs.Ditto) != 1 || len(docs.Records) != 0 {
		w.t.Errorf("with room: %d documents in MongoDB, %d in Ditto, records %q", len(docs.Mongo), len(docs.Ditto), docs.Records)
	}
	w.log.take()
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `\"`) + `"` }
