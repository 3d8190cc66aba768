package events_test

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
)

// A document that cannot be synced is parked: neither side is written, a
// record says why and what mends it, and its next change takes it along.
func TestParked(t *testing.T) {
	w := use(t)
	const big = 5<<20 + 1
	fromMongo := func(collection, id string) func(*world) (string, string) {
		return func(*world) (string, string) {
			return mongoToDitto, `{"v":1,"collection":"` + collection + `","mongoId":` + id + `,"side":"mongodb","op":"upsert"}`
		}
	}
	fromDitto := func(collection, id string) func(*world) (string, string) {
		return func(w *world) (string, string) {
			return dittoToMongo, fmt.Sprintf(`{"v":1,"collection":%q,"dittoId":%s,"side":"ditto","op":"upsert","txn":%d}`, collection, id, w.dittoState().Txn)
		}
	}
	for _, tc := range []struct {
		name   string
		given  []step
		event  func(*world) (function, payload string)
		record ledger.Unsynced // its ID and Reason; Message and Mend hold these words
		ledger []string        // meanwhile
		mend   step
		mongo  string // the document afterwards, where it is not parked for good
		ditto  string
	}{
		{
			name:   "TooLarge",
			given:  []step{inMongo("tasks", `{"_id":`+oid+`,"note":"hush","data":"`+strings.Repeat("a", big)+`"}`)},
			event:  fromMongo("tasks", oid),
			record: ledger.Unsynced{ID: `tasks/` + hex, Reason: "too-large", Message: "Ditto refuses more than", Mend: "split the document"},
			ledger: []string{`tasks/` + hex + ` parked ` + oid},
			mend:   setMongo("tasks", oid, `{"$set":{"data":"small"}}`),
			mongo:  `tasks {"_id":` + oid + `,"note":"hush","data":"small"}`,
			ditto:  `tasks {"_id":` + hex + `,"note":"hush","data":"small"}`,
		},
		{
			name: "GrewTooLarge",
			given: []step{
				synced("tasks", oid, `{"_id":`+oid+`,"note":"hush","data":"small"}`),
				setMongo("tasks", oid, `{"$set":{"data":"`+strings.Repeat("a", big)+`"}}`),
			},
			event:  fromMongo("tasks", oid),
			record: ledger.Unsynced{ID: `tasks/` + hex, Reason: "too-large", Message: "Ditto refuses more than", Mend: "split the document"},
			ledger: []string{`tasks/` + hex + ` parked ` + oid},
			mend:   setMongo("tasks", oid, `{"$set":{"data":"less"}}`),
			mongo:  `tasks {"_id":` + oid + `,"note":"hush","data":"less"}`,
			ditto:  `tasks {"_id":` + hex + `,"note":"hush","data":"less"}`,
		},
		{
			name:   "MappedFieldMissing",
			given:  []step{inMongo("orders", `{"_id":`+oid+`,"id":{"$numberInt":"7"},"note":"hush"}`)},
			event:  fromMongo("orders", oid),
			record: ledger.Unsynced{ID: `orders/mongo:` + oid, Reason: "id-missing", Message: `"locationId"`, Mend: "add the field"},
			mend:   setMongo("orders", oid, `{"$set":{"locationId":"berlin"}}`),
			mongo:  `orders {"_id":` + oid + `,"id":{"$numberInt":"7"},"note":"hush","locationId":"berlin"}`,
			ditto:  `orders {"_id":{"id":7,"locationId":"berlin"},"id":7,"locationId":"berlin","note":"hush"}`,
		},
		{
			name: "MappedFieldChanged",
			given: []step{
				synced("orders", oid, `{"_id":`+oid+`,"id":{"$numberInt":"7"},"locationId":"berlin","note":"hush"}`),
				setMongo("orders", oid, `{"$set":{"locationId":"bonn"}}`),
			},
			event:  fromMongo("orders", oid),
			record: ledger.Unsynced{ID: `orders/{"id":7,"locationId":"berlin"}`, Reason: "mapped-field-changed", Message: "locationId", Mend: "set the field back"},
			ledger: []string{`orders/{"id":7,"locationId":"berlin"} parked ` + oid},
			mend:   setMongo("orders", oid, `{"$set":{"locationId":"berlin","note":"hush hush"}}`),
			mongo:  `orders {"_id":` + oid + `,"id":{"$numberInt":"7"},"note":"hush hush","locationId":"berlin"}`,
			ditto:  `orders {"_id":{"id":7,"locationId":"berlin"},"id":7,"locationId":"berlin","note":"hush hush"}`,
		},
		{
			name:   "IDThatDittoRefuses",
			given:  []step{inMongo("tasks", `{"_id":{"$numberDouble":"5.5"},"note":"hush"}`)},
			event:  fromMongo("tasks", `{"$numberDouble":"5.5"}`),
			record: ledger.Unsynced{ID: `tasks/mongo:{"$numberDouble":"5.5"}`, Reason: "id-fraction"},
		},
		{
			name:   "MongoDBRefuses",
			given:  []step{validator(`{"n":{"$gte":{"$numberInt":"0"}}}`), inDitto("tasks", `{"_id":"task-001","n":-1,"note":"hush"}`)},
			event:  fromDitto("tasks", `"task-001"`),
			record: ledger.Unsynced{ID: `tasks/"task-001"`, Reason: "rejected", Message: "MongoDB refuses", Mend: "change the document"},
			ledger: []string{`tasks/"task-001" parked "task-001"`},
			mend:   onDevice("tasks", `"task-001"`, "SET n = 1"),
			mongo:  `tasks {"_id":"task-001","n":{"$numberInt":"1"},"note":"hush"}`,
			ditto:  `tasks {"_id":"task-001","n":1,"note":"hush"}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := w.in(t)
			w.clean()
			for _, do := range tc.given {
				do(w)
			}
			want := w.documents()
			want.Ledger, want.Records = tc.ledger, []string{"unsynced " + tc.record.ID + " " + tc.record.Reason}
			for range 2 {
				w.begin()
				fn, event := tc.event(w)
				got := w.finish(w.invoke(fn, []byte(event)))
				if !strings.Contains(got.Answer, "parked 1") {
					t.Errorf("answer %s", got.Answer)
				}
				got.Answer, got.Claims = "", 0
				w.compare("parked", want, got)
				w.checkUnsynced(tc.record)
			}
			if tc.mend == nil {
				return
			}
			tc.mend(w)
			w.begin()
			fn, event := tc.event(w)
			got := w.finish(w.invoke(fn, []byte(event)))
			after := outcome{Mongo: []string{tc.mongo}, Ditto: []string{tc.ditto}}
			w.compare("mended", after, outcome{Mongo: got.Mongo, Ditto: got.Ditto, Records: got.Records})
			if len(got.Writes) != 1 {
				t.Errorf("writes %q, want one", got.Writes)
			}
		})
	}
}

// validator sets a validator on the tasks in MongoDB, for one test.
func validator(rule string) step {
	return func(w *world) {
		w.t.Helper()
		set := func(rule bson.Raw) {
			w.t.Helper()
			cmd := bson.D{{Key: "collMod", Value: "tasks"}, {Key: "validator", Value: rule}}
			if err := w.db.RunCommand(context.WithoutCancel(w.t.Context()), cmd).Err(); err != nil {
				w.t.Fatal(err)
			}
		}
		set(w.bson(rule))
		w.t.Cleanup(func() { set(w.bson(`{}`)) })
	}
}

// checkUnsynced wants one record that says what want does, and no contents.
func (w *world) checkUnsynced(want ledger.Unsynced) {
	w.t.Helper()
	records, err := ledger.Records{DB: w.client}.ListUnsynced(w.t.Context())
	if err != nil || len(records) != 1 {
		w.t.Fatalf("records %+v, error %v", records, err)
	}
	got := records[0]
	if got.ID != want.ID || got.Reason != want.Reason || !strings.Contains(got.Message, want.Message) || !strings.Contains(got.Mend, want.Mend) {
		w.t.Errorf("record %+v, want %+v", got, want)
	}
	if cmp.Or(got.Message, got.Mend) == "" || contents.MatchString(got.Message+got.Mend) {
		w.t.Errorf("record %+v", got)
	}
}
