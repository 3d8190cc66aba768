// Package golden_test holds the functions to what events/README.md says of
// each event in events/. The core and the queue behind them are fakes that
// record; with -update the table is written anew.
package golden_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/queue"
	"github.com/causeway-sync/causeway/functions/internal/receiver"
	"github.com/causeway-sync/causeway/functions/internal/sweeper"
	"github.com/causeway-sync/causeway/functions/internal/webhook"
	"github.com/causeway-sync/causeway/functions/internal/worker"
)

var update = flag.Bool("update", false, "write the results into events/README.md")

const dir = "../../../events"

// now is when the events happened.
var now = time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)

// row is a line of the table: | [file](path) | what it is | `result` |.
var row = regexp.MustCompile(`(?m)^\| \[[^\]]+\]\(([^)]+)\) \| ([^|]*) \| (.*) \|$`)

func TestEvents(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	m, err := manifest.Load(filepath.Join(dir, "causeway.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	secret := regexp.MustCompile("`([A-Za-z0-9+/=]{172})`").FindSubmatch(readme)
	if secret == nil {
		t.Fatal("README.md does not name the webhook's secret")
	}
	listed := map[string]bool{}
	text := row.ReplaceAllStringFunc(string(readme), func(line string) string {
		f := row.FindStringSubmatch(line)
		listed[f[1]] = true
		var got string
		t.Run(f[1], func(t *testing.T) {
			payload, err := os.ReadFile(filepath.Join(dir, f[1]))
			if err != nil {
				t.Fatal(err)
			}
			w := &world{manifest: m, secret: manifest.Redacted(secret[1])}
			if got = w.invoke(t, f[1], payload); got != f[3] && !*update {
				t.Errorf("result\n\t%s\nwant\n\t%s", got, f[3])
			}
		})
		return strings.Replace(line, "| "+f[3]+" |", "| "+got+" |", 1)
	})
	if *update {
		if err := os.WriteFile(filepath.Join(dir, "README.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files := 0
	err = fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && path.Ext(name) == ".json" {
			if files++; !listed[name] {
				t.Errorf("%s is not in the table", name)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, error %v", files, err)
	}
}

// world is what surrounds a function: it records what reaches the core and the
// queue.
type world struct {
	manifest *manifest.Manifest
	secret   manifest.Redacted
	core     []change.Hint
	repairs  []string // that were asked for
	beats    []int64  // heartbeats that were noted
	queued   change.Batch
}

func (w *world) Handle(_ context.Context, hints []change.Hint) ([]bridge.Verdict, bridge.Report) {
	w.core = append(w.core, hints...)
	return make([]bridge.Verdict, len(hints)), bridge.Report{Pairs: len(hints)}
}

// Request implements worker.Sweeps.
func (w *world) Request(_ context.Context, collection, _ string) error {
	if collection == "" {
		collection = "all"
	}
	w.repairs = append(w.repairs, collection)
	return nil
}

// Note implements worker.Beats.
func (w *world) Note(_ context.Context, n int64) error {
	w.beats = append(w.beats, n)
	return nil
}

func (w *world) Send(_ context.Context, msgs []queue.Message) []error {
	for _, m := range msgs {
		b := change.Decoder{Manifest: w.manifest}.Decode(m.Body)
		w.queued.Hints = append(w.queued.Hints, b.Hints...)
		w.queued.Notices = append(w.queued.Notices, b.Notices...)
		w.queued.Errs = append(w.queued.Errs, b.Errs...)
	}
	return make([]error, len(msgs))
}

// invoke runs the function that the file is for, and says what came of it.
func (w *world) invoke(t *testing.T, file string, payload json.RawMessage) string {
	t.Helper()
	clock := func() time.Time { return now }
	decoder := change.Decoder{Manifest: w.manifest}
	var counts bytes.Buffer
	metrics := telemetry.NewMetrics(&counts, clock)
	log := telemetry.NewLogger(t.Output(), slog.LevelDebug, false)
	if strings.HasPrefix(file, "ditto-to-mongo/receiver/") {
		r := &receiver.Receiver{
			Decoder: decoder, Queue: w, Metrics: metrics, Log: log, Now: clock,
			Keys: func(context.Context, bool) (webhook.Keys, error) { return webhook.ParseKeys(w.secret) },
		}
		out, err := r.Invoke(t.Context(), payload)
		return w.received(t, out, err)
	}
	if strings.HasPrefix(file, "initial-sync/") {
		return (&steps{}).stepped(t, &sweeper.Sweeper{Metrics: metrics, Log: log, Now: clock}, payload)
	}
	wk := &worker.Worker{
		Decoder: decoder, Queue: w, Metrics: metrics, Log: log, Now: clock, IsLater: bridge.IsLater, Beats: w,
		Settler: func(context.Context) (worker.Settler, error) { return w, nil },
		Sweeps:  func(context.Context) (worker.Sweeps, error) { return w, nil },
	}
	out, err := wk.Invoke(t.Context(), payload)
	return w.worked(t, payload, counts.Bytes(), out, err)
}

// received describes what a receiver did.
func (w *world) received(t *testing.T, out any, err error) string {
	t.Helper()
	if err != nil {
		return "fails: " + err.Error()
	}
	var (
		parts []string
		a     receiver.Answer
	)
	switch out := out.(type) {
	case events.APIGatewayV2HTTPResponse:
		parts = append(parts, fmt.Sprint(out.StatusCode))
		if err := json.Unmarshal([]byte(out.Body), &a); err != nil {
			t.Error(err)
		}
	case receiver.Answer:
		a = out
	default:
		t.Errorf("answer %T", out)
	}
	if a.Error != "" {
		parts = append(parts, a.Error)
	}
	for _, h := range w.queued.Hints {
		parts = append(parts, "queues "+describe(t, h))
	}
	for _, n := range w.queued.Notices {
		parts = append(parts, "requests a sweep: "+n.Reason)
	}
	if a.Ignored > 0 {
		parts = append(parts, fmt.Sprintf("ignored: %d", a.Ignored))
	}
	if len(w.queued.Errs) > 0 {
		t.Errorf("the worker cannot read the queue: %v", w.queued.Errs)
	}
	return strings.Join(parts, "; ")
}

// worked describes what a worker did: counts says so where its answer does not.
func (w *world) worked(t *testing.T, payload json.RawMessage, counts []byte, out any, err error) string {
	t.Helper()
	var parts []string
	for _, h := range w.core {
		parts = append(parts, describe(t, h))
	}
	var metrics struct{ Ignored, SweepRequested int }
	if err := json.Unmarshal(counts, &metrics); err != nil {
		t.Errorf("metrics %s: %v", counts, err)
	}
	for _, r := range w.repairs {
		parts = append(parts, "requests a repair of "+r)
	}
	if (metrics.SweepRequested > 0) != (len(w.repairs) > 0) {
		t.Errorf("%d requests counted, %q", metrics.SweepRequested, w.repairs)
	}
	if metrics.Ignored > 0 {
		parts = append(parts, fmt.Sprintf("ignored: %d", metrics.Ignored))
	}
	for _, n := range w.beats {
		parts = append(parts, fmt.Sprintf("heartbeat %d came back", n))
	}
	if res, ok := out.(events.SQSEventResponse); ok && len(res.BatchItemFailures) > 0 {
		var batch events.SQSEvent
		if err := json.Unmarshal(payload, &batch); err != nil {
			t.Error(err)
		}
		var failed []string
		for i, rec := range batch.Records {
			if slices.Contains(res.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: rec.MessageId}) {
				failed = append(failed, fmt.Sprint(i+1))
			}
		}
		if len(failed) != len(res.BatchItemFailures) {
			t.Errorf("failures %v are not all of the batch", res.BatchItemFailures)
		}
		parts = append(parts, "failed messages: "+strings.Join(failed, ", "))
	}
	if err != nil {
		parts = append(parts, "fails: "+err.Error())
	}
	return strings.Join(parts, "; ")
}

// describe is a hint as "upsert tasks <id>", ids in the form of the queue.
func describe(t *testing.T, h change.Hint) string {
	t.Helper()
	var ids []string
	for _, id := range h.MongoIDs {
		b, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: id}}, true, false)
		if err != nil {
			t.Error(err)
		}
		ids = append(ids, strings.TrimSuffix(strings.TrimPrefix(string(b), `{"v":`), "}"))
	}
	if !h.DittoID.IsZero() {
		ids = append(ids, string(h.DittoID))
	}
	if h.At.IsZero() {
		t.Errorf("no time: %+v", h)
	}
	return fmt.Sprintf("%s %s `%s`", h.Op, h.Collection, strings.Join(ids, "` or `"))
}
