package e2e_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// faulty meet wrong answers of Ditto, one kind each.
var faulty = func() (all []*collection) {
	for i, f := range faults {
		all = append(all, &collection{name: "faults_" + strings.ReplaceAll(f.name, " ", "_"), maps: i%2 == 0})
	}
	return append(all, fed)
}()

// faults are what the functions' statements meet. Where a write happens all
// the same, it must not be made twice.
var faults = []struct {
	name string
	ditto.Fault
}{
	{"unavailable", ditto.Fault{Status: 503, Times: 2}},
	{"throttled", ditto.Fault{Status: 429, RetryAfter: 1, Match: reads}},
	{"internal error", ditto.Fault{Status: 500, Match: writes}},
	{"timed out", ditto.Fault{Status: 408, Match: writes}},
	{"timed out but done", ditto.Fault{Status: 408, Execute: true, Match: writes}},
	{"failed but done", ditto.Fault{Status: 500, Execute: true, Match: writes}},
	{"no answer", ditto.Fault{Drop: true, Match: writes}},
	{"no answer but done", ditto.Fault{Drop: true, Execute: true, Match: writes}},
	{"behind", ditto.Fault{Status: 404, Match: reads}},
	{"slow", ditto.Fault{DelayMillis: 200, Times: 2}},
}

// Which statements a fault hits; both if it says nothing.
const (
	reads  = "SELECT"
	writes = "(INSERT|UPDATE|DELETE)"
)

// TestFaults: whatever Ditto answers, both sides are equal in the end, and no
// write is made twice.
func TestFaults(t *testing.T) {
	t.Parallel()
	w := open(t)
	again := w.again(t)
	var docs []*document
	for i, f := range faults {
		c := faulty[i]
		key := f.name + again
		// with injects the fault into the functions' statements to come.
		with := func(act func(t *testing.T)) func(*testing.T) {
			return func(t *testing.T) {
				fault := f.Fault
				fault.Match = "(" + cmp.Or(f.Match, reads+"|"+writes) + ").*`" + c.name + "`"
				act(t)
				if err := w.ditto.Inject(t.Context(), fault); err != nil {
					t.Fatal(err)
				}
			}
		}
		docs = append(docs,
			&document{collection: c, key: key, carried: true, steps: []step{
				{
					name: "MongoDB inserts", want: `{"a":"m","o":{"b":"m"}}`,
					do: with(func(t *testing.T) { w.insertMongo(t, c, key, `{"a":"m","o":{"b":"m"}}`) }),
				},
				{
					name: "MongoDB edits", want: `{"a":"M","o":{"b":"m","c":"m"}}`,
					do: with(func(t *testing.T) { w.updateMongo(t, c, key, `{"$set":{"a":"M","o.c":"m"}}`) }),
				},
				{
					name: "both edit", want: `{"a":"both","o":{"b":"d","c":"m"}}`, dittoWrites: 2, mongoWrites: 2,
					do: with(func(t *testing.T) {
						w.updateMongo(t, c, key, `{"$set":{"a":"both"}}`)
						w.updateDitto(t, c, key, edit{"o.b", `"d"`})
					}),
				},
				{name: "MongoDB deletes", do: with(func(t *testing.T) { w.deleteMongo(t, c, key) })},
			}},
			&document{collection: c, key: key + " born in Ditto", carried: true, steps: []step{
				{
					name: "Ditto inserts", want: `{"a":"d","o":{"b":"d"}}`,
					do: with(func(t *testing.T) { w.insertDitto(t, c, key+" born in Ditto", `{"a":"d","o":{"b":"d"}}`, "") }),
				},
				{
					name: "Ditto edits", want: `{"a":"D","o":{"b":"d"}}`,
					do: with(func(t *testing.T) { w.updateDitto(t, c, key+" born in Ditto", edit{"a", `"D"`}) }),
				},
				{
					name: "MongoDB edits", want: `{"o":{"b":"m"}}`,
					do: with(func(t *testing.T) {
						w.updateMongo(t, c, key+" born in Ditto", `{"$set":{"o.b":"m"},"$unset":{"a":1}}`)
					}),
				},
				{name: "Ditto deletes", do: with(func(t *testing.T) { w.deleteDitto(t, c, key+" born in Ditto") })},
			}},
		)
	}
	w.play(t, docs)
	if n := w.deadLetters(t); n > 0 {
		t.Errorf("%d dead letters", n)
	}
}

// fed has a disturbed feed.
var fed = &collection{name: "fed", maps: true}

// TestFeed: events that are lost, sent twice, out of order or joined. It runs
// alone, since a feed is all collections'.
func TestFeed(t *testing.T) {
	w := open(t)
	again := w.again(t)
	key := func(name string) string { return name + again }
	feed := func(f ditto.Feed, act func(t *testing.T)) func(*testing.T) {
		return func(t *testing.T) {
			if err := w.ditto.Feed(t.Context(), f); err != nil {
				t.Fatal(err)
			}
			act(t)
		}
	}
	insert := step{name: "MongoDB inserts", insertMongo: `{"a":"m","b":"m"}`, want: `{"a":"m","b":"m"}`}
	edits := func(name string, n int) func(*testing.T) {
		return func(t *testing.T) {
			for i := range n {
				w.updateDitto(t, fed, key(name), edit{"a", fmt.Sprint(i)})
			}
		}
	}
	none := step{want: insert.want, dittoWrites: -1, mongoWrites: -1}
	lost := key("lost")
	w.play(t, []*document{
		{collection: fed, key: lost, steps: []step{
			insert,
			{
				name: "the event of an edit is lost", ditto: `{"a":0,"b":"m"}`, mongo: `{"a":"m","b":"m"}`, mongoWrites: -1,
				do: feed(ditto.Feed{Drop: 1}, edits("lost", 1)),
			},
			{name: "Ditto edits another field", updateDitto: []edit{{"b", `"d"`}}, want: `{"a":0,"b":"d"}`},
			{
				name: "the event of an edit is lost again", ditto: `{"a":"d","b":"d"}`, mongo: `{"a":0,"b":"d"}`, mongoWrites: -1,
				do: feed(ditto.Feed{Drop: 1}, func(t *testing.T) { w.updateDitto(t, fed, lost, edit{"a", `"d"`}) }),
			},
			{name: "MongoDB edits another field", updateMongo: `{"$set":{"b":"m"}}`, want: `{"a":"d","b":"m"}`, dittoWrites: 1, mongoWrites: 2},
			{
				name: "the event of a delete is lost", ditto: "-", mongo: `{"a":"d","b":"m"}`, mongoWrites: -1,
				do: feed(ditto.Feed{Drop: 1}, func(t *testing.T) { w.deleteDitto(t, fed, lost) }),
			},
			{name: "MongoDB edits the document", updateMongo: `{"$set":{"b":"M"}}`, want: `{"a":"d","b":"M"}`},
		}},
		{collection: fed, key: key("twice"), steps: []step{
			insert, none,
			{
				name: "events are sent twice", want: `{"a":2,"b":"m"}`, dittoWrites: 3, mongoWrites: 3, atMost: true,
				do: feed(ditto.Feed{Duplicate: 3}, edits("twice", 3)),
			},
		}},
		{collection: fed, key: key("out of order"), steps: []step{
			{name: "MongoDB inserts", insertMongo: `{"a":"m"}`, want: `{"a":"m"}`},
			{want: `{"a":"m"}`, dittoWrites: -1, mongoWrites: -1},
			{want: `{"a":"m"}`, dittoWrites: -1, mongoWrites: -1},
			{
				name: "events are sent last first", want: `{"a":4}`, dittoWrites: 5, mongoWrites: 5, atMost: true,
				do: feed(ditto.Feed{Reorder: 5}, edits("out of order", 5)),
			},
			{
				name: "a delete and an insert, last first", want: `{"c":"d"}`, dittoWrites: 2, mongoWrites: 2, atMost: true,
				do: feed(ditto.Feed{Reorder: 2}, func(t *testing.T) {
					w.deleteDitto(t, fed, key("out of order"))
					w.insertDitto(t, fed, key("out of order"), `{"c":"d"}`, "")
				}),
			},
			{
				name: "an edit and a delete, last first", dittoWrites: 2, mongoWrites: 2, atMost: true,
				do: feed(ditto.Feed{Reorder: 2}, func(t *testing.T) {
					w.updateDitto(t, fed, key("out of order"), edit{"c", `"D"`})
					w.deleteDitto(t, fed, key("out of order"))
				}),
			},
		}},
		{collection: fed, key: key("joined"), steps: []step{
			insert, none, none, none,
			{
				name: "only the last event is sent, and a requery", want: `{"a":3,"b":"m"}`, dittoWrites: 4,
				do: feed(ditto.Feed{Compact: 4, Requery: true}, edits("joined", 4)),
			},
		}},
		{collection: fed, key: key("stale"), steps: []step{
			insert, none,
			{
				name: "events of what was long ago", want: `{"a":"m","b":"m"}`, dittoWrites: -1, mongoWrites: -1,
				do: func(t *testing.T) { w.sendStale(t, key("stale")) },
			},
			{name: "Ditto deletes", deleteDitto: true},
			{
				name: "events of what was long ago", dittoWrites: -1, mongoWrites: -1,
				do: func(t *testing.T) { w.sendStale(t, key("stale")) },
			},
		}},
	})
}

// sendStale puts keys of a document of fed into both queues: of inserts,
// updates and deletes of either side that were handled before.
func (w *world) sendStale(t *testing.T, key string) {
	t.Helper()
	id, err := docid.Parse(fed.dittoID(key))
	if err != nil {
		t.Fatal(err)
	}
	mongoID := raw(t, fed.filter(key)).Lookup("_id")
	var hints []change.Hint
	for _, op := range []change.Op{change.Upsert, change.Remove, change.Upsert} {
		hints = append(
			hints,
			change.Hint{Collection: fed.name, MongoIDs: []bson.RawValue{mongoID}, Side: value.MongoDB, Op: op},
			change.Hint{Collection: fed.name, DittoID: id, Side: value.Ditto, Op: op, Txn: 1},
		)
	}
	for _, worker := range []string{stack.MongoToDitto, stack.DittoToMongo} {
		for i := range hints {
			bodies, err := change.Pack(hints[i:i+1], nil)
			if err != nil {
				t.Fatal(err)
			}
			body, url := string(bodies[0]), w.info.Queues[worker].URL
			if _, err := sqs.NewClient(w.info.SQS).SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
				t.Fatal(err)
			}
		}
	}
}
