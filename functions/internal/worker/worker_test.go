package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/value"
	"github.com/causeway-sync/causeway/functions/internal/queue"
	"github.com/causeway-sync/causeway/functions/internal/worker"
)

var (
	now      = time.Date(2026, 11, 23, 7, 0, 10, 0, time.UTC)
	errLater = errors.New("claimed by another")
	errDown  = errors.New("no reachable servers")
)

// fakeSettler answers by the Ditto id of a key, and records what it was given.
type fakeSettler struct {
	verdicts map[docid.ID]bridge.Verdict
	short    bool // one verdict too few
	calls    [][]change.Hint
	deadline time.Time
}

func (f *fakeSettler) Handle(ctx context.Context, hints []change.Hint) ([]bridge.Verdict, bridge.Report) {
	f.calls = append(f.calls, hints)
	f.deadline, _ = ctx.Deadline()
	var out []bridge.Verdict
	for _, h := range hints {
		out = append(out, f.verdicts[h.DittoID])
	}
	if f.short {
		return out[1:], bridge.Report{}
	}
	return out, bridge.Report{Pairs: len(hints), ToMongo: len(hints), Large: 1, Rounds: 1}
}

// fakeQueue records what it takes, and refuses bodies that contain refuse.
type fakeQueue struct {
	refuse string
	sent   []queue.Message
}

func (f *fakeQueue) Send(_ context.Context, msgs []queue.Message) []error {
	errs := make([]error, len(msgs))
	for i, m := range msgs {
		if f.refuse != "" && strings.Contains(string(m.Body), f.refuse) {
			errs[i] = errors.New("queue is busy")
			continue
		}
		f.sent = append(f.sent, m)
	}
	return errs
}

var decoder = change.Decoder{Manifest: &manifest.Manifest{
	Database:    "test-db",
	Collections: []manifest.Collection{{Name: "tasks", DittoName: "tasks", Fields: []string{"_id"}}},
}}

// harness is a worker over fakes.
type harness struct {
	*worker.Worker
	settler      *fakeSettler
	queue        *fakeQueue
	log, metrics bytes.Buffer
}

func newHarness(verdicts map[docid.ID]bridge.Verdict) *harness {
	h := &harness{settler: &fakeSettler{verdicts: verdicts}, queue: &fakeQueue{}}
	clock := func() time.Time { return now }
	h.Worker = &worker.Worker{
		Decoder: decoder,
		Settler: func(context.Context) (worker.Settler, error) { return h.settler, nil },
		Queue:   h.queue,
		IsLater: func(err error) bool { return errors.Is(err, errLater) },
		Metrics: telemetry.NewMetrics(&h.metrics, clock),
		Log:     telemetry.NewLogger(&h.log, slog.LevelDebug, false),
		Now:     clock,
	}
	return h
}

// key is a key of the tasks collection.
func key(id string, tries int) change.Hint {
	return change.Hint{
		Collection: "tasks", DittoID: docid.ID(`"` + id + `"`), Side: value.Ditto, Op: change.Upsert,
		Txn: 7, At: now.Add(-10 * time.Second), Tries: tries,
	}
}

// message is a queue message of one or several keys.
func message(t *testing.T, id string, keys ...change.Hint) worker.Message {
	t.Helper()
	bodies, err := change.Pack(keys, nil)
	if err != nil || len(bodies) != 1 {
		t.Fatalf("%d bodies, error %v", len(bodies), err)
	}
	return worker.Message{ID: id, Body: bodies[0]}
}

// sentKeys are the keys that were sent again, as "id tries delay".
func (h *harness) sentKeys() (out []string) {
	for _, m := range h.queue.sent {
		var group []string
		for _, k := range decoder.Decode(m.Body).Hints {
			group = append(group, fmt.Sprintf("%s/%d", strings.Trim(string(k.DittoID), `"`), k.Tries))
		}
		out = append(out, fmt.Sprintf("%s +%ds", strings.Join(group, " "), int(m.Delay.Seconds())))
	}
	return out
}

// batch is Batch where no person is needed.
func (h *harness) batch(t *testing.T, msgs []worker.Message) []string {
	t.Helper()
	failed, err := h.Batch(t.Context(), msgs)
	if err != nil {
		t.Errorf("the batch stopped: %v", err)
	}
	return failed
}

func (h *harness) infoLines() int { return strings.Count(h.log.String(), "level=INFO") }

func TestBatch(t *testing.T) {
	later := func(s int) bridge.Verdict {
		return bridge.Verdict{Err: errLater, Delay: time.Duration(s) * time.Second}
	}
	down := bridge.Verdict{Err: errDown}
	outage := bridge.Verdict{Err: &ditto.Error{Status: 503}}
	undecodable := worker.Message{ID: "bad", Body: []byte(`{"hello":1}`)}
	for _, tc := range []struct {
		name     string
		verdicts map[docid.ID]bridge.Verdict
		receives int
		refuse   string
		msgs     []worker.Message
		failed   []string
		sent     []string
	}{
		{name: "OK", msgs: []worker.Message{message(t, "1", key("a", 0)), message(t, "2", key("b", 0), key("c", 0))}},
		{
			name: "FailsAlone", verdicts: map[docid.ID]bridge.Verdict{`"b"`: down},
			msgs:   []worker.Message{message(t, "1", key("a", 0)), message(t, "2", key("b", 0)), message(t, "3", key("b", 0))},
			failed: []string{"2", "3"},
		},
		{name: "UndecodableFailsAlone", msgs: []worker.Message{undecodable, message(t, "2", key("b", 0))}, failed: []string{"bad"}},
		{
			name: "PartOfPackedTravelsOn", verdicts: map[docid.ID]bridge.Verdict{`"b"`: down},
			msgs: []worker.Message{message(t, "1", key("a", 0), key("b", 3), key("c", 0))},
			sent: []string{"b/3 +0s"},
		},
		{
			name: "AllOfPackedFails", verdicts: map[docid.ID]bridge.Verdict{`"a"`: down, `"b"`: down},
			msgs:   []worker.Message{message(t, "1", key("a", 0), key("b", 0))},
			failed: []string{"1"},
		},
		{
			name: "PartOfPackedCannotTravel", verdicts: map[docid.ID]bridge.Verdict{`"b"`: down}, refuse: `"b"`,
			msgs:   []worker.Message{message(t, "1", key("a", 0), key("b", 0))},
			failed: []string{"1"},
		},
		{
			name: "Later", verdicts: map[docid.ID]bridge.Verdict{`"a"`: later(4), `"b"`: later(4), `"c"`: later(9)},
			msgs: []worker.Message{message(t, "1", key("a", 0)), message(t, "2", key("b", 39), key("c", 1), key("d", 0))},
			sent: []string{"a/1 b/40 +4s", "c/2 +9s"},
		},
		{
			name: "LaterTooOften", verdicts: map[docid.ID]bridge.Verdict{`"a"`: later(4)},
			msgs:   []worker.Message{message(t, "1", key("a", 40))},
			failed: []string{"1"},
		},
		{
			// An outage sends no key to the dead letters.
			name: "OutageLasts", verdicts: map[docid.ID]bridge.Verdict{`"a"`: outage, `"b"`: down}, receives: worker.Patience,
			msgs:   []worker.Message{message(t, "1", key("a", 0)), message(t, "2", key("b", 0)), message(t, "3", key("a", 7), key("c", 0))},
			failed: []string{"2"},
			sent:   []string{"a/0 a/7 +60s"},
		},
		{
			name: "OutageNotYet", verdicts: map[docid.ID]bridge.Verdict{`"a"`: outage}, receives: worker.Patience - 1,
			msgs:   []worker.Message{message(t, "1", key("a", 0))},
			failed: []string{"1"},
		},
		{
			name: "OutageLastsButQueueIsBusy", verdicts: map[docid.ID]bridge.Verdict{`"a"`: outage}, receives: worker.Patience, refuse: `"a"`,
			msgs:   []worker.Message{message(t, "1", key("a", 0))},
			failed: []string{"1"},
		},
		{
			name: "LaterNotSent", verdicts: map[docid.ID]bridge.Verdict{`"a"`: later(4), `"b"`: later(5)}, refuse: `"a"`,
			msgs:   []worker.Message{message(t, "1", key("a", 0)), message(t, "2", key("b", 0))},
			failed: []string{"1"},
			sent:   []string{"b/1 +5s"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			h := newHarness(tc.verdicts)
			h.queue.refuse = tc.refuse
			for i := range tc.msgs {
				tc.msgs[i].Receives = tc.receives
			}
			if diff := cmp.Diff(tc.failed, h.batch(t, tc.msgs)); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.sent, h.sentKeys()); diff != "" {
				t.Errorf("sent again (-want +got):\n%s", diff)
			}
			if len(h.settler.calls) != 1 {
				t.Errorf("%d calls of the core, want 1 for the batch", len(h.settler.calls))
			}
			if h.infoLines() != 1 {
				t.Errorf("%d info lines, want 1:\n%s", h.infoLines(), h.log.String())
			}
		})
	}
}

// Where nobody but a person can mend it, the invocation fails as a whole, and
// says so; but only when there is nothing in the batch that was handled.
func TestBatchStops(t *testing.T) {
	refused := bridge.Verdict{Err: &ditto.Error{Status: 401}}
	h := newHarness(map[docid.ID]bridge.Verdict{`"a"`: refused, `"b"`: {Err: errDown}})
	failed, err := h.Batch(t.Context(), []worker.Message{message(t, "1", key("b", 0)), message(t, "2", key("a", 0))})
	if diff := cmp.Diff([]string{"1", "2"}, failed); diff != "" || err == nil || !strings.Contains(err.Error(), "store a valid API key") {
		t.Errorf("error %v, failed (-want +got):\n%s", err, diff)
	}
	if !strings.Contains(h.log.String(), "level=ERROR") {
		t.Errorf("log %s", h.log.String())
	}
	failed = h.batch(t, []worker.Message{message(t, "1", key("c", 0)), message(t, "2", key("a", 0))})
	if diff := cmp.Diff([]string{"2"}, failed); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}

// A hint without a verdict was not reached: its message comes again.
func TestBatchShortAnswer(t *testing.T) {
	h := newHarness(nil)
	h.settler.short = true
	if diff := cmp.Diff([]string{"1", "2"}, h.batch(t, []worker.Message{message(t, "1", key("a", 0)), message(t, "2", key("b", 0))})); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
}

func TestBatchSettlerUnavailable(t *testing.T) {
	h := newHarness(nil)
	calls := 0
	h.Settler = func(context.Context) (worker.Settler, error) {
		calls++
		if calls == 1 {
			return nil, errors.New(`read secret "prod/mongo": not found`)
		}
		return h.settler, nil
	}
	msgs := []worker.Message{message(t, "1", key("a", 0)), message(t, "2", key("b", 0))}
	if diff := cmp.Diff([]string{"1", "2"}, h.batch(t, msgs)); diff != "" {
		t.Errorf("failed (-want +got):\n%s", diff)
	}
	if n := strings.Count(h.log.String(), "level=WARN"); n != 1 || !strings.Contains(h.log.String(), "prod/mongo") {
		t.Errorf("%d warnings, want one for the common cause:\n%s", n, h.log.String())
	}
	if failed := h.batch(t, msgs); failed != nil {
		t.Errorf("failed %v once the secret is there", failed)
	}
}

// beats is what is told of heartbeats.
type beats struct {
	noted []int64
	err   error
}

func (b *beats) Note(ctx context.Context, n int64) error {
	if _, ok := ctx.Deadline(); !ok {
		return errors.New("without a deadline")
	}
	b.noted = append(b.noted, n)
	return b.err
}

// Of heartbeats the last is noted, once. One that cannot be noted does not come
// again: the next one will.
func TestBeats(t *testing.T) {
	beat := func(id string, n int) worker.Message {
		return worker.Message{ID: id, Body: fmt.Appendf(nil, `{"operationType":"insert","ns":{"db":"test-db","coll":"__causeway_canary"},"documentKey":{"_id":{"$numberLong":"%d"}}}`, n)}
	}
	for name, fails := range map[string]error{"OK": nil, "Away": errors.New("no primary")} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(nil)
			b := &beats{err: fails}
			h.Beats = b
			if failed := h.batch(t, []worker.Message{beat("1", 8), beat("2", 9), beat("3", 7), message(t, "4", key("a", 0))}); failed != nil {
				t.Errorf("failed %v", failed)
			}
			if diff := cmp.Diff([]int64{9}, b.noted); diff != "" {
				t.Errorf("noted (-want +got):\n%s", diff)
			}
			if m := h.lastMetrics(t); m[telemetry.Canary] != 3.0 || m[telemetry.Failed] != 0.0 {
				t.Errorf("metrics %v", m)
			}
			if said := strings.Contains(h.log.String(), "heartbeat not noted"); said != (fails != nil) {
				t.Errorf("log %s", h.log.String())
			}
			if failed := h.batch(t, []worker.Message{message(t, "1", key("a", 0))}); failed != nil || len(b.noted) != 1 {
				t.Errorf("failed %v, noted %v without a heartbeat", failed, b.noted)
			}
		})
	}
}

// The core is not asked for an event that holds no key.
func TestBatchWithoutKeys(t *testing.T) {
	h := newHarness(nil)
	h.Settler = func(context.Context) (worker.Settler, error) { return nil, errors.New("not wanted") }
	drop, err := change.Notice{Collection: "tasks", Side: value.MongoDB, Reason: "drop"}.Message()
	if err != nil {
		t.Fatal(err)
	}
	canary := []byte(`{"operationType":"update","ns":{"db":"test-db","coll":"__causeway_canary"},"documentKey":{"_id":1}}`)
	if failed := h.batch(t, []worker.Message{{ID: "1", Body: drop}, {ID: "2", Body: canary}}); failed != nil {
		t.Errorf("failed %v", failed)
	}
	m := h.lastMetrics(t)
	if m[telemetry.SweepRequested] != 1.0 || m[telemetry.Canary] != 1.0 || m[telemetry.Ignored] != 1.0 {
		t.Errorf("metrics %v", m)
	}
	if !strings.Contains(h.log.String(), "sweep requested") {
		t.Errorf("log %s", h.log.String())
	}
}

func (h *harness) lastMetrics(t *testing.T) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(h.metrics.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestBatchMetrics(t *testing.T) {
	h := newHarness(map[docid.ID]bridge.Verdict{`"b"`: {Err: errDown}})
	h.batch(t, []worker.Message{
		message(t, "1", key("a", 0)), message(t, "2", key("b", 0)), {ID: "3", Body: []byte("x")},
	})
	m := h.lastMetrics(t)
	delete(m, "_aws")
	want := map[string]any{
		"Pairs": 2.0, "Equal": 0.0, "ToDitto": 0.0, "ToMongoDB": 2.0, "Conflicts": 0.0, "Parked": 0.0, "Large": 1.0, "Later": 0.0,
		"Failed": 2.0, "Stopped": 0.0, "Undecodable": 1.0, "Ignored": 0.0, "SweepRequested": 0.0, "Canary": 0.0, "Lag": 10000.0,
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// The core's time ends a margin before the function's.
func TestBatchDeadline(t *testing.T) {
	h := newHarness(nil)
	end := time.Now().Add(time.Minute)
	ctx, cancel := context.WithDeadline(t.Context(), end)
	defer cancel()
	h.Batch(ctx, []worker.Message{message(t, "1", key("a", 0))})
	if got := end.Sub(h.settler.deadline); got != worker.Margin {
		t.Errorf("margin %v, want %v", got, worker.Margin)
	}
}

func TestEvent(t *testing.T) {
	body := message(t, "", key("a", 0)).Body
	t.Run("OK", func(t *testing.T) {
		h := newHarness(nil)
		s, err := h.Event(t.Context(), body)
		want := worker.Summary{Messages: 1, Keys: 1, Pairs: 1, ToMongo: 1, Large: 1}
		if diff := cmp.Diff(want, s); diff != "" || err != nil {
			t.Errorf("error %v, summary (-want +got):\n%s", err, diff)
		}
	})
	t.Run("Later", func(t *testing.T) {
		h := newHarness(map[docid.ID]bridge.Verdict{`"a"`: {Err: errLater, Delay: time.Second}})
		if _, err := h.Event(t.Context(), body); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"a/1 +1s"}, h.sentKeys()); diff != "" {
			t.Errorf("sent again (-want +got):\n%s", diff)
		}
	})
	t.Run("ErrLaterWithoutQueue", func(t *testing.T) {
		h := newHarness(map[docid.ID]bridge.Verdict{`"a"`: {Err: errLater}})
		h.Queue = nil
		if _, err := h.Event(t.Context(), body); err == nil || !strings.Contains(err.Error(), "CAUSEWAY_QUEUE_URL") {
			t.Errorf("error %v", err)
		}
	})
	t.Run("ErrFailed", func(t *testing.T) {
		h := newHarness(map[docid.ID]bridge.Verdict{`"a"`: {Err: errDown}})
		if _, err := h.Event(t.Context(), body); !errors.Is(err, errDown) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("ErrUndecodable", func(t *testing.T) {
		h := newHarness(nil)
		if _, err := h.Event(t.Context(), []byte("{")); !change.IsUndecodable(err) {
			t.Errorf("error %v", err)
		}
	})
}

func TestInvoke(t *testing.T) {
	sqs := func(source string, bodies ...string) json.RawMessage {
		var recs []string
		for i, b := range bodies {
			recs = append(recs, fmt.Sprintf(`{"messageId":"m%d","body":%q,"attributes":{"SentTimestamp":"%d"},"eventSource":%q}`, i, b, now.UnixMilli()-4000, source))
		}
		return json.RawMessage(`{"Records":[` + strings.Join(recs, ",") + `]}`)
	}
	answer := func(t *testing.T, h *harness, payload json.RawMessage) string {
		t.Helper()
		out, err := h.Invoke(t.Context(), payload)
		if err != nil {
			t.Fatal(err)
		}
		b, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	ok := `{"v":1,"collection":"tasks","dittoId":"a","op":"upsert"}`
	t.Run("Batch", func(t *testing.T) {
		if got := answer(t, newHarness(nil), sqs("aws:sqs", ok, ok)); got != `{"batchItemFailures":[]}` {
			t.Errorf("answer %s", got)
		}
	})
	t.Run("PartialFailure", func(t *testing.T) {
		if got := answer(t, newHarness(nil), sqs("aws:sqs", ok, "nonsense")); got != `{"batchItemFailures":[{"itemIdentifier":"m1"}]}` {
			t.Errorf("answer %s", got)
		}
	})
	t.Run("LagFromQueue", func(t *testing.T) {
		h := newHarness(nil)
		answer(t, h, sqs("aws:sqs", ok))
		if m := h.lastMetrics(t); m["Lag"] != 4000.0 {
			t.Errorf("lag %v, want 4000", m["Lag"])
		}
	})
	t.Run("BareEvent", func(t *testing.T) {
		if got := answer(t, newHarness(nil), json.RawMessage(ok)); !strings.Contains(got, `"pairs":1`) {
			t.Errorf("answer %s", got)
		}
	})
	for name, payload := range map[string]json.RawMessage{
		"ErrOtherSource": sqs("aws:sns", ok),
		"ErrEmpty":       json.RawMessage(`{}`),
		"ErrKafka":       json.RawMessage(`{"eventSource":"SelfManagedKafka","records":{}}`),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := newHarness(nil).Invoke(t.Context(), payload); err == nil {
				t.Error("no error")
			}
		})
	}
}

// fakeSweeps records what is asked for; errs fail the requests of a collection.
type fakeSweeps struct {
	errs  map[string]error
	asked []string
}

func (f *fakeSweeps) Request(_ context.Context, collection, reason string) error {
	f.asked = append(f.asked, collection+" "+reason)
	return f.errs[collection]
}

// noticed is a queue message of a key and a request for a sweep.
func noticed(t *testing.T, id, collection string, receives int) worker.Message {
	t.Helper()
	bodies, err := change.Pack([]change.Hint{key(id, 0)}, []change.Notice{{Collection: collection, Side: value.Ditto, Reason: "requeryRequired"}})
	if err != nil || len(bodies) != 1 {
		t.Fatalf("%d bodies, error %v", len(bodies), err)
	}
	return worker.Message{ID: id, Body: bodies[0], Receives: receives}
}

// unavailable is an error that only takes time.
type unavailable struct{ error }

func (unavailable) Cause() bridge.Cause { return bridge.CauseSweep }

// A request for a sweep starts one, once per collection, and its message comes
// again when that fails (invariant 1).
func TestSweepsAreRequested(t *testing.T) {
	use := func(h *harness, f *fakeSweeps) {
		h.Sweeps = func(context.Context) (worker.Sweeps, error) { return f, nil }
	}
	t.Run("Once", func(t *testing.T) {
		h, f := newHarness(nil), &fakeSweeps{}
		use(h, f)
		var msgs []worker.Message
		for i := range 20 {
			msgs = append(msgs, noticed(t, fmt.Sprint(i), "tasks", 1))
		}
		failed, err := h.Batch(t.Context(), append(msgs, noticed(t, "all", "", 1)))
		if err != nil || len(failed) != 0 {
			t.Errorf("failed %v, %v", failed, err)
		}
		if diff := cmp.Diff([]string{"tasks requeryRequired", " requeryRequired"}, f.asked); diff != "" {
			t.Errorf("asked (-want +got):\n%s", diff)
		}
		if len(h.settler.calls) != 1 || len(h.settler.calls[0]) != 21 {
			t.Errorf("keys %v", h.settler.calls)
		}
	})
	t.Run("Fails", func(t *testing.T) {
		h, f := newHarness(nil), &fakeSweeps{errs: map[string]error{"": unavailable{errors.New("throttled")}}}
		use(h, f)
		failed, err := h.Batch(t.Context(), []worker.Message{noticed(t, "a", "", 1), noticed(t, "b", "tasks", 1)})
		if diff := cmp.Diff([]string{"a"}, failed); diff != "" || err != nil {
			t.Errorf("failed (-want +got), %v:\n%s", err, diff)
		}
		if !strings.Contains(h.log.String(), "reason=sweep-unavailable") {
			t.Errorf("log %s", &h.log)
		}
	})
	t.Run("OutageLasts", func(t *testing.T) {
		h, f := newHarness(nil), &fakeSweeps{errs: map[string]error{"tasks": unavailable{errors.New("throttled")}}}
		use(h, f)
		failed, err := h.Batch(t.Context(), []worker.Message{noticed(t, "a", "tasks", worker.Patience)})
		if err != nil || len(failed) != 0 || len(h.queue.sent) != 1 {
			t.Fatalf("failed %v, %v; sent %v", failed, err, h.queue.sent)
		}
		m := h.queue.sent[0]
		b := decoder.Decode(m.Body)
		if len(b.Notices) != 1 || b.Notices[0].Collection != "tasks" || b.Notices[0].Reason != "requeryRequired" || len(b.Hints) != 0 || m.Delay == 0 {
			t.Errorf("sent %s after %s", m.Body, m.Delay)
		}
		t.Run("QueueTooOut", func(t *testing.T) {
			h.queue.refuse = "notice"
			if failed, _ := h.Batch(t.Context(), []worker.Message{noticed(t, "a", "tasks", worker.Patience)}); len(failed) != 1 {
				t.Errorf("failed %v", failed)
			}
		})
	})
	t.Run("OnlyAPersonMends", func(t *testing.T) {
		h := newHarness(nil)
		h.Sweeps = func(context.Context) (worker.Sweeps, error) { return nil, refused{errors.New("denied")} }
		body, err := change.Notice{Collection: "tasks", Reason: "drop"}.Message()
		if err != nil {
			t.Fatal(err)
		}
		_, err = h.Batch(t.Context(), []worker.Message{{ID: "a", Body: body, Receives: worker.Patience}})
		if err == nil || !strings.Contains(err.Error(), "CAUSEWAY_STATE_MACHINE_ARN") {
			t.Errorf("error %v, want the mend", err)
		}
	})
}

type refused struct{ error }

func (refused) Cause() bridge.Cause { return bridge.CauseSweepRefused }
