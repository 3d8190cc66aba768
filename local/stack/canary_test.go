package stack_test

import (
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/local/stack"
)

// TestCanary stops the trigger of a running stack, and sees the alarm fire within
// ten minutes, and not before; then starts it again, and sees it end. The minutes
// do not pass: instead of waiting for the next beat, what was written before is
// made older. All else is real: the step of the real function, the change stream,
// the queue, the function behind it, the notes.
func TestCanary(t *testing.T) {
	s := start(t, stack.Options{Config: writeManifest(t, database(), tasks)})
	w := open(t, s.Info())
	db, err := mongodb.Connect(w.info.MongoDB, w.info.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	bird := canary.Canary{DB: db}
	now := time.Date(2026, 11, 27, 7, 0, 37, 0, time.UTC) // as the alarm sees it
	var points []canary.Datapoint
	beat := func() time.Duration {
		t.Helper()
		out, err := s.Beat(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ AgeSeconds int64 }
		if err := json.Unmarshal(out, &answer); err != nil {
			t.Fatal(err)
		}
		age := time.Duration(answer.AgeSeconds) * time.Second
		points = append(points, canary.Datapoint{At: now, Age: age})
		return age
	}
	// pass lets the time until the next beat pass.
	pass := func() {
		t.Helper()
		now = now.Add(canary.Period)
		older := bson.D{{Key: "$set", Value: bson.D{{Key: "at", Value: bson.D{{Key: "$dateAdd", Value: bson.D{
			{Key: "startDate", Value: "$at"}, {Key: "unit", Value: "second"}, {Key: "amount", Value: -int(canary.Period.Seconds())},
		}}}}}}}
		if _, err := db.Driver().Collection(canary.Collection).UpdateMany(t.Context(), bson.D{}, bson.A{older}); err != nil {
			t.Fatal(err)
		}
	}
	back := func() {
		t.Helper()
		await(t, "the beat back", "true", func() string {
			state, err := bird.State(t.Context())
			return strconv.FormatBool(err == nil && !state.Last.IsZero() && state.Age == 0)
		})
	}
	for range 3 {
		if age := beat(); age != 0 {
			t.Errorf("age %v while all is well", age)
		}
		back()
		pass()
	}
	if canary.Fires(points, now) {
		t.Fatal("the alarm fires while all is well")
	}

	if err := s.StopTrigger(t.Context()); err != nil {
		t.Fatal(err)
	}
	stopped := now // at its worst: just after a beat came back
	for !canary.Fires(points, now) {
		if now.Sub(stopped) > canary.Deadline {
			t.Fatalf("the alarm does not fire within %v: %v", canary.Deadline, points)
		}
		beat()
		pass()
	}
	if after := now.Sub(stopped); after < canary.Threshold {
		t.Errorf("it fires after %v, before two beats are overdue", after)
	}
	if age := beat(); age < canary.Threshold {
		t.Errorf("age %v", age)
	}

	if err := s.StartTrigger(t.Context()); err != nil {
		t.Fatal(err)
	}
	back()
	pass()
	if age := beat(); age != 0 {
		t.Errorf("age %v after it was started again", age)
	}
	pass()
	if canary.Fires(points, now) {
		t.Error("the alarm goes on")
	}
	// Nothing of it reached Ditto or the ledger, and no beat was kept for ever.
	if n, err := db.Driver().Collection("__causeway_ledger").CountDocuments(t.Context(), bson.D{}); n != 0 || err != nil {
		t.Errorf("%d entries in the ledger, %v", n, err)
	}
	if n, err := db.Driver().Collection(canary.Collection).CountDocuments(t.Context(), bson.D{}); n > 2 || err != nil {
		t.Errorf("%d beats are left, %v", n, err)
	}
}

// The stack beats by itself where it is asked to.
func TestBeats(t *testing.T) {
	s := start(t, stack.Options{Config: writeManifest(t, database(), tasks), Beat: 50 * time.Millisecond})
	w := open(t, s.Info())
	db, err := mongodb.Connect(w.info.MongoDB, w.info.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	returned := func() int64 {
		docs, err := db.Find(t.Context(), "__causeway_runs", bson.D{{Key: "_id", Value: "canary"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(docs) == 0 {
			return 0
		}
		return docs[0].Lookup("n").AsInt64()
	}
	await(t, "beats that came back", "true", func() string { return strconv.FormatBool(returned() >= 3) })
}
