package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

type statusCmd struct{}

func (statusCmd) Help() string {
	return `Last event is when a pair of the collection was last settled; lag is the time from the
oldest change of a worker's last batch to its end.

Examples:
  causeway status
  causeway status --json`
}

// status is what the command shows.
type status struct {
	Collections []collectionStatus `json:"collections"`
	Queues      []queueStatus      `json:"queues"`
	Since       time.Time          `json:"since"`
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
	LagMS       int64  `json:"lagMs"` // -1: nothing was handled yet
}

func (c statusCmd) Run(e *env) error {
	info, client, err := e.connect()
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(e.ctx))
	s := status{Since: info.StartedAt}
	if s.Collections, err = collectionsStatus(e.ctx, client, info.Collections); err != nil {
		return err
	}
	if err := initialStatus(e.ctx, client, info, s.Collections); err != nil {
		return err
	}
	if s.Queues, err = queuesStatus(e.ctx, info); err != nil {
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
		lag := "-"
		if q.LagMS >= 0 {
			lag = (time.Duration(q.LagMS) * time.Millisecond).String()
		}
		rows = append(rows, []string{
			q.Function, strconv.Itoa(q.Waiting + q.Delayed), strconv.Itoa(q.InFlight), strconv.Itoa(q.DeadLetters), lag,
		})
	}
	return table(e.stdout, []string{"FUNCTION", "QUEUED", "IN FLIGHT", "DEAD LETTERS", "LAG"}, rows)
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
func initialStatus(ctx context.Context, client *mongodb.Client, info *stack.Info, list []collectionStatus) error {
	m, err := manifest.Load(info.Config)
	if err != nil {
		return err
	}
	runner := &sweep.Runner{Manifest: m, DB: client}
	copied, err := runner.Copied(ctx)
	if err != nil {
		return err
	}
	runs, err := runner.Runs(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		c := &list[i]
		c.Initial = initialWaiting
		if copied[c.Collection] != "" {
			c.Initial = initialBaseline
			if rules := m.Collection(c.Collection); rules != nil && rules.InitialSync {
				c.Initial = initialDone
			}
			continue
		}
		for _, r := range runs {
			if r.Mode != sweep.Initial || r.Status != "running" || !slices.Contains(r.Collections, c.Collection) {
				continue
			}
			p, err := runner.Progress(ctx, r.Run)
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

// group counts documents by their collection and another field.
func group(ctx context.Context, client *mongodb.Client, from string, by any, each func(collection, by string, n int, last time.Time)) error {
	cursor, err := client.Driver().Collection(from).Aggregate(ctx, mongo.Pipeline{{{Key: "$group", Value: bson.D{
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

func queuesStatus(ctx context.Context, info *stack.Info) ([]queueStatus, error) {
	client := sqs.NewClient(info.SQS)
	var list []queueStatus
	for worker, q := range info.Queues {
		depth, err := sqs.ReadDepth(ctx, client, q.URL)
		if err != nil {
			return nil, err
		}
		dead, err := sqs.ReadDepth(ctx, client, q.DeadLettersURL)
		if err != nil {
			return nil, err
		}
		list = append(list, queueStatus{
			Function: worker, Waiting: depth.Waiting, InFlight: depth.InFlight, Delayed: depth.Delayed,
			DeadLetters: dead.Total(), LagMS: lastLag(filepath.Join(info.Logs, worker+".log")),
		})
	}
	slices.SortFunc(list, func(a, b queueStatus) int { return cmp.Compare(b.Function, a.Function) })
	return list, nil
}

var lagMetric = regexp.MustCompile(`"Lag":([0-9]+)`)

// lastLag reads the last value of the metric that a worker writes into its
// log, -1 if there is none.
func lastLag(path string) int64 {
	f, err := os.Open(path)
	if err != nil {
		return -1
	}
	defer f.Close()
	buf := make([]byte, 256<<10)
	if stat, err := f.Stat(); err != nil {
		return -1
	} else if n := stat.Size() - int64(len(buf)); n > 0 {
		if _, err := f.Seek(n, 0); err != nil {
			return -1
		}
	}
	n, _ := f.Read(buf)
	all := lagMetric.FindAllSubmatch(buf[:n], -1)
	if len(all) == 0 {
		return -1
	}
	ms, err := strconv.ParseInt(string(all[len(all)-1][1]), 10, 64)
	if err != nil {
		return -1
	}
	return ms
}
