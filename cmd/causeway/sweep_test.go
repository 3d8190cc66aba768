package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/sweep"
)

// What a person writes after --id, and what it can mean.
func TestIDs(t *testing.T) {
	for text, want := range map[string]string{
		"614CAB95890e884a9264002a":   `{"$oid":"614cab95890e884a9264002a"} "614CAB95890e884a9264002a"`,
		"123456789012345678901234":   `{"$oid":"123456789012345678901234"} "123456789012345678901234"`,
		"task-001":                   `"task-001"`,
		`say "hi"`:                   `"say \"hi\""`,
		`"5"`:                        `"5"`,
		"5":                          `5`,
		`{"$numberLong": "5"}`:       `{"$numberLong": "5"}`,
		`{"site": 1}`:                `{"site": 1}`,
		"null":                       `null`,
		`ditto:"task-001"`:           `{"ditto":"task-001"}`,
		"ditto:task-001":             `{"ditto":"task-001"}`,
		`ditto:{"a": "x", "b": "y"}`: `{"ditto":{"a":"x","b":"y"}}`,
	} {
		ids, err := idsOf(text)
		var got []string
		for _, id := range ids {
			got = append(got, string(id))
		}
		if s := strings.Join(got, " "); s != want || err != nil {
			t.Errorf("%s: %s, %v, want %s", text, s, err, want)
		}
	}
	for _, text := range []string{`{"$oid": "x"}`, "ditto:5.5", "ditto:null"} {
		if ids, err := idsOf(text); err == nil {
			t.Errorf("%s: %s, want an error", text, ids)
		}
	}
}

// The result of a run, as a person sees it.
func TestPrintResult(t *testing.T) {
	at := time.Now().Add(-time.Minute)
	s := &sweep.Summary{Run: "repair-x", Mode: sweep.Repair, Started: at, Ended: at, Collections: []sweep.CollectionSummary{{
		Collection: "tasks", Found: sweep.Found{Compared: 50, Equal: 8, MissingInDitto: 1, Different: 1, Unsynced: 1, DeletesInMongoDB: 40},
		Refused: "40 of 50 would be deleted", Failed: []sweep.FailedRange{{Range: "tasks/ditto/rest", Error: "no answer"}},
		Samples: []sweep.Sample{
			{Collection: "tasks", MongoID: `"a"`, State: "missingInDitto", Did: "wrote Ditto"},
			{Collection: "tasks", DittoID: `"b"`, State: "different", Paths: []string{"n", "a.b"}},
			{Collection: "tasks", MongoID: `"c"`, State: "unsynced", Reason: "id-null"},
		},
	}}}
	var out bytes.Buffer
	if err := (&env{stdout: &out}).printSummary(s); err == nil {
		t.Error("a run that did not do all is a success")
	}
	got := []string{}
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Join(strings.Fields(line), " "))
	}
	day := when(at, time.Now())
	want := []string{
		"COLLECTION COMPARED EQUAL NOT IN DITTO NOT IN MONGODB DIFFERENT UNSYNCED LEFT ALONE CHANGING CONFLICTS → DITTO → MONGODB DELETED",
		"tasks 50 8 1 0 1 1 0 0 0 0 0 0", "",
		"COLLECTION ID FOUND DETAILS",
		`tasks "a" not in Ditto wrote Ditto`, `tasks ditto:"b" different fields n, a.b`, `tasks "c" unsynced id-null`, "",
		"tasks: nothing was deleted: 40 of 50 would be deleted",
		"tasks/ditto/rest failed: no answer",
		"→ causeway repair --resume repair-x carries it on",
		"→ causeway unsynced list says what keeps documents from being synced",
		"not everything agrees, as of " + day + " to " + day + " (run repair-x)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for mode, want := range map[sweep.Mode]string{sweep.Verify: "the sides agree", sweep.Initial: "the sides agree"} {
		out.Reset()
		ok := &sweep.Summary{Mode: mode, OK: true, Agree: true, Collections: []sweep.CollectionSummary{{Collection: "tasks", Agree: true}}}
		if err := (&env{stdout: &out}).printSummary(ok); err != nil || !strings.Contains(out.String(), want) {
			t.Errorf("%s: %v\n%s", mode, err, &out)
		}
	}
}
