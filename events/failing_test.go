package events_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/telemetry/emf"
	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/outage"
	"github.com/causeway-sync/causeway/local/secretsmanager"
	"github.com/causeway-sync/causeway/local/sqs"
)

// failing is a worker behind a queue of its own, with something that lets
// either database fail between it and the engines.
type failing struct {
	*world
	name    string
	web     *outage.Web
	proxy   *outage.Proxy
	mapping *lambda.Mapping
	fn      *lambda.Function
	out     *output
	env     []string // of the function
	stop    func()   // ends it
}

// secretID is the case's own, of that purpose.
func (f *failing) secretID(purpose string) string { return "failing/" + f.name + "-" + purpose }

// newFailing starts the worker of a case.
func newFailing(w *world, c *blackout) *failing {
	w.t.Helper()
	f := &failing{world: w, name: strings.ToLower(c.name), out: &output{}}
	var err error
	if f.web, err = outage.NewWeb(w.ditto.URL); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { f.web.Close() })
	u, err := url.Parse(w.mongo.URI)
	if err != nil {
		w.t.Fatal(err)
	}
	if f.proxy, err = outage.NewProxy(u.Host); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(f.proxy.Close)
	text, err := os.ReadFile("causeway.yaml")
	if err != nil {
		w.t.Fatal(err)
	}
	config := filepath.Join(w.t.TempDir(), "causeway.yaml")
	text = []byte(strings.ReplaceAll(strings.ReplaceAll(string(w.named(text)), "namespace: ditto", "namespace: failing"), "golden-events", f.name+"-mongodb"))
	if err := os.WriteFile(config, text, 0o600); err != nil {
		w.t.Fatal(err)
	}
	f.storeURI(cmp.Or(c.mongoURI, f.proxy.URI))
	f.storeKey(w.ditto.APIKey)
	receives := 8
	if c.dead {
		receives = 2
	}
	if err := w.sqs.Create(w.t.Context(), sqs.Queue{Name: f.name, Visibility: 60 * time.Second, MaxReceives: receives}); err != nil {
		w.t.Fatal(err)
	}
	f.env = []string{
		"CAUSEWAY_CONFIG=" + config, "CAUSEWAY_QUEUE_URL=" + w.sqs.URL(f.name), "CAUSEWAY_DITTO_API_KEY_SECRET=" + f.secretID("ditto"),
	}
	f.stop = f.start(c.dittoURL, c.timeout)
	return f
}

func (f *failing) storeURI(uri string) {
	f.t.Helper()
	b, err := json.Marshal(map[string]string{"connectionString": uri})
	if err != nil {
		f.t.Fatal(err)
	}
	f.secrets.Put(secretsmanager.Secret{ID: f.secretID("mongodb"), Value: string(b)})
}

func (f *failing) storeKey(key string) {
	f.secrets.Put(secretsmanager.Secret{ID: f.secretID("ditto"), Value: key})
}

// start starts the function, and feeds it from the queue until the test or the
// returned function ends it.
func (f *failing) start(dittoURL string, timeout time.Duration) (stop func()) {
	if dittoURL == "" {
		dittoURL = f.web.URL
	}
	timeout = cmp.Or(timeout, 20*time.Second)
	f.fn = f.define(f.name, mongoToDitto, timeout, f.out, append(f.env, "CAUSEWAY_ROLE=worker", "CAUSEWAY_DITTO_URL="+dittoURL))
	f.mapping = lambda.NewMapping(lambda.MappingConfig{
		Client: f.sqs.Client(), QueueURL: f.sqs.URL(f.name), QueueARN: sqs.ARN(f.name), Function: f.fn, Log: quiet, RetryMax: 2 * time.Second,
	})
	f.t.Cleanup(func() {
		if f.t.Failed() {
			f.t.Logf("log of the function:\n%s", f.out.String())
		}
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func(m *lambda.Mapping) {
		defer close(ended)
		m.Run(ctx)
	}(f.mapping)
	fn := f.fn
	stop = func() {
		cancel()
		<-ended
		brief, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		_ = fn.Close(brief)
	}
	f.t.Cleanup(stop)
	return stop
}

// send puts keys of documents on both sides into the queue.
func (f *failing) send(mongoID, dittoID string) {
	f.t.Helper()
	f.put(fmt.Sprintf(`{"v":1,"collection":"tasks","mongoId":%q,"side":"mongodb","op":"upsert"}`, mongoID))
	f.put(fmt.Sprintf(`{"v":1,"collection":"tasks","dittoId":%q,"side":"ditto","op":"upsert","txn":%d,"at":%q}`,
		dittoID, f.dittoState().Txn, time.Now().UTC().Format(time.RFC3339)))
}

func (f *failing) put(body string) {
	f.t.Helper()
	queue := f.sqs.URL(f.name)
	if _, err := f.sqs.Client().SendMessage(f.t.Context(), &awssqs.SendMessageInput{QueueUrl: &queue, MessageBody: &body}); err != nil {
		f.t.Fatal(err)
	}
}

// insert inserts a document on each side; their ids.
func (f *failing) insert(when string) (mongoID, dittoID string) {
	f.t.Helper()
	mongoID, dittoID = f.name+"-"+when+"-m", f.name+"-"+when+"-d"
	inMongo("tasks", `{"_id":"`+mongoID+`","note":"hush"}`)(f.world)
	inDitto("tasks", `{"_id":"`+dittoID+`","note":"hush"}`)(f.world)
	return mongoID, dittoID
}

// sides says on which sides the documents are, by id.
func (f *failing) sides(ids ...string) string {
	f.t.Helper()
	var out []string
	for _, id := range ids {
		docs, err := f.client.Find(f.t.Context(), "tasks", bson.D{{Key: "_id", Value: id}}, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		in := f.dql("SELECT * FROM tasks WHERE _id = :id", `{"id":"`+id+`"}`)
		out = append(out, fmt.Sprintf("%d+%d", len(docs), len(in)))
	}
	return strings.Join(out, " ")
}

const both = "1+1 1+1"

// depth is what the queue and its dead letters hold.
func (f *failing) depth() (waiting, dead int) {
	f.t.Helper()
	d, err := f.sqs.Depth(f.t.Context(), f.name)
	if err != nil {
		f.t.Fatal(err)
	}
	dl, err := f.sqs.Depth(f.t.Context(), sqs.DeadLetters(f.name))
	if err != nil {
		f.t.Fatal(err)
	}
	return d.Total(), dl.Total()
}

// settled waits until the documents are on both sides, and nothing is left in
// the queues.
func (f *failing) settled(when string, ids ...string) {
	f.t.Helper()
	patient(f.t, when, both+" 0 0", func() string {
		waiting, dead := f.depth()
		return fmt.Sprintf("%s %d %d", f.sides(ids...), waiting, dead)
	})
}

// reasons checks the function's log: each failure has its reason and mend, the
// metrics fit their schema, and nothing shows contents.
func (f *failing) reasons() map[string]bool {
	f.t.Helper()
	got := map[string]bool{}
	for line := range strings.Lines(f.out.String()) {
		if strings.Contains(line, "hush") || strings.Contains(line, f.ditto.APIKey) {
			f.t.Errorf("log shows contents or a secret: %s", line)
		}
		if emf.Is([]byte(line)) {
			if err := emf.Check([]byte(strings.TrimSpace(line))); err != nil {
				f.t.Error(err)
			}
		}
		var l struct{ Class, Reason, Mend string }
		if json.Unmarshal([]byte(line), &l) != nil || l.Class == "" {
			continue
		}
		got[l.Class+" "+l.Reason] = true
		if l.Reason == "" || l.Mend == "" {
			f.t.Errorf("a failure without reason or mend: %s", line)
		}
	}
	return got
}

// patient is await for what takes an engine's own time-outs.
func patient(t *testing.T, what, want string, show func() string) {
	t.Helper()
	got := show()
	for deadline := time.Now().Add(2 * time.Minute); got != want; got = show() {
		if time.Now().After(deadline) {
			t.Fatalf("%s:\n got %v\nwant %v", what, got, want)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
