package e2e_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/sqs"
)

// patience is how long a change may take to reach the other side. A key that
// came while its document was being written comes back after up to 15 s.
const patience = 40 * time.Second

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

	want  string // the body on both sides; "" for none
	maps  string // likewise where objects are maps, if another
	mongo string // likewise for MongoDB alone; none is "-"
	ditto string // likewise for Ditto alone; "?" is not looked at
	exact bool   // mongo and ditto are as they stand, canonical Extended JSON and JSON

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

func (w *world) know(docs []*document) {
	w.rounds.mu.Lock()
	defer w.rounds.mu.Unlock()
	for _, d := range docs {
		w.known[[2]string{d.name, d.id}], w.known[[2]string{d.name, d.mkey}] = true, true
	}
}

// checkStrays looks for documents that no test has made.
func (w *world) checkStrays(t *testing.T, docs []*document) {
	t.Helper()
	w.rounds.mu.Lock()
	defer w.rounds.mu.Unlock()
	for _, of := range byCollection(docs) {
		c := of[0].collection
		for side, all := range map[string]map[string]string{"Ditto": w.allDitto(t, c), "MongoDB": w.allMongo(t, c)} {
			for id, doc := range all {
				if !w.known[[2]string{c.name, id}] {
					t.Errorf("%s: a document in %s that nobody made: %s", c.name, side, doc)
				}
			}
		}
	}
}

// checkParked looks for records of documents that no test has made.
func (w *world) checkParked(t *testing.T, n int, docs []*document) {
	t.Helper()
	parked := w.parked(t)
	w.rounds.mu.Lock()
	defer w.rounds.mu.Unlock()
	for of, reason := range parked {
		ours := slices.ContainsFunc(docs, func(d *document) bool { return d.name == of[0] })
		if ours && !w.known[of] {
			t.Errorf("%s, round %d: %s is recorded as unsynced: %s", of[0], n, of[1], reason)
		}
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

// moment is a point in both sides' histories.
type moment struct {
	mongo int   // the watch's position
	ditto int64 // transaction
}

func (w *world) now(t *testing.T) moment { return moment{w.watch.position(t), w.state(t).Txn} }

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

// count compares the writes since a moment with those that the steps allow.
func (w *world) count(t *testing.T, docs []*document, since moment, of func(*document) *step) moment {
	t.Helper()
	now := w.now(t)
	inMongo, inDitto := w.watch.between(since.mongo, now.mongo), w.dittoWrites(t, since.ditto, now.ditto)
	for _, d := range docs {
		s := of(d)
		if got := inMongo[[2]string{d.name, d.mkey}]; !s.allows(len(got), s.mongoWrites) {
			d.say(s, "%d writes in MongoDB, want %d: %q", len(got), count(s.mongoWrites), got)
		}
		want := s.dittoWrites
		if s.dittoWritesMaps != 0 && !d.strict() {
			want = s.dittoWritesMaps
		}
		if got := inDitto[[2]string{d.dittoName(), d.id}]; !s.allows(len(got), want) {
			d.say(s, "%d writes in Ditto, want %d: %q", len(got), count(want), got)
		}
	}
	return now
}

func (s *step) allows(got, want int) bool {
	return got == count(want) || s.atMost && got < count(want)
}

func count(n int) int {
	if n == 0 {
		return 1
	}
	return max(n, 0)
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

// awaitAll tells of the documents that are not as wanted, and do not become so.
func (w *world) awaitAll(t *testing.T, n int, docs []*document) (problems map[*document]string) {
	t.Helper()
	until(func() bool {
		problems = w.compare(t, n, docs)
		docs = slices.DeleteFunc(slices.Clone(docs), func(d *document) bool { return problems[d] == "" })
		return len(docs) == 0
	})
	return problems
}

// compare tells what is not as wanted after the n-th step.
func (w *world) compare(t *testing.T, n int, docs []*document) map[*document]string {
	t.Helper()
	problems := map[*document]string{}
	parked := w.parked(t)
	for _, of := range byCollection(docs) {
		inDitto, inMongo := w.allDitto(t, of[0].collection), w.allMongo(t, of[0].collection)
		for _, d := range of {
			s := &d.steps[n]
			ditto, mongo := d.wants(t, s)
			switch {
			case s.ditto != "?" && inDitto[d.id] != ditto:
				problems[d] = fmt.Sprintf("in Ditto\n got %s\nwant %s", inDitto[d.id], ditto)
			case inMongo[d.mkey] != mongo:
				problems[d] = fmt.Sprintf("in MongoDB\n got %s\nwant %s", inMongo[d.mkey], mongo)
			case parked[[2]string{d.name, d.id}] != s.parked:
				problems[d] = fmt.Sprintf("parked %q, want %q", parked[[2]string{d.name, d.id}], s.parked)
			case s.check != nil:
				if text := s.check(t); text != "" {
					problems[d] = text
				}
			}
		}
	}
	return problems
}

// wants is how both sides must look after a step.
func (d *document) wants(t *testing.T, s *step) (inDitto, inMongo string) {
	t.Helper()
	body := s.want
	if s.maps != "" && !d.strict() {
		body = s.maps
	}
	pick := func(own string, show func(*testing.T, string, string) string) string {
		switch {
		case own == "?" || own == "-" || own == "" && body == "":
			return ""
		case s.exact:
			return d.exactly(t, own, show(t, d.key, "{}"))
		case own != "":
			return show(t, d.key, own)
		}
		return show(t, d.key, body)
	}
	return pick(s.ditto, d.inDitto), pick(s.mongo, d.inMongo)
}

// exactly is a body as it stands, with the fields of the id.
func (d *document) exactly(t *testing.T, body, ids string) string {
	t.Helper()
	doc := parse(t, body)
	for name, v := range parse(t, ids) {
		doc[name] = v
	}
	return text(t, doc)
}

// parked are the reasons in the records of unsynced documents, by collection
// and Ditto id.
func (w *world) parked(t *testing.T) map[[2]string]string {
	t.Helper()
	list, err := w.records.ListUnsynced(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := map[[2]string]string{}
	for _, u := range list {
		out[[2]string{u.Collection, string(u.DittoID)}] = u.Reason
	}
	return out
}

// checkConflicts compares the values that lost with those that had to.
func (w *world) checkConflicts(t *testing.T, docs []*document) {
	t.Helper()
	list, err := w.records.ListConflicts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lost := map[[2]string][]string{}
	for i := range list {
		l := &list[i]
		v := l.JSON
		if l.Value.Type != 0 {
			v = l.Value.String()
		}
		of := [2]string{l.Key.Collection, string(l.Key.ID)}
		lost[of] = append(lost[of], fmt.Sprintf("%s of %s by %s: %s", strings.Join(l.Path.Segments(), "."), l.Side, l.Rule, v))
	}
	for _, d := range docs {
		got := lost[[2]string{d.name, d.id}]
		if d.carried {
			got = slices.DeleteFunc(got, func(text string) bool { return strings.Contains(text, " by carried: ") })
		}
		if len(d.said) == 0 && !matches(got, d.lost) {
			d.said = append(d.said, fmt.Sprintf("conflict records:\n got %q\nwant %q", got, d.lost))
		}
	}
}

func matches(got, want []string) bool {
	for _, w := range want {
		text, optional := strings.CutPrefix(w, "?")
		switch {
		case len(got) > 0 && got[0] == text:
			got = got[1:]
		case !optional:
			return false
		}
	}
	return len(got) == 0
}

// dittoWrites lists the writes in Ditto after a transaction and up to another,
// by collection and id.
func (w *world) dittoWrites(t *testing.T, since, upto int64) map[[2]string][]string {
	t.Helper()
	writes, err := w.ditto.Writes(t.Context(), since)
	if err != nil {
		t.Fatal(err)
	}
	out := map[[2]string][]string{}
	for _, write := range writes {
		if write.Txn > upto {
			continue
		}
		of := [2]string{write.Collection, string(write.ID)}
		out[of] = append(out[of], fmt.Sprintf("%s in %d", write.Method, write.Txn))
	}
	return out
}

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
		time.Sleep(10 * time.Millisecond)
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
