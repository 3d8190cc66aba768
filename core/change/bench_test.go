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
