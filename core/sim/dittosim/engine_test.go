package dittosim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/value"
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
	engine := start(t)
	collections, statements := 0, 0
	t.Run("Statements", func(t *testing.T) {
		check(t, "130", func(t *rapid.T) {
			collections++
			name := fmt.Sprintf("c%d", collections)
			steps := rapid.SliceOfN(rapid.Custom(drawStep), 1, 24).Draw(t, "steps")
			p := &pair{real: engine, sim: dittosim.New()}
			for _, s := range append(slices.Clip(steps), allLooks()...) {
				p.run(t.Context(), s.in(name))
				p.verify(t)
			}
			statements += p.statements
		})
	})
	t.Run("Causeway", func(t *testing.T) {
		check(t, "40", func(t *rapid.T) {
			collections++
			p := &pair{real: engine, sim: dittosim.New()}
			play(t, p, fmt.Sprintf("c%d", collections))
			statements += p.statements
		})
	})
	t.Logf("%d sequences, %d statements", collections, statements)
}

// check is rapid.Check with a fixed seed, unless the command line says other.
func check(t *testing.T, checks string, prop func(*rapid.T)) {
	t.Helper()
	defaults := map[string]string{"rapid.seed": "20260101", "rapid.checks": checks, "rapid.nofailfile": "true", "rapid.shrinktime": "15s"}
	flag.Visit(func(f *flag.Flag) { delete(defaults, f.Name) })
	for name, v := range defaults {
		f := flag.Lookup(name)
		was := f.Value.String()
		if err := f.Value.Set(v); err != nil { // not flag.Set, after which Visit would find it
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(was) }()
	}
	rapid.Check(t, prop)
}

// play lets others write in their ways, and Causeway in its own: whatever
// statements it forms, both engines answer alike.
func play(t *rapid.T, p *pair, name string) {
	c := ditto.Collection{Name: name, Strict: rapid.Bool().Draw(t, "strict")}
	if !c.Strict && rapid.Bool().Draw(t, "counters") {
		c.Counters = []value.Path{value.PathOf("n"), value.PathOf("a", "x")}
	}
	store := &ditto.Store{Exec: p}
	for range rapid.IntRange(1, 3).Draw(t, "rounds") {
		for _, s := range rapid.SliceOfN(rapid.Custom(drawStep), 1, 6).Draw(t, "steps") {
			p.run(t.Context(), s.in(name))
			p.verify(t)
		}
		var keys []docid.ID
		for _, id := range []string{`"a"`, `"b"`, `3`, `{"$oid":"x"}`, `{"k":1}`} {
			keys = append(keys, docid.ID(id))
		}
		docs, _, err := store.Read(t.Context(), c, keys, 0)
		p.verify(t)
		if err != nil {
			t.Fatal(err)
		}
		var insert, remove []ditto.Document
		var update []ditto.Change
		for _, id := range keys {
			d := &draws{T: t}
			target := d.of("", d.documentOf(string(id)), d.documentOf(string(id)))
			target = strings.ReplaceAll(target, "$C", name)
			switch doc, exists := docs[id]; {
			case !exists && target != "":
				insert = append(insert, ditto.Document{ID: id, JSON: []byte(target)})
			case exists && target == "":
				remove = append(remove, doc)
			case exists:
				update = append(update, ditto.Change{ID: id, Doc: doc.JSON, Ops: difference(c, doc.JSON, []byte(target))})
			}
		}
		_, _ = store.Insert(t.Context(), c, insert)
		p.verify(t)
		_, _ = store.Update(t.Context(), c, update)
		p.verify(t)
		_, _ = store.Delete(t.Context(), c, remove)
		p.verify(t)
		for _, s := range allLooks() {
			p.run(t.Context(), s.in(name))
			p.verify(t)
		}
	}
}

// difference lists the top-level fields that differ.
func difference(c ditto.Collection, from, to []byte) (ops []ditto.Op) {
	for _, f := range []string{"a", "n", c.Name, "p.q"} {
		p := value.PathOf(f)
		o := ditto.Op{Path: p, Old: value.Lookup(from, p), New: value.Lookup(to, p)}
		o.Counter = slices.Contains(c.Counters, p) && o.New != nil
		if !bytes.Equal(o.Old, o.New) {
			ops = append(ops, o)
		}
	}
	return ops
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

// pair is an executor that runs each statement on both engines.
type pair struct {
	real, sim  ditto.Executor
	statements int
	log        strings.Builder
	diff       string
}

// Execute answers as the real engine does.
func (p *pair) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	p.statements++
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

func (p *pair) run(ctx context.Context, s step) {
	_, _ = p.Execute(ctx, ditto.Request{API: s.api, Statement: s.statement, Args: json.RawMessage(s.args)})
}

// verify fails with the statements so far if their answers differed.
func (p *pair) verify(t *rapid.T) {
	if p.diff != "" {
		t.Logf("%s\n%s", p.log.String(), p.diff)
		t.Fatal("the answers differ") // always the same words, or rapid takes it for another failure
	}
}

func describe(err error) string {
	if e, ok := err.(*ditto.Error); ok {
		return fmt.Sprintf("%d %s %v", e.Status, e.Description, e.Err)
	}
	return fmt.Sprint(err)
}

// status is 0 for an answer.
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
