package trigger_test

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/local/trigger"
)

var changed = d("_id", d("_data", "8265"), "operationType", "insert", "clusterTime", bson.Timestamp{T: 1795417200, I: 8},
	"ns", d("db", "shop", "coll", `a"<b>`), "documentKey", d("_id", int64(7)))

func TestEvent(t *testing.T) {
	raw, err := bson.Marshal(changed)
	if err != nil {
		t.Fatal(err)
	}
	got, err := trigger.Event(raw, time.Date(2026, 11, 23, 8, 0, 0, 0, time.FixedZone("", 3600)))
	if err != nil {
		t.Fatal(err)
	}
	if !json.Valid(got) {
		t.Fatalf("event is not JSON: %s", got)
	}
	shown := regexp.MustCompile(`"id":"[0-9a-f-]{36}"`).ReplaceAllString(string(got), `"id":""`)
	const source = "aws.partner/mongodb.com/stitch.trigger/000000000000000000000000"
	want := `{"version":"0","id":"","detail-type":"MongoDB Database Trigger for shop.a\"\u003cb\u003e",` +
		`"source":"` + source + `","account":"123456789012","time":"2026-11-23T07:00:00Z","region":"us-east-1",` +
		`"resources":["arn:aws:events:us-east-1::event-source/` + source + `"],` +
		`"detail":{"_id":{"_data":"8265"},"operationType":"insert","clusterTime":{"$timestamp":{"t":1795417200,"i":8}},` +
		`"ns":{"db":"shop","coll":"a\"<b>"},"documentKey":{"_id":{"$numberLong":"7"}}}}`
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}
}

// BenchmarkMessage makes a message of a change, through the trigger's event.
func BenchmarkMessage(b *testing.B) {
	raw, err := bson.Marshal(changed)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		event, err := trigger.Event(raw, time.Now())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := change.ApplyRule(event); err != nil {
			b.Fatal(err)
		}
	}
}
