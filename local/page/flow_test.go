package page_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
	"github.com/causeway-sync/causeway/local/page"
)

const (
	pairLine = `{"level":"DEBUG","message":"pair","collection":"tasks","dittoId":"\"a\"","row":"both","rounds":1,` +
		`"read":{"mongodb":true,"ditto":true,"state":"live"},"took":[{"step":"read","ms":2}]`
	update = `,"toDitto":{"what":"update","paths":["status","n"]}}`
	echo   = `}`
)

// A change by a user is told from a write by a handler, whether its event is
// seen before the handler tells of the write or after, and a look with nothing to
// do is an echo.
func TestTimeline(t *testing.T) {
	const key = `"a"`
	for _, c := range []struct {
		name string
		play func(p *page.Page)
		want []string
	}{
		{"EventBeforeLine", func(p *page.Page) {
			page.Event(p, "tasks", key, value.MongoDB, "update")
			page.Event(p, "tasks", key, value.Ditto, "upsert")
			page.Enter(p, "mongo-to-ditto", pairLine+update)
			page.Enter(p, "ditto-to-mongo", pairLine+echo)
		}, []string{
			`event "a" mongodb update`, `event "a" ditto upsert own`,
			`handled "a" mongo-to-ditto Ditto takes MongoDB’s status, n: MongoDB has changed it since they last agreed`,
			`handled "a" ditto-to-mongo the sides agree: nothing to do echo`,
		}},
		{"LineBeforeEvent", func(p *page.Page) {
			page.Enter(p, "mongo-to-ditto", pairLine+update)
			page.Event(p, "tasks", key, value.Ditto, "upsert")
			page.Event(p, "tasks", key, value.Ditto, "upsert") // a user's, right after
		}, []string{
			`handled "a" mongo-to-ditto Ditto takes MongoDB’s status, n: MongoDB has changed it since they last agreed`,
			`event "a" ditto upsert own`, `event "a" ditto upsert`,
		}},
		{"OtherPairOtherSide", func(p *page.Page) {
			page.Event(p, "tasks", `"b"`, value.Ditto, "upsert")
			page.Event(p, "other", key, value.Ditto, "upsert")
			page.Event(p, "tasks", key, value.MongoDB, "update")
			page.Enter(p, "mongo-to-ditto", pairLine+update)
		}, []string{
			`event "b" ditto upsert`, `event "a" ditto upsert`, `event "a" mongodb update`,
			`handled "a" mongo-to-ditto Ditto takes MongoDB’s status, n: MongoDB has changed it since they last agreed`,
		}},
		{"Echo", func(p *page.Page) {
			page.Enter(p, "ditto-to-mongo", strings.Replace(pairLine, "both", "echo", 1)+echo)
		}, []string{`handled "a" ditto-to-mongo the event tells what both sides agreed on: nothing to do echo`}},
		{"Failed", func(p *page.Page) {
			page.Enter(p, "mongo-to-ditto", pairLine+`,"error":"write: 503"}`)
		}, []string{`handled "a" mongo-to-ditto not done: write: 503`}},
		{"Why", func(p *page.Page) {
			line := func(row, read, write string) string {
				return `{"level":"DEBUG","message":"pair","collection":"tasks","dittoId":"\"a\"","row":"` + row + `","rounds":1,"read":{` + read + `},` + write + `}`
			}
			page.Enter(p, "f", line("new in MongoDB", `"mongodb":true`, `"toDitto":{"what":"insert"}`))
			page.Enter(p, "f", line("both", `"mongodb":true,"ditto":true`, `"toMongo":{"what":"update","paths":["n"]}`))
			page.Enter(p, "f", line("both", `"mongodb":true,"ditto":true,"state":"live"`, `"toMongo":{"what":"update","paths":["n"]}`))
			page.Enter(p, "f", line("both", `"mongodb":true,"ditto":true,"state":"live"`, `"toDitto":{"what":"update","paths":["m"]},"toMongo":{"what":"update","paths":["n"],"more":2}`))
			page.Enter(p, "f", line("deleted in Ditto", `"mongodb":true,"state":"live"`, `"toMongo":{"what":"delete"}`))
			page.Enter(p, "f", line("gone from both", `"state":"deleted"`, `"error":""`))
			page.Enter(p, "f", line("parked", `"mongodb":true`, `"error":""`))
		}, []string{
			`handled "a" f Ditto gets the document of MongoDB: new in MongoDB`,
			`handled "a" f MongoDB takes Ditto’s n: the two had never agreed on this document`,
			`handled "a" f MongoDB takes Ditto’s n: Ditto has changed it since they last agreed`,
			`handled "a" f Ditto takes MongoDB’s m; MongoDB takes Ditto’s n and more: each side has changed, since they last agreed, what the other has not`,
			`handled "a" f deleted in MongoDB, as in Ditto: deleted in Ditto`,
			`handled "a" f gone from both sides: nothing to do echo`,
			`handled "a" f cannot be synced as it is: see “Needs you”`,
		}},
		{"Parked", func(p *page.Page) {
			page.Enter(p, "f", `{"level":"WARN","message":"document parked","collection":"tasks","mongoId":"1.5","reason":"id-fraction","mend":"use a whole number"}`)
		}, []string{"note mongo:1.5 f cannot be synced (id-fraction): use a whole number; see “Needs you”"}},
		{"Batch", func(p *page.Page) {
			page.Enter(p, "f", `{"level":"INFO","message":"handled","source":"sqs","counts":{"messages":3,"keys":3,"pairs":2,"equal":1,"toDitto":1},"lagMs":30,"ms":12}`)
			page.Enter(p, "f", `{"level":"INFO","message":"handled","source":"sqs","counts":{"messages":1,"keys":1,"pairs":1,"toDitto":1},"lagMs":30,"ms":12}`)
			page.Enter(p, "f", `{"level":"INFO","message":"handled","source":"sqs","counts":{"messages":1,"keys":1,"pairs":1,"failed":1},"lagMs":30,"ms":12}`)
		}, []string{
			"batch  f a batch, 2 pairs from 3 messages: 1 written to Ditto, 1 with nothing to do",
			"batch  f a batch, 1 pair from 1 message: 1 failed",
		}},
		{"ErrNoLogLine", func(p *page.Page) {
			for _, line := range []string{"", "panic: no JSON", `[1]`, `{"message":5}`, `{"message":"pair"`, strings.Repeat("x", 100<<10)} {
				page.Enter(p, "mongo-to-ditto", line)
			}
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := page.New(page.Config{Manifest: &manifest.Manifest{}})
			c.play(p)
			if diff := cmp.Diff(c.want, page.Steps(p)); diff != "" {
				t.Errorf("timeline (-want +got):\n%s", diff)
			}
		})
	}
}
