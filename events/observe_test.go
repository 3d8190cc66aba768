package events_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	coreditto "github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry/emf"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/sqs"
)

// marker is a collection that the functions do not know: what is written there
// shows how far the change stream has come.
const marker = "marker"

// begin starts an observation.
func (w *world) begin() {
	w.t.Helper()
	w.events()
	w.txn = w.dittoState().Txn
	w.log.take()
}

// finish is what an invocation has changed since begin, beside its answer.
func (w *world) finish(answer string) outcome {
	w.t.Helper()
	o := w.documents()
	o.Answer = answer
	for _, x := range w.dittoWrites() {
		o.Writes = append(o.Writes, fmt.Sprintf("ditto %s %s %s", x.Method, x.Collection, x.ID))
	}
	for _, e := range w.events() {
		switch e.collection {
		case ledger.Collection:
			o.Claims++
		case ledger.ConflictCollection, ledger.UnsyncedCollection: // in Records
		case sweep.Collection: // requests for runs, where there is a state machine
			if write := "mongodb " + e.String(); strings.HasSuffix(write, ` "canary"`) {
				o.Writes = append(o.Writes, write)
			} else {
				w.requested++
			}
		default:
			o.Writes = append(o.Writes, "mongodb "+e.String())
		}
	}
	w.queued = w.drain()
	for _, body := range keysOnly(w.t, w.queued) {
		o.Queue = append(o.Queue, strings.ReplaceAll(body, fmt.Sprintf(`"txn":%d`, w.stamped), `"txn":"now"`))
	}
	o.Reasons = w.reasons(answer)
	return o
}

// compare wants one outcome line by line.
func (w *world) compare(when string, want, got outcome) {
	w.t.Helper()
	if diff := cmp.Diff(want.lines(w.t), got.lines(w.t)); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func (o outcome) lines(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "answer: %s\nledger writes: %d\n", o.Answer, o.Claims)
	for _, part := range []struct {
		name  string
		lines []string
	}{{"mongodb", sorted(t, o.Mongo)}, {"ditto", sorted(t, o.Ditto)}, {"write", o.Writes}, {"entry", o.Ledger}, {"record", o.Records}, {"queue", o.Queue}, {"log", o.Reasons}} {
		for _, line := range part.lines {
			fmt.Fprintf(&b, "%s: %s\n", part.name, newIDs(line))
		}
	}
	return b.String()
}

var anyID = regexp.MustCompile(`\{"\$oid":"[0-9a-f]{24}"\}`)

// newIDs hides the ObjectIds that the core has chosen.
func newIDs(line string) string {
	return anyID.ReplaceAllStringFunc(line, func(id string) string {
		if id == oid {
			return id
		}
		return `{"$oid":"new"}`
	})
}

// sorted are documents in order, with their keys in order.
func sorted(t *testing.T, docs []string) (out []string) {
	t.Helper()
	for _, doc := range docs {
		collection, text, _ := strings.Cut(doc, " ")
		out = append(out, collection+" "+normal(t, text))
	}
	slices.Sort(out)
	return out
}

// documents are both sides and what is kept of them, as they stand.
func (w *world) documents() outcome {
	w.t.Helper()
	return outcome{Mongo: w.mongoDocuments(), Ditto: w.dittoDocuments(), Ledger: w.ledger(), Records: w.records()}
}

// event is one of MongoDB's change stream.
type event struct{ op, collection, id string }

func (e event) String() string { return e.op + " " + e.collection + " " + e.id }

// events are the writes in MongoDB since the last call.
func (w *world) events() (out []event) {
	w.t.Helper()
	w.marks++
	if _, err := w.db.Collection(marker).InsertOne(w.t.Context(), bson.D{{Key: "_id", Value: w.marks}}); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	for w.stream.Next(ctx) {
		var e struct {
			Op  string `bson:"operationType"`
			NS  struct{ Coll string }
			Key struct {
				ID bson.RawValue `bson:"_id"`
			} `bson:"documentKey"`
		}
		if err := w.stream.Decode(&e); err != nil {
			w.t.Fatal(err)
		}
		if e.NS.Coll == marker {
			if n, ok := e.Key.ID.AsInt64OK(); ok && int(n) == w.marks {
				return out
			}
			continue
		}
		if e.Op == "replace" { // an update by a pipeline, to some servers
			e.Op = "update"
		}
		out = append(out, event{e.Op, e.NS.Coll, extJSON(w.t, e.Key.ID)})
	}
	w.t.Fatalf("change stream: %v", w.stream.Err())
	return nil
}

func (w *world) dittoState() ditto.State {
	w.t.Helper()
	s, err := w.ditto.State(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

func (w *world) dittoWrites() []ditto.Write {
	w.t.Helper()
	writes, err := w.ditto.Writes(w.t.Context(), w.txn)
	if err != nil {
		w.t.Fatal(err)
	}
	return writes
}

// dql runs a statement as an app in strict mode does.
func (w *world) dql(statement, args string) []json.RawMessage {
	w.t.Helper()
	res, err := w.exec.Execute(w.t.Context(), coreditto.Request{
		API: coreditto.V4, Statement: statement, Args: json.RawMessage(args), Write: !strings.HasPrefix(statement, "SELECT"),
	})
	if err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
	return res.Items
}

func (w *world) dittoDocuments() (docs []string) {
	w.t.Helper()
	for _, c := range w.manifest.Collections {
		for _, doc := range w.dql("SELECT * FROM "+c.DittoName, "{}") {
			docs = append(docs, c.DittoName+" "+string(doc))
		}
	}
	return docs
}

func (w *world) find(collection string) []bson.Raw {
	w.t.Helper()
	docs, err := w.client.Find(w.t.Context(), collection, bson.D{}, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	return docs
}

func (w *world) mongoDocuments() (docs []string) {
	w.t.Helper()
	for _, c := range w.manifest.Collections {
		for _, doc := range w.find(c.Name) {
			text, err := bson.MarshalExtJSON(doc, true, false)
			if err != nil {
				w.t.Fatal(err)
			}
			docs = append(docs, c.Name+" "+string(text))
		}
	}
	return docs
}

// ledger lists the entries, read as the core reads them.
func (w *world) ledger() (lines []string) {
	w.t.Helper()
	var keys []ledger.Key
	for _, doc := range w.find(ledger.Collection) {
		id, _ := doc.Lookup("_id").StringValueOK()
		key, ok := ledger.ParseKey(id)
		if !ok {
			w.t.Fatalf("ledger entry %q", id)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil
	}
	entries, err := ledger.Store{DB: w.client}.Read(w.t.Context(), keys, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, e := range entries {
		line := e.Key.String() + " " + string(e.State)
		if e.By != "" {
			line += " by " + string(e.By)
		}
		if e.MongoID.Type != 0 {
			line += " " + extJSON(w.t, e.MongoID)
		}
		if e.Claim != nil {
			line += " claimed"
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	return lines
}

// records lists unsynced documents by their reason, and conflicts by the side
// and the rule.
func (w *world) records() (lines []string) {
	w.t.Helper()
	r := ledger.Records{DB: w.client}
	unsynced, err := r.ListUnsynced(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, u := range unsynced {
		lines = append(lines, "unsynced "+u.ID+" "+u.Reason)
	}
	conflicts, err := r.ListConflicts(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range conflicts {
		lines = append(lines, fmt.Sprintf("conflict %s %s %s %s", c.Key, c.Path, c.Side, c.Rule))
	}
	slices.Sort(lines)
	return lines
}

// drain takes all messages out of the queues, delayed ones too.
func (w *world) drain() (out []types.Message) {
	w.t.Helper()
	for _, queue := range []string{mongoToDitto, dittoToMongo} {
		await(w.t, "depth of queue "+queue, sqs.Depth{}, func() sqs.Depth {
			d, err := w.sqs.Depth(w.t.Context(), queue)
			if err != nil {
				w.t.Fatal(err)
			}
			if d.Waiting > 0 {
				out = append(out, w.receive(queue)...)
			}
			return d
		})
	}
	return out
}

// receive takes the messages that a queue has now.
func (w *world) receive(queue string) []types.Message {
	w.t.Helper()
	url := w.sqs.URL(queue)
	res, err := w.sqs.Client().ReceiveMessage(w.t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, m := range res.Messages {
		if _, err := w.sqs.Client().DeleteMessage(w.t.Context(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			w.t.Fatal(err)
		}
	}
	for _, m := range res.Messages {
		if err := leak.Check("message", []byte(*m.Body)); err != nil {
			w.t.Error(err)
		}
	}
	return res.Messages
}

var told = regexp.MustCompile(`,?"(at|digest)":"[^"]*"`)

// keysOnly checks that messages hold keys alone (invariant 10), and returns
// them without their times and digests.
func keysOnly(t *testing.T, msgs []types.Message) (bodies []string) {
	t.Helper()
	known := map[string]bool{
		"collection": true, "mongoId": true, "mongoIds": true, "dittoId": true, "side": true,
		"op": true, "reason": true, "txn": true, "digest": true, "at": true, "tries": true,
	}
	for _, m := range msgs {
		var body map[string]json.RawMessage
		if err := json.Unmarshal([]byte(*m.Body), &body); err != nil {
			t.Fatalf("queue message %s: %v", *m.Body, err)
		}
		keys := []map[string]json.RawMessage{body}
		if list, ok := body["keys"]; ok {
			if err := json.Unmarshal(list, &keys); err != nil {
				t.Fatal(err)
			}
			delete(body, "keys")
			keys = append(keys, body)
		}
		delete(body, "v")
		for _, key := range keys {
			for name := range key {
				if !known[name] {
					t.Errorf("a queue message holds %q", name)
				}
			}
		}
		bodies = append(bodies, told.ReplaceAllString(*m.Body, ""))
	}
	slices.Sort(bodies)
	return bodies
}

// contents are words that stand in documents and in secrets, and nowhere else.
var contents = regexp.MustCompile(`(?i)milk|susan|market|shop|hush|` + regexp.QuoteMeta(webhookKey))

// reasons are why messages failed, as the functions' logs say it. Contents or
// secrets in the logs are an error (invariants 10 and 11).
func (w *world) reasons(answer string) (reasons []string) {
	w.t.Helper()
	last := `"_aws"` // the metrics
	if strings.HasPrefix(answer, "fails: ") {
		last = `"errorMessage"`
	}
	await(w.t, "the end of the log", "there", func() string {
		if strings.Contains(w.log.String(), last) {
			return "there"
		}
		return w.log.String()
	})
	for line := range strings.Lines(w.log.take()) {
		if emf.Is([]byte(line)) {
			if err := emf.Check([]byte(strings.TrimSpace(line))); err != nil {
				w.t.Error(err)
			}
		}
		var entry struct{ Message, Error string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Message == "message failed" && answer != "fails: "+entry.Error {
			reasons = append(reasons, entry.Error)
		}
		if word := contents.FindString(line); word != "" || leak.Find([]byte(line)) != "" {
			w.t.Errorf("log shows contents or a secret (%s): %s", word, line)
		}
	}
	return reasons
}

// await waits until what is shown is want.
func await[T comparable](t *testing.T, what string, want T, show func() T) {
	t.Helper()
	got := show()
	for deadline := time.Now().Add(20 * time.Second); got != want; got = show() {
		if time.Now().After(deadline) {
			t.Fatalf("%s:\n got %v\nwant %v", what, got, want)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func extJSON(t *testing.T, v bson.RawValue) string {
	t.Helper()
	if v.Type == 0 {
		return ""
	}
	text, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: v}}, true, false)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(text), `{"v":`), "}")
}

// normal is JSON with sorted keys and without spaces.
func normal(t *testing.T, text string) string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
