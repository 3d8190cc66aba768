package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"

	coreditto "github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// TestTrouble drives a running stack into every kind of trouble, and wants the
// commands to show each, and to bring back what can be brought back.
func TestTrouble(t *testing.T) {
	b := startBenchWith(t, stack.Options{Faults: true, MaxReceives: 2})
	server := &ditto.Server{URL: b.info.Ditto.URL, APIKey: b.info.Ditto.APIKey}

	// A conflict, and a document that cannot be synced.
	b.insert(t, "tasks", bson.D{{Key: "_id", Value: "both"}, {Key: "n", Value: 1}})
	b.inDitto(t, "both")
	if err := server.Inject(t.Context(), ditto.Fault{Status: 403, Times: -1, Match: "(SELECT|INSERT|UPDATE).*`tasks`"}); err != nil {
		t.Fatal(err)
	}
	b.update(t, "tasks", "both", "n", 2)
	b.insert(t, "orders", bson.D{{Key: "_id", Value: 1}, {Key: "orderId", Value: "o"}})
	// An event that nobody can read.
	b.send(t, `{"operationType":"explode"}`)

	eventually(t, "two dead letters", func() bool { return b.queue(t).DeadLetters == 2 })
	b.dittoSets(t, server, "both", 3)
	var s status
	eventually(t, "the unsynced document in the status", func() bool {
		s = decode[status](t, b.causeway(t, "--json", "status"))
		return s.Collections[0].Unsynced == 1
	})
	if c := s.Collections[0]; c.Collection != "orders" || c.Conflicts != 0 || c.Pairs["parked"] != 0 {
		t.Errorf("orders: %+v", c)
	}
	b.causeway(t, "status").want(t, 0, "UNSYNCED", "CONFLICTS", "DEAD LETTERS", "LAG", "LAST EVENT", "IN FLIGHT", "QUEUED")

	// The right was given back, with that. What waited for it comes back by redrive alone;
	// what no retry mends is a dead letter again.
	b.causeway(t, "redrive", "mongo-to-ditto").want(t, 0, "2 messages are tried again")
	eventually(t, "the document in Ditto", func() bool { return b.ditto(t, "both") == `{"_id":"both","n":2}` })
	eventually(t, "the dead letter that stays", func() bool { q := b.queue(t); return q.DeadLetters == 1 && q.Waiting+q.InFlight+q.Delayed == 0 })
	eventually(t, "the conflict in the status", func() bool {
		s = decode[status](t, b.causeway(t, "--json", "status"))
		return s.Collections[1].Conflicts == 1
	})
	if c := s.Collections[1]; c.Collection != "tasks" || c.Unsynced != 0 || c.LastEvent.IsZero() {
		t.Errorf("tasks: %+v", c)
	}
	if q := b.queue(t); q.LagMS <= 0 {
		t.Errorf("lag %d ms", q.LagMS)
	}

	// While the queue is not handled it is seen to grow.
	b.stack.Pause()
	b.update(t, "tasks", "both", "n", 4)
	eventually(t, "a message that waits", func() bool { return b.queue(t).Waiting == 1 })
	b.stack.Resume()

	// Reason and mend of each, for people and for scripts.
	b.causeway(t, "unsynced", "list").want(t, 0, "id-missing", "storeId", "→ add the field")
	u := decode[[]unsyncedRecord](t, b.causeway(t, "--json", "unsynced", "list"))
	if len(u) != 1 || u[0].Reason != "id-missing" || u[0].Mend == "" || u[0].Message == "" {
		t.Errorf("unsynced %+v", u)
	}
	b.causeway(t, "conflicts", "list").want(t, 0, "mongo: both sides changed it", "→ if it is wanted, write it again")
	c := decode[[]conflictRecord](t, b.causeway(t, "--json", "conflicts", "list"))
	if len(c) != 1 || c[0].Rule != "mongo" || c[0].Reason == "" || c[0].Mend == "" || string(c[0].Value) != "3" {
		t.Errorf("conflicts %+v", c)
	}
	// One that a person is done with is kept, and out of the way.
	b.causeway(t, "conflicts", "settle", "tasks/none").want(t, 1, `no conflict has the id "tasks/none"`)
	b.causeway(t, "conflicts", "settle", c[0].ID).want(t, 0, "1 settled")
	b.causeway(t, "conflicts", "list").want(t, 0, "1 are settled, and kept")
	if kept := decode[[]conflictRecord](t, b.causeway(t, "--json", "conflicts", "list", "--all")); len(kept) != 1 || kept[0].Settled.IsZero() {
		t.Errorf("settled conflicts %+v", kept)
	}
	if s = decode[status](t, b.causeway(t, "--json", "status")); s.Collections[1].Conflicts != 0 {
		t.Errorf("the status counts %d conflicts", s.Collections[1].Conflicts)
	}
}

// queue is the status of the trigger's queue.
func (b *bench) queue(t *testing.T) queueStatus {
	t.Helper()
	return decode[status](t, b.causeway(t, "--json", "status")).Queues[0]
}

func (b *bench) send(t *testing.T, body string) {
	t.Helper()
	url := b.info.Queues[stack.MongoToDitto].URL
	if _, err := sqs.NewClient(b.info.SQS).SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
}

// ditto is the task with that id, "" if there is none.
func (b *bench) ditto(t *testing.T, id string) string {
	t.Helper()
	client, err := coreditto.NewClient(coreditto.ClientConfig{Endpoint: b.info.Ditto.URL, Keys: coreditto.StaticKey(b.info.Ditto.APIKey)})
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Execute(t.Context(), coreditto.Request{
		API: coreditto.V4, Statement: "SELECT * FROM tasks WHERE _id = :id", Args: json.RawMessage(fmt.Sprintf(`{"id":%q}`, id)),
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(res.Items) == 0 {
		return ""
	}
	return strings.TrimSpace(string(res.Items[0]))
}

func (b *bench) inDitto(t *testing.T, id string) {
	t.Helper()
	eventually(t, id+" in Ditto", func() bool { return b.ditto(t, id) != "" })
}

// dittoSets sets n of a task on a device, past the fault, whose event is lost.
func (b *bench) dittoSets(t *testing.T, server *ditto.Server, id string, n int) {
	t.Helper()
	if err := server.ClearFaults(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := server.Feed(t.Context(), ditto.Feed{Drop: 1}); err != nil {
		t.Fatal(err)
	}
	client, err := coreditto.NewClient(coreditto.ClientConfig{Endpoint: b.info.Ditto.URL, Keys: coreditto.StaticKey(b.info.Ditto.APIKey)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Execute(t.Context(), coreditto.Request{
		API: coreditto.V4, Statement: "UPDATE tasks SET n = :n WHERE _id = :id", Args: json.RawMessage(fmt.Sprintf(`{"n":%d,"id":%q}`, n, id)), Write: true,
	}); err != nil {
		t.Fatal(err)
	}
}
