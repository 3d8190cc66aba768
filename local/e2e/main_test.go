package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/stack"
)

// startTime is how long the stack may take to start, with what it installs.
const startTime = 5 * time.Minute

// world is the running stack, and both sides of it.
type world struct {
	dir     string
	stack   *stack.Stack
	info    stack.Info
	client  *mongo.Client
	db      *mongo.Database
	core    *mongodb.Client
	records ledger.Records
	ditto   *ditto.Server // for what a user cannot see: counts and faults
	watch   *watch
	rounds  *lockstep
	runs    map[string]int
	known   map[[2]string]bool     // documents, by collection and id, MongoDB's or Ditto's
	command func() (string, error) // path of the command
	out     bytes.Buffer
}

// started is the world that all tests share.
var started = sync.OnceValues(start)

var running *world

func TestMain(m *testing.M) {
	flag.Parse()
	// Tests mostly wait for the functions, and wait together.
	_ = flag.Set("test.parallel", "32")
	code := m.Run()
	if running != nil {
		if err := checkMetrics(filepath.Join(running.dir, "logs")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		if err := running.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "stop:", err)
			code = 1
		}
		if code != 0 {
			_, _ = io.Copy(os.Stderr, &running.out)
			fmt.Fprintln(os.Stderr, "the logs are kept in", filepath.Join(running.dir, "logs"))
			_ = os.RemoveAll(filepath.Join(running.dir, "data"))
		} else {
			_ = os.RemoveAll(running.dir)
		}
	}
	os.Exit(code)
}

// open returns the world, and makes the test take its rounds with the others.
// The first test that asks starts the stack.
func open(t *testing.T) *world {
	t.Helper()
	w, err := started()
	if err != nil {
		t.Fatal(err)
	}
	w.rounds.join()
	t.Cleanup(w.rounds.leave)
	return w
}

// again is "" the first time that a test runs, and tells its further runs
// apart (-count): what the first left is still there.
func (w *world) again(t *testing.T) string {
	w.rounds.mu.Lock()
	defer w.rounds.mu.Unlock()
	w.runs[t.Name()]++
	if n := w.runs[t.Name()]; n > 1 {
		return fmt.Sprint(" ", n)
	}
	return ""
}

func start() (_ *world, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	root, err := install.Root("")
	if err != nil {
		return nil, err
	}
	w := &world{runs: map[string]int{}, known: map[[2]string]bool{}}
	if w.dir, err = os.MkdirTemp("", "causeway-e2e-"); err != nil {
		return nil, err
	}
	running = w
	w.command = sync.OnceValues(func() (string, error) { return build(w.dir) })
	config := filepath.Join(w.dir, "causeway.yaml")
	text := manifest("causeway_e2e_" + bson.NewObjectID().Hex())
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	w.stack, err = stack.Start(ctx, stack.Options{
		Root: root, Config: config, Dir: w.dir, Faults: true, Out: &w.out,
		Getenv: func(name string) string {
			if strings.HasPrefix(name, "DITTO_") {
				return "" // a server of the user's own counts no writes and injects no faults
			}
			return os.Getenv(name)
		},
	})
	if err != nil {
		return nil, err
	}
	w.rounds = newLockstep(w.stack.Pause, w.stack.Resume)
	w.info = w.stack.Info()
	w.ditto = &ditto.Server{URL: w.info.Ditto.URL, APIKey: w.info.Ditto.APIKey}
	if w.client, err = mongo.Connect(options.Client().ApplyURI(w.info.MongoDB)); err != nil {
		return nil, err
	}
	w.db = w.client.Database(w.info.Database)
	if w.core, err = mongodb.Connect(w.info.MongoDB, w.info.Database); err != nil {
		return nil, err
	}
	w.records = ledger.Records{DB: w.core}
	w.watch, err = newWatch(ctx, w.db, w.info.Collections)
	return w, err
}

func (w *world) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if w.watch != nil {
		w.watch.stop()
	}
	if w.core != nil {
		_ = w.core.Close(ctx)
	}
	if w.client != nil {
		if w.info.MongoDBKind == "external" {
			_ = w.db.Drop(ctx)
		}
		_ = w.client.Disconnect(ctx)
	}
	var err error
	if w.stack != nil {
		err = errors.Join(w.stack.Stop(ctx), leak.Stack(w.dir), leak.Check("the terminal", w.out.Bytes()))
	}
	return err
}
