package chaos_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/core/ledger"
)

// point is a failpoint, and what a function that is killed there leaves behind.
type point struct {
	name    string
	where   func(*kind) bool // the kinds of work that pass it
	entry   entryState
	records bool // the losing values are recorded
	ditto   bool // Ditto is written
	mongo   bool // MongoDB is written
}

type entryState int

const (
	asBefore entryState = iota
	claimed             // with all announcements
	settled
)

var points = []point{
	{name: "ledger-read", where: always},
	{name: "mongodb-read", where: always},
	{name: "ditto-read", where: always},
	{name: "decided", where: writes},
	{name: "before-claim", where: writes},
	{name: "claimed", where: writes, entry: claimed},
	{name: "recorded", where: writes, entry: claimed, records: true},
	{name: "before-ditto", where: (*kind).writesDitto, entry: claimed, records: true},
	{name: "ditto-written", where: (*kind).writesDitto, entry: claimed, records: true, ditto: true},
	{name: "before-mongodb", where: (*kind).writesMongoDB, entry: claimed, records: true, ditto: true},
	{name: "mongodb-written", where: (*kind).writesMongoDB, entry: claimed, records: true, ditto: true, mongo: true},
	{name: "before-settle", where: writes, entry: claimed, records: true, ditto: true, mongo: true},
	{name: "settled", where: writes, entry: settled, records: true, ditto: true, mongo: true},
	{name: "before-park", where: parks},
	{name: "park-recorded", where: parks, records: true},
	{name: "parked", where: parks, entry: settled, records: true},
}

func always(*kind) bool   { return true }
func parks(k *kind) bool  { return k.parked != "" }
func writes(k *kind) bool { return k.parked == "" }

// crash is one kind of work cut off at one failpoint.
type crash struct {
	*kind
	point
	id, key string
	before  *sight // after the users, before the function
	left    *sight
}

func (c *crash) String() string { return c.kind.name + ", killed at " + c.point.name }

// TestKilled kills the real functions at each failpoint in each kind of work,
// and looks at exactly what is left behind: the ledger's entry, the claim and
// what it announces, the records, both documents. While the claim lives, the
// event does nothing; once it has run out, the event coming again finishes the
// work: both sides are equal, each losing value is recorded, each side was
// written once at most, and a sweep finds nothing to do (invariants 1, 3, 4).
//
// What it does not prove: anything about a machine that dies with its
// databases' caches, or about a statement that is cut off inside an engine;
// the storm kills MongoDB.
func TestKilled(t *testing.T) {
	l := openLab(t)
	l.run("Steps", func(l *lab) {
		for in, of := range l.prepare() {
			l.run(in, func(l *lab) { l.play(in, of) })
		}
	})
	l.run("SecondRound", (*lab).killedInSecondRound)
	l.run("End", (*lab).killedAtItsEnd)
	l.run("LateWrites", (*lab).lateWrites)
	l.run("ClaimRunsOut", (*lab).claimRunsOut)
	runs(t, 3) // Ditto and both functions; MongoDB may be the user's own
}

// run is a subtest.
func (l *lab) run(name string, test func(*lab)) {
	l.t.Run(name, func(t *testing.T) { test(&lab{t, l.parts}) })
}

// prepare makes a document for each crash, by collection.
func (l *lab) prepare() map[string][]*crash {
	l.t.Helper()
	all := map[string][]*crash{}
	for i := range kinds {
		k := &kinds[i]
		for _, p := range points {
			if (*full || k.quick) && p.where(k) {
				id := fmt.Sprintf("%s-%d", p.name, i)
				all[k.in] = append(all[k.in], &crash{kind: k, point: p, id: id})
			}
		}
	}
	return all
}

func (l *lab) play(in string, crashes []*crash) {
	l.t.Helper()
	ids := make([]string, len(crashes))
	for i, c := range crashes {
		ids[i] = c.id
	}
	l.synced(in, crashes)
	for _, c := range crashes {
		for _, step := range c.users {
			step(l, in, c.id)
		}
		c.key = l.key(c.wakes, in, c.id, c.remove)
	}
	before := l.see(in, ids)
	l.writes(0)
	since := l.txn()

	var g errgroup.Group
	g.SetLimit(3)
	for _, c := range crashes {
		g.Go(func() error {
			if err := l.cutOff(c.wakes, c.point.name+":1", "", c.key); err != nil {
				return fmt.Errorf("%s: %w", c, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		l.t.Fatal(err)
	}
	left := l.see(in, ids)
	for _, c := range crashes {
		c.before, c.left = before[c.id], left[c.id]
		l.compare(c, "left behind", c.wantLeft(), c.left)
	}
	l.whileClaimed(in, ids, crashes)

	l.expire(in, ids)
	l.redeliver(crashes)
	end := l.see(in, ids)
	for _, c := range crashes {
		l.compare(c, "in the end", c.wantEnd(end[c.id]), end[c.id])
		l.keptWhatWasAnnounced(c, end[c.id])
	}
	counts := l.writes(since)
	for _, c := range crashes {
		l.count(c, counts, end[c.id])
	}
	since = l.txn()
	var sweep []string
	for _, id := range ids {
		sweep = append(sweep, l.sweepKey(in, id))
	}
	if n := l.invoke(mongoToDitto, sweep...); n > 0 {
		l.t.Errorf("%d keys of the sweep failed", n)
	}
	swept := l.writes(since)
	for _, c := range crashes {
		if c.parked != "" { // tried again, and noted again
			delete(swept, "mongodb "+ledger.Collection+" "+quoted(in+"/"+quoted(c.id)))
			delete(swept, "mongodb "+ledger.UnsyncedCollection+" "+quoted(in+"/"+quoted(c.id)))
		}
	}
	if diff := cmp.Diff(map[string]int{}, swept); diff != "" {
		l.t.Errorf("the sweep has written (-want +got):\n%s", diff)
	}
	l.t.Logf("%d crashes", len(crashes))
}

// synced puts the documents that kinds begin with on both sides.
func (l *lab) synced(in string, crashes []*crash) {
	l.t.Helper()
	var keys []string
	for _, c := range crashes {
		if c.base != "" {
			insertMongo(c.base)(l, in, c.id)
			keys = append(keys, l.key(mongoToDitto, in, c.id, false))
		}
	}
	if len(keys) == 0 {
		return
	}
	if n := l.invoke(mongoToDitto, keys...); n > 0 {
		l.t.Fatalf("%d documents were not synced", n)
	}
}

// whileClaimed hands over the events again while their claims live: then
// nobody else may write.
func (l *lab) whileClaimed(in string, ids []string, crashes []*crash) {
	l.t.Helper()
	var keys []string
	for _, c := range crashes {
		if c.point.entry == claimed {
			keys = append(keys, c.key)
		}
	}
	if len(keys) == 0 {
		return
	}
	if n := l.invoke(mongoToDitto, keys...); n != len(keys) {
		l.t.Errorf("%d of %d keys of pairs under a live claim came back", n, len(keys))
	}
	for id, now := range l.see(in, ids) {
		for _, c := range crashes {
			if c.id == id && c.point.entry == claimed {
				l.compare(c, "while the claim lives", *c.left, now)
			}
		}
	}
}

// redeliver lets the events come again, to functions as they are deployed.
func (l *lab) redeliver(crashes []*crash) {
	l.t.Helper()
	keys := map[string][]string{}
	for _, c := range crashes {
		keys[c.wakes] = append(keys[c.wakes], c.key)
	}
	for function, of := range keys {
		if n := l.invoke(function, of...); n > 0 {
			l.t.Errorf("%d of %d keys failed", n, len(of))
		}
	}
}

func (l *lab) compare(c *crash, when string, want sight, got *sight) {
	l.t.Helper()
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		l.t.Errorf("%s: %s (-want +got):\n%s", c, when, diff)
	}
}
