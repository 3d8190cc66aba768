package mongosim_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
)

// wantStatements is how many statements of core/mongodb a run compares at least.
const wantStatements = 5000

// TestGenerated runs the pipelines, filters and inserts that core/mongodb forms
// on the simulation and on the real server: random changes made from what was
// read, of documents of every type, which others change meanwhile. After each
// the counts, the refusals with their codes and indexes, and the documents, byte
// for byte, must be the same; from time to time all of the collection's.
//
// Where SecantusDB is known to differ from MongoDB's documented rules, by name,
// the simulation follows the rules; see differences_test.go. On a mongod there
// are no exceptions.
//
// What it does not prove: the wording of refusals, the order of documents.
func TestGenerated(t *testing.T) {
	db := serverDB(t)
	total := &tally{excused: map[string]int{}}
	for s := *seed; s < *seed+*histories; s++ {
		h := &history{
			generator: generator{rand.New(rand.NewPCG(s, 0))}, tally: total, known: known(t, db),
			name: fmt.Sprint("c", s), real: db, sim: mongosim.New(time.Now),
		}
		if failure := h.play(t.Context()); failure != "" {
			t.Fatalf("the stores differ: go test ./core/sim/mongosim -run TestGenerated -mongosim.seed=%d -mongosim.histories=1\n%s", s, failure)
		}
	}
	t.Logf("%s", total)
	if *histories < defaultHistories {
		return // a replay
	}
	for _, lack := range total.lacking(wantStatements, leastWrites) {
		t.Error(lack)
	}
}

// history is one collection on both sides.
type history struct {
	generator
	*tally
	known     []*difference
	name      string
	real, sim mongodb.Database
}

func (h *history) play(ctx context.Context) string {
	all := ids()
	h.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	var changes []mongodb.Change
	for _, id := range all {
		changes = append(changes, insertOf(h.document(id)))
	}
	for range 5 {
		for _, part := range h.parts(ctx, changes) {
			if failure := h.write(ctx, part); failure != "" {
				return failure
			}
		}
		if diff := cmp.Diff((answer{docs: h.documents(ctx, h.real)}).lines(), (answer{docs: h.documents(ctx, h.sim)}).lines()); diff != "" {
			return "documents that nothing has written (-real +sim):\n" + diff
		}
		if failure := h.reads(ctx, all); failure != "" {
			return failure
		}
		changes = h.changes(ctx, all)
	}
	return ""
}

// changes are made from what the simulation holds, as Causeway would have read
// it; somebody else changes some of the documents afterwards.
func (h *history) changes(ctx context.Context, all []any) (out []mongodb.Change) {
	var replaced []bson.Raw
	for _, id := range all {
		read := h.stored(ctx, h.sim, idOf(id))
		if read == nil || h.IntN(12) == 0 {
			out = append(out, insertOf(h.document(twin(id)))) // often too late
			continue
		}
		var doc bson.D
		if err := bson.Unmarshal(read, &doc); err != nil {
			panic(err)
		}
		out = append(out, h.change(doc))
		if h.IntN(3) == 0 {
			now := marshal(h.tamper(doc))
			if insert := (mongodb.Change{Insert: now}); h.differenceOf(&insert, nil) == nil {
				replaced = append(replaced, now)
			}
		}
	}
	for _, doc := range replaced {
		for _, db := range []mongodb.Database{h.real, h.sim} {
			_, err := db.Write(ctx, h.name, []mongodb.Model{{Filter: d("_id", d("$in", bson.A{doc.Lookup("_id")}))}})
			if err == nil {
				_, err = db.Write(ctx, h.name, []mongodb.Model{{Insert: doc}})
			}
			if err != nil {
				panic(err)
			}
		}
	}
	return out
}

// parts cuts changes into bulk writes. One of which a difference is known goes
// alone.
func (h *history) parts(ctx context.Context, changes []mongodb.Change) (out [][]mongodb.Change) {
	stored := h.documents(ctx, h.sim)
	var part []mongodb.Change
	size := 1 + h.IntN(6)
	for _, c := range changes {
		if h.differenceOf(&c, stored[key(c.ID)]) != nil {
			out = append(out, []mongodb.Change{c})
			continue
		}
		if part = append(part, c); len(part) == size {
			out, part, size = append(out, part), nil, 1+h.IntN(6)
		}
	}
	if part != nil {
		out = append(out, part)
	}
	return out
}

func (h *history) differenceOf(c *mongodb.Change, stored bson.Raw) *difference {
	for _, d := range h.known {
		if d.applies(c, stored) {
			return d
		}
	}
	return nil
}

// write makes changes in one bulk on both sides and compares.
func (h *history) write(ctx context.Context, changes []mongodb.Change) string {
	before := h.documents(ctx, h.sim)
	real, sim := h.run(ctx, h.real, changes), h.run(ctx, h.sim, changes)
	h.count(changes, sim)
	if real.same(sim) {
		return ""
	}
	if d := h.differenceOf(&changes[0], before[key(changes[0].ID)]); d != nil {
		h.excuse(ctx, d, changes[0].ID)
		return ""
	}
	for i := range changes { // which of them is it?
		alone := &history{known: nil, name: fmt.Sprintf("%s_%d_%d", h.name, i, h.IntN(1<<30)), real: h.real, sim: mongosim.New(time.Now)}
		if doc := before[key(changes[i].ID)]; doc != nil {
			for _, db := range []mongodb.Database{alone.real, alone.sim} {
				if _, err := db.Write(ctx, alone.name, []mongodb.Model{{Insert: doc}}); err != nil {
					return err.Error()
				}
			}
		}
		r, s := alone.run(ctx, alone.real, changes[i:i+1]), alone.run(ctx, alone.sim, changes[i:i+1])
		if !r.same(s) {
			return fmt.Sprintf("stored %s\n%s\n(-real +sim):\n%s", text(before[key(changes[i].ID)]), describe(changes[i]), cmp.Diff(r.lines(), s.lines()))
		}
	}
	var all []string
	for _, c := range changes {
		all = append(all, "stored "+text(before[key(c.ID)])+"\n"+describe(c))
	}
	return strings.Join(all, "\n") + "\n(-real +sim):\n" + cmp.Diff(real.lines(), sim.lines())
}

// excuse takes a document that the sides may rightly differ on from both.
func (h *history) excuse(ctx context.Context, d *difference, id bson.RawValue) {
	h.excused[d.name]++
	for _, db := range []mongodb.Database{h.real, h.sim} {
		_, _ = db.Write(ctx, h.name, []mongodb.Model{{Filter: bson.D{{Key: "_id", Value: id}}}})
	}
}

// answer is all that a statement did.
type answer struct {
	result   mongodb.BulkResult
	outcomes []mongodb.Outcome
	said     []string
	docs     map[string]bson.Raw
}

func (a answer) same(b answer) bool {
	return slices.Equal(a.said, b.said) && maps.EqualFunc(a.docs, b.docs, func(x, y bson.Raw) bool { return bytes.Equal(x, y) })
}

func (a answer) lines() []string {
	out := a.said
	for _, k := range slices.Sorted(maps.Keys(a.docs)) {
		out = append(out, exact(a.docs[k]))
	}
	return out
}

func (h *history) run(ctx context.Context, db mongodb.Database, changes []mongodb.Change) answer {
	seen := &counter{Database: db}
	outcomes, _, err := mongodb.Store{DB: seen}.Write(ctx, h.name, changes)
	ids := make(bson.A, len(changes))
	for i := range changes {
		ids[i] = changes[i].ID
	}
	docs := h.documents(ctx, db, bson.E{Key: "_id", Value: d("$in", ids)})
	a := answer{result: seen.result, outcomes: outcomes, said: []string{fmt.Sprint(outcomes, err)}, docs: docs}
	a.said = append(a.said, resultText(seen.result)...)
	return a
}

// exact is a document with a mark that tells documents of one text apart.
func exact(doc bson.Raw) string { return fmt.Sprintf("%s %08x", text(doc), crc32.ChecksumIEEE(doc)) }

// resultText is a result without the wording of errors.
func resultText(r mongodb.BulkResult) []string {
	out := []string{fmt.Sprintf("inserted %d, matched %d, modified %d, upserted %d, deleted %d", r.Inserted, r.Matched, r.Modified, r.Upserted, r.Deleted)}
	for _, e := range r.Errors {
		out = append(out, fmt.Sprintf("model %d: error %d, index %q", e.Index, e.Code, e.KeyIndex))
	}
	slices.Sort(out[1:])
	return out
}

func (h *history) documents(ctx context.Context, db mongodb.Database, filter ...bson.E) map[string]bson.Raw {
	docs, err := db.Find(ctx, h.name, filter, nil)
	if err != nil {
		panic(err)
	}
	out := map[string]bson.Raw{}
	for _, doc := range docs {
		out[key(doc.Lookup("_id"))] = doc
	}
	return out
}

func (h *history) stored(ctx context.Context, db mongodb.Database, id bson.RawValue) bson.Raw {
	return h.documents(ctx, db)[key(id)]
}

// reads compares what the finds of core/mongodb return.
func (h *history) reads(ctx context.Context, all []any) string {
	var asked []bson.RawValue
	for _, id := range all {
		switch h.IntN(3) {
		case 0:
			asked = append(asked, idOf(id))
		case 1:
			asked = append(asked, idOf(twin(id)))
		}
	}
	var fields []string
	if h.IntN(2) == 0 {
		fields = []string{"a", "b"}
	}
	keys := make([][]mongodb.FieldValues, 1+h.IntN(3))
	width := 1 + h.IntN(2)
	for i := range keys {
		for _, name := range []string{"a", "b"}[:width] {
			f := mongodb.FieldValues{Name: name}
			for range 1 + h.IntN(2) {
				f.Values = append(f.Values, h.mapped())
			}
			keys[i] = append(keys[i], f)
		}
	}
	for _, q := range []struct {
		what string
		find func(s mongodb.Store) ([]bson.Raw, error)
	}{
		{fmt.Sprintf("FindIDs %s %q", asked, fields), func(s mongodb.Store) ([]bson.Raw, error) { return s.FindIDs(ctx, h.name, asked, fields...) }},
		{fmt.Sprintf("FindMapped %v %q", keys, fields), func(s mongodb.Store) ([]bson.Raw, error) { return s.FindMapped(ctx, h.name, keys, fields...) }},
	} {
		var got [2][]string
		for i, db := range []mongodb.Database{h.real, h.sim} {
			docs, err := q.find(mongodb.Store{DB: db})
			if err != nil {
				return q.what + ": " + err.Error()
			}
			for _, doc := range docs {
				got[i] = append(got[i], exact(doc))
			}
			slices.Sort(got[i])
		}
		h.found(q.what, len(got[1]))
		if diff := cmp.Diff(got[0], got[1]); diff != "" {
			return fmt.Sprintf("%s among\n%s\n(-real +sim):\n%s", q.what, h.dump(ctx), diff)
		}
	}
	return ""
}

func (h *history) dump(ctx context.Context) string {
	var out []string
	for _, doc := range h.documents(ctx, h.sim) {
		out = append(out, text(doc))
	}
	return strings.Join(out, "\n")
}
