package sweep

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"
)

// Start is a run that is to be started under a name: whoever starts it once
// more by that name starts nothing.
type Start struct {
	Name  string
	Input Input
}

// Request notes that a collection, or all with "", needs a repair, and returns
// the run that is to be started, nil if it has begun. Until it has, every one who
// asks is told to start it, so that none is lost when who was told first could
// not (invariant 1). It is started once, however many events ask for it.
func (r *Runner) Request(ctx context.Context, collection, reason string) (*Start, error) {
	name := cmp.Or(collection, everyCollection)
	if err := r.ask(ctx, name, reason); err != nil {
		return nil, err
	}
	return r.due(ctx, name)
}

// Due is the run that has to follow a run which answered a request; nil if
// nothing has happened since that began.
func (r *Runner) Due(ctx context.Context, run string) (*Start, error) {
	rec, err := r.load(ctx, run)
	if err != nil || rec.input.Request == "" {
		return nil, err
	}
	return r.due(ctx, rec.input.Request)
}

// due is the run that a request still waits for.
func (r *Runner) due(ctx context.Context, name string) (*Start, error) {
	q := &requestRecord{}
	ok, err := r.records().get(ctx, requestPrefix+name, q)
	if err != nil || !ok || q.By != "" {
		return nil, err
	}
	// The time alone could be that of the run before.
	return &Start{fmt.Sprintf("%s-%d", RunName(Repair, name, q.At), q.Rev), *requestInput(name)}, nil
}

// RunName is a name for a run: what it is, and when it was asked for. Step
// Functions takes 80 characters, and not all of them.
func RunName(mode Mode, collection string, at time.Time) string {
	const most = 40
	plain := strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.':
			return c
		}
		return '_'
	}, collection)
	if collection == "" || collection == everyCollection {
		plain = "all"
	}
	return string(mode) + "-" + plain[:min(len(plain), most)] + "-" + at.UTC().Format("20060102T150405.000")
}

// Activate notes that Causeway begins to look at the configured collections now,
// unless it did before. Who turns events on does this first: a change with an
// event is then never taken for one that was there before.
func (r *Runner) Activate(ctx context.Context) error {
	for _, c := range r.Manifest.Collections {
		if _, err := r.activate(ctx, c.Name); err != nil {
			return err
		}
	}
	return nil
}
