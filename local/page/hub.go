package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// hub passes what happens to every open page, and how things stand to a page
// that opens: by one stream, so that no answer overtakes a newer one.
type hub struct {
	mu     sync.Mutex
	subs   map[chan []byte]bool
	states map[string][]byte // the last frame of each
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
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pass(frame(name, b))
}

// state passes on how something stands, unless that is known, and keeps it for
// the pages to come. What of the same name differs by of.
func (h *hub) state(name, of string, data any) {
	b, err := json.Marshal(data)
	if err != nil {
		return
	}
	f := frame(name, b)
	h.mu.Lock()
	defer h.mu.Unlock()
	key := name + " " + of
	if bytes.Equal(h.states[key], f) {
		return
	}
	if h.states == nil {
		h.states = map[string][]byte{}
	}
	h.states[key] = f
	h.pass(f)
}

func frame(name string, data []byte) []byte {
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, data)
}

func (h *hub) pass(frame []byte) {
	for c := range h.subs {
		select {
		case c <- frame:
		default: // too slow: its stream ends, and it comes again
			close(c)
			delete(h.subs, c)
		}
	}
}

// watched tells whether any page is open.
func (h *hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.subs) > 0
}

func (h *hub) subscribe() (c chan []byte, leave func()) {
	c = make(chan []byte, backlog)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.subs == nil {
		h.subs = map[chan []byte]bool{}
	}
	for _, key := range slices.Sorted(maps.Keys(h.states)) {
		c <- h.states[key] // a few, far fewer than fit
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
