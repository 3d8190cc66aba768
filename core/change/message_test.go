package change_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/value"
)

func TestMessage(t *testing.T) {
	when := time.Date(2026, 11, 23, 7, 15, 0, 123e6, time.UTC)
	for _, tc := range []struct {
		name string
		hint change.Hint
		want string
	}{
		{"Mongo", change.Hint{Collection: "tasks", MongoIDs: ids(t, oid(t)), Side: value.MongoDB, Op: change.Upsert, At: when}, `{"v":1,"collection":"tasks","mongoId":{"$oid":"` + hex + `"},"side":"mongodb","op":"upsert","at":"2026-11-23T07:15:00.123Z","tries":0}`},
		{"Candidates", change.Hint{Collection: "tasks", MongoIDs: ids(t, oid(t), hex), Side: value.MongoDB, Op: change.Remove, Tries: 3}, `{"v":1,"collection":"tasks","mongoIds":[{"$oid":"` + hex + `"},"` + hex + `"],"side":"mongodb","op":"remove","tries":3}`},
		{"Int", change.Hint{Collection: "tasks", MongoIDs: ids(t, int64(5)), Side: value.MongoDB, Op: change.Sweep}, `{"v":1,"collection":"tasks","mongoId":{"$numberLong":"5"},"side":"mongodb","op":"sweep","tries":0}`},
		{"Ditto", ditto("people", `{"a":1,"b":"<x>"}`, change.Remove, 552789), `{"v":1,"collection":"people","dittoId":{"a":1,"b":"<x>"},"side":"ditto","op":"remove","txn":552789,"tries":0}`},
		{"Digest", shows(ditto("people", `"a"`, change.Upsert, 5), `{"n":1}`), `{"v":1,"collection":"people","dittoId":"a","side":"ditto","op":"upsert","txn":5,"digest":"` + shows(change.Hint{}, `{"n":1}`).Digest.String() + `","tries":0}`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			body, err := tc.hint.Message()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, string(body)); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			check(t, decoder.Decode(body), hints(tc.hint), "")
			body, err = tc.hint.Again().Message()
			if err != nil {
				t.Fatal(err)
			}
			if got := decoder.Decode(body); got.Hints[0].Tries != tc.hint.Tries+1 {
				t.Errorf("tries %d, want one more than %d", got.Hints[0].Tries, tc.hint.Tries)
			}
		})
	}
	t.Run("Notice", func(t *testing.T) {
		n := change.Notice{Collection: "tasks", Side: value.MongoDB, Reason: "drop", Txn: 4, At: when}
		body, err := n.Message()
		if err != nil {
			t.Fatal(err)
		}
		check(t, decoder.Decode(body), change.Batch{Notices: []change.Notice{n}}, "")
	})
	t.Run("SideFromID", func(t *testing.T) {
		b := decoder.Decode([]byte(`{"v":1,"collection":"tasks","dittoId":"a","op":"upsert"}`))
		check(t, b, hints(ditto("tasks", `"a"`, change.Upsert, 0)), "")
	})
	t.Run("NoDigest", func(t *testing.T) {
		for _, digest := range []string{`""`, `"zz"`, `"` + strings.Repeat("00", 17) + `"`, `5`, `null`} {
			b := decoder.Decode([]byte(`{"v":1,"collection":"tasks","dittoId":"a","op":"upsert","digest":` + digest + `}`))
			check(t, b, hints(ditto("tasks", `"a"`, change.Upsert, 0)), "")
		}
	})
	t.Run("ErrTooLarge", func(t *testing.T) {
		_, err := ditto("tasks", `"`+strings.Repeat("x", change.MaxMessage)+`"`, change.Upsert, 1).Message()
		if err == nil {
			t.Fatal("no error")
		}
	})
}

func TestMessageErrors(t *testing.T) {
	for name, tc := range map[string]struct{ body, err string }{
		"Version":    {`{"v":2,"collection":"tasks","op":"upsert","dittoId":"a"}`, "newer release"},
		"Op":         {`{"v":1,"collection":"tasks","op":"x","dittoId":"a"}`, "op is none of"},
		"Collection": {`{"v":1,"op":"upsert","dittoId":"a"}`, "collection is missing"},
		"Key":        {`{"v":1,"collection":"tasks","op":"upsert"}`, "neither mongoId nor dittoId"},
		"Keys":       {`{"v":1,"keys":{}}`, "keys is not an array"},
		"KeyKind":    {`{"v":1,"keys":[5]}`, "not an object"},
		"DittoID":    {`{"v":1,"collection":"tasks","op":"upsert","dittoId":null}`, "dittoId"},
		"MongoID":    {`{"v":1,"collection":"tasks","op":"upsert","mongoId":{"$oid":"x"}}`, "mongoId"},
		"Kind":       {`{"hello":1}`, "neither an Atlas trigger event"},
		"NotJSON":    {`hello`, "not JSON"},
		"NotUTF8":    {"{\"v\":1,\"collection\":\"tasks\",\"op\":\"upsert\",\"dittoId\":\"\xc8\"}", "not JSON"},
		"Scalar":     {`"hello"`, "not a JSON object"},
		"Nested":     {`[[]]`, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			check(t, decoder.Decode([]byte(tc.body)), change.Batch{}, tc.err)
		})
	}
	t.Run("UnknownCollection", func(t *testing.T) {
		b := decoder.Decode([]byte(`{"v":1,"collection":"gone","op":"upsert","dittoId":"a"}`))
		check(t, b, change.Batch{Ignored: []change.Ignored{{Collection: "gone", Reason: change.ReasonCollection}}}, "")
	})
}

func TestPack(t *testing.T) {
	var hs []change.Hint
	for i := range 250 {
		hs = append(hs, ditto("tasks", fmt.Sprintf(`"k%03d"`, i), change.Upsert, int64(i+1)))
	}
	n := change.Notice{Side: value.Ditto, Reason: "requeryRequired", Txn: 9}
	bodies, err := change.Pack(hs, []change.Notice{n})
	if err != nil {
		t.Fatal(err)
	}
	var got change.Batch
	for _, body := range bodies {
		b := decoder.Decode(body)
		if len(b.Hints)+len(b.Notices) > change.MaxKeys {
			t.Errorf("%d keys in a message", len(b.Hints))
		}
		got.Hints = append(got.Hints, b.Hints...)
		got.Notices = append(got.Notices, b.Notices...)
		got.Errs = append(got.Errs, b.Errs...)
	}
	check(t, got, change.Batch{Hints: hs, Notices: []change.Notice{n}}, "")
	if len(bodies) != 3 {
		t.Errorf("%d messages, want 3", len(bodies))
	}
}

func TestPackBySize(t *testing.T) {
	var hs []change.Hint
	for i := range 10 {
		hs = append(hs, change.Hint{
			Collection: "tasks", Op: change.Upsert, Side: value.MongoDB,
			MongoIDs: ids(t, strings.Repeat("x", change.MaxMessage/4)+fmt.Sprint(i)),
		})
	}
	bodies, err := change.Pack(hs, nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, body := range bodies {
		if len(body) > change.MaxMessage {
			t.Errorf("message of %d bytes", len(body))
		}
		seen += len(decoder.Decode(body).Hints)
	}
	if seen != len(hs) {
		t.Errorf("%d keys came through, want %d", seen, len(hs))
	}
	t.Run("One", func(t *testing.T) {
		bodies, err := change.Pack(hs[:1], nil)
		if err != nil {
			t.Fatal(err)
		}
		single, err := hs[0].Message()
		if err != nil {
			t.Fatal(err)
		}
		if string(bodies[0]) != string(single) {
			t.Error("one key is not written in the single form")
		}
	})
	t.Run("None", func(t *testing.T) {
		if bodies, err := change.Pack(nil, nil); err != nil || bodies != nil {
			t.Errorf("%d messages, error %v", len(bodies), err)
		}
	})
}

// EventBridge may leave a field out, empty or null where the event lacks it.
func TestRuleMissingFields(t *testing.T) {
	want := change.Batch{Notices: []change.Notice{{Side: value.MongoDB, Reason: "invalidate", At: at}}}
	for name, v := range map[string]string{"Empty": `""`, "Null": `null`} {
		t.Run(name, func(t *testing.T) {
			body := strings.NewReplacer("$", v).Replace(`{"v":1,"rule":1,"operationType":"invalidate","db":$,"coll":$,"id":$,"toDb":$,"toColl":$,"clusterTime":$,"detailType":$,"at":"2021-09-23T16:30:23Z"}`)
			check(t, decoder.Decode([]byte(body)), want, "")
		})
	}
	t.Run("LeftOut", func(t *testing.T) {
		check(t, decoder.Decode([]byte(`{"v":1,"rule":1,"operationType":"invalidate","at":"2021-09-23T16:30:23Z"}`)), want, "")
	})
	t.Run("ErrNoID", func(t *testing.T) {
		check(t, decoder.Decode([]byte(`{"v":1,"rule":1,"operationType":"insert","db":"test-db","coll":"tasks","id":""}`)), change.Batch{}, "documentKey")
	})
	t.Run("ErrNotJSON", func(t *testing.T) {
		if _, err := change.ApplyRule([]byte(`{`)); !change.IsUndecodable(err) {
			t.Errorf("error %v", err)
		}
	})
}

func TestRuleKeepsNumbers(t *testing.T) {
	flat, err := change.ApplyRule([]byte(envelope(changeEvent("insert", `{"$numberLong":"9007199254740993"}`, extendedClock))))
	if err != nil {
		t.Fatal(err)
	}
	check(t, decoder.Decode(flat), hints(change.Hint{
		Collection: "tasks", MongoIDs: ids(t, int64(9007199254740993)), Side: value.MongoDB, Op: change.Upsert, At: at,
	}), "")
}
