package sweep_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/sim"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/sweep"
)

// lab is both databases in memory with a runner between them.
type lab struct {
	t     *testing.T
	m     *manifest.Manifest
	mongo *mongosim.Sim
	ditto *dittosim.Store
	rnd   *rand.Rand
	runs  int
	// waits is called instead of waiting.
	waits func(d time.Duration)
}

func newLab(t *testing.T, edit func(*manifest.Collection)) *lab {
	t.Helper()
	c := manifest.Collection{Name: "c", DittoName: "c", Fields: []string{"_id"}, InitialSync: true, Direction: manifest.Both, Deletes: manifest.Deletes{Ditto: manifest.DeleteApply}}
	if edit != nil {
		edit(&c)
	}
	l := &lab{
		t: t, m: &manifest.Manifest{Database: "db", Collections: []manifest.Collection{c}},
		mongo: mongosim.New(time.Now), ditto: dittosim.New(), rnd: rand.New(rand.NewPCG(1, 2)), waits: func(time.Duration) {},
	}
	for _, create := range []func(context.Context, ledger.Indexer) error{ledger.CreateIndexes, sweep.CreateIndexes} {
		if err := create(t.Context(), l.mongo); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// runner is a new one, as in another process.
func (l *lab) runner() *sweep.Runner {
	return &sweep.Runner{
		Manifest: l.m, DB: l.mongo, Ditto: l.ditto, BatchSize: 3,
		Bridge: bridge.New(bridge.Config{Manifest: l.m, Mongo: l.mongo, Ditto: l.ditto}),
		Keys:   &sim.Keys{Mongo: l.mongo, Ditto: l.ditto, Manifest: l.m, Cuts: func() int { return 1 + l.rnd.IntN(4) }},
		Wait:   func(_ context.Context, d time.Duration) { l.waits(d) },
	}
}

// run is a whole run, its ranges in any order, some of them twice.
func (l *lab) run(in sweep.Input) sweep.Summary {
	l.t.Helper()
	l.runs++
	s, err := l.steps(fmt.Sprintf("run-%d", l.runs), in, func(ranges []sweep.Range) []sweep.Range {
		ranges = append(slices.Clone(ranges), ranges[:len(ranges)/2]...)
		l.rnd.Shuffle(len(ranges), func(i, j int) { ranges[i], ranges[j] = ranges[j], ranges[i] })
		return ranges
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return s
}

// steps are those of the state machine.
func (l *lab) steps(name string, in sweep.Input, order func([]sweep.Range) []sweep.Range) (sweep.Summary, error) {
	ctx := l.t.Context()
	run, err := l.runner().Preflight(ctx, name, viaJSON(l.t, in))
	if err != nil {
		return sweep.Summary{}, err
	}
	for p := run.Plan; ; {
		if p, err = l.runner().Plan(ctx, run.Run, p.Phase); err != nil {
			return sweep.Summary{}, err
		}
		if len(p.Ranges) == 0 {
			break
		}
		for _, r := range order(p.Ranges) {
			for done := false; !done; {
				if done, err = l.runner().Copy(ctx, run.Run, viaJSON(l.t, r)); err != nil {
					if err := l.runner().Failed(ctx, run.Run, r, err.Error()); err != nil {
						return sweep.Summary{}, err
					}
					break
				}
			}
		}
	}
	if err := l.runner().Guard(ctx, run.Run); err != nil {
		return sweep.Summary{}, err
	}
	for done := false; !done; {
		if done, err = l.runner().Delete(ctx, run.Run); err != nil {
			return sweep.Summary{}, err
		}
	}
	return l.runner().Summary(ctx, run.Run, "")
}

func (l *lab) set(extJSON string) {
	l.t.Helper()
	var doc bson.D
	if err := bson.UnmarshalExtJSON([]byte(extJSON), false, &doc); err != nil {
		l.t.Fatal(err)
	}
	raw, err := bson.Marshal(doc)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := l.mongo.Set("c", raw); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) dql(statement, args string) {
	l.t.Helper()
	r := ditto.Request{API: ditto.V5, Statement: statement, Write: true}
	if args != "" {
		r.Args = json.RawMessage(args)
	}
	if _, err := l.ditto.Execute(l.t.Context(), r); err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) insert(doc string) { l.dql("INSERT INTO c DOCUMENTS (:d)", `{"d":`+doc+`}`) }

// sides are the documents of both, each as JSON.
func (l *lab) sides() (m, d []string) {
	for _, doc := range l.mongo.All("c") {
		js, _ := bson.MarshalExtJSON(doc, false, false)
		m = append(m, strings.ReplaceAll(string(js), " ", ""))
	}
	resp, err := l.ditto.Execute(l.t.Context(), ditto.Request{API: ditto.V5, Statement: "SELECT * FROM c"})
	if err != nil {
		l.t.Fatal(err)
	}
	for _, item := range resp.Items {
		d = append(d, string(item))
	}
	slices.Sort(m)
	slices.Sort(d)
	return m, d
}

func (l *lab) same() {
	l.t.Helper()
	m, d := l.sides()
	if diff := cmp.Diff(m, d); diff != "" {
		l.t.Errorf("the sides differ (-MongoDB +Ditto):\n%s", diff)
	}
}

func found(s sweep.Summary) sweep.Found { return s.Collections[0].Found }

// An initial run copies both ways; a verification then finds nothing.
func TestInitial(t *testing.T) {
	l := newLab(t, nil)
	for i := range 20 {
		l.set(fmt.Sprintf(`{"_id":"m%02d","a":%d}`, i, i))
		l.insert(fmt.Sprintf(`{"_id":"d%02d","a":%d}`, i, i))
	}
	l.set(`{"_id":"both","a":1,"m":1}`)
	l.insert(`{"_id":"both","a":2,"z":1}`)
	s := l.run(sweep.Input{Mode: sweep.Initial})
	want := sweep.Found{Compared: 41, MissingInDitto: 20, MissingInMongoDB: 20, Different: 1, Conflicts: 1, ToDitto: 21, ToMongoDB: 21, InMongoDB: 21, InDitto: 21}
	if diff := cmp.Diff(want, found(s)); diff != "" || !s.OK || !s.Agree {
		t.Errorf("ok %t, agree %t, found (-want +got):\n%s", s.OK, s.Agree, diff)
	}
	l.same()
	s = l.run(sweep.Input{Mode: sweep.Verify})
	want = sweep.Found{Compared: 41, Equal: 41, InMongoDB: 41, InDitto: 41}
	if diff := cmp.Diff(want, found(s)); diff != "" || !s.OK || !s.Agree {
		t.Errorf("verify: ok %t, agree %t, found (-want +got):\n%s", s.OK, s.Agree, diff)
	}
	if s = l.run(sweep.Input{Mode: sweep.Initial}); len(s.Collections) != 0 || !s.Agree {
		t.Errorf("a second initial run: %+v", s)
	}
}

// A verification says what differs, and changes nothing.
func TestVerify(t *testing.T) {
	l := newLab(t, nil)
	for i := range 6 {
		l.set(fmt.Sprintf(`{"_id":"%d","a":1}`, i))
	}
	l.run(sweep.Input{Mode: sweep.Initial})
	l.set(`{"_id":"0","a":2}`)
	l.dql("DELETE FROM c WHERE _id = '1'", "")
	l.set(`{"_id":"new","a":2}`)
	l.insert(`{"_id":"old","a":2}`)
	m, d := l.sides()
	waited := time.Duration(0)
	l.waits = func(d time.Duration) { waited += d }
	s := l.run(sweep.Input{Mode: sweep.Verify})
	want := sweep.Found{Compared: 8, Equal: 4, MissingInDitto: 2, MissingInMongoDB: 1, Different: 1, DeletesInMongoDB: 1, InMongoDB: 7, InDitto: 6}
	if diff := cmp.Diff(want, found(s)); diff != "" || !s.OK || s.Agree || waited < 10*time.Second {
		t.Errorf("ok %t, agree %t, waited %s, found (-want +got):\n%s", s.OK, s.Agree, waited, diff)
	}
	m2, d2 := l.sides()
	if diff := cmp.Diff([][]string{m, d}, [][]string{m2, d2}); diff != "" {
		t.Errorf("a verification wrote: %s", diff)
	}
	samples := map[string]string{}
	for _, x := range s.Collections[0].Samples {
		samples[x.DittoID] = x.State + " " + strings.Join(x.Paths, ",")
	}
	wantSamples := map[string]string{`"0"`: "different a", `"1"`: "missingInDitto ", `"new"`: "missingInDitto ", `"old"`: "missingInMongoDB "}
	if diff := cmp.Diff(wantSamples, samples); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
}

// What is still on its way is no difference.
func TestVerifyWaits(t *testing.T) {
	l := newLab(t, nil)
	l.set(`{"_id":"0","a":1}`)
	l.set(`{"_id":"1","a":1}`)
	l.run(sweep.Input{Mode: sweep.Initial})
	l.set(`{"_id":"0","a":2}`)
	l.set(`{"_id":"1","a":2}`)
	n := 0
	l.waits = func(time.Duration) {
		if n++; n == 1 { // one event arrives late, and another user goes on
			b := bridge.New(bridge.Config{Manifest: l.m, Mongo: l.mongo, Ditto: l.ditto})
			b.Handle(t.Context(), []change.Hint{{Collection: "c", DittoID: `"0"`, Op: change.Upsert}})
		}
		l.set(fmt.Sprintf(`{"_id":"1","a":%d}`, n+2))
	}
	s := l.run(sweep.Input{Mode: sweep.Verify})
	want := sweep.Found{Compared: 2, Equal: 1, Changing: 1, InMongoDB: 2, InDitto: 2}
	if diff := cmp.Diff(want, found(s)); diff != "" || s.Agree {
		t.Errorf("agree %t, found (-want +got):\n%s", s.Agree, diff)
	}
}

// initialSync: false records a baseline and copies nothing; what is new since
// is found by the next sweep.
func TestBaseline(t *testing.T) {
	l := newLab(t, func(c *manifest.Collection) { c.InitialSync = false })
	l.set(`{"_id":"m","a":1}`)
	l.set(`{"_id":"both","a":1}`)
	l.insert(`{"_id":"both","a":2}`)
	l.insert(`{"_id":"d","a":1}`)
	m, d := l.sides()
	for _, mode := range []sweep.Mode{sweep.Initial, sweep.Verify, sweep.Repair, sweep.Verify} {
		s := l.run(sweep.Input{Mode: mode})
		if f := found(s); f.LeftAlone < 3 || f.ToDitto+f.ToMongoDB+f.DeletesInDitto+f.DeletesInMongoDB != 0 || !s.Agree {
			t.Errorf("%s: agree %t, %+v", mode, s.Agree, f)
		}
		if m2, d2 := l.sides(); !slices.Equal(m, m2) || !slices.Equal(d, d2) {
			t.Fatalf("%s wrote: %v %v", mode, m2, d2)
		}
	}
	for time.Now().Truncate(time.Millisecond).Equal(time.Now()) { // not in the millisecond of the baseline
		continue
	}
	l.set(`{"_id":"lost","a":1}`)
	if f := found(l.run(sweep.Input{Mode: sweep.Repair})); f.ToDitto != 1 || f.LeftAlone != 3 {
		t.Errorf("an insert whose event was lost: %+v", f)
	}
}

// TestGuard: what an emptied side, or too many deletes, are taken for.
func TestGuard(t *testing.T) {
	const n = 30
	for _, tc := range []struct {
		name    string
		have    int
		lose    func(l *lab)
		allow   int64
		refused string
		m, d    int // what is left
	}{
		{name: "FewDeleted", have: 500, lose: func(l *lab) { l.drop(n) }, refused: "30 of 500 documents would be deleted", m: 500, d: 470},
		{name: "FewOfMany", have: 700, lose: func(l *lab) { l.drop(n) }, m: 670, d: 670},
		{name: "TwentyOfThirty", have: 30, lose: func(l *lab) { l.drop(20) }, m: 10, d: 10},
		{name: "Confirmed", have: 500, lose: func(l *lab) { l.drop(n) }, allow: n, m: 470, d: 470},
		{name: "ConfirmedLess", have: 500, lose: func(l *lab) { l.drop(n) }, allow: n - 1, refused: "--allow-deletes 30", m: 500, d: 470},
		{name: "DittoEmpty", have: 5, lose: func(l *lab) { l.drop(5) }, refused: "Ditto shows no document at all", m: 5, d: 0},
		{name: "DittoEmptyConfirmed", have: 5, lose: func(l *lab) { l.drop(5) }, allow: 5, m: 0, d: 0},
		{name: "MongoDBEmpty", have: 5, lose: func(l *lab) {
			for _, doc := range l.mongo.All("c") {
				l.mongo.Remove("c", doc.Lookup("_id"))
			}
		}, refused: "MongoDB has no document at all", m: 0, d: 5},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := newLab(t, nil)
			for i := range tc.have {
				l.set(fmt.Sprintf(`{"_id":"%03d","a":1}`, i))
			}
			l.run(sweep.Input{Mode: sweep.Initial})
			tc.lose(l)
			s := l.run(sweep.Input{Mode: sweep.Repair, AllowDeletes: map[string]int64{"c": tc.allow}})
			if got := s.Collections[0].Refused; (got == "") != (tc.refused == "") || !strings.Contains(got, tc.refused) || s.OK != (tc.refused == "") || s.Agree != s.OK {
				t.Errorf("ok %t, agree %t, refused %q, want %q", s.OK, s.Agree, got, tc.refused)
			}
			if m, d := l.sides(); len(m) != tc.m || len(d) != tc.d {
				t.Errorf("%d and %d documents are left, want %d and %d", len(m), len(d), tc.m, tc.d)
			}
		})
	}
}

// drop deletes n documents in Ditto; the events are lost.
func (l *lab) drop(n int) {
	for i := range n {
		l.dql(fmt.Sprintf("DELETE FROM c WHERE _id = '%03d'", i), "")
	}
}

// A listed delete is made only if it still holds.
func TestDeleteLooksAgain(t *testing.T) {
	l := newLab(t, nil)
	for i := range 100 {
		l.set(fmt.Sprintf(`{"_id":"%03d","a":1}`, i))
	}
	l.run(sweep.Input{Mode: sweep.Initial})
	l.drop(3)
	s, err := l.steps("r", sweep.Input{Mode: sweep.Repair}, func(ranges []sweep.Range) []sweep.Range { return ranges })
	if err != nil || found(s).DeletesInMongoDB != 3 {
		t.Fatal(s, err)
	}
	l.drop(6)
	ctx := t.Context()
	r := l.runner()
	if _, err := r.Preflight(ctx, "s", sweep.Input{Mode: sweep.Repair}); err != nil {
		t.Fatal(err)
	}
	for p := (sweep.Planned{}); ; {
		if p, err = r.Plan(ctx, "s", p.Phase); err != nil {
			t.Fatal(err)
		}
		if len(p.Ranges) == 0 {
			break
		}
		for _, x := range p.Ranges {
			if done, err := r.Copy(ctx, "s", x); !done || err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := r.Guard(ctx, "s"); err != nil {
		t.Fatal(err)
	}
	l.insert(`{"_id":"004","a":7}`) // back again
	if done, err := r.Delete(ctx, "s"); !done || err != nil {
		t.Fatal(err)
	}
	if s, err := r.Summary(ctx, "s", ""); err != nil || !s.OK {
		t.Fatal(s, err)
	}
	m, d := l.sides()
	if len(m) != 95 || len(d) != 95 {
		t.Errorf("%d and %d documents are left, want 95", len(m), len(d))
	}
}

// A range that fails is reported, its collection's deletes wait, and the run can
// be carried on.
func TestResume(t *testing.T) {
	l := newLab(t, nil)
	for i := range 50 {
		l.set(fmt.Sprintf(`{"_id":"%03d","a":1}`, i))
	}
	l.run(sweep.Input{Mode: sweep.Initial})
	l.drop(2)
	l.set(`{"_id":"049","a":2}`)
	s, err := l.steps("r", sweep.Input{Mode: sweep.Repair}, func(ranges []sweep.Range) []sweep.Range {
		if ranges[0].Source != sweep.MongoDB {
			return ranges
		}
		if err := l.runner().Failed(t.Context(), "r", ranges[0], "Lambda.Unknown: killed"); err != nil {
			t.Fatal(err)
		}
		return ranges[1:]
	})
	c := s.Collections[0]
	if err != nil || s.OK || s.Agree || len(c.Failed) != 1 || !strings.Contains(c.Failed[0].Error, "killed") {
		t.Fatal(s, err)
	}
	if m, _ := l.sides(); len(m) != 50 {
		t.Errorf("%d documents: a delete was made although a range had failed", len(m))
	}
	copied := 0
	s, err = l.steps("another", sweep.Input{Resume: "r"}, func(ranges []sweep.Range) []sweep.Range {
		copied += len(ranges)
		return ranges
	})
	if err != nil || !s.OK || !s.Agree || s.Run != "r" || copied != 1 {
		t.Fatal(s, err, copied)
	}
	l.same()
	if _, err := l.steps("third", sweep.Input{Resume: "r"}, nil); err == nil || !strings.Contains(err.Error(), "done") {
		t.Errorf("a run that is done is carried on: %v", err)
	}
}

// One pair, or some, or those that were parked.
func TestChosen(t *testing.T) {
	l := newLab(t, func(c *manifest.Collection) { c.Counters = append(c.Counters, "\x00q") })
	for i := range 4 {
		l.set(fmt.Sprintf(`{"_id":"%03d","a":1}`, i))
	}
	l.set(`{"_id":"bad","q":"x"}`)
	l.run(sweep.Input{Mode: sweep.Initial})
	for i := range 4 {
		l.set(fmt.Sprintf(`{"_id":"%03d","a":2}`, i))
	}
	did := func(s sweep.Summary) map[string]string {
		out := map[string]string{}
		for _, x := range s.Collections[0].Samples {
			out[x.DittoID] = x.State + " " + x.Did
		}
		return out
	}
	s := l.run(sweep.Input{Mode: sweep.Repair, Collections: []string{"c"}, IDs: []json.RawMessage{json.RawMessage(`"000"`), json.RawMessage(`{"ditto":"001"}`)}})
	if diff := cmp.Diff(map[string]string{`"000"`: "different wrote Ditto", `"001"`: "different wrote Ditto"}, did(s)); diff != "" {
		t.Errorf("by id (-want +got):\n%s", diff)
	}
	s = l.run(sweep.Input{Mode: sweep.Repair, Collections: []string{"c"}, Filter: json.RawMessage(`{"a":2}`)})
	want := map[string]string{`"000"`: "equal ", `"001"`: "equal ", `"002"`: "different wrote Ditto", `"003"`: "different wrote Ditto"}
	if diff := cmp.Diff(want, did(s)); diff != "" {
		t.Errorf("by filter (-want +got):\n%s", diff)
	}
	s = l.run(sweep.Input{Mode: sweep.Repair, Unsynced: true})
	if diff := cmp.Diff(map[string]string{`"bad"`: "unsynced "}, did(s)); diff != "" || s.Agree {
		t.Errorf("unsynced (-want +got):\n%s", diff)
	}
	l.set(`{"_id":"bad","q":3}`)
	s = l.run(sweep.Input{Mode: sweep.Repair, Unsynced: true})
	if diff := cmp.Diff(map[string]string{`"bad"`: "missingInDitto wrote Ditto"}, did(s)); diff != "" || !s.Agree {
		t.Errorf("unsynced, mended (-want +got):\n%s", diff)
	}
	if left, err := (ledger.Records{DB: l.mongo}).ListUnsynced(t.Context()); err != nil || len(left) > 0 {
		t.Errorf("still unsynced: %v %v", left, err)
	}
}

// A repair is started once, however many events ask for it; those that come while
// it runs make another.
func TestRequests(t *testing.T) {
	l := newLab(t, nil)
	r := l.runner()
	request := func() *sweep.Start {
		t.Helper()
		s, err := r.Request(t.Context(), "c", "drop")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := request()
	if first == nil {
		t.Fatal("the first event starts nothing")
	}
	for range 5 {
		if s := request(); s == nil || s.Name != first.Name {
			t.Fatalf("another event starts %+v, not %s", s, first.Name)
		}
	}
	all := func(ranges []sweep.Range) []sweep.Range { return ranges }
	if _, err := l.steps(first.Name, first.Input, func(ranges []sweep.Range) []sweep.Range {
		for range 5 {
			if s := request(); s != nil {
				t.Fatalf("an event starts %s while a run is under way", s.Name)
			}
		}
		return ranges
	}); err != nil {
		t.Fatal(err)
	}
	second, err := r.Due(t.Context(), first.Name)
	if err != nil || second == nil || second.Name == first.Name {
		t.Fatalf("after events that came during the run: %+v, %v", second, err)
	}
	if _, err := l.steps(second.Name, second.Input, all); err != nil {
		t.Fatal(err)
	}
	if s, err := r.Due(t.Context(), second.Name); err != nil || s != nil {
		t.Fatalf("another run for nothing: %+v, %v", s, err)
	}
	if request() == nil {
		t.Error("an event after the run starts nothing")
	}
}

func TestBadInput(t *testing.T) {
	l := newLab(t, nil)
	for want, in := range map[string]sweep.Input{
		"collection nope is not configured": {Collections: []string{"nope", "c"}},
		"use initial, verify or repair":     {Mode: "everything"},
		"name it":                           {IDs: []json.RawMessage{json.RawMessage(`"x"`)}},
		"there is no run":                   {Resume: "nope"},
	} {
		if _, err := l.runner().Preflight(t.Context(), "x", in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want one that says %q", in, err, want)
		}
	}
}
