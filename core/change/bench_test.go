package change_test

import (
	"testing"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/manifest"
)

// BenchmarkDecode reads a message as the rule makes it of a trigger event.
func BenchmarkDecode(b *testing.B) {
	d := change.Decoder{Manifest: &manifest.Manifest{Database: "db", Collections: []manifest.Collection{{Name: "c", Fields: []string{"_id"}}}}}
	for _, bb := range []struct{ name, id string }{
		{"ObjectId", `{"$oid":"614cab95890e884a9264002a"}`}, {"string", `"doc-00000001"`}, {"long", `{"$numberLong":"7"}`},
	} {
		body := []byte(`{"v":1,"rule":1,"operationType":"insert","db":"db","coll":"c","id":` + bb.id + `,"clusterTime":{"$timestamp":{"t":1795417200,"i":8}},"at":"2026-11-23T07:00:00Z"}`)
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if got := d.Decode(body); len(got.Hints) != 1 || len(got.Hints[0].MongoIDs) != 1 {
					b.Fatalf("%+v", got)
				}
			}
		})
	}
}

// BenchmarkApplyRule makes the message of a trigger event.
func BenchmarkApplyRule(b *testing.B) {
	event := []byte(`{"version":"0","id":"3f0cbd6d-6ab4-4a83-8a3e-6a4d4f3c3f11","detail-type":"MongoDB Database Trigger for db.c","source":"aws.partner/mongodb.com/stitch.trigger/000000000000000000000000",` +
		`"account":"123456789012","time":"2026-11-23T07:00:00Z","region":"us-east-1","resources":["arn:aws:events:us-east-1::event-source/aws.partner/mongodb.com/stitch.trigger/000000000000000000000000"],` +
		`"detail":{"_id":{"_data":"8265A1B2C3000000012B042C0100296E5A10040123456789ABCDEF0123456789ABCDEF46645F69640064614CAB95890E884A9264002A0004"},"operationType":"insert",` +
		`"clusterTime":{"$timestamp":{"t":1795417200,"i":8}},"ns":{"db":"db","coll":"c"},"documentKey":{"_id":{"$oid":"614cab95890e884a9264002a"}}}}`)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := change.ApplyRule(event); err != nil {
			b.Fatal(err)
		}
	}
}
