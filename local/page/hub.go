package page

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// hub passes what happens to every open page.
type hub struct {
	mu   sync.Mutex
	subs map[chan []byte]bool
}

// backlog is how many events a page may be behind before it is told to read
// everything anew.
const backlog = 512

// send passes an event on. Keys only (invariant 10).
func (h *hub) send(name string, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		return // none of the types that are sent can fail
	}
	frame := fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, b)
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.subs {
		select {
		case c <- frame:
		default: // too slow: its stream ends, and it comes again
			close(c)
			delete(h.subs, c)
		}
	}
}

func (h *hub) subscribe() (c chan []byte, leave func()) {
	c = make(chan []byte, backlog)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[chan []byte]bool{}
	}
	h.subs[c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.subs[c] {
			delete(h.subs, c)
			close(c)
		}
	}
}

// ServeHTTP is the stream of server-sent events.
func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, leave := h.subscribe()
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	beat := time.NewTicker(2 * time.Second) // so that the page knows that it is live
	defer beat.Stop()
	frame := []byte("retry: 500\nevent: hello\ndata: {}\n\n")
	for {
		if _, err := w.Write(frame); err != nil {
			return
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case next, ok := <-c:
			if !ok {
				return
			}
			frame = next
		case <-beat.C:
			frame = []byte("event: beat\ndata: {}\n\n")
		}
	}
}
