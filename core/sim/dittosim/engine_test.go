package dittosim_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	local "github.com/causeway-sync/causeway/local/ditto"
)

var (
	seed      = flag.Uint64("dittosim.seed", 1, "the first sequence's seed")
	sequences = flag.Int("dittosim.sequences", 40, "how many sequences TestEngine plays")
)

// TestEngine plays random sequences of whatever statements others may send here
// and on the real engine, and wants the same answers: the same refusals, mutated
// ids and documents, undeclared and declared, on v4 and v5. A failure prints the
// sequence with all steps left out that it does not need, and its seed.
//
// What it does not prove: the order of rows without ORDER BY and of mutated
// ids, the wording of errors, anything with more than one peer.
func TestEngine(t *testing.T) {
	t.Parallel()
	engine := start(t)
	t.Run("Traps", func(t *testing.T) { traps(t, engine) })
	statements := 0
	for i := range uint64(*sequences) {
		actions := draw(rand.New(rand.NewPCG(*seed+i, 0)))
		p := play(t.Context(), engine, actions)
		statements += p.statements
		if p.diff == "" {
			continue
		}
		p = play(t.Context(), engine, minimise(actions, func(fewer []action) bool { return play(t.Context(), engine, fewer).diff != "" }))
		t.Fatalf("the answers differ: go test ./core/sim/dittosim -run TestEngine -dittosim.seed=%d -dittosim.sequences=1\n%s%s", *seed+i, p.log.String(), p.diff)
	}
	t.Logf("%d statements", statements)
}

func draw(r *rand.Rand) []action {
	if r.IntN(3) == 0 {
		return drawStatements(r, juggle)
	}
	return drawStatements(r, drawStep)
}

// action is a part of a sequence, on a collection that it has to itself.
type action func(ctx context.Context, p *pair, collection string)

var collections atomic.Int64

// play runs actions up to the first answers that differ.
func play(ctx context.Context, engine ditto.Executor, actions []action) *pair {
	p := &pair{real: engine, sim: dittosim.New()}
	name := fmt.Sprintf("c%d", collections.Add(1))
	for _, a := range actions {
		if a(ctx, p, name); p.diff != "" {
			break
		}
	}
	return p
}

// minimise leaves out what a failure does not need: halves first, then less
// and less.
func minimise[A any](actions []A, fails func([]A) bool) []A {
	for size := len(actions) / 2; size > 0; {
		before := len(actions)
		for at := len(actions) - size; at >= 0; at -= size {
			if fewer := slices.Delete(slices.Clone(actions), at, at+size); fails(fewer) {
				actions = fewer
			}
		}
		if size > 1 || len(actions) == before {
			size /= 2
		}
	}
	return actions
}

// drawStatements are what anyone might send, and every way of reading at the
// end.
func drawStatements(r *rand.Rand, one func(*rand.Rand) step) []action {
	actions := []action{step{ditto.V5, "INSERT INTO $C DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"x":1}}}`}.run}
	for range 1 + r.IntN(30) {
		actions = append(actions, one(r).run)
	}
	for _, s := range allLooks() {
		actions = append(actions, s.run)
	}
	return actions
}

func start(t *testing.T) ditto.Executor {
	t.Helper()
	s, err := local.Start(t.Context(), local.Options{Local: filepath.Join("..", "..", "..", "local"), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	c, err := ditto.NewClient(ditto.ClientConfig{Endpoint: s.URL, Keys: ditto.StaticKey(s.APIKey), Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// step is one statement; $C stands for the collection's name.
type step struct {
	api       ditto.API
	statement string
	args      string
}

func (s step) run(ctx context.Context, p *pair, collection string) {
	in := strings.NewReplacer("$C", collection)
	_, _ = p.Execute(ctx, ditto.Request{API: s.api, Statement: in.Replace(s.statement), Args: json.RawMessage(in.Replace(s.args))})
}

func (s step) String() string { return fmt.Sprintf("%s  %s  %s", s.api, s.statement, s.args) }

// pair is an executor that runs each statement on both engines.
type pair struct {
	real, sim  ditto.Executor
	statements int
	requests   []ditto.Request
	log        strings.Builder
	diff       string
}

// Execute answers as the real engine does.
func (p *pair) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	p.statements++
	p.requests = append(p.requests, r)
	txn := r.Txn
	r.Txn = 0 // the engines count their own
	got, gotErr := p.sim.Execute(ctx, r)
	if gotErr != nil && strings.Contains(describe(gotErr), "does not support a constant") {
		return got, gotErr // constant conditions are the engine's own world
	}
	r.Write, r.Txn = true, txn // no second try
	want, wantErr := p.real.Execute(ctx, r)
	fmt.Fprintf(&p.log, "%s\n", step{r.API, r.Statement, string(r.Args)})
	switch {
	case gotErr != nil && strings.Contains(describe(gotErr), "does not support"), status(wantErr) != status(gotErr):
		p.diff += fmt.Sprintf("real: %s\n sim: %s", describe(wantErr), describe(gotErr))
	case wantErr == nil:
		ordered := strings.Contains(r.Statement, "ORDER BY")
		p.diff += cmp.Diff(texts(want.Items, ordered), texts(got.Items, ordered)) + cmp.Diff(texts(want.Mutated, false), texts(got.Mutated, false))
	}
	return want, wantErr
}

func describe(err error) string {
	var e *ditto.Error
	if errors.As(err, &e) {
		return fmt.Sprintf("%d %s %v", e.Status, e.Description, e.Err)
	}
	return fmt.Sprint(err)
}

// status is 0 for an answer.
func status(err error) int {
	var e *ditto.Error
	if errors.As(err, &e) {
		return e.Status
	}
	return 0
}

func texts(raw []json.RawMessage, ordered bool) []string {
	out := make([]string, len(raw))
	for i, r := range raw {
		out[i] = string(r)
	}
	if !ordered {
		slices.Sort(out)
	}
	return out
}
