package execution

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"time"

	"github.com/causeway-sync/causeway/core/sweep"
)

// Records are those of the runs: sweep.Runner.
type Records interface {
	Progress(ctx context.Context, run string) (sweep.Progress, error)
}

const (
	firstLook = 150 * time.Millisecond
	slowest   = time.Second
	// blind is how often in a row a look may fail.
	blind = 20
)

// Follow waits until an execution has ended, and returns the summary of its
// run. run is the run's name: the execution's own, or that of the run which it
// carries on. each hears how far it got; it may be nil.
func (m *Machine) Follow(ctx context.Context, e Execution, run string, records Records, each func(sweep.Progress)) (*sweep.Summary, error) {
	wait, failed := firstLook, 0
	for {
		over, cause, err := m.ended(ctx, e)
		var p sweep.Progress
		var perr error
		if err == nil {
			p, perr = records.Progress(ctx, run)
		}
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			if failed++; failed >= blind {
				return nil, err
			}
		case over && perr == nil && p.Summary != nil:
			return p.Summary, nil
		case over && cause != "":
			return nil, errors.New(Reason(cause))
		case over:
			if perr == nil {
				perr = errors.New("run " + run + " has ended without a result")
			}
			return nil, perr
		default:
			failed = 0
			if perr == nil && each != nil {
				each(p)
			}
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(wait):
		}
		wait = min(wait*5/4, slowest)
	}
}

var message = regexp.MustCompile(`"errorMessage" *: *("(?:[^"\\]|\\.)*")`)

// Reason is what a function's error document, however deep it stands in the
// cause of an execution, says for a person; the cause itself if there is none.
func Reason(cause string) string {
	text := cause
	for range 4 {
		if m := message.FindStringSubmatch(text); m != nil {
			var said string
			if json.Unmarshal([]byte(m[1]), &said) == nil && said != "" {
				return said
			}
		}
		// One level of escapes less.
		next := unescape.ReplaceAllString(text, "$1")
		if next == text {
			break
		}
		text = next
	}
	return cause
}

var unescape = regexp.MustCompile(`\\(["\\])`)
