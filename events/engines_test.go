// Package events_test runs the golden events through the real bootstraps,
// against both databases. What the functions make of each event, without
// engines, is tested in functions/internal/golden.
package events_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
)

// shared is the world of all tests that leave its engines running; the first
// that asks starts it.
var shared = sync.OnceValues(func() (*world, error) {
	dir, err := os.MkdirTemp("", "causeway-events-")
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	w, err := open(ctx, dir, options{})
	atEnd = func() error { return errors.Join(w.close(), os.RemoveAll(dir)) }
	return w, err
})

var (
	inUse sync.Mutex                    // the shared world
	atEnd = func() error { return nil } // ends it
)

// startTime is how long engines may take to start, with what they install.
const startTime = 5 * time.Minute

func TestMain(m *testing.M) {
	flag.Parse()
	// Tests wait for each other, and for engines.
	_ = flag.Set("test.parallel", "16")
	code := m.Run()
	if err := atEnd(); err != nil {
		fmt.Fprintln(os.Stderr, "stop:", err)
		code = 1
	}
	os.Exit(code)
}

// use gives a test the shared world, for itself alone.
func use(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	inUse.Lock()
	t.Cleanup(inUse.Unlock)
	w, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return w.in(t)
}

// row is one golden event: how it finds the databases, and what comes of it.
type row struct {
	files []string // below events/, without .json
	given []step
	want  outcome
	// again is the answer when the event comes a second time, where it is
	// another one than the first: then nothing is left to do.
	again string
}

// outcome is all that an event may change. Documents are "<collection> <JSON>",
// of MongoDB in canonical Extended JSON, keys sorted.
type outcome struct {
	Answer  string
	Mongo   []string
	Ditto   []string
	Writes  []string // "<database> <operation> <collection> <id>"
	Ledger  []string // "<key> <state> <MongoDB _id>"
	Claims  int      // writes of the ledger
	Records []string
	Queue   []string // messages in the function's queue, without their times
	Reasons []string // of failures, as the log says them
}

// function is the one that a golden file is for.
func function(file string) string {
	switch {
	case strings.HasPrefix(file, "mongo-to-ditto/"):
		return mongoToDitto
	case strings.HasPrefix(file, "ditto-to-mongo/receiver/"):
		return receiver
	case strings.HasPrefix(file, "initial-sync/"):
		return initialSync
	}
	return dittoToMongo
}

// Each event has the documents, the number of writes, the ledger and the
// answer that its row says; a second time, it writes nothing (invariant 4).
func TestWorkers(t *testing.T) { workers(t, use(t)) }

func workers(t *testing.T, w *world) {
	for _, r := range slices.Concat(mongoRows, dittoRows) {
		for _, file := range r.files {
			t.Run(file, func(t *testing.T) {
				w := w.in(t)
				w.clean()
				for _, do := range r.given {
					do(w)
				}
				payload := w.payload(file)
				w.begin()
				w.compare("first time", r.want, w.finish(w.invoke(function(file), payload)))
				w.begin()
				w.compare("second time", r.wantAgain(), w.finish(w.invoke(function(file), payload)))
			})
		}
	}
}

// wantAgain is what has come of an event when it was handled twice.
func (r row) wantAgain() outcome {
	want := r.want
	want.Writes, want.Claims = nil, 0
	want.Answer = cmp.Or(r.again, r.want.Answer)
	return want
}

// payload is a golden file as if its event had happened now. What comes from
// MongoDB names no time that matters.
func (w *world) payload(file string) []byte {
	w.t.Helper()
	b, err := os.ReadFile(filepath.FromSlash(file) + ".json")
	if err != nil {
		w.t.Fatal(err)
	}
	switch function(file) {
	case mongoToDitto:
		return w.named(b)
	case initialSync:
		return b
	case receiver:
		return w.restampRequest(b)
	}
	return []byte(w.renumber(string(w.restamp(b))))
}

// Every golden event has its row in one of the tables.
func TestEveryEventHasARow(t *testing.T) {
	rows := map[string]int{}
	for _, r := range slices.Concat(mongoRows, dittoRows) {
		for _, file := range r.files {
			rows[file]++
		}
	}
	for _, r := range receiverRows {
		for _, file := range r.files {
			rows[file]++
		}
	}
	for _, s := range stepRows {
		rows[s.file]++
	}
	files := map[string]int{}
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && path.Ext(name) == ".json" {
			files[strings.TrimSuffix(name, ".json")]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(files, rows); diff != "" {
		t.Errorf("files and rows (-files +rows):\n%s", diff)
	}
}
