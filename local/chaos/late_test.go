package chaos_test

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
)

// late is a function killed at one failpoint, and what users write before
// anybody takes over.
type late struct {
	id, point, key string
	mongo, ditto   bool // whose user writes
}

// lateWrites: a function writes one field to Ditto and another to MongoDB, and
// is killed; then users write the same fields again, on either side or on
// both, and a field of their own. Whoever takes over must make the sides equal,
// and lose none of these values without a record. Which of them win is left to
// the simulation.
func (l *lab) lateWrites() {
	var all []*late
	for _, p := range points {
		if p.name == "before-park" || p.name == "park-recorded" || p.name == "parked" {
			continue
		}
		for n, who := range []string{"mongodb", "ditto", "both"} {
			if *full || n == 2 {
				all = append(all, &late{id: p.name + "-" + who, point: p.name, mongo: n != 1, ditto: n != 0})
			}
		}
	}
	var ids, sweep []string
	for _, c := range all {
		ids = append(ids, c.id)
		l.syncedOne("things", c.id, `{"a":1,"d":1}`)
		setMongo("a", "before")(l, "things", c.id)
		setDitto("d", "before")(l, "things", c.id)
		c.key = l.key(mongoToDitto, "things", c.id, false)
	}
	var g errgroup.Group
	g.SetLimit(3)
	for _, c := range all {
		g.Go(func() error { return l.cutOff(mongoToDitto, c.point+":1", "", c.key) })
	}
	if err := g.Wait(); err != nil {
		l.t.Fatal(err)
	}
	want := map[string][]string{} // values, by document
	set := func(c *late, side, path string, step func(string, any) userStep) {
		v := fmt.Sprintf("%s %s later", path, side)
		step(path, v)(l, "things", c.id)
		want[c.id] = append(want[c.id], fmt.Sprintf("%s %s %q", path, side, v))
	}
	for _, c := range all {
		if c.mongo {
			set(c, "mongodb", "a", setMongo)
			set(c, "mongodb", "d", setMongo)
			set(c, "mongodb", "m", setMongo)
		}
		if c.ditto {
			set(c, "ditto", "a", setDitto)
			set(c, "ditto", "d", setDitto)
			set(c, "ditto", "n", setDitto)
		}
	}
	l.expire("things", ids)
	for _, c := range all {
		sweep = append(sweep, l.sweepKey("things", c.id), l.key(dittoToMongo, "things", c.id, false))
	}
	if n := l.invoke(dittoToMongo, sweep...); n > 0 {
		l.t.Errorf("%d keys failed", n)
	}
	for id, s := range l.see("things", ids) {
		if s.Mongo != s.Ditto || s.Mongo == "" || s.entry == nil || s.entry.Claim != nil {
			l.t.Errorf("%s: the sides differ: %s", id, s)
		}
		for _, v := range want[id] {
			text := v[strings.Index(v, `"`):]
			if !strings.Contains(s.Mongo, text) && !slices.Contains(s.Lost, v) {
				l.t.Errorf("%s: lost without a record: %s in %s", id, v, s)
			}
		}
	}
}
