package golden_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/core/telemetry/emf"
	"github.com/causeway-sync/causeway/core/value"
	"github.com/causeway-sync/causeway/functions/internal/queue"
	"github.com/causeway-sync/causeway/functions/internal/worker"
)

// stage is a worker with the real core over both databases in memory, which a
// case lets fail.
type stage struct {
	t     *testing.T
	rules manifest.Collection
	mongo *mongosim.Sim
	ditto *dittosim.Store

	// What a case may put between.
	between      func(mongodb.Database) mongodb.Database
	execute      func(next ditto.Executor, ctx context.Context, r ditto.Request) (ditto.Response, error)
	node         *dittosim.Node
	settlerErr   error
	startErr     error // of Step Functions
	queueErr     error
	noQueue      bool
	now          func() time.Time
	receives     int
	log, metrics bytes.Buffer
	last         []byte // the metrics of the last event
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{
		t: t, mongo: mongosim.New(time.Now), ditto: dittosim.New(), now: time.Now,
		rules: manifest.Collection{
			Name: "tasks", DittoName: "tasks", Fields: []string{"_id"}, Direction: manifest.Both,
			Deletes: manifest.Deletes{Ditto: manifest.DeleteApply},
		},
	}
	if err := ledger.CreateIndexes(t.Context(), s.mongo); err != nil {
		t.Fatal(err)
	}
	return s
}

// Execute implements ditto.Executor: the store, with what a case puts between.
func (s *stage) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	var next ditto.Executor = s.ditto
	if s.node != nil {
		next = s.node
	}
	if s.execute == nil {
		return next.Execute(ctx, r)
	}
	return s.execute(next, ctx, r)
}

// Send implements worker.Sender.
func (s *stage) Send(_ context.Context, msgs []queue.Message) []error {
	errs := make([]error, len(msgs))
	for i := range errs {
		errs[i] = s.queueErr
	}
	return errs
}

// sweeps starts runs at a Step Functions that answers startErr.
type sweeps struct{ s *stage }

func (s sweeps) Request(ctx context.Context, _, _ string) error {
	m := execution.New("arn:aws:states:us-east-1:123456789012:stateMachine:initial-sync", func(context.Context) (execution.API, error) { return nil, s.s.startErr })
	_, err := m.Start(ctx, "repair-tasks-1", sweep.Input{})
	return err
}

func (s *stage) worker() *worker.Worker {
	m := &manifest.Manifest{Database: "db", Collections: []manifest.Collection{s.rules}}
	var db mongodb.Database = s.mongo
	if s.between != nil {
		db = s.between(db)
	}
	w := &worker.Worker{
		Decoder: change.Decoder{Manifest: m},
		Settler: func(context.Context) (worker.Settler, error) {
			if s.settlerErr != nil {
				return nil, s.settlerErr
			}
			log := telemetry.NewLogger(&s.log, slog.LevelDebug, true)
			return bridge.New(bridge.Config{
				Manifest: m, Mongo: db, Ditto: s, Log: log, Now: s.now,
				NewOwner: func() string { return "owner" }, NewID: func() bson.ObjectID { return bson.ObjectID{1} },
				Jitter: func(int64) int64 { return 0 }, Wait: func(context.Context, time.Duration) {},
				Both: func(f, g func() error) error { return cmp.Or(f(), g()) },
			}), nil
		},
		Sweeps:  func(context.Context) (worker.Sweeps, error) { return sweeps{s}, nil },
		IsLater: bridge.IsLater, Queue: s,
		Metrics: telemetry.NewMetrics(&s.metrics, time.Now),
		Log:     telemetry.NewLogger(&s.log, slog.LevelDebug, true),
		Now:     time.Now,
	}
	if s.noQueue {
		w.Queue = nil
	}
	return w
}

// event hands the worker one message, and returns the log lines of what failed.
func (s *stage) event(body string) (lines []string) {
	s.t.Helper()
	s.log.Reset()
	payload := fmt.Sprintf(`{"Records":[{"messageId":"m1","eventSource":"aws:sqs","body":%q,"attributes":{"ApproximateReceiveCount":"%d"}}]}`, body, s.receives)
	if s.noQueue {
		payload = body
	}
	_, err := s.worker().Invoke(s.t.Context(), json.RawMessage(payload))
	text := s.log.String()
	for line := range strings.Lines(text) {
		var l struct{ Msg, Class, Mend, Reason string }
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			s.t.Errorf("log line %s: %v", line, err)
		}
		if l.Class == "" {
			continue
		}
		if l.Mend == "" || l.Reason == "" {
			s.t.Errorf("a failure without reason or mend: %s", line)
		}
		lines = append(lines, stable(line))
	}
	if contents := regexp.MustCompile(`hush`).FindString(text); contents != "" {
		s.t.Errorf("the log shows contents:\n%s", text)
	}
	if err := emf.Check(bytes.TrimSpace(s.metrics.Bytes())); err != nil {
		s.t.Error(err)
	}
	s.last = bytes.Clone(s.metrics.Bytes())
	s.metrics.Reset()
	// The invocation fails as a whole exactly where a person has to do something.
	stopped := strings.Contains(strings.Join(lines, ""), `"class":"stop"`)
	if (err != nil) != stopped {
		s.t.Errorf("the invocation says %v", err)
	}
	return lines
}

var volatile = []struct {
	re *regexp.Regexp
	to string
}{
	{regexp.MustCompile(`"time":"[^"]*",`), ""},
	{regexp.MustCompile(`server selection error: [^"]*`), "server selection error"},
	// The driver has the one or the other when its time is over.
	{regexp.MustCompile(`find __causeway_ledger: not primary"`), `find __causeway_ledger: server selection error"`},
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
}

// stable is a log line without what differs from run to run.
func stable(line string) string {
	for _, v := range volatile {
		line = v.re.ReplaceAllString(line, v.to)
	}
	return strings.TrimSpace(line)
}

func (s *stage) set(extJSON string) {
	s.t.Helper()
	if err := s.mongo.Set("tasks", raw(s.t, extJSON)); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stage) device(statement, args string) {
	s.t.Helper()
	s.deviceOn(ditto.V5, statement, args)
}

func (s *stage) deviceOn(api ditto.API, statement, args string) {
	s.t.Helper()
	if _, err := s.ditto.Execute(s.t.Context(), ditto.Request{API: api, Statement: statement, Args: json.RawMessage(args), Write: true}); err != nil {
		s.t.Fatalf("%s: %v", statement, err)
	}
}

// fromMongo and fromDitto are keys as they stand in the queue.
func fromMongo(id string) string {
	return `{"v":1,"collection":"tasks","mongoId":` + id + `,"side":"mongodb","op":"upsert"}`
}

func (s *stage) fromDitto(id string) string {
	return fmt.Sprintf(`{"v":1,"collection":"tasks","dittoId":%s,"side":"ditto","op":"upsert","txn":%d,"at":%q}`, id, s.ditto.Txn(), time.Now().UTC().Format(time.RFC3339))
}

// failing fails the statements that begin with verb.
func failing(verb string, err error) func(ditto.Executor, context.Context, ditto.Request) (ditto.Response, error) {
	return func(next ditto.Executor, ctx context.Context, r ditto.Request) (ditto.Response, error) {
		if strings.HasPrefix(r.Statement, verb) {
			return ditto.Response{}, err
		}
		return next.Execute(ctx, r)
	}
}

// broken is a MongoDB that fails in a way of its own.
type broken struct{ mongodb.Database }

func (broken) Find(context.Context, string, bson.D, bson.D) ([]bson.Raw, error) {
	return nil, errors.New("find tasks: something new")
}

func raw(t *testing.T, extJSON string) (doc bson.Raw) {
	t.Helper()
	if err := bson.UnmarshalExtJSON([]byte(extJSON), true, &doc); err != nil {
		t.Fatalf("%s: %v", extJSON, err)
	}
	return doc
}

// claim puts somebody else's live claim on a pair.
func (s *stage) claim(key ledger.Key) {
	s.t.Helper()
	other := ledger.Store{DB: s.mongo, Writer: "another"}
	next := ledger.Entry{Key: key, Rev: 1, State: ledger.Live, Claim: &ledger.Claim{
		Owner: "another", Announced: []ledger.Announcement{{Side: value.Ditto, Hash: value.Absent}},
	}}
	if won, err := other.Put(s.t.Context(), []ledger.Put{{Next: next, ClaimFor: time.Minute}}); err != nil || !won[0] {
		s.t.Fatalf("claim: %v, %v", won, err)
	}
}
