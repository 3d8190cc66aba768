package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/queue"
)

// parcel is a message to send, and the items whose fate depends on it.
type parcel struct {
	queue.Message
	items []int
}

// dispatch decides each message's fate by the verdicts of its keys. Keys for
// later are sent again and acknowledged. Where only some keys of a packed
// message failed, those travel on in messages of their own, so that they fail
// alone, and reach the dead letters alone.
func (w *Worker) dispatch(ctx context.Context, r *run) {
	var later []lateHint
	var parcels []parcel
	for i := range r.items {
		it := &r.items[i]
		if it.err != nil {
			continue
		}
		late, bad, errs := w.sort(r, it)
		if len(bad) > 0 && len(bad) == it.to-it.from || len(bad) > 0 && w.Queue == nil {
			it.err = errors.Join(unique(errs)...)
			continue
		}
		for _, n := range bad {
			body, err := r.hints[n].Message()
			if err != nil {
				it.err = err
				break
			}
			parcels = append(parcels, parcel{queue.Message{Body: body}, []int{i}})
		}
		for _, err := range unique(errs) {
			w.Log.WarnContext(ctx, "key failed, sent on alone", telemetry.KeyMessage, it.msg.ID, telemetry.KeyError, err.Error())
		}
		for _, n := range late {
			later = append(later, lateHint{r.hints[n].Again(), r.verdicts[n].Delay, i})
		}
	}
	parcels = append(parcels, w.pack(r, later)...)
	w.send(ctx, r, parcels)
}

// sort tells the hints of a message that have to come later from those that
// failed.
func (w *Worker) sort(r *run, it *item) (late, bad []int, errs []error) {
	for n := it.from; n < it.to; n++ {
		err := r.verdicts[n].Err
		switch {
		case err == nil:
		case w.IsLater(err) && r.hints[n].Tries < MaxTries:
			late = append(late, n)
		case w.IsLater(err):
			bad, errs = append(bad, n), append(errs, fmt.Errorf("sent again %d times: %w", r.hints[n].Tries, err))
		default:
			bad, errs = append(bad, n), append(errs, err)
		}
	}
	return late, bad, errs
}

type lateHint struct {
	hint  change.Hint
	delay time.Duration
	item  int
}

// pack puts hints of the same delay into common messages.
func (w *Worker) pack(r *run, later []lateHint) (out []parcel) {
	slices.SortStableFunc(later, func(a, b lateHint) int { return cmp.Compare(a.delay, b.delay) })
	for len(later) > 0 {
		n := 1
		for n < len(later) && n < change.MaxKeys && later[n].delay == later[0].delay {
			n++
		}
		var p parcel
		var hints []change.Hint
		for _, l := range later[:n] {
			hints, p.items = append(hints, l.hint), append(p.items, l.item)
		}
		bodies, err := change.Pack(hints, nil)
		if err != nil {
			p.fail(r, err)
		}
		for _, body := range bodies {
			out = append(out, parcel{queue.Message{Body: body, Delay: later[0].delay}, p.items})
		}
		if err == nil {
			r.Later += n
		}
		later = later[n:]
	}
	return out
}

// send sends the parcels; a message of which one could not be sent fails.
func (w *Worker) send(ctx context.Context, r *run, parcels []parcel) {
	if len(parcels) == 0 {
		return
	}
	if w.Queue == nil {
		for _, p := range parcels {
			p.fail(r, errNoQueue)
		}
		return
	}
	msgs := make([]queue.Message, len(parcels))
	for i, p := range parcels {
		msgs[i] = p.Message
	}
	for i, err := range w.Queue.Send(ctx, msgs) {
		if err != nil {
			parcels[i].fail(r, err)
		}
	}
}

func (p parcel) fail(r *run, err error) {
	for _, i := range p.items {
		if r.items[i].err == nil {
			r.items[i].err = err
		}
	}
}

// unique drops errors of the same text: a database that is down fails every
// key alike.
func unique(errs []error) (out []error) {
	seen := map[string]bool{}
	for _, err := range errs {
		if !seen[err.Error()] {
			seen[err.Error()] = true
			out = append(out, err)
		}
	}
	return out
}
