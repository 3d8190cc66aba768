package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/stack"
)

// coldStart gives the time from the start of a bootstrap's process to its first
// answer, its memory then, and its size. What a worker is handed first is a key of
// which neither side has a document, so that it connects to both; the others get
// something they refuse.
func coldStart(ctx context.Context, b *bench) (err error) {
	w, err := openWorld(ctx, b, singles, stack.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for _, name := range []string{stack.MongoToDitto, stack.DittoToMongo, stack.Receiver, stack.InitialSync} {
		event := []byte(`{"version":"2.0","rawPath":"/webhook","headers":{},"body":"[]","isBase64Encoded":false,"requestContext":{"http":{"method":"POST","path":"/webhook"}}}`)
		refuses := false
		switch name {
		case stack.MongoToDitto, stack.DittoToMongo:
			if event, err = queueEvent(name); err != nil {
				return err
			}
		case stack.InitialSync:
			event, refuses = []byte(`{"step":"none"}`), true
		}
		var times, sizes []float64
		for range b.rounds * 4 {
			took, mib, err := startOnce(ctx, name, w.info.Functions[name], event, refuses)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			times, sizes = append(times, took), append(sizes, mib)
		}
		b.add(row{what: "cold start to the first answer, " + name, unit: "ms", values: times, aim: atMost(50)})
		b.add(row{what: "resident memory after it, " + name, unit: "MiB", values: sizes, aim: atMost(40)})
	}
	for _, name := range []string{stack.MongoToDitto, stack.DittoToMongo, stack.InitialSync} {
		for _, dir := range []string{"dist", "dist/host"} {
			info, err := os.Stat(filepath.Join(b.root, filepath.FromSlash(dir), name, "bootstrap"))
			if errors.Is(err, os.ErrNotExist) {
				continue // not built for the cloud: `make build` does
			}
			if err != nil {
				return err
			}
			b.add(row{what: "size of " + dir + "/" + name, unit: "MB", values: []float64{float64(info.Size()) / 1e6}, aim: atMost(15)})
		}
	}
	return nil
}

// startOnce starts a function and hands it an event: milliseconds and MiB. It is
// an error unless the function answers, or refuses if it should.
func startOnce(ctx context.Context, name string, f stack.Function, event []byte, refuses bool) (ms, mib float64, err error) {
	var log strings.Builder
	fn := lambda.New(lambda.Config{Name: name, Bootstrap: f.Bootstrap, Env: f.Environ(), Timeout: stack.Timeout(name), Log: &log})
	defer func() { err = errors.Join(err, fn.Close(context.WithoutCancel(ctx))) }()
	from := time.Now()
	answer, err := fn.Invoke(ctx, event)
	took := time.Since(from)
	switch {
	case refuses && lambda.IsFunctionError(err):
	case refuses:
		return 0, 0, fmt.Errorf("should have refused the event: %s, %w", answer, err)
	case err != nil:
		return 0, 0, err
	case strings.Contains(string(answer), `"itemIdentifier"`):
		return 0, 0, fmt.Errorf("gave the message back: %s", log.String())
	}
	for _, pid := range fn.PIDs() {
		mib = memory(pid, "VmRSS")
	}
	return float64(took) / float64(time.Millisecond), mib, nil
}
