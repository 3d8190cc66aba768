package ditto_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/local/ditto"
)

// documents are the elements of a JSON array: n documents of about 0.5 KB.
func documents(first, n int, field string) string {
	var b strings.Builder
	for i := first; i < first+n; i++ {
		fmt.Fprintf(&b, `,{"_id":"doc-%08d","title":"Complete documentation %d","status":"active","n":%d,"%s":1,`+
			`"tags":["a","b","c"],"owner":{"name":"Francis","mail":"francis@example.com","score":1.5},"text":"%s"}`,
			i, i, i, field, strings.Repeat("lorem ipsum ", 24))
	}
	return b.String()[1:]
}

// BenchmarkInsert gives the documents per second of array INSERTs over HTTP,
// 500 at a time, from one client and from two; with a webhook, its events are
// delivered meanwhile.
func BenchmarkInsert(b *testing.B) {
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	b.Cleanup(hook.Close)
	for _, bb := range []struct {
		clients int
		webhook string
	}{{1, ""}, {2, ""}, {1, hook.URL}} {
		b.Run(fmt.Sprintf("clients=%d/webhook=%t", bb.clients, bb.webhook != ""), func(b *testing.B) {
			s, err := ditto.Start(b.Context(), ditto.Options{Local: "..", Dir: b.TempDir(), Webhook: bb.webhook})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Stop() }()
			const size = 500
			var next atomic.Int64
			var group errgroup.Group
			b.ResetTimer()
			for range bb.clients {
				group.Go(func() error {
					for {
						i := next.Add(1) - 1
						if i >= int64(b.N) {
							return nil
						}
						a, err := send(b.Context(), s, call{
							statement: "INSERT INTO c DOCUMENTS (:d) ON ID CONFLICT DO NOTHING",
							args:      `{"d":[` + documents(int(i)*size, size, "v") + `]}`,
						})
						if err != nil || len(a.Mutated) != size {
							return fmt.Errorf("%d mutated, %s, %w", len(a.Mutated), a.Error.Description, err)
						}
					}
				})
			}
			if err := group.Wait(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "docs/s")
		})
	}
}

// BenchmarkUpdate gives the documents per second of the bulk conditional
// UPDATE, 250 at a time.
func BenchmarkUpdate(b *testing.B) {
	for _, api := range []string{"v4", "v5"} {
		b.Run(api, func(b *testing.B) {
			s, err := ditto.Start(b.Context(), ditto.Options{Local: "..", Dir: b.TempDir()})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = s.Stop() }()
			const size = 250
			if _, err := send(b.Context(), s, call{api: api, statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":[` + documents(0, size, "v") + `]}`}); err != nil {
				b.Fatal(err)
			}
			values := func(v int) string { return strings.Repeat(fmt.Sprintf(",%d", v), size)[1:] }
			var ids strings.Builder
			for i := range size {
				fmt.Fprintf(&ids, `,"doc-%08d"`, i)
			}
			i := 1
			for b.Loop() {
				a, err := send(b.Context(), s, call{
					api: api,
					statement: "UPDATE c SET v = :n[array_position(:ids,_id)] WHERE _id IN :ids " +
						"AND serialize_json(c.v) = serialize_json(:o[array_position(:ids,_id)])",
					args: `{"n":[` + values(i+1) + `],"o":[` + values(i) + `],"ids":[` + ids.String()[1:] + `]}`,
				})
				if err != nil || len(a.Mutated) != size {
					b.Fatal(len(a.Mutated), a.Error.Description, err)
				}
				i++
			}
			b.ReportMetric(float64(b.N)*size/b.Elapsed().Seconds(), "docs/s")
		})
	}
}
