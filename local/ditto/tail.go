package ditto

import (
	"io"
	"strings"
	"sync"
)

const tailBytes = 4 << 10

// tail passes what is written on and remembers the end of it, for the error
// of a server that does not start.
type tail struct {
	mu   sync.Mutex
	to   io.Writer
	last []byte
}

func newTail(to io.Writer) *tail { return &tail{to: to} }

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if n := len(t.last) - tailBytes; n > 0 {
		t.last = append(t.last[:0], t.last[n:]...)
	}
	if t.to != nil {
		_, _ = t.to.Write(p) // the log's trouble is not the server's
	}
	return len(p), nil
}

// complaint is what the server said last: its own lines if there are any, else
// everything.
func (t *tail) complaint() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var own []string
	for line := range strings.Lines(string(t.last)) {
		if said, ok := strings.CutPrefix(line, "ditto server: "); ok {
			own = append(own, strings.TrimSpace(said))
		}
	}
	if len(own) > 0 {
		return strings.Join(own, "; ")
	}
	return strings.TrimSpace(string(t.last))
}
