package chaos_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/local/ditto"
)

// secondRound is where a function can be killed when it goes round again under
// its own claim, and what it leaves behind then.
var secondRound = []struct {
	point string
	ditto string // the document there
	entry string
	lost  []string
}{
	{"mongodb-read:2", `{"a":3}`, "rev 3 live, claimed, live: ditto a", nil},
	{"ditto-read:2", `{"a":3}`, "rev 3 live, claimed, live: ditto a", nil},
	{"decided:2", `{"a":3}`, "rev 3 live, claimed, live: ditto a", nil},
	{"before-claim:2", `{"a":3}`, "rev 3 live, claimed, live: ditto a", nil},
	// Both are announced: the value of the first round may have been written.
	{"claimed:2", `{"a":3}`, "rev 4 live, claimed, live: ditto a, ditto a", nil},
	{"recorded:2", `{"a":3}`, "rev 4 live, claimed, live: ditto a, ditto a", []string{"a ditto 3"}},
	{"before-ditto:2", `{"a":3}`, "rev 4 live, claimed, live: ditto a, ditto a", []string{"a ditto 3"}},
	{"ditto-written:2", `{"a":4}`, "rev 4 live, claimed, live: ditto a, ditto a", []string{"a ditto 3"}},
	{"before-settle:1", `{"a":4}`, "rev 4 live, claimed, live: ditto a, ditto a", []string{"a ditto 3"}},
	{"settled:1", `{"a":4}`, "rev 5 live", []string{"a ditto 3"}},
}

// killedInSecondRound: users write on both sides between a function's reads
// and its write. The write finds another value and changes nothing, the
// function goes round again under its own claim, and is killed there.
func (l *lab) killedInSecondRound() {
	for _, r := range secondRound {
		l.run(r.point, func(l *lab) {
			id := r.point
			l.syncedOne("things", id, `{"a":1}`)
			setMongo("a", 2)(l, "things", id)
			key := l.key(mongoToDitto, "things", id, false)
			l.writes(0)
			since := l.txn()
			l.cutOffWhile(mongoToDitto, r.point, key, "recorded:1", func() {
				setDitto("a", 3)(l, "things", id)
				setMongo("a", 4)(l, "things", id)
			})
			l.want(id, "left behind", sight{Mongo: `{"a":4}`, Ditto: r.ditto, Entry: r.entry, Lost: r.lost})
			l.expire("things", []string{id})
			if n := l.invoke(mongoToDitto, key); n > 0 {
				l.t.Fatal("the key failed")
			}
			l.wantSettled("things", id, `{"a":4}`, []string{"a ditto 3"})
			// The user's write, and Causeway's one.
			if n := l.writes(since)[`ditto things "`+id+`"`]; n != 2 {
				l.t.Errorf("%d writes in Ditto, want 2", n)
			}
			l.sweepsQuietly("things", id)
		})
	}
}

// cutOffWhile is cutOff of a function that asks at the failpoint wait whether
// it may go on; users act first.
func (l *lab) cutOffWhile(function, point, key, wait string, users func()) {
	l.t.Helper()
	asked, answer := make(chan struct{}), make(chan struct{})
	gate := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(asked)
		<-answer
	}))
	defer gate.Close()
	ended := make(chan error, 1)
	go func() { ended <- l.cutOff(function, point, wait+" "+gate.URL, key) }()
	select {
	case <-asked:
		users()
		close(answer)
	case err := <-ended:
		l.t.Fatalf("the function ended before %s: %v", wait, err)
	}
	if err := <-ended; err != nil {
		l.t.Fatal(err)
	}
}

// killedAtItsEnd: a function that Ditto refuses ends its claim, so that nobody
// has to wait, and keeps its announcements. It is killed before and after.
func (l *lab) killedAtItsEnd() {
	for point, entry := range map[string]string{
		"before-release:1": "rev 3 live, claimed, live: ditto a",
		"released:1":       "rev 4 live, claimed, ended: ditto a",
	} {
		l.run(point, func(l *lab) {
			id := point
			l.syncedOne("blocked", id, `{"a":1}`)
			setMongo("a", 2)(l, "blocked", id)
			key := l.key(mongoToDitto, "blocked", id, false)
			if err := l.ditto.Inject(l.t.Context(), ditto.Fault{Status: http.StatusForbidden, Match: "^UPDATE", Times: -1}); err != nil {
				l.t.Fatal(err)
			}
			err := l.cutOff(mongoToDitto, point, "", key)
			if err := l.ditto.ClearFaults(l.t.Context()); err != nil {
				l.t.Fatal(err)
			}
			if err != nil {
				l.t.Fatal(err)
			}
			l.wantIn("blocked", id, "left behind", sight{Mongo: `{"a":2}`, Ditto: `{"a":1}`, Entry: entry})
			if point == "before-release:1" {
				l.expire("blocked", []string{id})
			}
			if n := l.invoke(mongoToDitto, key); n > 0 {
				l.t.Fatal("the key failed")
			}
			l.wantSettled("blocked", id, `{"a":2}`, []string{"a ditto 1"})
			l.sweepsQuietly("blocked", id)
		})
	}
}

// claimRunsOut waits for a killed function's claim to run out by the
// database's clock, as nothing else here does. `make test` sees that the claim
// holds for a second, `make chaos` that it ends after a minute and a half.
func (l *lab) claimRunsOut() {
	l.syncedOne("things", "x", `{"a":1}`)
	setMongo("a", 2)(l, "things", "x")
	key := l.key(mongoToDitto, "things", "x", false)
	killed := time.Now()
	if err := l.cutOff(mongoToDitto, "claimed:1", "", key); err != nil {
		l.t.Fatal(err)
	}
	const life, late = 90 * time.Second, 10 * time.Second
	if !*full {
		for time.Since(killed) < time.Second {
			if l.invoke(mongoToDitto, key) == 0 {
				l.t.Fatalf("another function took the pair after %s", time.Since(killed))
			}
		}
		return
	}
	for l.invoke(mongoToDitto, key) > 0 {
		if time.Since(killed) > life+late {
			l.t.Fatalf("nobody could take the pair after %s", time.Since(killed))
		}
		time.Sleep(200 * time.Millisecond)
	}
	if age := time.Since(killed); age < life-time.Second {
		l.t.Errorf("the claim lived for %s", age)
	}
	l.wantSettled("things", "x", `{"a":2}`, []string{"a ditto 1"})
}

// syncedOne is a document that is on both sides.
func (l *lab) syncedOne(in, id, doc string) {
	l.t.Helper()
	insertMongo(doc)(l, in, id)
	if n := l.invoke(mongoToDitto, l.key(mongoToDitto, in, id, false)); n > 0 {
		l.t.Fatalf("sync %s", id)
	}
}

func (l *lab) want(id, when string, want sight) { l.wantIn("things", id, when, want) }

func (l *lab) wantIn(in, id, when string, want sight) {
	l.t.Helper()
	got := l.see(in, []string{id})[id]
	if diff := cmp.Diff(want.String(), got.String()); diff != "" {
		l.t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

// wantSettled wants a document on both sides, and its pair free.
func (l *lab) wantSettled(in, id, doc string, lost []string) {
	l.t.Helper()
	got := l.see(in, []string{id})[id]
	l.wantIn(in, id, "in the end", sight{Mongo: doc, Ditto: doc, Entry: fmt.Sprintf("rev %d live", got.rev()), Lost: lost})
}

// sweepsQuietly wants a sweep to find nothing to do.
func (l *lab) sweepsQuietly(in, id string) {
	l.t.Helper()
	l.writes(0)
	since := l.txn()
	if n := l.invoke(dittoToMongo, l.sweepKey(in, id)); n > 0 {
		l.t.Error("the sweep failed")
	}
	if diff := cmp.Diff(map[string]int{}, l.writes(since)); diff != "" {
		l.t.Errorf("the sweep has written (-want +got):\n%s", diff)
	}
}
