package chaos_test

import (
	"flag"
	"fmt"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

var duelCount = flag.Int("duels", 100, "how often two users write the same document at once")

// perBatch documents are written at once, each on both sides.
const perBatch = 25

var duelPlace = place{name: "duel", docs: perBatch, apart: true}

// duels: two users write the same document on both sides at once, again and
// again: two fields that both write, one of their own each, and a counter.
// Every other time the functions hear of it only when both have written; then
// each round has a winner by the rule, and a record of the loser. In between
// they run as they like; then a value that is not there any more was on the
// other side before it was overwritten, or is recorded. Before the next round
// all is settled, so that no round is excused by another.
//
// What it does not prove: anything about users who are quicker than the
// functions; the storm has those.
func (s *storm) duels() {
	s.t.Helper()
	for i := range perBatch {
		doc := bson.D{{Key: "_id", Value: fmt.Sprintf("doc-%d", i)}, {Key: "q", Value: int64(0)}}
		if _, err := s.db.Collection("duel").InsertOne(s.t.Context(), doc); err != nil {
			s.t.Fatal(err)
		}
	}
	s.settle()
	n, met := 0, 0
	for round := 0; n < *duelCount; round++ {
		unheard := round%2 == 0
		if unheard {
			s.stack.Pause()
		}
		all, err := s.duel(min(perBatch, *duelCount-n))
		if err != nil {
			s.t.Fatal(err)
		}
		if unheard {
			s.stack.Resume()
		}
		s.settle()
		met += s.judge(all, unheard)
		n += len(all)
	}
	s.t.Logf("%d duels, in %d of them neither had seen the other's value", n, met)
	s.settled()
}

// duellists are what two users wrote into one document.
type duellists struct {
	id                string
	mx, my, mine      string // in MongoDB
	dx, dy, dittosOwn string
}

// duel lets both users of each document write at the same time.
func (s *storm) duel(n int) ([]duellists, error) {
	all := make([]duellists, n)
	for i := range all {
		all[i] = duellists{fmt.Sprintf("doc-%d", i), s.token("m"), s.token("m"), s.token("m"), s.token("d"), s.token("d"), s.token("d")}
	}
	return all, while(
		func() error {
			for _, d := range all {
				set := bson.D{{Key: "x", Value: d.mx}, {Key: "y", Value: d.my}, {Key: "by", Value: d.mine}}
				if _, err := s.db.Collection("duel").UpdateByID(s.t.Context(), d.id, bson.D{{Key: "$set", Value: set}}); err != nil {
					return err
				}
			}
			return nil
		},
		func() error {
			for _, d := range all {
				args := map[string]any{"u_id": d.id, "u_x": d.dx, "u_y": d.dy, "u_d": d.dittosOwn}
				if _, err := s.dql("duel", "UPDATE duel SET x = :u_x, y = :u_y, d = :u_d WHERE _id = :u_id", args); err != nil {
					return err
				}
				if err := s.increments(place{name: "duel"}, d.id, 1); err != nil {
					return err
				}
			}
			return nil
		},
	)
}

// settle waits until everything that was written is handled.
func (s *storm) settle() {
	s.t.Helper()
	s.quiet()
	if text := s.differences(); text != "" {
		s.t.Fatalf("the sides differ though all is quiet:\n%s", text)
	}
}

// judge looks at what has come of a round, and returns in how many documents
// a value was recorded.
func (s *storm) judge(all []duellists, unheard bool) (met int) {
	s.t.Helper()
	docs, records := s.mongoDocuments("duel"), s.records()
	for _, d := range all {
		doc, key := docs[d.id], "duel/"+d.id
		has := func(v string) bool { return strings.Contains(doc, quoted(v)) }
		lost := func(side, v string) bool { return strings.Contains(records[side+" "+key], quoted(v)) }
		for _, v := range []string{d.mine, d.dittosOwn} {
			if !has(v) {
				s.t.Errorf("%s: nobody else wrote there, and %s is not in %s", d.id, v, doc)
			}
		}
		if has(d.mx) == has(d.dx) || has(d.my) == has(d.dy) {
			s.t.Errorf("%s: want one of %s and %s, and of %s and %s, in %s", d.id, d.mx, d.dx, d.my, d.dy, doc)
		}
		recorded := lost("ditto", d.dx) || lost("mongodb", d.my)
		if unheard && !(has(d.mx) && has(d.dy) && lost("ditto", d.dx) && lost("mongodb", d.my)) {
			s.t.Errorf("%s: want x of MongoDB and y of Ditto, and both losers recorded: %s; records %s", d.id, doc, records)
		}
		if recorded {
			met++
		}
	}
	return met
}
