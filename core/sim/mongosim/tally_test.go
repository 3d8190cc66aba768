package mongosim_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// tally counts the statements that were compared, by kind, and the situations
// in which they ran.
type tally struct {
	statements int
	counts     map[string]int
	excused    map[string]int // differences met, by name
}

// leastWrites and leastLedger are what a run has to bring, at the least.
var leastWrites = map[string]int{
	"FindIDs": 100, "FindMapped": 100, "insert": 1000, "update": 1500, "delete": 200, "documents found": 1000,
	"error 11000 _id_": 200, "outcome won": 1000, "outcome lost or short": 500,
	"missing parent": 500, `name ""`: 200, `name "$d"`: 200, `name "0"`: 200, `name "x.y"`: 200, `name "f30"`: 20,
	"old missing": 1000, "old null": 30, "old 32-bit integer": 100, "old 64-bit integer": 50, "old double": 30, "old 128-bit decimal": 30,
	"old string": 50, "old boolean": 20, "old UTC datetime": 20, "old objectID": 20, "old binary": 20, "old regex": 20, "old timestamp": 20,
	"old javascript": 10, "old code with scope": 10, "old min key": 5, "old max key": 5, "old embedded document": 100, "old array": 100,
	"new missing": 300, "new symbol": 3, "new undefined": 3, "new dbPointer": 3, "new array": 100, "new embedded document": 300,
}

func (t *tally) note(what string, n int) {
	if t.counts == nil {
		t.counts = map[string]int{}
	}
	t.counts[what] += n
}

func (t *tally) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d statements compared", t.statements)
	for _, what := range slices.Sorted(maps.Keys(t.counts)) {
		fmt.Fprintf(&b, "\n%7d  %s", t.counts[what], what)
	}
	for _, what := range slices.Sorted(maps.Keys(t.excused)) {
		fmt.Fprintf(&b, "\n%7d  excused: %s", t.excused[what], what)
	}
	return b.String()
}

func (t *tally) lacking(statements int, least map[string]int) (out []string) {
	if t.statements < statements {
		out = append(out, fmt.Sprintf("%d statements, want %d", t.statements, statements))
	}
	for _, what := range slices.Sorted(maps.Keys(least)) {
		if t.counts[what] < least[what] {
			out = append(out, fmt.Sprintf("%d times %q, want %d", t.counts[what], what, least[what]))
		}
	}
	return out
}

func (t *tally) found(what string, n int) {
	t.statements++
	t.note(strings.Fields(what)[0], 1)
	if n > 0 {
		t.note("documents found", n)
	}
}

func (t *tally) count(changes []mongodb.Change, a answer) {
	deletes := 0
	for i, c := range changes {
		switch {
		case c.Insert != nil:
			t.note("insert", 1)
			t.statements++
		case c.Delete != nil:
			deletes = 1
		default:
			t.note("update", 1)
			t.statements++
		}
		t.note(map[mongodb.Outcome]string{mongodb.Won: "outcome won", mongodb.Unknown: "outcome lost or short", mongodb.Rejected: "outcome rejected"}[a.outcomes[i]], 1)
		for _, op := range c.Ops {
			t.op(&c, op)
		}
	}
	t.note("delete", deletes)
	t.statements += deletes
	for _, e := range a.result.Errors {
		t.note(fmt.Sprintf("error %d %s", e.Code, e.KeyIndex), 1)
	}
}

func (t *tally) op(c *mongodb.Change, op mongodb.Op) {
	t.note("old "+typeText(op.Old.Type), 1)
	t.note("new "+typeText(op.New.Type), 1)
	for _, up := range op.Path.Parents() {
		if lookup(c.Doc, up.Segments()).Type == 0 {
			t.note("missing parent", 1)
		}
	}
	for _, name := range op.Path.Segments() {
		if name == "" || strings.ContainsAny(name, ".$0") {
			t.note(fmt.Sprintf("name %q", name), 1)
		}
	}
}

func typeText(t bson.Type) string {
	if t == 0 {
		return "missing"
	}
	return t.String()
}

var leastLedger = map[string]int{
	"Put": 300, "Read": 150, "PutConflicts": 30, "ListConflicts": 15, "PutUnsynced": 30, "ListUnsynced": 10, "DeleteUnsynced": 10,
	"entry made": 150, "tombstone": 80, "claim for 0s": 100, "claim for 1m30s": 100, "claim for 1h0m0s": 100,
	"error 11000 liveMongoId": 15,
}

func (t *tally) countPuts(puts []ledger.Put) {
	t.statements += len(puts) - 1
	for _, p := range puts {
		switch {
		case p.Prev == 0:
			t.note("entry made", 1)
		case p.Next.State == ledger.Deleted:
			t.note("tombstone", 1)
		}
		if p.Next.Claim != nil {
			t.note(fmt.Sprintf("claim for %s", p.ClaimFor), 1)
		}
	}
}
