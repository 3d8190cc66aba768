package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/sqs"
)

// patience is how long a change may take to reach the other side. A key that
// came while its document was being written comes back after up to 15 s.
const patience = 40 * time.Second

// meet waits for the other tests' rounds, and for what one of them does then.
func (w *world) meet(t *testing.T, do func() error) {
	t.Helper()
	if do == nil {
		do = func() error { return nil }
	}
	if err := w.rounds.meet(do); err != nil {
		t.Fatal(err)
	}
}

// calmLooks is how often in a row nothing must be on its way: an event takes
// a moment from the database to the queue.
const calmLooks = 5

// quiet waits until nothing is on its way any more. It gives up when nothing
// moves any more, however long the rest takes.
func (w *world) quiet() error {
	client, calm, last, moved := sqs.NewClient(w.info.SQS), 0, "", time.Now()
	for time.Since(moved) < patience {
		var busy []string
		for name, q := range w.info.Queues {
			d, err := sqs.ReadDepth(context.Background(), client, q.URL)
			if err != nil {
				return err
			}
			if !d.Empty() {
				busy = append(busy, fmt.Sprintf("%s %+v", name, d))
			}
		}
		s, err := w.ditto.State(context.Background())
		if err != nil {
			return err
		}
		if s.Pending > 0 {
			busy = append(busy, fmt.Sprint("outbox ", s.Pending))
		}
		if calm++; len(busy) > 0 {
			calm = 0
		}
		if calm == calmLooks {
			return nil
		}
		slices.Sort(busy)
		if text := fmt.Sprint(busy, s.Statements); text != last {
			last, moved = text, time.Now()
		}
		pause := 10 * time.Millisecond
		if calm == 0 {
			pause *= 4 // looking costs the servers time too
		}
		time.Sleep(pause)
	}
	return fmt.Errorf("it does not become quiet: %s", last)
}

// until waits until done, or until patience ends.
func until(done func() bool) {
	for deadline := time.Now().Add(patience); !done() && time.Now().Before(deadline); {
		time.Sleep(100 * time.Millisecond)
	}
}

// deadLetters is how many messages failed for good.
func (w *world) deadLetters(t *testing.T) (n int) {
	t.Helper()
	for _, q := range w.info.Queues {
		d, err := sqs.ReadDepth(t.Context(), sqs.NewClient(w.info.SQS), q.DeadLettersURL)
		if err != nil {
			t.Fatal(err)
		}
		n += d.Total()
	}
	return n
}

// await waits until show shows want.
func await(t *testing.T, what, want string, show func() string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		got := show()
		if got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s:\n got %s\nwant %s", what, got, want)
		}
	}
}

type state struct{ Txn, Pending int64 }

func (w *world) state(t *testing.T) state {
	t.Helper()
	s, err := w.ditto.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return state{s.Txn, s.Pending}
}
