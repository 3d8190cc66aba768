package canary_test

import (
	"testing"
	"time"

	"github.com/causeway-sync/causeway/core/canary"
)

var morning = time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)

func TestFires(t *testing.T) {
	at := func(minutes float64) time.Time { return morning.Add(time.Duration(minutes * float64(time.Minute))) }
	point := func(minutes, age float64) canary.Datapoint {
		return canary.Datapoint{At: at(minutes), Age: time.Duration(age * float64(time.Second))}
	}
	for name, tc := range map[string]struct {
		points []canary.Datapoint
		at     time.Time
		want   bool
	}{
		"Healthy":    {[]canary.Datapoint{point(0.5, 0), point(2.5, 0), point(4.5, 0)}, at(6), false},
		"OneIsLate":  {[]canary.Datapoint{point(2.5, 0), point(4.5, 120)}, at(6), false},
		"TwoAreLate": {[]canary.Datapoint{point(2.5, 120), point(4.5, 240)}, at(6), true},
		"NotYetOver": {[]canary.Datapoint{point(2.5, 120), point(4.5, 240)}, at(5.9), false},
		"Recovered":  {[]canary.Datapoint{point(2.5, 240), point(4.5, 0)}, at(6), false},
		// A timer that is late leaves a period empty.
		"OneMissing": {[]canary.Datapoint{point(1.9, 0)}, at(5), false},
		"Missing":    {[]canary.Datapoint{point(1.9, 0)}, at(8), true},
		"Nothing":    {nil, at(8), true},
		"Highest":    {[]canary.Datapoint{point(4.1, 240), point(4.9, 0)}, at(6), true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := canary.Fires(tc.points, tc.at); got != tc.want {
				t.Errorf("fires %v, want %v", got, tc.want)
			}
		})
	}
}

// Whenever the trigger stalls, and however late the timer is within its second,
// the alarm fires within ten minutes, and not before two beats are overdue; and
// while all is well it never does.
func TestStall(t *testing.T) {
	const jitter = time.Second
	for stall := range 240 {
		b := newBird(t)
		b.now = morning
		stopped := morning.Add(10*canary.Period + time.Duration(stall)*500*time.Millisecond)
		var points []canary.Datapoint
		var n int64
		due := morning.Add(37 * time.Second)
		fired := time.Time{}
		for now := morning; fired.IsZero() && now.Before(stopped.Add(20*time.Minute)); now = now.Add(time.Second) {
			if !now.Before(due) {
				late := time.Duration(n%3) * jitter / 2
				b.now = due.Add(late)
				age, err := b.Beat(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				points = append(points, canary.Datapoint{At: b.now, Age: age.Round(time.Second)})
				if n++; b.now.Add(jitter).Before(stopped) { // it comes back within a second
					b.note(n)
				}
				due = due.Add(canary.Period)
			}
			if now.Sub(morning) > 3*canary.Period && canary.Fires(points, now) {
				fired = now
			}
		}
		if after := fired.Sub(stopped); fired.IsZero() || after > canary.Deadline || after < canary.Threshold-jitter {
			t.Fatalf("stalled at %v, fired at %v, after %v", stopped, fired, after)
		}
	}
}

// A function that does not run any more is a stall too.
func TestMissing(t *testing.T) {
	var points []canary.Datapoint
	for n := range 10 {
		points = append(points, canary.Datapoint{At: morning.Add(time.Duration(n) * canary.Period)})
	}
	last := points[9].At
	for after := time.Duration(0); ; after += time.Second {
		if !canary.Fires(points, last.Add(after)) {
			continue
		}
		if after > canary.Deadline || after < canary.Threshold {
			t.Errorf("fired %v after the last beat", after)
		}
		return
	}
}
