package worker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/causeway-sync/causeway/core/bridge"
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
		late, bad := w.sort(ctx, r, it)
		if len(bad) > 0 && (len(bad) == it.to-it.from || w.Queue == nil) {
			for _, b := range bad {
				r.fail(it, b.Failure)
			}
			continue
		}
		for _, b := range bad {
			body, err := r.hints[b.hint].Message()
			if err != nil {
				r.fail(it, bridge.Fail(r.hints[b.hint], err))
				break
			}
			parcels = append(parcels, parcel{queue.Message{Body: body}, []int{i}})
			r.failures = append(r.failures, failure{b.Failure, it.msg.ID, true})
		}
		for _, l := range late {
			l.item = i
			later = append(later, l)
		}
	}
	parcels = append(append(parcels, w.pack(r, later)...), r.requests()...)
	w.send(ctx, r, parcels)
}

// sort tells the hints of a message that have to come later from those that
// failed.
func (w *Worker) sort(ctx context.Context, r *run, it *item) (late []lateHint, bad []badHint) {
	for n := it.from; n < it.to; n++ {
		v, h := r.verdicts[n], r.hints[n]
		if v.Err == nil {
			continue
		}
		f := failureOf(h, v.Err)
		switch {
		case w.IsLater(v.Err) && h.Tries < MaxTries:
			late = append(late, lateHint{hint: h.Again(), delay: v.Delay})
		case w.IsLater(v.Err):
			f.Err = fmt.Errorf("sent again %d times: %w", h.Tries, v.Err)
			f.Mend = "run `causeway redrive`; if it fails again, report this"
			bad = append(bad, badHint{f, n})
			continue
		case it.msg.Receives >= Patience && f.Waits() && w.Queue != nil:
			late = append(late, lateHint{hint: h, delay: outageDelay})
		default:
			bad = append(bad, badHint{f, n})
			continue
		}
		w.Log.LogAttrs(ctx, slog.LevelDebug, "key sent again", append(f.Attrs(),
			slog.Int64(telemetry.KeyDelay, late[len(late)-1].delay.Milliseconds()),
			slog.String(telemetry.KeyMessage, it.msg.ID), slog.String(telemetry.KeyError, f.Error()))...)
	}
	return late, bad
}

type badHint struct {
	*bridge.Failure
	hint int
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
			parcels[i].fail(r, queueError{err})
		}
	}
}

func (p parcel) fail(r *run, err error) {
	for _, i := range p.items {
		it := &r.items[i]
		if it.err != nil {
			continue
		}
		var of change.Hint
		if it.from < it.to {
			of = r.hints[it.from]
		}
		r.fail(it, bridge.Fail(of, err))
	}
}
