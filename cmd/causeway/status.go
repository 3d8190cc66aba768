package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/site"
	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sweep"
)

type statusCmd struct{ where }

func (statusCmd) Help() string {
	return `Last event is when a pair of the collection was last settled; lag is the time from the
oldest change of a worker's last batch to its end; the oldest message is known of a deployed
stack alone.

Examples:
  causeway status
  causeway status --json
  causeway status --stack example`
}

// status is what the command shows.
type status struct {
	Stack string `json:"stack,omitempty"` // empty for the local one
	// State says whether the workers take messages: running, paused, changing.
	State       site.State         `json:"state"`
	Collections []collectionStatus `json:"collections"`
	Queues      []queueStatus      `json:"queues"`
	Canary      canaryStatus       `json:"canary"`
	// Undelivered are events that EventBridge could not put into a queue.
	Undelivered int       `json:"undelivered"`
	Since       time.Time `json:"since"`
}

// canaryStatus is what became of the heartbeats from MongoDB through the trigger.
type canaryStatus struct {
	LastBeat   time.Time `json:"lastBeat,omitzero"` // when the last one was written
	CameBack   time.Time `json:"cameBack,omitzero"` // when the last one that came back was noted
	AgeSeconds int64     `json:"ageSeconds"`        // since when the oldest waits that has not; 0 if none
}

type collectionStatus struct {
	Collection string         `json:"collection"`
	Pairs      map[string]int `json:"pairs"` // by state of their ledger entry
	LastEvent  time.Time      `json:"lastEvent,omitzero"`
	Unsynced   int            `json:"unsynced"`
	Conflicts  int            `json:"conflicts"`
	// Initial is how far the initial sync, or the baseline, of the collection is:
	// done, running or waiting. Percent is of its run.
	Initial string `json:"initial"`
	Percent int    `json:"percent,omitempty"`
}

type queueStatus struct {
	Function    string `json:"function"`
	Waiting     int    `json:"waiting"`
	InFlight    int    `json:"inFlight"`
	Delayed     int    `json:"delayed"`
	DeadLetters int    `json:"deadLetters"`
	LagMS       int64  `json:"lagMs"`    // -1: nothing was handled yet
	OldestMS    int64  `json:"oldestMs"` // age of the oldest message; -1: not known
}

func (c statusCmd) Run(e *env) error {
	t, err := e.open(c.where)
	if err != nil {
		return err
	}
	defer t.close(e)
	s := status{Stack: t.Name, Since: t.Since}
	if s.Collections, err = collectionsStatus(e.ctx, t.client, collections(t.Manifest)); err != nil {
		return err
	}
	if err := initialStatus(e.ctx, t, s.Collections); err != nil {
		return err
	}
	beats, err := canary.Canary{DB: t.client}.State(e.ctx)
	if err != nil {
		return err
	}
	s.Canary = canaryStatus{beats.Last, beats.Returned, int64(beats.Age.Seconds())}
	if s.State, err = t.Switch.State(e.ctx); err != nil {
		return err
	}
	if err := s.readQueues(e, t.Site); err != nil {
		return err
	}
	if e.json {
		return e.printJSON(s)
	}
	return s.print(e)
}

func (s status) print(e *env) error {
	now := time.Now()
	var rows [][]string
	for _, c := range s.Collections {
		rows = append(rows, []string{
			c.Collection, c.initial(), strconv.Itoa(c.Pairs[string(ledger.Live)]), when(c.LastEvent, now),
			strconv.Itoa(c.Unsynced), strconv.Itoa(c.Conflicts),
		})
	}
	if err := table(e.stdout, []string{"COLLECTION", "INITIAL SYNC", "SYNCED", "LAST EVENT", "UNSYNCED", "CONFLICTS"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout)
	rows = nil
	for _, q := range s.Queues {
		rows = append(rows, []string{
			q.Function, strconv.Itoa(q.Waiting + q.Delayed), strconv.Itoa(q.InFlight), strconv.Itoa(q.DeadLetters), span(q.LagMS), span(q.OldestMS),
		})
	}
	if err := table(e.stdout, []string{"FUNCTION", "QUEUED", "IN FLIGHT", "DEAD LETTERS", "LAG", "OLDEST MESSAGE"}, rows); err != nil {
		return err
	}
	fmt.Fprintf(e.stdout, "\ncanary: %s\n", s.Canary.line(now))
	switch s.State {
	case site.Paused:
		fmt.Fprintln(e.stdout, "\npaused: nothing is taken from the queues until `causeway resume`")
	case site.Changing:
		fmt.Fprintln(e.stdout, "\nonly some workers take messages: `causeway resume`, or `causeway pause`, switches all of them")
	}
	if s.Undelivered > 0 {
		fmt.Fprintf(e.stdout, "\n%d events could not be put into the queue by EventBridge: mend its rights on the queue, then `causeway redrive --stack %s`\n", s.Undelivered, s.Stack)
	}
	return nil
}

// line says for a person whether what MongoDB's trigger announces arrives.
func (c canaryStatus) line(now time.Time) string {
	age := time.Duration(c.AgeSeconds) * time.Second
	switch {
	case c.LastBeat.IsZero():
		return "no heartbeat was written yet"
	case age >= canary.Threshold:
		return fmt.Sprintf("NOTHING ARRIVES FROM MONGODB: no heartbeat came back for %s, the last one at %s. Look at the trigger, then at the queue and "+
			"the function: docs/operating.md, \"The canary\"", age, when(c.CameBack, now))
	case age > 0 && c.CameBack.IsZero():
		return "the first heartbeat is on its way since " + when(c.LastBeat, now)
	case age > 0:
		return fmt.Sprintf("a heartbeat is on its way since %s; the last one came back at %s", age, when(c.CameBack, now))
	}
	return "the last heartbeat came back, at " + when(c.CameBack, now)
}

// span is a time in milliseconds for a person.
func span(ms int64) string {
	if ms < 0 {
		return "-"
	}
	return (time.Duration(ms) * time.Millisecond).String()
}

func (c *collectionStatus) initial() string {
	if c.Initial == initialRunning {
		return fmt.Sprintf("%s, %d %%", c.Initial, c.Percent)
	}
	return c.Initial
}

const (
	initialDone     = "done"
	initialBaseline = "baseline" // taken: initialSync is false
	initialRunning  = "running"
	initialWaiting  = "not yet"
)

// initialStatus tells how far the initial syncs are.
func initialStatus(ctx context.Context, t *opened, list []collectionStatus) error {
	copied, err := t.runner.Copied(ctx)
	if err != nil {
		return err
	}
	runs, err := t.runner.Runs(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		c := &list[i]
		c.Initial = initialWaiting
		if copied[c.Collection] != "" {
			c.Initial = initialBaseline
			if rules := t.Manifest.Collection(c.Collection); rules != nil && rules.InitialSync {
				c.Initial = initialDone
			}
			continue
		}
		for _, r := range runs {
			if r.Mode != sweep.Initial || r.Status != "running" || !slices.Contains(r.Collections, c.Collection) {
				continue
			}
			p, err := t.runner.Progress(ctx, r.Run)
			if err != nil {
				return err
			}
			c.Initial = initialRunning
			if p.Total > 0 {
				c.Percent = int(p.Done * 100 / p.Total)
			}
			break
		}
	}
	return nil
}

// collectionsStatus counts ledger entries and records by collection.
func collectionsStatus(ctx context.Context, client *mongodb.Client, names []string) ([]collectionStatus, error) {
	by := map[string]*collectionStatus{}
	var list []collectionStatus
	for _, name := range names {
		list = append(list, collectionStatus{Collection: name, Pairs: map[string]int{}})
	}
	for i := range list {
		by[list[i].Collection] = &list[i]
	}
	err := group(ctx, client, ledger.Collection, "$state", func(collection, state string, n int, last time.Time) {
		if c := by[collection]; c != nil {
			c.Pairs[state] += n
			if last.After(c.LastEvent) {
				c.LastEvent = last
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for from, add := range map[string]func(*collectionStatus, int){
		ledger.UnsyncedCollection: func(c *collectionStatus, n int) { c.Unsynced += n },
		ledger.ConflictCollection: func(c *collectionStatus, n int) { c.Conflicts += n },
	} {
		err := group(ctx, client, from, nil, func(collection, _ string, n int, _ time.Time) {
			if c := by[collection]; c != nil {
				add(c, n)
			}
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// unsettled leaves out the conflicts that a person is done with.
var unsettled = bson.D{{Key: "$match", Value: bson.D{{Key: "settled", Value: bson.D{{Key: "$exists", Value: false}}}}}}

// group counts documents by their collection and another field.
func group(ctx context.Context, client *mongodb.Client, from string, by any, each func(collection, by string, n int, last time.Time)) error {
	cursor, err := client.Driver().Collection(from).Aggregate(ctx, mongo.Pipeline{unsettled, {{Key: "$group", Value: bson.D{
		{Key: "_id", Value: bson.D{{Key: "c", Value: "$collection"}, {Key: "by", Value: by}}},
		{Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}},
		{Key: "last", Value: bson.D{{Key: "$max", Value: "$at"}}},
	}}}})
	var rows []bson.Raw
	if err == nil {
		err = cursor.All(ctx, &rows)
	}
	if err != nil {
		return client.Redact("count "+from, err)
	}
	for _, row := range rows {
		c, _ := row.Lookup("_id", "c").StringValueOK()
		b, _ := row.Lookup("_id", "by").StringValueOK()
		n, _ := row.Lookup("n").AsInt64OK()
		var last time.Time
		if ms, ok := row.Lookup("last").DateTimeOK(); ok {
			last = time.UnixMilli(ms)
		}
		each(c, b, int(n), last)
	}
	return nil
}

func (s *status) readQueues(e *env, at *site.Site) error {
	ctx := e.ctx
	lags, err := at.Lags(ctx)
	if err != nil { // all else is worth showing
		fmt.Fprintln(e.stderr, "causeway:", err)
	}
	for _, q := range at.Queues {
		depth, err := at.Depth(ctx, q.URL)
		if err != nil {
			return err
		}
		dead, err := at.Depth(ctx, q.DeadLettersURL)
		if err != nil {
			return err
		}
		s.Queues = append(s.Queues, queueStatus{
			Function: q.Function, Waiting: depth.Waiting, InFlight: depth.InFlight, Delayed: depth.Delayed,
			DeadLetters: dead.Total(), LagMS: ms(lags[q.Function].Last), OldestMS: ms(lags[q.Function].Oldest),
		})
	}
	if at.Undelivered.DeadLettersURL != "" {
		d, err := at.Depth(ctx, at.Undelivered.DeadLettersURL)
		if err != nil {
			return err
		}
		s.Undelivered = d.Total()
	}
	return nil
}

// ms is d in milliseconds, -1 if nothing is known.
func ms(d time.Duration) int64 {
	if d < 0 {
		return -1
	}
	return d.Milliseconds()
}
