package dittosim_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// lane is one history: devices and Causeway take turns on some documents.
type lane struct {
	*pair
	step       *lockstep
	seed       uint64
	collection ditto.Collection
	ids        []docid.ID
	texts      []string // ids
	moves      []move
	store      *ditto.Store
	// plain is a server that refuses array parameters and array_position, so
	// that the statements for one document are formed.
	plain bool
	maps  map[docid.ID][]value.Path // what Causeway found out, until devices write again
	mine  bool                      // the statement under way is one of Causeway's
	tally tally
	wrote map[string]bool // what Causeway's last write changed
}

// move is a part of a history. It does the same whenever it meets the same
// documents.
type move func(ctx context.Context, l *lane)

func fieldNames(collection string) []string { return []string{"a", "n", "q", collection, "p.q"} }

// innerNames are the names below fields, as far as looks declare them.
var innerNames = []string{"x", "q"}

func newLane(s *lockstep, seed uint64, strict bool) *lane {
	r := rand.New(rand.NewPCG(seed, 1))
	slot := int(seed % lanesPerGroup)
	l := &lane{
		pair: &pair{real: s.real, sim: s.sim}, step: s, seed: seed, plain: r.IntN(5) == 0,
		collection: ditto.Collection{Name: s.collection, Strict: strict},
	}
	if !strict && r.IntN(4) > 0 {
		l.collection.Counters = []value.Path{value.PathOf("q"), value.PathOf("n", "q")}
	}
	l.store = &ditto.Store{Exec: l}
	l.texts = idsOf(slot)
	for _, id := range l.texts {
		l.ids = append(l.ids, docid.ID(id))
	}
	l.moves = append(l.moves, deviceMove(r.Uint64(), true))
	for len(l.moves) < statementsPerLane {
		for range r.IntN(4) {
			l.moves = append(l.moves, deviceMove(r.Uint64(), false))
		}
		l.moves = append(l.moves, settleMove(r.Uint64()))
		switch r.IntN(6) {
		case 0:
			l.moves = append(l.moves, settleMove(r.Uint64()))
		case 1:
			l.moves = append(l.moves, mixMove(r.Uint64()))
		case 2:
			l.moves = append(l.moves, shadowMove)
		}
	}
	return l
}

// play makes moves until there were enough statements, so that lanes are of one
// length.
func (l *lane) play(ctx context.Context) {
	for _, m := range l.moves {
		if m(ctx, l); l.diff != "" || l.tally.statements >= statementsPerLane {
			return
		}
	}
}

// idsOf are a lane's documents, of different kinds in different lanes.
func idsOf(slot int) []string {
	forms := [lanesPerGroup]string{
		`"%da" "%db" "%dc" true {"$oid":"%d"} {"$numberLong":"%d"}`,
		`"%da" "%db" "%dc" false {"k":%d} {"k":"%d"}`,
		`"%da" "%db" %d1 %d2 %d3 [%d,"a"]`,
		`%d1 %d2 %d3 {"$oid":"%d"} {"$numberLong":"%d"} ["%d"]`,
		`"%da" "%db" "%dc" "%d" %d1 %d2`,
		`"%da" "%db" "%dc" {"k":%d} {"k":"%d"} {"l":"%d"}`,
		`"%da" "%db" "%dc" %d1 %d2 {"$oid":"%d"}`,
		`"%da" "%db" %d1 %d2 %d3 %d4`,
	}
	return strings.Fields(strings.ReplaceAll(forms[slot], "%d", strconv.Itoa(slot)))
}

// Execute runs a statement on both engines and looks at what it did.
func (l *lane) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	if l.diff != "" {
		return ditto.Response{}, &ditto.Error{API: r.API, Status: http.StatusForbidden, Description: "it is over"}
	}
	if l.plain && l.mine && (strings.Contains(r.Statement, "array_position") || strings.Contains(r.Statement, "(:docs)")) {
		return ditto.Response{}, &ditto.Error{API: r.API, Status: http.StatusBadRequest, Description: "unknown form"}
	}
	l.wrote = nil
	resp, err := l.pair.Execute(ctx, r)
	if l.mine {
		l.tally.statement(r, resp, err)
		l.wrote = map[string]bool{}
		for _, id := range resp.Mutated {
			l.wrote[string(id)] = true
		}
	}
	l.step.wait(ctx)
	return resp, err
}

// saw takes what all documents show after the lane's statement.
func (l *lane) saw(docs map[string]map[string][]byte) {
	for id := range l.wrote {
		l.tally.document(l.step.collection, docs[id])
	}
	l.wrote = nil
}

// own runs moves of Causeway.
func (l *lane) own(run func()) {
	l.mine = true
	run()
	l.mine = false
}
