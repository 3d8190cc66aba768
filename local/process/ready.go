package process

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
)

// StartReady starts cmd like Start and waits for the first line that it writes
// to its standard output, by which it says that it is ready. What follows goes
// where cmd.Stdout says. When ctx is done first, or the child ends, the child
// is killed.
func StartReady(ctx context.Context, name string, cmd *exec.Cmd) (*Process, string, error) {
	first := &firstLine{next: cmd.Stdout, line: make(chan string, 1)}
	cmd.Stdout = first
	p, err := Start(name, cmd)
	if err != nil {
		return nil, "", err
	}
	select {
	case line := <-first.line:
		return p, line, nil
	case <-p.Done():
		return nil, "", p.Exited()
	case <-ctx.Done():
		p.Kill()
		return nil, "", fmt.Errorf("start %s: %w", name, context.Cause(ctx))
	}
}

// firstLine sends the first line written to it, and passes on the rest.
type firstLine struct {
	next io.Writer // may be nil
	line chan string
	mu   sync.Mutex
	buf  []byte
	done bool
}

func (f *firstLine) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, rest := len(p), p
	if !f.done {
		f.buf = append(f.buf, p...)
		line, after, ok := bytes.Cut(f.buf, []byte("\n"))
		if !ok {
			return n, nil
		}
		f.done, rest = true, after
		f.line <- string(bytes.TrimRight(line, "\r"))
	}
	if f.next != nil && len(rest) > 0 {
		if _, err := f.next.Write(rest); err != nil {
			return 0, err
		}
	}
	return n, nil
}
