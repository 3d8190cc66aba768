package page

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/causeway-sync/causeway/core/value"
)

// points is how many points the charts have: one a second.
const points = 300

// point is one second.
type point struct {
	At     int64   `json:"at"` // Unix seconds
	Mongo  int     `json:"mongodb"`
	Ditto  int     `json:"ditto"`
	Queued int     `json:"queued"`
	Errors int     `json:"errors"`
	P50    float64 `json:"p50"` // lag in milliseconds; negative if nothing was handled
	P99    float64 `json:"p99"`
}

// health gathers what the charts show.
type health struct {
	mu     sync.Mutex
	cur    point
	lags   []float64
	points []point
}

func (h *health) count(side value.Side) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if side == value.MongoDB {
		h.cur.Mongo++
	} else {
		h.cur.Ditto++
	}
}

func (h *health) lag(ms float64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lags = append(h.lags, ms)
}

func (h *health) failed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cur.Errors++
}

// tick ends a second.
func (h *health) tick(now time.Time, queued int) point {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.cur
	p.At, p.Queued, p.P50, p.P99 = now.Unix(), queued, -1, -1
	if n := len(h.lags); n > 0 {
		slices.Sort(h.lags)
		p.P50, p.P99 = h.lags[n/2], h.lags[min(n-1, n*99/100)]
	}
	h.cur, h.lags = point{}, nil
	if h.points = append(h.points, p); len(h.points) > points {
		h.points = slices.Delete(h.points, 0, len(h.points)-points)
	}
	return p
}

func (h *health) all() []point {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]point{}, h.points...)
}

// QueueState is a worker's queue as it stands.
type QueueState struct {
	Function string `json:"function"`
	Waiting  int    `json:"waiting"` // in flight and delayed ones included
	Dead     int    `json:"dead"`
	Paused   bool   `json:"paused"`
}

// measure adds a point a second while the stack runs.
func (p *Page) measure(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			queues, _ := p.tellQueues(ctx) // none: they do not answer
			total := 0
			for _, q := range queues {
				total += q.Waiting
			}
			p.hub.send("point", p.health.tick(now, total))
		}
	}
}

// tellQueues reads how the queues stand and tells the pages, one look after the
// other: an older one must not be told last.
func (p *Page) tellQueues(ctx context.Context) ([]QueueState, error) {
	p.queues.Lock()
	defer p.queues.Unlock()
	queues, err := p.cfg.Stack.Queues(ctx)
	if err != nil {
		queues = nil
	}
	p.hub.state("queues", "", queues)
	return queues, err
}
