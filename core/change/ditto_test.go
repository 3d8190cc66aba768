package change_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/value"
)

func TestDittoEvent(t *testing.T) {
	doc := base64.StdEncoding.EncodeToString([]byte(`{"_id":"a","name":"Frank"}`))
	requery := func(coll string, txn int64) change.Batch {
		return change.Batch{Notices: []change.Notice{{Collection: coll, Side: value.Ditto, Reason: "requeryRequired", Txn: txn}}}
	}
	for _, tc := range []struct {
		name, body string
		want       change.Batch
		err        string
	}{
		{"Insert", `{"txnId":552789,"type":"documentChanged","collection":"tasks","change":{"method":"upsert","oldValue":null,"newValue":{"_id":"6213","name":"Susan","_ID":"no"}}}`, hints(shows(ditto("tasks", `"6213"`, change.Upsert, 552789), `{"name":"Susan","_ID":"no"}`)), ""},
		{"Update", `{"txnId":553358,"type":"documentChanged","collection":"tasks","change":{"method":"upsert","oldValue":{"_id":"6213"},"newValue":{"_id":"6213","friends":[]}}}`, hints(shows(ditto("tasks", `"6213"`, change.Upsert, 553358), `{"friends":[]}`)), ""},
		{"Remove", `{"txnId":701251,"type":"documentChanged","collection":"tasks","change":{"method":"remove","value":{"_id":"6213"}}}`, hints(ditto("tasks", `"6213"`, change.Remove, 701251)), ""},
		{"OtherName", `{"txnId":1,"type":"documentChanged","collection":"persons","change":{"method":"upsert","newValue":{"_id":5}}}`, hints(shows(ditto("people", `5`, change.Upsert, 1), `{}`)), ""},
		{"ObjectID", `{"txnId":1,"type":"documentChanged","collection":"orders","change":{"method":"upsert","newValue":{"_id":{"locationId":"l","id":1}}}}`, hints(shows(ditto("orders", `{"id":1,"locationId":"l"}`, change.Upsert, 1), `{}`)), ""},
		{"Spellings", `{"txnID":"12","type":"DocumentChanged","version":1,"isBase64Encoded":false,"collection":"tasks","change":{"method":"Upsert","new_value":{"_id":"a"}}}`, hints(shows(ditto("tasks", `"a"`, change.Upsert, 12), `{}`)), ""},
		{"Base64Value", `{"txnId":1,"type":"documentChanged","isBase64Encoded":true,"collection":"tasks","change":{"method":"upsert","newValue":"` + doc + `"}}`, hints(shows(ditto("tasks", `"a"`, change.Upsert, 1), `{"name":"Frank"}`)), ""},
		{"TextValue", `{"txnId":1,"type":"documentChanged","collection":"tasks","change":"{\"method\":\"remove\",\"value\":{\"_id\":\"a\"}}"}`, hints(ditto("tasks", `"a"`, change.Remove, 1)), ""},
		{"NoTxn", `{"type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":{"_id":"a"}}}`, hints(shows(ditto("tasks", `"a"`, change.Upsert, 0), `{}`)), ""},
		{"OnlyOldValue", `{"txnId":1,"type":"documentChanged","collection":"tasks","change":{"method":"remove","oldValue":{"_id":"a"}}}`, hints(ditto("tasks", `"a"`, change.Remove, 1)), ""},
		{"Requery", `{"txnId":45,"type":"requeryRequired","documents":[]}`, requery("", 45), ""},
		{"RequerySpelling", `{"txnID":45,"type":"RequeryRequired","documents":[]}`, requery("", 45), ""},
		{"RequeryCollection", `{"txnId":45,"type":"requeryRequired","collection":"persons"}`, requery("people", 45), ""},
		{"UnknownCollection", `{"txnId":1,"type":"documentChanged","collection":"other","change":{"method":"upsert","newValue":{"_id":"a"}}}`, change.Batch{Ignored: []change.Ignored{{Collection: "other", Reason: change.ReasonCollection}}}, ""},
		{"ErrNotJSON", `{"txnId":1`, change.Batch{}, "not JSON"},
		{"ErrEmpty", ` `, change.Batch{}, "empty"},
		{"Heartbeat", `{"txnId":1,"type":"heartbeat"}`, change.Batch{Ignored: []change.Ignored{{Reason: change.ReasonHeartbeat}}}, ""},
		{"ErrType", `{"txnId":1,"type":"other"}`, change.Batch{}, "neither documentChanged nor requeryRequired"},
		{"ErrMethod", `{"type":"documentChanged","collection":"tasks","change":{"method":"explode","newValue":{"_id":"a"}}}`, change.Batch{}, "neither upsert nor remove"},
		{"ErrNoID", `{"type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":{"name":"x"}}}`, change.Batch{}, "no _id"},
		{"ErrNoCollection", `{"type":"documentChanged","change":{"method":"upsert","newValue":{"_id":"a"}}}`, change.Batch{}, "collection is missing"},
		{"ErrNoChange", `{"type":"documentChanged","collection":"tasks"}`, change.Batch{}, "change is missing"},
		{"ErrTxn", `{"txnId":"x","type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":{"_id":"a"}}}`, change.Batch{}, "txnId is not an integer"},
		{"ErrScalar", `5`, change.Batch{}, "neither"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			check(t, decoder.Ditto([]byte(tc.body)), tc.want, tc.err)
		})
	}
}

// One event of an array that cannot be read does not touch the others.
func TestDittoArray(t *testing.T) {
	b := decoder.Ditto([]byte(`[
 {"txnId":1,"type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":{"_id":"a"}}},
 {"txnId":1,"type":"documentChanged","collection":"tasks","change":{"method":"upsert"}},
 {"txnId":2,"type":"documentChanged","collection":"tasks","change":{"method":"remove","value":{"_id":"b"}}}]`))
	check(t, b, hints(shows(ditto("tasks", `"a"`, change.Upsert, 1), `{}`), ditto("tasks", `"b"`, change.Remove, 2)), "no _id")
	if len(b.Errs) != 1 {
		t.Errorf("%d errors, want 1", len(b.Errs))
	}
}

// The internet may announce changes of Ditto, and nothing else.
func TestDittoRefusesOtherEvents(t *testing.T) {
	own, err := ditto("tasks", `"a"`, change.Remove, 1).Message()
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]string{
		"Message": string(own),
		"Trigger": envelope(changeEvent("delete", `"a"`, plainClock)),
	} {
		t.Run(name, func(t *testing.T) {
			check(t, decoder.Ditto([]byte(body)), change.Batch{}, "neither documentChanged nor requeryRequired")
		})
	}
}

// shows is the hint of an event that shows these fields.
func shows(h change.Hint, fields string) change.Hint {
	var err error
	if h.Digest, err = value.DigestJSON([]byte(fields), false, nil); err != nil {
		panic(err)
	}
	return h
}

// TestDigest: an event's digest stands for the document that it shows, however it
// is written, and only where that tells all.
func TestDigest(t *testing.T) {
	event := func(coll, method, doc string) string {
		return `{"txnId":1,"type":"documentChanged","collection":"` + coll + `","change":{"method":"` + method + `","newValue":` + doc + `}}`
	}
	digest := func(body string) value.Hash {
		b := decoder.Ditto([]byte(body))
		if len(b.Hints) != 1 {
			t.Fatalf("%s: %+v", body, b)
		}
		return b.Hints[0].Digest
	}
	one := digest(event("tasks", "upsert", `{"_id":"a","n":{"x":1,"y":2},"t":"é"}`))
	for name, tc := range map[string]struct {
		body string
		same bool
	}{
		"OtherOrder": {event("tasks", "upsert", `{"t":"\u00e9", "n":{"y":2,"x":1.0},"_id":"b","_mdb":1}`), true},
		"OtherValue": {event("tasks", "upsert", `{"_id":"a","n":{"x":1,"y":3},"t":"é"}`), false},
		"OtherName":  {event("tasks", "upsert", `{"_id":"a","n":{"x":1,"z":2},"t":"é"}`), false},
		"Less":       {event("tasks", "upsert", `{"_id":"a","n":{"x":1,"y":2}}`), false},
	} {
		if got := digest(tc.body); got.IsAbsent() || (got == one) != tc.same {
			t.Errorf("%s: digest %s, and %s of the document itself", name, got, one)
		}
	}
	for name, body := range map[string]string{
		"Removed":  event("tasks", "remove", `{"_id":"a"}`),
		"Counters": event("counted", "upsert", `{"_id":"a","n":1}`),
		"TooDeep":  event("tasks", "upsert", `{"_id":"a","d":`+strings.Repeat("[", 300)+strings.Repeat("]", 300)+`}`),
	} {
		if got := digest(body); !got.IsAbsent() {
			t.Errorf("%s: digest %s, want none", name, got)
		}
	}
}
