package trigger

import (
	"slices"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// disturbances are events to come that meet another fate than they should.
type disturbances struct{ drop, duplicate atomic.Int64 }

// Disturb makes the trigger lose the next events of the configured collections,
// and send those after them twice, as the real one may. 0 and 0 end it.
func (t *Trigger) Disturb(drop, duplicate int) {
	t.disturbed.drop.Store(int64(drop))
	t.disturbed.duplicate.Store(int64(duplicate))
}

// copies is how often an event is sent.
func (t *Trigger) copies(ev bson.Raw) int {
	name, _ := ev.Lookup("ns", "coll").StringValueOK()
	switch d := &t.disturbed; {
	case !slices.Contains(t.cfg.Collections, name): // the canary's
	case take(&d.drop):
		return 0
	case take(&d.duplicate):
		return 2
	}
	return 1
}

// take takes one of n, if there is one.
func take(n *atomic.Int64) bool {
	for {
		left := n.Load()
		if left <= 0 {
			return false
		}
		if n.CompareAndSwap(left, left-1) {
			return true
		}
	}
}
