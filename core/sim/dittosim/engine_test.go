package dittosim_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	local "github.com/causeway-sync/causeway/local/ditto"
)

// TestEngine runs random sequences of statements here and on the real engine,
// and wants the same answers: the same refusals, mutated ids and documents,
// undeclared and declared, on v4 and v5. A failure prints the shortest sequence
// that rapid finds; -rapid.seed draws others.
//
// What it does not prove: the order of rows without ORDER BY and of mutated
// ids, the wording of errors, anything with more than one peer.
func TestEngine(t *testing.T) {
	setDefault(t, "rapid.seed", "20260101")
	setDefault(t, "rapid.checks", "110")
	setDefault(t, "rapid.nofailfile", "true")
	setDefault(t, "rapid.shrinktime", "15s")
	engine := start(t)
	var collections, statements atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		name := fmt.Sprintf("c%d", collections.Add(1))
		steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 24).Draw(t, "steps")
		p := pair{real: engine, sim: dittosim.New()}
		for _, s := range append(slices.Clip(steps), allLooks()...) {
			statements.Add(1)
			if diff := p.run(t.Context(), s.in(name)); diff != "" {
				t.Logf("%s\n%s", p.log.String(), diff)
				t.Fatal("the answers differ") // always the same words, or rapid takes it for another failure
			}
		}
	})
	t.Logf("%d sequences, %d statements", collections.Load(), statements.Load())
}

// setDefault sets a flag that the command line did not set.
func setDefault(t *testing.T, name, value string) {
	t.Helper()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if !given {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
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

func (s step) in(collection string) step {
	s.statement = strings.ReplaceAll(s.statement, "$C", collection)
	s.args = strings.ReplaceAll(s.args, "$C", collection)
	return s
}

func (s step) String() string { return fmt.Sprintf("%s  %s  %s", s.api, s.statement, s.args) }

// GoString is how rapid prints a step that it drew.
func (s step) GoString() string { return "\n    " + s.String() }

// pair runs each statement on both engines.
type pair struct {
	real, sim ditto.Executor
	log       strings.Builder
}

// run compares the answers; it returns what differs.
func (p *pair) run(ctx context.Context, s step) string {
	r := ditto.Request{API: s.api, Statement: s.statement, Args: json.RawMessage(s.args), Write: true}
	got, gotErr := p.sim.Execute(ctx, r)
	if gotErr != nil && strings.Contains(describe(gotErr), "does not support a constant") {
		return "" // constant conditions are the engine's own world
	}
	want, wantErr := p.real.Execute(ctx, r)
	fmt.Fprintf(&p.log, "%s\n", s)
	if gotErr != nil && strings.Contains(describe(gotErr), "does not support") {
		return "the generator draws what dittosim does not support: " + describe(gotErr)
	}
	if (wantErr == nil) != (gotErr == nil) || status(wantErr) != status(gotErr) {
		return fmt.Sprintf("real: %s\n sim: %s", describe(wantErr), describe(gotErr))
	}
	if wantErr != nil {
		return ""
	}
	ordered := strings.Contains(s.statement, "ORDER BY")
	return cmp.Diff(texts(want.Items, ordered), texts(got.Items, ordered)) + cmp.Diff(texts(want.Mutated, false), texts(got.Mutated, false))
}

func describe(err error) string {
	if e, ok := err.(*ditto.Error); ok {
		return fmt.Sprintf("%d %s %v", e.Status, e.Description, e.Err)
	}
	return fmt.Sprint(err)
}

func status(err error) int {
	if e, ok := err.(*ditto.Error); ok {
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
