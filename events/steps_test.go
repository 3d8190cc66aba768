package events_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/local/lambda"
)

// stepRows are the steps of a run, in the order of a run: what each answers, or
// how its error begins. Those of wrong payloads reach no database.
var stepRows = []struct{ file, answer, fails string }{
	{"initial-sync/bad-step", "", `unknown step "dance"`},
	{"initial-sync/bad-run", "", "step plan: run is missing"},
	{"initial-sync/bad-range", "", "step copy: range is missing"},
	{"initial-sync/bad-input", "", "the run's input is neither"},
	{"initial-sync/bad-payload", "", "payload is no step of a run"},
	{"initial-sync/canary", `{"ageSeconds":0}`, ""},
	{"initial-sync/preflight", `{"run":"golden","mode":"repair","plan":{"ranges":[],"phase":0}}`, ""},
	{"initial-sync/plan", `{"ranges":[{"id":"tasks/mongodb/rest","collection":"tasks","source":"mongodb"}],"phase":1}`, ""},
	{"initial-sync/copy", `{"done":true}`, ""},
	{"initial-sync/failed", `{}`, ""},
	{"initial-sync/summary-of-failure", `{"run":"golden","mode":"repair","ok":false,"agree":false,"compared":1,"problems":[`, ""},
	{"initial-sync/preflight-resume", `{"run":"golden","mode":"repair","plan":{"ranges":[],"phase":0}}`, ""},
	{"initial-sync/plan-ditto", `{"ranges":[{"id":"tasks/ditto/rest","collection":"tasks","source":"ditto"}],"phase":2}`, ""},
	{"initial-sync/copy-ditto", `{"done":true}`, ""},
	{"initial-sync/plan-ledger", `{"ranges":[{"id":"tasks/ledger/all/0","collection":"tasks","source":"ledger"}],"phase":3}`, ""},
	{"initial-sync/copy-ledger", `{"done":true}`, ""},
	{"initial-sync/guard", `{}`, ""},
	{"initial-sync/delete", `{"done":true}`, ""},
	{"initial-sync/summary", `{"run":"golden","mode":"repair","ok":true,"agree":true,`, ""},
}

// The payloads of the state machine, in order, are a run: it stops in the middle,
// is carried on, and ends.
func TestSteps(t *testing.T) { steps(t, use(t)) }

func steps(t *testing.T, w *world) {
	w.clean()
	if out := w.call(w.payload("initial-sync/plan")); !strings.HasPrefix(out, `fails: there is no run "golden"`) {
		t.Errorf("a run that was not begun: %s", out)
	}
	inMongo("tasks", milkTask(oid))(w)
	inDitto("tasks", `{"_id":"task-001","title":"Buy milk","done":false}`)(w)
	for _, row := range stepRows {
		got := w.call(w.payload(row.file))
		switch {
		case row.fails != "":
			if !strings.HasPrefix(got, "fails: "+row.fails) {
				t.Errorf("%s: %s, want it to fail: %s", row.file, got, row.fails)
			}
		case !strings.HasPrefix(got, row.answer):
			t.Errorf("%s: %s, want %s", row.file, got, row.answer)
		}
	}
	// Without initialSync, the first run takes the baseline; from then on, a run
	// finds what an event was lost of.
	baseline := outcome{
		Mongo:  []string{`tasks ` + milkTask(oid)},
		Ditto:  []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`},
		Ledger: []string{`tasks/` + hex + ` baseline ` + oid, `tasks/"task-001" baseline`},
	}
	w.compare("after the first run", baseline, w.documents())
	inMongo("tasks", `{"_id":"task-002","title":"Buy bread"}`)(w)
	for _, file := range []string{"preflight", "plan", "copy", "plan-ditto", "copy-ditto", "plan-ledger", "copy-ledger", "guard", "delete", "summary"} {
		payload := []byte(strings.Replace(string(w.payload("initial-sync/"+file)), `"run": "golden"`, `"run": "second"`, 1))
		got := w.call(payload)
		if file == "summary" && got != `{"run":"second","mode":"repair","ok":true,"agree":true,"compared":3}` {
			t.Errorf("summary %s", got)
		}
	}
	repaired := baseline
	repaired.Mongo = append(repaired.Mongo, `tasks {"_id":"task-002","title":"Buy bread"}`)
	repaired.Ditto = append(repaired.Ditto, `tasks {"_id":"task-002","title":"Buy bread"}`)
	repaired.Ledger = append(repaired.Ledger, `tasks/"task-002" live "task-002"`)
	w.compare("after the second run", repaired, w.documents())
	if log := w.log.take(); strings.Contains(log, "Buy milk") {
		t.Errorf("the log shows contents:\n%s", log)
	}
	if got := w.call(w.payload("initial-sync/preflight-resume")); got != "fails: run golden is done: there is nothing to carry on" {
		t.Errorf("a run that is done: %s", got)
	}
	w.clean()
}

// call runs a step and returns its answer as it is, or the error.
func (w *world) call(payload []byte) string {
	w.t.Helper()
	out, err := w.functions[initialSync].Invoke(w.t.Context(), payload)
	var failed *lambda.Error
	switch {
	case errors.As(err, &failed):
		return "fails: " + failed.Message
	case err != nil:
		w.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
