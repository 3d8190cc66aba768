package mongosim_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
)

// wantLedger is how many statements of core/ledger a run compares at least.
const wantLedger = 1500

// TestLedger does with core/ledger what TestGenerated does with core/mongodb:
// compare-and-set puts with claims and tombstones, reads, conflict and unsynced
// records. Times of the database's clock are compared by their distance from
// the time of writing.
func TestLedger(t *testing.T) {
	db := serverDB(t)
	if err := ledger.CreateIndexes(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	total := &tally{excused: map[string]int{}}
	for s := *seed; s < *seed+*histories; s++ {
		sim := mongosim.New(time.Now)
		if err := ledger.CreateIndexes(t.Context(), sim); err != nil {
			t.Fatal(err)
		}
		b := &books{generator: generator{rand.New(rand.NewPCG(s, 2))}, tally: total, real: db, sim: sim, secantus: isSecantus(t, db)}
		for range 30 {
			if failure := b.turn(t.Context()); failure != "" {
				t.Fatalf("the stores differ: go test ./core/sim/mongosim -run TestLedger -mongosim.seed=%d -mongosim.histories=1\n%s", s, failure)
			}
		}
		for _, c := range bookNames {
			if _, err := db.Write(t.Context(), c, []mongodb.Model{{Filter: d("_id", d("$exists", true))}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%s", total)
	if *histories < defaultHistories {
		return // a replay
	}
	for _, lack := range total.lacking(wantLedger, leastLedger) {
		t.Error(lack)
	}
}

var bookNames = []string{ledger.Collection, ledger.ConflictCollection, ledger.UnsyncedCollection}

// books are the ledger and its records on both sides.
type books struct {
	generator
	*tally
	real     mongodb.Database
	sim      *mongosim.Sim
	secantus bool
}

// turn is one call of core/ledger.
func (b *books) turn(ctx context.Context) string {
	var what string
	var call func(db mongodb.Database) (any, error)
	touched := ledger.Collection
	switch b.IntN(8) {
	case 0, 1, 2, 3:
		puts := b.puts(ctx)
		writer := fmt.Sprint("w", b.IntN(3))
		what = fmt.Sprintf("Put by %s %+v", writer, puts)
		call = func(db mongodb.Database) (any, error) {
			return ledger.Store{DB: db, Writer: writer, TombstoneTTL: time.Hour}.Put(ctx, puts)
		}
		b.countPuts(puts)
	case 4, 5:
		keys, refs := b.keys(), b.refs()
		what = fmt.Sprintf("Read %v %v", keys, refs)
		call = func(db mongodb.Database) (any, error) {
			entries, err := ledger.Store{DB: db}.Read(ctx, keys, refs)
			slices.SortFunc(entries, func(a, b ledger.Entry) int { return strings.Compare(a.Key.String(), b.Key.String()) })
			for i := range entries {
				entries[i].At = time.Time{}
			}
			return entries, err
		}
	case 6:
		what, call = b.conflicts(ctx)
		touched = ledger.ConflictCollection
	case 7:
		what, call = b.unsynced(ctx)
		touched = ledger.UnsyncedCollection
	}
	before := b.sim.All(touched)
	var got [2][]string
	var answers [2]any
	var results [2]mongodb.BulkResult
	for i, db := range []mongodb.Database{b.real, b.sim} {
		seen := &counter{Database: db}
		answer, err := call(seen)
		answers[i] = answer
		results[i] = seen.result
		if i == 1 && b.secantus {
			b.whichIndex(results[0].Errors, results[1].Errors)
		}
		got[i] = append(got[i], failureText(err))
		for _, e := range seen.result.Errors {
			if i == 1 {
				b.note(fmt.Sprintf("error %d %s", e.Code, e.KeyIndex), 1)
			}
		}
		got[i] = append(got[i], stamped(ctx, db, touched)...)
	}
	b.found(what, 0)
	for i := range got {
		got[i] = append(got[i], resultText(results[i])...)
	}
	diff := cmp.Diff(got[0], got[1]) + cmp.Diff(answers[0], answers[1], cmp.Comparer(func(x, y bson.RawValue) bool { return key(x) == key(y) }))
	if diff != "" {
		return fmt.Sprintf("%s\nwith %v\n(-real +sim):\n%s", what, before, diff)
	}
	return ""
}

// whichIndex lets SecantusDB name another index than `_id`'s where both refuse a
// document: WhichIndex, see TestRules.
func (b *books) whichIndex(real, sim []mongodb.WriteError) {
	for i := range real {
		if i < len(sim) && real[i].KeyIndex == "liveMongoId" && sim[i].KeyIndex == "_id_" {
			real[i].KeyIndex = "_id_"
			b.excused["WhichIndex"]++
		}
	}
}

func failureText(err error) string {
	var refused mongodb.WriteError
	if errors.As(err, &refused) {
		return fmt.Sprintf("error %d, index %q", refused.Code, refused.KeyIndex)
	}
	return fmt.Sprint(err)
}

// stamped are a collection's documents, their times as distances from `at`.
func stamped(ctx context.Context, db mongodb.Database, collection string) (out []string) {
	docs, err := db.Find(ctx, collection, bson.D{}, nil)
	if err != nil {
		return []string{err.Error()}
	}
	for _, doc := range docs {
		var d bson.D
		if err := bson.Unmarshal(doc, &d); err != nil {
			panic(err)
		}
		out = append(out, exact(marshal(fromAt(d, doc.Lookup("at").DateTime()))))
	}
	slices.Sort(out)
	return out
}

func fromAt(d bson.D, at int64) bson.D {
	for i, e := range d {
		switch v := e.Value.(type) {
		case bson.DateTime:
			if e.Key == "at" || e.Key == "expires" || e.Key == "until" {
				d[i].Value = v - bson.DateTime(at)
			}
		case bson.D:
			if e.Key == "claim" {
				d[i].Value = fromAt(v, at)
			}
		}
	}
	return d
}
