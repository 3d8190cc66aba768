package change_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/value"
)

// FuzzEvent: each body yields something: hints, notices, a reason to ignore it,
// or an error (invariant 1). A hint names a pair of a configured collection of
// this database, and survives the queue, alone or packed, which carries nothing
// but keys (invariant 10). EventBridge's rule makes the same hint of an event.
// The internet can name no document of MongoDB's.
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`[]`, `{}`, ` `, `[{"v":1}]`, `{"v":1,"keys":[{"collection":"tasks","op":"upsert","dittoId":1}]}`,
		`{"operationType":"insert","ns":{"db":"test-db","coll":"tasks"},"documentKey":{"_id":{"a":"10.9","b":[{"T":1,"I":2}]}}}`,
		`{"type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":{"_id":{"b":1.0,"a":"\u00e9\ud800"}}}}`,
		`{"detail":{"operationType":"update","ns":{"db":"admin","coll":"tasks"},"documentKey":{"_id":1}}}`,
		`{"detail":{"operationType":"rename","ns":{"db":"admin","coll":"x"},"to":{"db":"test-db","coll":"tasks"}}}`,
		`{"detail":{"operationType":"insert","ns":{"db":"test-db","coll":"__causeway_ledger"},"documentKey":{"_id":1}}}`,
	} {
		f.Add([]byte(seed))
	}
	seeds := 0
	err := filepath.WalkDir("../../events", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".json" {
			return err
		}
		body, err := os.ReadFile(path)
		f.Add(body)
		seeds++
		return err
	})
	if err != nil || seeds == 0 {
		f.Fatalf("%d golden events, error %v", seeds, err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		b, outside := decoder.Decode(body), decoder.Ditto(body)
		for _, b := range []change.Batch{b, outside} {
			if len(b.Hints)+len(b.Notices)+len(b.Ignored)+len(b.Errs) == 0 && !empty(body) {
				t.Errorf("%q vanishes", body)
			}
			for _, err := range b.Errs {
				if !change.IsUndecodable(err) {
					t.Errorf("error without a class: %v", err)
				}
			}
			for _, h := range b.Hints {
				wellFormed(t, h)
				survives(t, h)
			}
			packs(t, b)
		}
		for _, h := range outside.Hints {
			if h.Side != value.Ditto || len(h.MongoIDs) > 0 || h.Tries > 0 {
				t.Errorf("the internet says %+v", h)
			}
		}
		if len(b.Hints) > 0 && foreign(body) {
			t.Errorf("a hint of another database's event: %q", body)
		}
		ruled(t, body, b)
	})
}

// empty reports whether body is an array or a packed message of no events.
func empty(body []byte) bool {
	var b bytes.Buffer
	return json.Compact(&b, bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf"))) == nil && bytes.Contains(b.Bytes(), []byte("[]"))
}

func wellFormed(t *testing.T, h change.Hint) {
	if decoder.Manifest.Collection(h.Collection) == nil || len(h.MongoIDs) == 0 && h.DittoID.IsZero() || h.Tries < 0 ||
		!slices.Contains([]change.Op{change.Upsert, change.Remove, change.Sweep}, h.Op) || h.Side != value.MongoDB && h.Side != value.Ditto {
		t.Errorf("hint %+v", h)
	}
}

// fields are what a message may have.
var fields = []string{"v", "collection", "mongoId", "mongoIds", "dittoId", "side", "op", "txn", "digest", "at", "tries"}

func survives(t *testing.T, h change.Hint) {
	msg, err := h.Message()
	if err != nil {
		return // too large
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(msg, &m); err != nil {
		t.Fatalf("%s: %v", msg, err)
	}
	for name := range m {
		if !slices.Contains(fields, name) {
			t.Errorf("%s carries %s", msg, name)
		}
	}
	got := decoder.Decode(msg)
	if len(got.Hints) > 0 {
		h.At = got.Hints[0].At // to the millisecond
	}
	if diff := cmp.Diff(hints(h), got, cmp.Comparer(sameRaw)); diff != "" {
		t.Fatalf("%s\nkey changed in the queue (-want +got):\n%s", msg, diff)
	}
}

// packs puts a batch into as few messages as may be, and reads them.
func packs(t *testing.T, b change.Batch) {
	bodies, err := change.Pack(b.Hints, b.Notices)
	if err != nil {
		return // a key is too large
	}
	var got change.Batch
	for _, body := range bodies {
		if len(body) > change.MaxMessage {
			t.Errorf("a message of %d bytes", len(body))
		}
		one := decoder.Decode(body)
		if n := len(one.Hints) + len(one.Notices); n > change.MaxKeys || n == 0 || len(one.Ignored)+len(one.Errs) > 0 {
			t.Errorf("%s: %d keys, ignored %v, errors %v", body, n, one.Ignored, one.Errs)
		}
		got.Hints, got.Notices = append(got.Hints, one.Hints...), append(got.Notices, one.Notices...)
	}
	if len(got.Hints) != len(b.Hints) || len(got.Notices) != len(b.Notices) {
		t.Fatalf("%d hints and %d notices of %d and %d", len(got.Hints), len(got.Notices), len(b.Hints), len(b.Notices))
	}
	for i, h := range b.Hints {
		h.At = got.Hints[i].At
		if diff := cmp.Diff(h, got.Hints[i], cmp.Comparer(sameRaw)); diff != "" {
			t.Errorf("hint %d (-want +got):\n%s", i, diff)
		}
	}
}

// foreign reports whether body is a single trigger event that encoding/json
// reads as one of another database.
func foreign(body []byte) bool {
	detail := detailOf(body)
	if detail == nil {
		return false
	}
	db := func(name string) string {
		ns, _ := detail[name].(map[string]any)
		db, _ := ns["db"].(string)
		return db
	}
	return db("ns") != "" && db("ns") != decoder.Manifest.Database && db("to") != decoder.Manifest.Database
}

// detailOf is what a trigger event holds in EventBridge's envelope; nil for
// anything else.
func detailOf(body []byte) map[string]any {
	var e map[string]any
	if json.Unmarshal(body, &e) != nil || e["v"] != nil {
		return nil
	}
	detail, _ := e["detail"].(map[string]any)
	return detail
}

// ruled: what EventBridge's rule makes of an event names the same pair, or is
// refused for want of a field.
func ruled(t *testing.T, body []byte, b change.Batch) {
	flat, err := change.ApplyRule(body)
	if err != nil || len(b.Hints) != 1 || detailOf(body) == nil {
		return
	}
	want, r := b.Hints[0], decoder.Decode(flat)
	if len(r.Hints)+len(r.Errs) != 1 {
		t.Fatalf("%s becomes %s, and that %+v", body, flat, r)
	}
	for _, got := range r.Hints {
		got.At = want.At
		if diff := cmp.Diff(want, got, cmp.Comparer(sameRaw)); diff != "" {
			t.Errorf("%s\nby way of the rule (-event +rule):\n%s", flat, diff)
		}
	}
}
