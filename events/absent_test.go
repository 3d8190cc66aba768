package events_test

import (
	"slices"
	"strings"
	"testing"
)

// An event of a document that is on neither side, because it was deleted since
// or never was, is no failure and writes nothing; of one of Ditto's a tombstone
// is kept.
func TestNothingThere(t *testing.T) {
	w := use(t)
	for _, r := range slices.Concat(mongoRows, dittoRows) {
		for _, file := range r.files {
			t.Run(file, func(t *testing.T) {
				w := w.in(t)
				w.clean()
				payload := w.payload(file)
				for range 2 {
					w.begin()
					got := w.finish(w.invoke(function(file), payload))
					for _, entry := range got.Ledger {
						if function(file) == mongoToDitto || !strings.HasSuffix(entry, " deleted by ditto") {
							t.Errorf("ledger entry %s", entry)
						}
					}
					// That a heartbeat came back is noted, whatever is there.
					got.Writes = slices.DeleteFunc(got.Writes, func(write string) bool { return write == beatNoted })
					want := outcome{Answer: failure(r.want.Answer), Reasons: r.want.Reasons}
					w.compare("nothing there", want, outcome{
						Answer: failure(got.Answer), Reasons: got.Reasons,
						Mongo: got.Mongo, Ditto: got.Ditto, Writes: got.Writes, Records: got.Records, Queue: got.Queue,
					})
				}
			})
		}
	}
}

// failure is what an answer says of failures.
func failure(answer string) string {
	if strings.HasPrefix(answer, "fail") {
		return answer
	}
	return ""
}
