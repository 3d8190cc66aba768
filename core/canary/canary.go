package canary

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// Collection holds the beats: {_id: <int64, one more than the last>, at}. The
// trigger sees it; no user's collection is touched.
const Collection = change.Canary

const (
	// notes is where it is noted what came back, as {_id: "canary", n, at}: the
	// trigger does not see it.
	notes  = ledger.RunsCollection
	noteID = "canary"
	// keep bounds the beats that are kept while none comes back: the oldest, and
	// so many of the last.
	keep = 16
)

// Canary beats, and is told of beats. DB is the synced database.
type Canary struct{ DB mongodb.Database }

// State is what is known of the beats, by the database's clock.
type State struct {
	// Last is when the last beat was written, Returned when the last one that came
	// back was noted; zero if there was none.
	Last, Returned time.Time
	// Age is since when the oldest beat that has not come back waits; 0 if none
	// does.
	Age time.Duration
}

// Beat looks at what has become of the beats before, and writes a new one. It
// returns how long the oldest that has not come back waits, and 0 if the last
// one came back.
func (c Canary) Beat(ctx context.Context) (time.Duration, error) {
	returned, _, err := c.noted(ctx)
	if err != nil {
		return 0, err
	}
	before, _, err := c.beats(ctx)
	if err != nil {
		return 0, err
	}
	next := returned + 1
	var waiting []beat
	unwanted := bson.A{}
	for _, b := range before {
		next = max(next, b.n+1)
		if b.n > returned {
			waiting = append(waiting, b)
		} else {
			unwanted = append(unwanted, b.n)
		}
	}
	for _, b := range waiting {
		if b.n > oldest(waiting).n && b.n < next-keep {
			unwanted = append(unwanted, b.n)
		}
	}
	if err := c.write(ctx, next, unwanted); err != nil {
		return 0, err
	}
	if len(waiting) == 0 {
		return 0, nil
	}
	_, now, err := c.beats(ctx)
	if err != nil {
		return 0, err
	}
	return max(0, now.Sub(oldest(waiting).at)), nil
}

// write writes a beat, and removes those that nobody asks for any more.
func (c Canary) write(ctx context.Context, n int64, unwanted bson.A) error {
	// Two that beat at once write one beat.
	isNew := bson.D{{Key: "$eq", Value: bson.A{bson.D{{Key: "$type", Value: "$at"}}, "missing"}}}
	models := []mongodb.Model{{
		Filter: bson.D{{Key: "_id", Value: n}}, Upsert: true,
		Update: bson.A{bson.D{{Key: "$set", Value: bson.D{{Key: "at", Value: bson.D{{Key: "$cond", Value: bson.A{isNew, "$$NOW", "$at"}}}}}}}},
	}}
	if len(unwanted) > 0 {
		models = append(models, mongodb.Model{Filter: bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: unwanted}}}}})
	}
	result, err := c.DB.Write(ctx, Collection, models)
	if err == nil && len(result.Errors) > 0 && !mongodb.IsDuplicateID(result.Errors[0]) {
		err = result.Errors[0]
	}
	if err != nil {
		return fmt.Errorf("write beat: %w", err)
	}
	return nil
}

// Note notes that the beat n came back, and with it all before it.
func (c Canary) Note(ctx context.Context, n int64) error {
	later := func(then, otherwise any) bson.D {
		return bson.D{{Key: "$cond", Value: bson.A{bson.D{{Key: "$gt", Value: bson.A{n, "$n"}}}, then, otherwise}}}
	}
	result, err := c.DB.Write(ctx, notes, []mongodb.Model{{
		Filter: bson.D{{Key: "_id", Value: noteID}}, Upsert: true,
		Update: bson.A{bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: later(n, "$n")}, {Key: "at", Value: later("$$NOW", "$at")}}}}},
	}})
	if err == nil && len(result.Errors) > 0 {
		err = result.Errors[0]
	}
	if err != nil {
		return fmt.Errorf("note beat: %w", err)
	}
	return nil
}

// State looks at the beats, and writes nothing.
func (c Canary) State(ctx context.Context) (State, error) {
	var s State
	returned, at, err := c.noted(ctx)
	if err != nil {
		return s, err
	}
	all, now, err := c.beats(ctx)
	if err != nil {
		return s, err
	}
	s.Returned = at
	var waiting []beat
	for _, b := range all {
		if b.at.After(s.Last) {
			s.Last = b.at
		}
		if b.n > returned {
			waiting = append(waiting, b)
		}
	}
	if len(waiting) > 0 {
		s.Age = max(0, now.Sub(oldest(waiting).at))
	}
	return s, nil
}

// noted is the highest beat that came back, and when; 0 for none.
func (c Canary) noted(ctx context.Context) (n int64, at time.Time, err error) {
	docs, err := c.DB.Find(ctx, notes, bson.D{{Key: "_id", Value: noteID}}, nil)
	if err != nil {
		return 0, at, fmt.Errorf("read what beats came back: %w", err)
	}
	if len(docs) > 0 {
		n, _ = docs[0].Lookup("n").AsInt64OK()
		at = stamp(docs[0], "at")
	}
	return n, at, nil
}

type beat struct {
	n  int64
	at time.Time
}

func oldest(beats []beat) beat {
	first := beats[0]
	for _, b := range beats[1:] {
		if b.n < first.n {
			first = b
		}
	}
	return first
}

// beats reads all beats, and the database's clock; that is zero without a beat.
func (c Canary) beats(ctx context.Context) (out []beat, now time.Time, err error) {
	docs, err := c.DB.Find(ctx, Collection, bson.D{}, bson.D{{Key: "at", Value: 1}, {Key: "now", Value: "$$NOW"}})
	if err != nil {
		return nil, now, fmt.Errorf("read beats: %w", err)
	}
	for _, doc := range docs {
		if n, ok := doc.Lookup("_id").AsInt64OK(); ok {
			out = append(out, beat{n, stamp(doc, "at")})
			now = stamp(doc, "now")
		}
	}
	return out, now, nil
}

func stamp(doc bson.Raw, key string) time.Time {
	ms, ok := doc.Lookup(key).DateTimeOK()
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
