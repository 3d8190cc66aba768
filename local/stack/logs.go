package stack

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// openLogs empties the log folder. Each part has a file of its own; warnings
// of the stand-ins are shown to the person too.
func (s *Stack) openLogs() error {
	dir := filepath.Join(s.opts.Dir, "logs")
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("open logs: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("open logs: %w", err)
	}
	f, err := s.log("stack")
	if err != nil {
		return err
	}
	s.logger = slog.New(slog.NewTextHandler(io.MultiWriter(f, warnings{s.opts.Out}), nil))
	return nil
}

// log opens the log file of a part.
func (s *Stack) log(name string) (io.Writer, error) {
	path := filepath.Join(s.opts.Dir, "logs", name+".log")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	s.onStop("log", func(context.Context) error { return f.Close() })
	return f, nil
}

// say writes a line for the person who waits.
func (s *Stack) say(line string) { fmt.Fprintln(s.opts.Out, line) }

// warnings passes on the log lines that are of level WARN or ERROR.
type warnings struct{ w io.Writer }

func (w warnings) Write(p []byte) (int, error) {
	line := string(p)
	if !strings.Contains(line, "level=WARN") && !strings.Contains(line, "level=ERROR") {
		return len(p), nil
	}
	if _, rest, ok := strings.Cut(line, " level="); ok {
		line = time.Now().Format(time.TimeOnly) + " " + rest
	}
	if _, err := io.WriteString(w.w, line); err != nil {
		return 0, err
	}
	return len(p), nil
}
