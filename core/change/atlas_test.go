package change_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/value"
)

const (
	plainClock    = `{"T":1632414623,"I":8}`
	extendedClock = `{"$timestamp":{"t":1632414623,"i":8}}`
)

// envelope wraps a change event as EventBridge does.
func envelope(detail string) string {
	return fmt.Sprintf(`{"version":"0","id":"d2fc426c-8814-3a84-7e80-3a18ec260661",
 "detail-type":"MongoDB Database Trigger for test-db.tasks",
 "source":"aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f","account":"044086777883",
 "time":"2021-09-23T16:30:23Z","region":"us-east-1",
 "resources":["arn:aws:events:us-east-1::event-source/aws.partner/mongodb.com/stitch.trigger/614b4cb6b23f417e5e559c3f"],
 "detail":%s}`, detail)
}

// changeEvent is a change event of test-db.tasks.
func changeEvent(op, id, clock string) string {
	return fmt.Sprintf(`{"_id":{"_data":"8261"},"operationType":%q,"clusterTime":%s,"ns":{"db":"test-db","coll":"tasks"},
 "documentKey":{"region":"eu","_id":%s},"fullDocument":{"_id":%[3]s,"_ID":1,"title":"secret"}}`, op, clock, id)
}

// beats is what heartbeats of those numbers decode to.
func beats(ns ...int64) change.Batch {
	return change.Batch{Ignored: []change.Ignored{{Collection: change.Canary, Reason: change.ReasonCanary}}, Beats: ns}
}

// A heartbeat is known by its number, in whatever form the trigger writes it.
// What is no heartbeat of ours, and the removal of one, is ignored.
func TestDecodeBeat(t *testing.T) {
	for id, want := range map[string]change.Batch{
		`7`:                      beats(7),
		`{"$numberLong":"7"}`:    beats(7),
		`{"$numberInt":"7"}`:     beats(7),
		`"7"`:                    beats(),
		`{"$oid":"` + hex + `"}`: beats(),
		`{"site":1}`:             beats(),
		`7.5`:                    beats(),
	} {
		detail := func(op string) []byte {
			return []byte(envelope(`{"operationType":"` + op + `","ns":{"db":"test-db","coll":"` + change.Canary + `"},"documentKey":{"_id":` + id + `}}`))
		}
		check(t, decoder.Decode(detail("insert")), want, "")
		check(t, decoder.Decode(detail("delete")), beats(), "")
		flat, err := change.ApplyRule(detail("insert"))
		if err != nil {
			t.Fatal(err)
		}
		check(t, decoder.Decode(flat), want, "")
	}
}

func TestDecodeTriggerEvent(t *testing.T) {
	mongo := func(op change.Op, id ...any) change.Batch {
		return hints(change.Hint{Collection: "tasks", MongoIDs: ids(t, id...), Side: value.MongoDB, Op: op, At: at})
	}
	notice := func(coll, reason string) change.Batch {
		return change.Batch{Notices: []change.Notice{{Collection: coll, Side: value.MongoDB, Reason: reason, At: at}}}
	}
	ignored := func(coll, reason string) change.Batch {
		return change.Batch{Ignored: []change.Ignored{{Collection: coll, Reason: reason}}}
	}
	ns := func(op, db, coll string) string {
		return fmt.Sprintf(`{"operationType":%q,"clusterTime":%s,"ns":{"db":%q,"coll":%q},"documentKey":{"_id":1}}`, op, plainClock, db, coll)
	}
	for _, tc := range []struct {
		name, detail string
		want         change.Batch
		err          string
	}{
		{"PlainInsert", changeEvent("insert", `"`+hex+`"`, plainClock), mongo(change.Upsert, oid(t), hex), ""},
		{"PlainUpdate", changeEvent("update", `"task-001"`, plainClock), mongo(change.Upsert, "task-001"), ""},
		{"PlainReplace", changeEvent("replace", `"task-001"`, plainClock), mongo(change.Upsert, "task-001"), ""},
		{"PlainDelete", changeEvent("delete", `"task-001"`, plainClock), mongo(change.Remove, "task-001"), ""},
		{"ExtendedInsert", changeEvent("insert", `{"$oid":"`+hex+`"}`, extendedClock), mongo(change.Upsert, oid(t)), ""},
		{"ExtendedString", changeEvent("insert", `"`+hex+`"`, extendedClock), mongo(change.Upsert, hex), ""},
		{"CanonicalInt", changeEvent("insert", `{"$numberInt":"5"}`, extendedClock), mongo(change.Upsert, int32(5)), ""},
		{"RelaxedInt", changeEvent("insert", `5`, extendedClock), mongo(change.Upsert, int32(5), int64(5), 5.0), ""},
		{"NodeTimestamp", changeEvent("insert", `{"$oid":"`+hex+`"}`, `{"$timestamp":"7011167420079144968"}`), mongo(change.Upsert, oid(t)), ""},
		{"NoClusterTime", `{"operationType":"insert","ns":{"db":"test-db","coll":"tasks"},"documentKey":{"_id":{"$oid":"` + hex + `"}}}`, mongo(change.Upsert, oid(t)), ""},
		{"NoDocumentKey", `{"operationType":"insert","ns":{"db":"test-db","coll":"tasks"},"fullDocument":{"_id":"a"}}`, mongo(change.Upsert, "a"), ""},
		{"NoNamespace", `{"operationType":"delete","documentKey":{"_id":"a"}}`, mongo(change.Remove, "a"), ""},
		{"NullFullDocument", `{"operationType":"update","ns":{"db":"test-db","coll":"tasks"},"fullDocument":null,"documentKey":{"_id":"a"}}`, mongo(change.Upsert, "a"), ""},
		{"Drop", ns("drop", "test-db", "tasks"), notice("tasks", "drop"), ""},
		{"DropDatabase", `{"operationType":"dropDatabase","ns":{"db":"test-db"}}`, notice("", "dropDatabase"), ""},
		{"Invalidate", `{"operationType":"invalidate","clusterTime":` + plainClock + `}`, notice("tasks", "invalidate"), ""},
		{"RenameInto", `{"operationType":"rename","ns":{"db":"other","coll":"x"},"to":{"db":"test-db","coll":"tasks"}}`, notice("tasks", "rename"), ""},
		{"RenameOfOther", `{"operationType":"rename","ns":{"db":"test-db","coll":"x"},"to":{"db":"test-db","coll":"y"}}`, ignored("x", change.ReasonCollection), ""},
		{"DropOfOther", ns("drop", "test-db", "x"), ignored("x", change.ReasonCollection), ""},
		{"Create", ns("create", "test-db", "tasks"), ignored("tasks", change.ReasonNoDocument), ""},
		{"UnknownDatabase", ns("insert", "prod", "tasks"), ignored("tasks", change.ReasonDatabase), ""},
		{"UnknownCollection", ns("insert", "test-db", "logs"), ignored("logs", change.ReasonCollection), ""},
		{"Canary", ns("update", "test-db", change.Canary), beats(1), ""},
		{"Ledger", ns("update", "test-db", "__causeway_ledger"), ignored("__causeway_ledger", change.ReasonOwn), ""},
		{"Unsynced", ns("update", "test-db", "__ditto_unsynced_documents"), ignored("__ditto_unsynced_documents", change.ReasonOwn), ""},
		{"ErrUnknownOperation", ns("explode", "test-db", "tasks"), change.Batch{}, `unknown operation "explode"`},
		{"ErrNoID", `{"operationType":"insert","ns":{"db":"test-db","coll":"tasks"}}`, change.Batch{}, "no documentKey._id"},
		{"ErrArrayID", changeEvent("insert", `[1]`, plainClock), change.Batch{}, "array"},
		{"ErrNotATrigger", `{"bucket":"x"}`, change.Batch{}, "operationType is missing"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			check(t, decoder.Decode([]byte(envelope(tc.detail))), tc.want, tc.err)
			flat, err := change.ApplyRule([]byte(envelope(tc.detail)))
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(flat), "secret") || strings.Contains(string(flat), "region") {
				t.Errorf("rule lets contents through: %s", flat)
			}
			if tc.name == "NoDocumentKey" { // the rule has no way to fall back
				check(t, decoder.Decode(flat), change.Batch{}, "no documentKey._id")
				return
			}
			if tc.name == "ErrNotATrigger" {
				check(t, decoder.Decode(flat), change.Batch{}, "operationType")
				return
			}
			check(t, decoder.Decode(flat), tc.want, tc.err)
		})
	}
}

func TestDecodeTriggerEventTimes(t *testing.T) {
	wall := time.Date(2021, 9, 23, 16, 30, 23, 45e6, time.UTC)
	for name, field := range map[string]string{
		"Plain":     `"2021-09-23T16:30:23.045Z"`,
		"Relaxed":   `{"$date":"2021-09-23T16:30:23.045Z"}`,
		"Canonical": fmt.Sprintf(`{"$date":{"$numberLong":"%d"}}`, wall.UnixMilli()),
	} {
		t.Run(name, func(t *testing.T) {
			b := decoder.Decode([]byte(`{"operationType":"delete","ns":{"db":"test-db","coll":"tasks"},"documentKey":{"_id":"a"},"wallTime":` + field + `}`))
			if b.Err() != nil || !b.Hints[0].At.Equal(wall) {
				t.Errorf("at %v, error %v, want %v", b.Hints[0].At, b.Err(), wall)
			}
		})
	}
}

func TestDecodeIDs(t *testing.T) {
	date := bson.NewDateTimeFromTime(time.Date(2024, 5, 6, 7, 8, 9, 123e6, time.UTC))
	dec, err := bson.ParseDecimal128("10.99")
	if err != nil {
		t.Fatal(err)
	}
	bin := bson.Binary{Subtype: 4, Data: []byte{1, 2, 3}}
	for _, tc := range []struct {
		name, id, clock string
		want            []any
	}{
		{"Date", `"2024-05-06T07:08:09.123Z"`, plainClock, []any{"2024-05-06T07:08:09.123Z", date}},
		{"DateOtherSpelling", `"2024-05-06T07:08:09.1230Z"`, plainClock, []any{"2024-05-06T07:08:09.1230Z"}},
		{"UpperCaseHex", `"614CAB95890E884A9264002A"`, plainClock, []any{"614CAB95890E884A9264002A"}},
		{"Decimal", `"10.99"`, plainClock, []any{"10.99", dec}},
		{"Integer", `5`, plainClock, []any{int32(5), int64(5), 5.0}},
		{"BeyondDoubles", `9007199254740993`, plainClock, []any{int64(9007199254740993)}},
		{"Fraction", `1.5`, plainClock, []any{1.5}},
		{"Bool", `true`, plainClock, []any{true}},
		{"Null", `null`, plainClock, []any{bson.Null{}}},
		{"Binary", `{"Subtype":4,"Data":"AQID"}`, plainClock, []any{bin, bson.D{{Key: "Subtype", Value: int32(4)}, {Key: "Data", Value: "AQID"}}}},
		{"Timestamp", `{"T":5,"I":6}`, plainClock, []any{bson.Timestamp{T: 5, I: 6}, bson.D{{Key: "T", Value: int32(5)}, {Key: "I", Value: int32(6)}}}},
		{"MinKey", `{}`, plainClock, []any{bson.MinKey{}, bson.MaxKey{}, bson.D{}}},
		{"Compound", `{"z":"x","a":{"when":"2024-05-06T07:08:09.123Z"}}`, plainClock, []any{
			bson.D{{Key: "z", Value: "x"}, {Key: "a", Value: bson.D{{Key: "when", Value: "2024-05-06T07:08:09.123Z"}}}},
			bson.D{{Key: "z", Value: "x"}, {Key: "a", Value: bson.D{{Key: "when", Value: date}}}},
		}},
		{"CompoundArray", `{"a":["` + hex + `"]}`, plainClock, []any{
			bson.D{{Key: "a", Value: bson.A{oid(t)}}},
			bson.D{{Key: "a", Value: bson.A{hex}}},
		}},
		{"ExtendedDate", `{"$date":{"$numberLong":"1714979289123"}}`, extendedClock, []any{date}},
		{"RelaxedDate", `{"$date":"2024-05-06T07:08:09.123Z"}`, extendedClock, []any{date}},
		{"ExtendedBinary", `{"$binary":{"base64":"AQID","subType":"04"}}`, extendedClock, []any{bin}},
		{"ExtendedTimestamp", `{"$timestamp":{"t":5,"i":6}}`, extendedClock, []any{bson.Timestamp{T: 5, I: 6}}},
		{"NodeTimestamp", `{"$timestamp":"21474836486"}`, extendedClock, []any{bson.Timestamp{T: 5, I: 6}}},
		{"ExtendedCompound", `{"z":{"$numberLong":"1"},"a":"` + hex + `"}`, extendedClock, []any{bson.D{{Key: "z", Value: int64(1)}, {Key: "a", Value: hex}}}},
		{"UnknownForm", `"` + hex + `"`, `null`, []any{oid(t), hex}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := decoder.Decode([]byte(changeEvent("insert", tc.id, tc.clock)))
			want := hints(change.Hint{Collection: "tasks", MongoIDs: ids(t, tc.want...), Side: value.MongoDB, Op: change.Upsert, At: at})
			if tc.clock == `null` {
				want.Hints[0].At = time.Time{}
			}
			check(t, b, want, "")
		})
	}
	t.Run("ErrTooManyMeanings", func(t *testing.T) {
		var parts []string
		for i := range 8 {
			parts = append(parts, fmt.Sprintf(`"k%d":%q`, i, hex))
		}
		b := decoder.Decode([]byte(changeEvent("insert", "{"+strings.Join(parts, ",")+"}", plainClock)))
		check(t, b, change.Batch{}, "switch the trigger to Extended JSON")
	})
}

// An `_id` is what a user of MongoDB makes it: of any length and depth, and of
// texts that each have several meanings.
func TestHostileID(t *testing.T) {
	const name = `"` + hex + `"`
	for _, tc := range []struct {
		name, id string
		hints    int
		err      string
	}{
		{"Long", `{"a":[` + strings.Repeat(`1,`, 60_000) + `1]}`, 1, ""},
		{"AmbiguousArray", `{"a":[` + strings.Repeat(name+`,`, 9_000) + `1]}`, 0, "more than 64"},
		{"AmbiguousFields", `{` + strings.Repeat(`"a":`+name+`,`, 8_000) + `"b":1}`, 0, "more than 64"},
		{"AmbiguousFew", `{"a":` + name + `,"b":[` + name + `,{"c":` + name + `}]}`, 1, ""},
		{"BrokenWrapper", `{"$oid":"614cab95890e884q9264002a"}`, 0, "field of such a name"},
		{"LooksExtended", `{"$oid":"x","y":1}`, 0, "field of such a name"},
		{"Operator", `{"a":{"$where":"sleep(1000)"}}`, 0, "field of such a name"},
		{"DBRef", `{"$ref":"tasks","$id":"x"}`, 1, ""},
		{"DeepDocuments", strings.Repeat(`{"a":`, 5_000) + "1" + strings.Repeat(`}`, 5_000), 0, "nested that deeply"},
		{"DeepArrays", `{"a":` + strings.Repeat(`[`, 5_000) + "1" + strings.Repeat(`]`, 5_000) + `}`, 0, "nested that deeply"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := decoder.Decode([]byte(`{"operationType":"insert","ns":{"db":"test-db","coll":"tasks"},"documentKey":{"_id":` + tc.id + `}}`))
			if len(b.Hints) != tc.hints || tc.err == "" && b.Err() != nil {
				t.Fatalf("%d hints, error %v", len(b.Hints), b.Err())
			}
			if tc.err != "" && (b.Err() == nil || !strings.Contains(b.Err().Error(), tc.err)) {
				t.Errorf("error %v, want one that says %q", b.Err(), tc.err)
			}
		})
	}
}
