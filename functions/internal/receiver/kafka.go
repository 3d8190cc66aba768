package receiver

import (
	"context"
	"net/http"
	"time"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
)

// Record is one record of Ditto's change feed in Kafka.
type Record struct {
	Value []byte
	At    time.Time
}

// Records enqueues the keys of Kafka records. An error gives the whole batch
// back; a record that cannot be read does not, since it would stop its
// partition for good: a sweep is requested for it.
func (r *Receiver) Records(ctx context.Context, records []Record) (Answer, error) {
	started := r.Now()
	var b change.Batch
	var times []time.Time
	for _, rec := range records {
		if len(rec.Value) == 0 { // Kafka's own tombstone
			continue
		}
		one := r.Decoder.Ditto(rec.Value)
		b.Hints = append(b.Hints, one.Hints...)
		b.Notices = append(b.Notices, one.Notices...)
		b.Ignored = append(b.Ignored, one.Ignored...)
		b.Errs = append(b.Errs, one.Errs...)
		at := rec.At
		if at.IsZero() {
			at = started
		}
		for range one.Hints {
			times = append(times, at)
		}
	}
	a, err := r.enqueue(ctx, b, func(n int) time.Time { return times[n] })
	if err != nil {
		r.fail(ctx, "keys not queued", bridge.CauseQueue, err)
		a = Answer{Status: http.StatusServiceUnavailable, Error: "keys cannot be queued now"}
	}
	r.report(ctx, "kafka", a, started)
	return a, err
}
