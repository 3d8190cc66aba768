package change_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/change"
)

// others are names of which no event is for this deployment, and why.
var others = []struct{ db, coll, reason string }{
	{"test-db", "__causeway_ledger", change.ReasonOwn},
	{"test-db", "__causeway_conflicts", change.ReasonOwn},
	{"test-db", "__causeway_runs", change.ReasonOwn},
	{"test-db", "__causeway_", change.ReasonOwn},
	{"test-db", "__ditto_unsynced_documents", change.ReasonOwn},
	{"test-db", change.Canary, change.ReasonCanary},
	{"test-db", "system.profile", change.ReasonCollection},
	{"test-db", "system.views", change.ReasonCollection},
	{"test-db", "$cmd", change.ReasonCollection},
	{"test-db", "tasks.$cmd", change.ReasonCollection},
	{"test-db", "Tasks", change.ReasonCollection},
	{"test-db", "tasks ", change.ReasonCollection},
	{"test-db", "tasks\x00", change.ReasonCollection},
	{"test-db", "tasks`", change.ReasonCollection},
	{"test-db", "persons", change.ReasonCollection}, // Ditto's name of another
	{"test-db", "test-db.tasks", change.ReasonCollection},
	{"test-db", "", change.ReasonCollection},
	{"admin", "tasks", change.ReasonDatabase},
	{"config", "tasks", change.ReasonDatabase},
	{"local", "oplog.rs", change.ReasonDatabase},
	{"other", "tasks", change.ReasonDatabase},
	{"TEST-DB", "tasks", change.ReasonDatabase},
	{"test-db\x00", "tasks", change.ReasonDatabase},
	{"test-db.tasks", "tasks", change.ReasonDatabase},
	{"test-db ", "__causeway_ledger", change.ReasonDatabase},
}

func quote(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whatever an event's operation and shape, it names no pair of another
// database, or of a collection that is not configured.
func TestHostileNamespaces(t *testing.T) {
	for _, o := range others {
		for _, op := range []string{"insert", "update", "replace", "delete"} {
			t.Run(fmt.Sprintf("%s.%s/%s", o.db, o.coll, op), func(t *testing.T) {
				detail := fmt.Sprintf(`{"operationType":%q,"ns":{"db":%s,"coll":%s},"documentKey":{"_id":"a"},"fullDocument":{"_id":"a","ns":{"db":"test-db","coll":"tasks"}}}`,
					op, quote(t, o.db), quote(t, o.coll))
				event := `{"detail-type":"MongoDB Database Trigger for test-db.tasks","source":"x","detail":` + detail + `}`
				flat, err := change.ApplyRule([]byte(event))
				if err != nil {
					t.Fatal(err)
				}
				want := change.Batch{Ignored: []change.Ignored{{Collection: o.coll, Reason: o.reason}}}
				for shape, body := range map[string][]byte{"envelope": []byte(event), "bare": []byte(detail), "rule": flat} {
					if diff := cmp.Diff(want, decoder.Decode(body)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", shape, diff)
					}
				}
			})
		}
		t.Run(o.db+"."+o.coll+"/others", func(t *testing.T) {
			for _, op := range []string{"drop", "rename", "invalidate"} {
				b := decoder.Decode([]byte(fmt.Sprintf(`{"operationType":%q,"ns":{"db":%s,"coll":%s},"to":{"db":"x","coll":"tasks"}}`, op, quote(t, o.db), quote(t, o.coll))))
				if n := len(b.Notices); n > 0 && (o.coll != "" || o.db != "test-db") {
					t.Errorf("%s requests %d sweeps", op, n)
				}
			}
			if o.db != "test-db" || o.coll == "persons" || o.coll == "" {
				return
			}
			for shape, body := range map[string]string{
				"message": `{"v":1,"collection":` + quote(t, o.coll) + `,"mongoId":"a","op":"remove"}`,
				"packed":  `{"v":1,"keys":[{"collection":` + quote(t, o.coll) + `,"dittoId":"a","op":"remove"}]}`,
				"notice":  `{"v":1,"collection":` + quote(t, o.coll) + `,"op":"notice","reason":"drop"}`,
				"ditto":   `{"type":"documentChanged","collection":` + quote(t, o.coll) + `,"change":{"method":"remove","oldValue":{"_id":"a"}}}`,
				"requery": `{"type":"requeryRequired","collection":` + quote(t, o.coll) + `}`,
			} {
				if b := decoder.Decode([]byte(body)); len(b.Hints)+len(b.Notices) > 0 || len(b.Ignored) != 1 {
					t.Errorf("%s: %+v", shape, b)
				}
			}
		})
	}
}

// An error says what is wrong, however long what it is about.
func TestHostileErrorsAreShort(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, body := range []string{
		`{"operationType":"` + long + `","ns":{"db":"test-db","coll":"tasks"}}`,
		`{"source":"` + long + `","detail":{}}`,
		`{"type":"` + long + `"}`,
		`{"type":"documentChanged","collection":"tasks","change":{"method":"` + long + `"}}`,
		`{"type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":{"_id":"` + long + `"}}}`,
		`{"v":"` + long + `"}`,
		`{"v":1,"collection":"tasks","op":"` + long + `"}`,
		`{"v":1,"collection":"tasks","op":"upsert","mongoId":{"$oid":"` + long + `"}}`,
	} {
		if b := decoder.Decode([]byte(body)); b.Err() == nil || len(b.Err().Error()) > 1000 {
			t.Errorf("%.80s: error %.200v", body, b.Err())
		}
	}
}
