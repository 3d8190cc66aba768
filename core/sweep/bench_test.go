package sweep_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/sweep"
)

const benchDocuments = 100_000

func benchMongo(b *testing.B) *sweep.Pager {
	db := database(b)
	ids := make([]any, benchDocuments)
	for i := range ids {
		ids[i] = bson.NewObjectID()
	}
	insertIDs(b, db, "bench", ids...)
	return &sweep.Pager{Mongo: db, Manifest: config("bench")}
}

func BenchmarkPlan(b *testing.B) {
	p := benchMongo(b)
	for b.Loop() {
		ranges, _ := plan(b, p, sweep.MongoDB)
		b.ReportMetric(float64(len(ranges)), "ranges")
	}
}

// One page in the middle of 100,000 documents. On SecantusDB each goes through
// the collection.
func BenchmarkMongoPage(b *testing.B) {
	p := benchMongo(b)
	ranges, _ := plan(b, p, sweep.MongoDB)
	for _, n := range []int{500, sweep.PageSize(sweep.MongoDB)} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := p.Page(b.Context(), ranges[len(ranges)/2], nil, n); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
		})
	}
}

func BenchmarkDittoAll(b *testing.B) {
	db := engine(b)
	ids := make([]docid.ID, benchDocuments)
	for i := range ids {
		ids[i] = docid.ID(fmt.Sprintf(`"%024x"`, i*7919))
	}
	insertDitto(b, db, ditto.V4, "bench", ids...)
	p := &sweep.Pager{Ditto: db, Manifest: config("bench")}
	ranges, _ := plan(b, p, sweep.Ditto)
	for b.Loop() {
		n := 0
		for _, r := range ranges {
			readAll(b, p, r, pages(sweep.PageSize(sweep.Ditto)), whole, func(page sweep.Page, _ int) { n += page.Len() })
		}
		if n != benchDocuments {
			b.Fatalf("%d ids", n)
		}
	}
	b.ReportMetric(benchDocuments*float64(b.N)/b.Elapsed().Seconds(), "keys/s")
}
