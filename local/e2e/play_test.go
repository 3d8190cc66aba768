package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// document is the life of a document, a step a round.
type document struct {
	*collection
	key   string
	steps []step
	// lost are the values that must stand in conflict records at the end:
	// "<path> of <side> by <rule>: <value>". One that may be missing begins
	// with a question mark.
	lost []string
	// carried says that writes are interrupted: then what is overwritten is
	// recorded by the rule "carried", which is not looked at.
	carried bool

	said     []string // what was wrong
	id, mkey string   // as texts
}

// step is what users do to a document in one round, and what must come of it.
type step struct {
	name string

	// Bodies and operators are Extended JSON for MongoDB, JSON for Ditto.
	insertMongo, updateMongo, replaceMongo string
	deleteMongo                            bool
	insertDitto, declare                   string // declare: the types, in DQL
	updateDitto                            []edit
	deleteDitto                            bool
	dql                                    []string // statements; {c} is the collection, :id the id
	do                                     func(t *testing.T)

	paused bool // both sides act before the functions hear of it

	want  string   // the body on both sides; "" for none
	maps  string   // likewise where objects are maps, if another
	mongo string   // likewise for MongoDB alone; none is "-"
	ditto string   // likewise for Ditto alone; "?" is not looked at
	exact bool     // ditto is as it stands, but for the fields of the id
	bytes bson.Raw // MongoDB's document, byte by byte, instead of mongo

	check func(t *testing.T) string // what else is not as wanted

	parked string // the reason in the record of unsynced documents

	// The writes on each side, the users' own included: 1 if unset, none if
	// negative.
	dittoWrites, mongoWrites int
	dittoWritesMaps          int  // in Ditto where objects are maps, if others
	atMost                   bool // fewer will do
}

// play takes the documents through their steps, round by round. After each,
// both sides must be as wanted, with no more writes than that needed.
func (w *world) play(t *testing.T, docs []*document) {
	t.Helper()
	rounds := 0
	for _, d := range docs {
		rounds = max(rounds, len(d.steps))
		d.id, d.mkey = string(d.dittoID(d.key)), d.mongoKey(raw(t, d.filter(d.key)))
	}
	w.know(docs)
	began := time.Now()
	w.meet(t, nil)
	at := w.now(t)
	for n := range rounds {
		at = w.round(t, n, docs, at)
	}
	w.meet(t, w.quiet)
	w.count(t, docs, at, func(d *document) *step { return &step{name: "afterwards", dittoWrites: -1, mongoWrites: -1} })
	w.checkConflicts(t, docs)
	w.checkStrays(t, docs)
	t.Logf("%d documents, %d rounds, %s", len(docs), rounds, time.Since(began).Round(time.Millisecond))
	for _, of := range byCollection(docs) {
		t.Run(of[0].name, func(t *testing.T) {
			for _, d := range of {
				t.Run(d.key, func(t *testing.T) {
					for _, text := range d.said {
						t.Error(text)
					}
				})
			}
		})
	}
}

func byCollection(docs []*document) (out [][]*document) {
	at := map[*collection]int{}
	for _, d := range docs {
		i, ok := at[d.collection]
		if !ok {
			i = len(out)
			at[d.collection], out = i, append(out, nil)
		}
		out[i] = append(out[i], d)
	}
	return out
}

func (d *document) say(step *step, format string, args ...any) {
	d.said = append(d.said, step.name+": "+fmt.Sprintf(format, args...))
}

// round is every document's n-th step. The writes are counted since the last
// round's count, and up to the moment that is returned.
func (w *world) round(t *testing.T, n int, all []*document, since moment) moment {
	t.Helper()
	var docs []*document
	paused := false
	for _, d := range all {
		if len(d.said) == 0 && n < len(d.steps) {
			docs = append(docs, d)
			paused = paused || d.steps[n].paused
		}
	}
	w.meet(t, nil)
	act := func() {
		for _, d := range docs {
			w.act(t, d, &d.steps[n])
		}
	}
	if paused {
		w.rounds.whilePaused(act)
	} else {
		act()
	}
	w.meet(t, w.quiet)
	problems := w.awaitAll(t, n, docs)
	for _, d := range docs {
		if problems[d] != "" {
			d.say(&d.steps[n], "%s", problems[d])
		}
	}
	w.checkParked(t, n, docs)
	return w.count(t, docs, since, func(d *document) *step { return &d.steps[n] })
}

// act carries out a step.
func (w *world) act(t *testing.T, d *document, s *step) {
	t.Helper()
	c := d.collection
	if s.insertMongo != "" {
		w.insertMongo(t, c, d.key, s.insertMongo)
	}
	if s.updateMongo != "" {
		w.updateMongo(t, c, d.key, s.updateMongo)
	}
	if s.replaceMongo != "" {
		w.replaceMongo(t, c, d.key, s.replaceMongo)
	}
	if s.deleteMongo {
		w.deleteMongo(t, c, d.key)
	}
	if s.insertDitto != "" {
		w.insertDitto(t, c, d.key, s.insertDitto, s.declare)
	}
	if len(s.updateDitto) > 0 {
		w.updateDitto(t, c, d.key, s.updateDitto...)
	}
	if s.deleteDitto {
		w.deleteDitto(t, c, d.key)
	}
	for _, statement := range s.dql {
		w.execute(t, c.api(), strings.ReplaceAll(statement, "{c}", c.table()), map[string]any{"id": c.dittoID(d.key)})
	}
	if s.do != nil {
		s.do(t)
	}
}
