package canary_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/sweep"
)

// bird is a canary whose database's clock the test moves.
type bird struct {
	canary.Canary
	t   *testing.T
	db  *mongosim.Sim
	now time.Time
}

func newBird(t *testing.T) *bird {
	b := &bird{t: t, now: time.Date(2026, 11, 27, 7, 0, 0, 0, time.UTC)}
	b.db = mongosim.New(func() time.Time { return b.now })
	b.Canary = canary.Canary{DB: b.db}
	return b
}

// beat beats, and wants that age; then time passes.
func (b *bird) beat(want, passes time.Duration) {
	b.t.Helper()
	age, err := b.Beat(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	if age != want {
		b.t.Errorf("age %v, want %v", age, want)
	}
	b.now = b.now.Add(passes)
}

func (b *bird) note(n int64) {
	b.t.Helper()
	if err := b.Note(b.t.Context(), n); err != nil {
		b.t.Fatal(err)
	}
}

// ids are the beats that are there.
func (b *bird) ids() (ids []int64) {
	docs, err := b.db.Find(b.t.Context(), canary.Collection, bson.D{}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, d := range docs {
		ids = append(ids, d.Lookup("_id").Int64())
	}
	return ids
}

const two = 2 * time.Minute

func TestBeat(t *testing.T) {
	t.Run("ComesBack", func(t *testing.T) {
		b := newBird(t)
		for n := range int64(5) {
			b.beat(0, time.Second)
			b.note(n + 1)
			b.now = b.now.Add(two)
		}
		if ids := b.ids(); len(ids) != 1 || ids[0] != 5 {
			t.Errorf("beats %v: those that came back are removed", ids)
		}
	})
	t.Run("Stalls", func(t *testing.T) {
		b := newBird(t)
		b.beat(0, time.Second)
		b.note(1)
		b.beat(0, two)   // 2 does not come back
		b.beat(two, two) // nor 3
		b.beat(2*two, two)
		b.note(2) // late: 3 and 4 still wait
		b.beat(2*two, two)
		b.note(5) // and with it those before it
		b.beat(0, two)
	})
	t.Run("OutOfOrder", func(t *testing.T) {
		b := newBird(t)
		b.beat(0, two)
		b.beat(two, two)
		b.note(2)
		b.note(1)
		b.beat(0, two)
	})
	t.Run("LongStall", func(t *testing.T) {
		b := newBird(t)
		for n := range 400 {
			b.beat(time.Duration(n)*two, two)
		}
		if n := len(b.ids()); n > 20 {
			t.Errorf("%d beats are kept", n)
		}
		b.note(400)
		b.beat(0, two)
		if s, err := b.State(t.Context()); err != nil || s.Age != two {
			t.Errorf("state %+v, %v", s, err)
		}
	})
	// A database that was restored knows of a later beat than it has.
	t.Run("Restored", func(t *testing.T) {
		b := newBird(t)
		b.note(70)
		b.beat(0, time.Second)
		b.note(70)
		b.beat(time.Second, 0)
		if ids := b.ids(); len(ids) != 2 || min(ids[0], ids[1]) != 71 {
			t.Errorf("beats %v", ids)
		}
	})
}

func TestState(t *testing.T) {
	b := newBird(t)
	if s, err := b.State(t.Context()); err != nil || s != (canary.State{}) {
		t.Errorf("state %+v, %v before the first beat", s, err)
	}
	first := b.now
	b.beat(0, time.Second)
	if s, err := b.State(t.Context()); err != nil || s != (canary.State{Last: first, Age: time.Second}) {
		t.Errorf("state %+v, %v", s, err)
	}
	b.note(1)
	if s, err := b.State(t.Context()); err != nil || s != (canary.State{Last: first, Returned: first.Add(time.Second)}) {
		t.Errorf("state %+v, %v", s, err)
	}
}

// The notes are among the records of runs, which the trigger does not see.
func TestNotesAreUnseen(t *testing.T) {
	b := newBird(t)
	b.note(3)
	docs, err := b.db.Find(t.Context(), sweep.Collection, bson.D{{Key: "_id", Value: "canary"}}, nil)
	if err != nil || len(docs) != 1 || docs[0].Lookup("n").Int64() != 3 {
		t.Errorf("notes %v, %v", docs, err)
	}
}

// broken is a database of which one request fails.
type broken struct {
	mongodb.Database
	find, write int // the number of the request that fails; 0 for none
	result      error
}

func (b *broken) Find(ctx context.Context, c string, f, p bson.D) ([]bson.Raw, error) {
	if b.find--; b.find == 0 {
		return nil, b.result
	}
	return b.Database.Find(ctx, c, f, p)
}

func (b *broken) Write(ctx context.Context, c string, m []mongodb.Model) (mongodb.BulkResult, error) {
	if b.write--; b.write == 0 {
		return mongodb.BulkResult{}, b.result
	}
	return b.Database.Write(ctx, c, m)
}

func TestErr(t *testing.T) {
	away := errors.New("no server")
	for name, tc := range map[string]struct {
		broken
		act  func(context.Context, canary.Canary) error
		says string
	}{
		"ReadNotes": {broken{find: 1}, func(ctx context.Context, c canary.Canary) error { _, err := c.Beat(ctx); return err }, "read what beats came back"},
		"ReadBeats": {broken{find: 2}, func(ctx context.Context, c canary.Canary) error { _, err := c.Beat(ctx); return err }, "read beats"},
		"ReadClock": {broken{find: 3}, func(ctx context.Context, c canary.Canary) error { _, err := c.Beat(ctx); return err }, "read beats"},
		"Write":     {broken{write: 1}, func(ctx context.Context, c canary.Canary) error { _, err := c.Beat(ctx); return err }, "write beat"},
		"Note":      {broken{write: 1}, func(ctx context.Context, c canary.Canary) error { return c.Note(ctx, 1) }, "note beat"},
		"State":     {broken{find: 2}, func(ctx context.Context, c canary.Canary) error { _, err := c.State(ctx); return err }, "read beats"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBird(t)
			b.beat(0, two)
			db := tc.broken
			db.Database, db.result = b.db, away
			if err := tc.act(t.Context(), canary.Canary{DB: &db}); !errors.Is(err, away) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v, want one that says %q", err, tc.says)
			}
		})
	}
}
