package dql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/value"
)

// BenchmarkUpdate drafts and builds one bulk statement for 200 documents of
// 0.5 KB with three changed units each.
func BenchmarkUpdate(b *testing.B) {
	const docs = 200
	var changes []dql.Change
	for i := range docs {
		id := docid.ID(fmt.Sprintf(`"doc%04d"`, i))
		changes = append(changes, dql.Change{
			ID:  id,
			Doc: fmt.Appendf(nil, `{"_id":%s,"a":1,"n":{"x":1,"y":2},"text":"%s"}`, id, strings.Repeat("x", 400)),
			Edits: []dql.Edit{
				{Path: value.PathOf("a"), Old: []byte("1"), New: []byte("2")},
				{Path: value.PathOf("n", "x"), Old: []byte("1"), New: []byte(`"s"`)},
				{Path: value.PathOf("n", "z"), New: []byte("[]")},
			},
			Maps: []value.Path{value.PathOf("n")},
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		rows := make([]dql.Row, docs)
		for i, c := range changes {
			d := dql.NewDraft(c)
			if looks, err := d.Compile(); err != nil || len(looks) > 0 {
				b.Fatal(looks, err)
			}
			_ = d.Row.Shape()
			rows[i] = d.Row
		}
		_ = dql.Update("tasks", rows)
	}
	b.ReportMetric(float64(docs*b.N)/b.Elapsed().Seconds(), "docs/s")
}
