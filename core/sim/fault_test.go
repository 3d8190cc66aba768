//go:build faults

package sim_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var faultName = flag.String("fault", "", "plant this one fault only")

// fault is a defect that can be planted by name: one edit of the source, made
// in a copy that only the test binary is built from (go build -overlay). What
// is shipped cannot contain it.
type fault struct {
	name     string
	breaks   string // the rule that it breaks
	file     string // below the repository's root
	from, to string // from occurs once
}

func faults() []fault {
	return []fault{
		{
			"ledger-last", "the ledger is read before the documents", "core/bridge/run.go",
			"t.decide(ctx, undone(active))",
			"for _, p := range undone(active) { if !p.mine { p.stale = true } }; t.refresh(ctx, undone(active)); t.takeOver(undone(active)); t.decide(ctx, undone(active))",
		},
		{
			"live-claim-ignored", "a pair under a live claim is left alone", "core/bridge/run.go",
			"if p.entry.Claim.Live && p.entry.Claim.Owner != t.owner {", "if false {",
		},
		{
			"no-announcements", "what is about to be written is announced", "core/bridge/write.go",
			"Announced: p.plan.Announced}\n\t\tputs", "Announced: nil}\n\t\tputs",
		},
		{
			"announcements-dropped", "whoever takes over carries the announcements on", "core/bridge/run.go",
			"p.carried = p.entry.Claim.Announced", "p.carried = nil",
		},
		{
			"no-records", "losing values are recorded", "core/bridge/write.go",
			"if len(conflicts) == 0 {", "if len(conflicts) >= 0 {",
		},
		{
			"carried-not-recorded", "what is overwritten while announcements are carried on is recorded", "core/reconcile/merge.go",
			"if g.target != \"\" && (len(g.ann) > 0 ||", "if g.target == \"none\" && (len(g.ann) > 0 ||",
		},
		{
			"late-records", "values are recorded before they are written over", "core/bridge/write.go",
			"pairs = t.record(inTime, pairs)\n\tfor", "defer t.record(inTime, pairs)\n\tfor",
		},
		{
			"unconditional-mongodb", "writes in MongoDB are conditional", "core/mongodb/pipeline.go",
			"d(\"$cond\", bson.A{condition, expr, \"$$ROOT\"})", "d(\"$cond\", bson.A{true, expr, \"$$ROOT\"})",
		},
		{
			"unconditional-ditto", "writes in Ditto are conditional", "core/dql/draft.go",
			"if old, ok := d.where[c.Path]; !ok || old.Test == Object {", "if false {",
		},
		{
			"absence-is-delete", "a document that Ditto does not show is no deleted document", "core/bridge/pair.go",
			"return p.sweep || p.removedAt > 0", "return true || p.removedAt > 0",
		},
		{
			"no-transaction", "reads reflect the event's transaction", "core/bridge/read.go",
			"ids, t.transaction(pairs), func", "ids, 0, func",
		},
		{
			"event-not-marked", "no event of Ditto is acknowledged before the entry has its transaction", "core/reconcile/decide.go",
			"p.Claim, p.Txn = nil, max(e.Txn, in.Txn)", "p.Claim, p.Txn = nil, e.Txn",
		},
		{
			"no-tombstone", "an unknown document's removal leaves a tombstone", "core/reconcile/decide.go",
			"if !e.Exists() && !x.in.DittoEvent {", "if !e.Exists() {",
		},
		{
			"stale-plan", "a plan is carried out only while its entry stands", "core/bridge/run.go",
			"return p.stale || !p.plan.Writes()", "return false",
		},
		{
			"deletes-forgotten", "a document that Causeway deleted was deleted by nobody else", "core/reconcile/decide.go",
			"return slices.Contains(x.in.Carried, ledger.Announcement{Side: side, Hash: value.Absent})", "return false && side == \"\"",
		},
		{
			"units-apart", "units that contain each other are decided together", "core/reconcile/group.go",
			"g.du, du = cut(du, func(l leaf) bool { return root.Contains(l.path) })", "g.du, du = cut(du, func(l leaf) bool { return root == l.path })",
		},
		{
			"reset-by-type", "a counter's type is no reset", "core/reconcile/unit.go",
			"if v.Type != 0 && isCounter(c, p) {", "if false && isCounter(c, p) {",
		},
		{
			"counter-as-register", "a counter is written by RESTART WITH", "core/dql/edit.go",
			"d.Row.Apply = append(d.Row.Apply, Assign{p, n})", "d.Row.Set = append(d.Row.Set, Assign{p, n})",
		},
		{
			"creation-is-reset", "what Causeway created in Ditto does not reset increments", "core/reconcile/merge.go",
			"case cm && cd && g.counter && x.created(g):", "case false && x.created(g):",
		},
		{
			"counters-declared-anywhere", "counters are declared where their parents are objects", "core/ditto/insert.go",
			"return v != nil && v[0] != '{'", "return false && v != nil",
		},
		{
			"fill-forgotten", "whoever takes over a birth fills in the mapped fields", "core/bridge/run.go",
			"in.NewID, in.Fill = p.newID, p.mapper.Fill(p.key.ID)", "in.NewID = p.newID; if p.entry.MongoID.Type == 0 { in.Fill = p.mapper.Fill(p.key.ID) }",
		},
		{
			"mapped-field-taken", "a mapped field stays in the body", "core/reconcile/merge.go",
			"case isMapped(c, g.path) && !x.equal(g):", "case false && isMapped(c, g.path):",
		},
		{
			"one-way-not-recorded", "what a one-way rule undoes is recorded", "core/reconcile/merge.go",
			"x.lose(g, value.Ditto, RuleOneWay)", "",
		},
		{
			"hidden-not-rechecked", "what hides is told from what shows", "core/ditto/update.go",
			"if err := u.recheck(left(jobs)); err != nil {\n\t\treturn err\n\t}", "",
		},
		{
			"unseen-is-register", "nothing follows from what a read does not show", "core/ditto/update.go",
			"a.job.out = true // gone, or not shown: nothing can be concluded\n\t\t\tcontinue", "",
		},
		{
			"settled-anyway", "a pair is settled when all its writes won", "core/bridge/write.go",
			"case p.wonDitto && p.wonMongo:", "case p.wonDitto || p.wonMongo:",
		},
	}
}

// TestFaultsAreCaught plants each fault and plays histories until one fails. A
// simulation that lets a fault pass proves nothing about the rule it breaks.
func TestFaultsAreCaught(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults() {
		if *faultName != "" && f.name != *faultName {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			bin := f.build(t, root)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, bin, "-test.run", "^TestHistories$", "-histories", "20000", "-failures", "1").CombinedOutput()
			if err == nil {
				t.Fatalf("not caught in 20,000 histories: %s", f.breaks)
			}
			m := regexp.MustCompile(`history (\d+): (.*)`).FindStringSubmatch(string(out))
			if m == nil {
				t.Fatalf("the histories did not run: %v\n%s", err, out)
			}
			t.Logf("%-26s caught by history %5s: %s", f.name, m[1], f.breaks)
		})
	}
}

// build builds this package's test binary with the fault in it.
func (f fault) build(t *testing.T, root string) string {
	t.Helper()
	file := filepath.Join(root, filepath.FromSlash(f.file))
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(src), f.from); n != 1 {
		t.Fatalf("%s has %q %d times, want once: change the fault with the code", f.file, f.from, n)
	}
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.go")
	if err := os.WriteFile(broken, []byte(strings.Replace(string(src), f.from, f.to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	overlay, err := json.Marshal(map[string]map[string]string{"Replace": {file: broken}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "sim.test")
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-overlay", filepath.Join(dir, "overlay.json"), "-o", bin, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}
