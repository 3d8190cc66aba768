package ditto_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/ditto"
)

// TestMirror runs a seeded history of statements that turn values into other
// types, through both API versions, and rebuilds the collection from the events
// alone: each event must begin where the last one of its document ended, and
// the collection must be what a read shows. MIRROR_SEED replays a history.
//
// It does not prove that a Ditto Server shows documents in its events the same
// way.
func TestMirror(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv("MIRROR_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("replay with MIRROR_SEED=%d go test -run TestMirror ./local/ditto", seed)
		}
	})
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	hook := receive(t, nil)
	mirror := map[string]string{}
	seen := 0
	const restarts, statements = 2, 100
	for range restarts {
		s := start(t, ditto.Options{Dir: dir, Webhook: hook.URL})
		var history []string
		for i := range statements {
			c := randomStatement(random)
			if i < statements/2 {
				c.api = "v4" // what only strict statements have changed is read less often
			}
			a := ask(t, s, c) // some are refused, which is fine
			history = append(history, fmt.Sprintf("%d %s %s %s", a.Status, c.api, c.statement, c.args))
			if i%5 < 4 {
				continue
			}
			until(t, "every event", func() bool { return state(t, s).Pending == 0 })
			events := hook.events()
			for _, e := range events[seen:] {
				apply(t, mirror, e)
			}
			seen = len(events)
			got := strings.Fields(show(t, s, "c"))
			slices.Sort(got)
			diff(t, got, slices.Sorted(maps.Values(mirror)))
			if t.Failed() {
				t.Fatalf("history:\n%s", strings.Join(history, "\n"))
			}
		}
		if err := s.Checkpoint(t.Context(), state(t, s).Delivered); err != nil {
			t.Fatal(err)
		}
		stop(t, s)
	}
	if seen < statements/2 {
		t.Errorf("only %d events: the history says little", seen)
	}
}

func apply(t *testing.T, mirror map[string]string, e event) {
	t.Helper()
	before, after := string(e.Change.OldValue), string(e.Change.NewValue)
	if e.Change.Method == "remove" {
		before, after = string(e.Change.Value), ""
	}
	var doc struct {
		ID json.RawMessage `json:"_id"`
	}
	if err := json.Unmarshal([]byte(before), &doc); err != nil || doc.ID == nil {
		if err := json.Unmarshal([]byte(after), &doc); err != nil {
			t.Fatalf("event %s: %v", e, err)
		}
	}
	id := string(doc.ID)
	want, there := mirror[id]
	if !there {
		want = "null"
	}
	if before != want {
		t.Errorf("transaction %d begins with %s, the last one ended with %s", e.TxnID, before, want)
	}
	if after == "" {
		delete(mirror, id)
		return
	}
	mirror[id] = after
}

func randomStatement(random *rand.Rand) call {
	pick := func(from ...string) string { return from[random.IntN(len(from))] }
	value := func() string {
		return pick("1", "1.0", "9007199254740993", `"s"`, "null", "[1,{}]", "{}", `{"x":1}`, `{"y":{"z":2.0}}`, `{"x":{"y":1}}`)
	}
	path := func() string { return pick("a", "b", "a.x", "a.y", "a.y.z", "`$d`", "q") }
	where := pick("", "", " WHERE _id = :id", " WHERE _id IN :ids", " WHERE a.x = :v")
	id := func() string { return pick(`"k1"`, "9007199254740993", `{"b":1,"a":"x"}`) }
	doc := func() string {
		return fmt.Sprintf(`{"_id":%s,"a":%s,"b":%s,"q":%d}`, id(), value(), value(), random.IntN(9))
	}
	declared := pick("", "", "COLLECTION c (a MAP)", "COLLECTION c (q COUNTER)", "COLLECTION c (a REGISTER)")
	into := declared
	if declared == "" {
		declared, into = "c", "c"
	}
	var statement string
	switch n := random.IntN(20); {
	case n < 2:
		statement = "INSERT INTO " + into + pick("", " INITIAL") + " DOCUMENTS (:d)" + pick("", " ON ID CONFLICT DO NOTHING")
	case n < 6:
		statement = "INSERT INTO " + into + " DOCUMENTS (:d) ON ID CONFLICT DO " + pick("UPDATE", "UPDATE_LOCAL_DIFF")
	case n < 12:
		statement = "UPDATE " + declared + " SET " + path() + " = :v" + where + pick("", "", " RETURNING _id")
	case n < 15:
		statement = "UPDATE " + declared + pick(" SET b = :v", "") + " UNSET " + pick("a", "a.x", "q", "`$d`") + where
	case n < 17:
		statement = "UPDATE c APPLY q " + pick("INCREMENT BY 2", "RESTART WITH 5") + pick("", " SET b = :v") + where
	case n < 18:
		statement = "DELETE FROM " + declared + " WHERE _id = :id" + pick("", " RETURNING _id")
	case n < 19:
		statement = "DELETE FROM c" + where + " LIMIT 1"
	default:
		statement = "DELETE FROM " + declared + " WHERE a.x = :v"
	}
	args := fmt.Sprintf(`{"d":%s,"v":%s,"id":%s,"ids":["k1","k2"]}`, doc(), value(), id())
	return call{api: pick("v4", "v5"), statement: statement, args: args}
}
