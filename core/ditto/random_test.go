package ditto_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/value"
)

// Whatever strict and other peers, counters and type changes have left behind
// in a document, an update makes it show what it was told to, and nothing else.
func TestUpdateOfAnyHistory(t *testing.T) {
	t.Run("Engine", func(t *testing.T) {
		for seed := range uint64(2) {
			playHistory(t, newEngine(t, ditto.Collection{Name: fmt.Sprint("history", seed)}), seed, 15, 4)
		}
	})
	t.Run("Memory", func(t *testing.T) {
		for seed := range uint64(40) {
			e := &engine{t, &ditto.Store{Exec: dittosim.New()}, ditto.Collection{Name: "history"}}
			playHistory(t, e, seed, 20, 6)
		}
	})
}

// playHistory lets others and the store take turns on some documents. A
// failure names the seed and what happened to the document.
func playHistory(t *testing.T, e *engine, seed uint64, docs, rounds int) {
	t.Helper()
	e.coll.Counters = []value.Path{value.PathOf("q"), value.PathOf("n", "q")}
	g := &generator{rand.New(rand.NewPCG(seed, 0))}
	h := &history{T: t, engine: e, generator: g, seed: seed, log: map[docid.ID][]string{}}
	for i := range docs {
		id := docid.ID(strconv.Quote(fmt.Sprint("d", i)))
		h.ids = append(h.ids, id)
		h.play(id, g.api(), "INSERT INTO C DOCUMENTS (:d)", fmt.Sprintf(`{"d":{"_id":%s,"n":%s}}`, id, g.json(g.value(2))))
	}
	for range rounds {
		for _, id := range h.ids {
			for range g.IntN(4) {
				api, statement, args := g.statement(id)
				h.play(id, api, statement, string(args))
			}
		}
		// Twice in a row, the second time with what the first found out.
		maps := h.update(nil)
		h.update(maps)
		if t.Failed() {
			t.FailNow()
		}
	}
}

type history struct {
	*testing.T
	*engine
	*generator
	seed uint64
	ids  []docid.ID
	log  map[docid.ID][]string
}

// play runs a statement of somebody else; it may be one that Ditto refuses.
func (h *history) play(id docid.ID, api ditto.API, statement, args string) {
	h.T.Helper()
	_, err := h.Exec.Execute(h.Context(), ditto.Request{
		API: api, Statement: collectionMark.ReplaceAllLiteralString(statement, "`"+h.coll.Name+"`"),
		Args: json.RawMessage(args), Write: true,
	})
	if err != nil {
		if !ditto.IsRejected(err) {
			h.T.Fatal(err)
		}
		return
	}
	h.log[id] = append(h.log[id], fmt.Sprintf("%s %s ;; %s", api[1:], statement, args))
}

// update gives each document new contents and checks that it has them.
func (h *history) update(known map[docid.ID][]value.Path) map[docid.ID][]value.Path {
	h.T.Helper()
	read := h.readAll()
	want := map[docid.ID]string{}
	var changes []ditto.Change
	for _, id := range h.ids {
		target := h.object(3, "")
		target["_id"] = json.RawMessage(id)
		canon, err := value.Canonical(nil, []byte(h.json(target)))
		if err != nil {
			h.T.Fatal(err)
		}
		want[id] = string(canon)
		ch := ditto.Change{ID: id, Doc: read[id].JSON, Maps: known[id]}
		ch.Ops = diff(nil, "", read[id].JSON, canon, h.coll.Counters, h.IntN(2) == 0)
		changes = append(changes, ch)
		h.log[id] = append(h.log[id], "update "+ops(ch.Ops))
	}
	r := h.engine.update(changes...)
	now := h.readAll()
	for i, id := range h.ids {
		canon, err := value.Canonical(nil, now[id].JSON)
		if err != nil {
			h.T.Fatal(err)
		}
		if string(canon) != want[id] || !r.Won[id] {
			h.Errorf("seed %d, %s: won %v, rejected %v\n  was %s\n  got %s\n want %s\n known maps %q\n after\n%s",
				h.seed, id, r.Won[id], r.Rejected[id], read[id].JSON, now[id].JSON, want[id], known[id], strings.Join(h.log[id], "\n"))
		}
		for _, op := range changes[i].Ops {
			if slices.Contains(now[id].Registers, op.Path) {
				h.Errorf("seed %d, %s: a register at the counter path %s after\n%s", h.seed, id, op.Path, strings.Join(h.log[id], "\n"))
			}
		}
	}
	return r.Maps
}

func (h *history) readAll() map[docid.ID]ditto.Document {
	h.T.Helper()
	docs, _, err := h.Read(h.Context(), h.coll, h.ids, 0)
	if err != nil {
		h.T.Fatal(err)
	}
	return docs
}

func ops(all []ditto.Op) string {
	var out []byte
	for _, o := range all {
		out = fmt.Appendf(out, "%s: %s -> %s; ", o.Path, o.Old, o.New)
	}
	return string(out)
}

// diff lists the operations from one document to another, by units or, with
// whole, by top-level fields.
func diff(out []ditto.Op, p value.Path, old, new []byte, counters []value.Path, whole bool) []ditto.Op {
	names := map[string]bool{}
	for _, js := range [][]byte{old, new} {
		for name := range value.Fields(js) {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		q := p.Child(name)
		a, b := value.Lookup(old, value.PathOf(name)), value.Lookup(new, value.PathOf(name))
		switch {
		case q == value.PathOf("_id") || string(a) == string(b):
		case !whole && len(a) > 2 && len(b) > 2 && a[0] == '{' && b[0] == '{':
			out = diff(out, q, a, b, counters, whole)
		default:
			out = append(out, ditto.Op{Path: q, Old: a, New: b, Counter: slices.Contains(counters, q) && b != nil})
		}
	}
	return out
}

// generator makes documents and statements out of few names, so that they
// meet.
type generator struct{ *rand.Rand }

func (g *generator) api() ditto.API {
	if g.IntN(4) == 0 {
		return ditto.V4
	}
	return ditto.V5
}

func (g *generator) json(v any) string {
	js, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(js)
}

func (g *generator) value(depth int) any {
	if depth > 0 && g.IntN(2) == 0 {
		return g.object(depth, "-")
	}
	return []any{nil, 1, "s", true, 2.5, []any{1, map[string]any{"a": nil}}, map[string]any{}, map[string]any{"$numberInt": "5"}}[g.IntN(8)]
}

// object has integers at counter paths; at is "" for a document, "n" below n.
func (g *generator) object(depth int, at string) map[string]any {
	out := map[string]any{}
	for _, name := range []string{"n", "m", "q"} {
		switch {
		case g.IntN(2) == 0:
		case name == "q" && (at == "" || at == "n"):
			out[name] = g.IntN(5)
		case name == "n" && at == "" && g.IntN(2) == 0:
			out[name] = g.object(depth-1, "n")
		case name == "n" && at == "":
			out[name] = []any{nil, 1, "s", map[string]any{}}[g.IntN(4)]
		default:
			out[name] = g.value(depth - 1)
		}
	}
	return out
}

// statement is what somebody else does to a document.
func (g *generator) statement(id docid.ID) (ditto.API, string, json.RawMessage) {
	path := []string{"n", "m", "q"}[g.IntN(3)]
	for g.IntN(2) == 0 {
		path += "." + []string{"n", "m", "q"}[g.IntN(3)]
	}
	args := json.RawMessage(fmt.Sprintf(`{"id":%s,"v":%s}`, id, g.json(g.value(2))))
	bare := json.RawMessage(fmt.Sprintf(`{"id":%s}`, id))
	switch g.IntN(7) {
	case 6:
		return ditto.V5, "UPDATE COLLECTION C (n MAP (m REGISTER)) SET n.m = :v WHERE _id = :id", args
	case 0:
		return ditto.V5, "UPDATE C APPLY " + path + " INCREMENT BY 2 WHERE _id = :id", bare
	case 1:
		return ditto.V5, "UPDATE C UNSET " + path + " WHERE _id = :id", bare
	case 2:
		return ditto.V4, "UPDATE C SET " + path[:1] + " = :v WHERE _id = :id", args
	default:
		return ditto.V5, "UPDATE C SET " + path + " = :v WHERE _id = :id", args
	}
}
