package events_test

import (
	"context"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/ditto"
)

// milkBatch is a batch of the queue with one key, and one that is ignored.
const milkBatch = `{"Records":[` +
	`{"messageId":"a","eventSource":"aws:sqs","body":"{\"v\":1,\"collection\":\"tasks\",\"mongoId\":{\"$oid\":\"614cab95890e884a9264002a\"},\"side\":\"mongodb\",\"op\":\"upsert\"}"},` +
	`{"messageId":"b","eventSource":"aws:sqs","body":"{\"v\":1,\"collection\":\"gone\",\"dittoId\":\"x\",\"side\":\"ditto\",\"op\":\"upsert\"}"}]}`

// A Ditto server that fails now and then is asked again: the document arrives
// by one write, whether or not an answer said so.
func TestDittoStumbles(t *testing.T) {
	w := use(t)
	const write = `^INSERT`
	for _, tc := range []struct {
		name   string
		fault  ditto.Fault
		claims int // one more where the write is tried once more under the same claim
	}{
		{"TooManyRequests", ditto.Fault{Status: 429, RetryAfter: 1}, 2},
		{"Unavailable", ditto.Fault{Status: 503, Times: 3}, 2},
		{"WriteUnavailable", ditto.Fault{Status: 503, Match: write}, 2},
		{"WriteTimedOutAndHappened", ditto.Fault{Status: 408, Match: write, Execute: true}, 2},
		{"WriteTimedOut", ditto.Fault{Status: 408, Match: write}, 3},
		{"WriteFailedAndHappened", ditto.Fault{Status: 500, Match: write, Execute: true}, 2},
		{"WriteFailed", ditto.Fault{Status: 500, Match: write}, 3},
		{"ConnectionLostAfterWrite", ditto.Fault{Drop: true, Match: write, Execute: true}, 2},
		{"ConnectionLostBeforeWrite", ditto.Fault{Drop: true, Match: write}, 3},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			w.clean()
			inMongo("tasks", milkTask(oid))(w)
			w.inject(tc.fault)
			want := inserted(oid, hex)
			want.Answer, want.Claims = noFailures, tc.claims
			w.begin()
			w.compare("first time", want, w.finish(w.invoke(mongoToDitto, []byte(milkBatch))))
			want.Writes, want.Claims = nil, 0
			w.begin()
			w.compare("second time", want, w.finish(w.invoke(mongoToDitto, []byte(milkBatch))))
		})
	}
}

// While Ditto is down, keys come back as failures, alone; nothing is written,
// but for a claim that ends with the invocation. Afterwards the same message
// does its work.
func TestDittoDown(t *testing.T) {
	w := use(t)
	const write = `^INSERT`
	ended := `tasks/` + hex + `  ` + oid + ` claimed` // its announcements are kept
	for _, tc := range []struct {
		name   string
		fault  ditto.Fault
		reason string // the log's begins so
		ledger []string
		claims int
	}{
		{"Unavailable", ditto.Fault{Status: 503, Times: -1}, "read Ditto: read ditto: ditto v4: status 503", nil, 0},
		{"Forbidden", ditto.Fault{Status: 403, Times: -1}, "read Ditto: read ditto: ditto v4: status 403", nil, 0},
		{"SaysSoIn200", ditto.Fault{Status: 200, Description: "out of order", Times: -1}, "read Ditto: read ditto: ditto v4: statement refused", nil, 0},
		{"ConnectionLost", ditto.Fault{Drop: true, Times: -1}, "read Ditto: read ditto: ditto v4: ", nil, 0},
		{"WritesUnavailable", ditto.Fault{Status: 503, Match: write, Times: -1}, "write to Ditto: insert into ditto: ditto v4: status 503", []string{ended}, 2},
		{"WritesTimeOut", ditto.Fault{Status: 408, Match: write, Times: -1}, "4 of 4 writes to Ditto were not answered", []string{ended}, 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			w.clean()
			inMongo("tasks", milkTask(oid))(w)
			w.inject(tc.fault)
			w.begin()
			got := w.invoke(mongoToDitto, []byte(milkBatch))
			w.clearFaults()
			down := w.finish(got)
			if len(down.Reasons) != 1 || !strings.HasPrefix(down.Reasons[0], tc.reason) {
				t.Errorf("log %q, want %q", down.Reasons, tc.reason)
			}
			down.Reasons = nil
			w.compare("down", outcome{
				Answer: "failed: 1", Mongo: []string{`tasks ` + milkTask(oid)}, Ledger: tc.ledger, Claims: tc.claims,
			}, down)
			want := inserted(oid, hex)
			want.Answer = noFailures
			w.begin()
			w.compare("up again", want, w.finish(w.invoke(mongoToDitto, []byte(milkBatch))))
		})
	}
}

// A node that is behind an event decides nothing: the key is sent again, for
// later, and acknowledged.
func TestDittoBehind(t *testing.T) {
	w := use(t)
	w.clean()
	syncedDitto("tasks", `"task-001"`, `{"_id":"task-001","title":"Buy milk"}`)(w)
	before := w.dittoState().Txn
	removeDitto("tasks", `"task-001"`)(w)
	payload := w.payload("ditto-to-mongo/receiver/webhook-remove")
	w.begin()
	w.finish(w.invoke(receiver, payload))
	if err := w.ditto.Behind(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.clearFaults)
	want := outcome{
		Answer: noFailures,
		Mongo:  []string{`tasks {"_id":"task-001","title":"Buy milk"}`},
		Ledger: []string{`tasks/"task-001" live "task-001"`},
		Queue:  []string{`{"v":1,"collection":"tasks","dittoId":"task-001","side":"ditto","op":"remove","txn":"now","tries":1}`},
	}
	w.begin()
	w.compare("behind", want, w.finish(w.invoke(dittoToMongo, w.batch())))
	if err := w.ditto.Behind(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	w.begin()
	w.compare("caught up", outcome{
		Answer: noFailures,
		Writes: []string{`mongodb delete tasks "task-001"`},
		Ledger: []string{`tasks/"task-001" deleted by ditto "task-001"`},
		Claims: 2,
	}, w.finish(w.invoke(dittoToMongo, w.batch())))
}

func (w *world) inject(f ditto.Fault) {
	w.t.Helper()
	w.t.Cleanup(w.clearFaults)
	if err := w.ditto.Inject(w.t.Context(), f); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) clearFaults() {
	w.t.Helper()
	if err := w.ditto.ClearFaults(context.WithoutCancel(w.t.Context())); err != nil {
		w.t.Error(err)
	}
}
