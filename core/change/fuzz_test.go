package change_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/change"
)

// FuzzEvent: no body makes the decoder panic, every key that it reads survives
// the queue, and each body yields something: hints, notices, a reason to ignore
// it, or an error (invariant 1).
func FuzzEvent(f *testing.F) {
	for _, seed := range []string{
		`[]`, `{}`, ` `, `[{"v":1}]`, `{"v":1,"keys":[{"collection":"tasks","op":"upsert","dittoId":1}]}`,
		`{"operationType":"insert","ns":{"db":"test-db","coll":"tasks"},"documentKey":{"_id":{"a":"10.9","b":[{"T":1,"I":2}]}}}`,
		`{"type":"documentChanged","collection":"tasks","change":{"method":"upsert","newValue":{"_id":{"b":1.0,"a":"\u00e9\ud800"}}}}`,
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
		_ = decoder.Ditto(body)
		_, _ = change.ApplyRule(body)
		b := decoder.Decode(body)
		for _, err := range b.Errs {
			if !change.IsUndecodable(err) {
				t.Errorf("error without a class: %v", err)
			}
		}
		for _, h := range b.Hints {
			msg, err := h.Message()
			if err != nil {
				continue // too large
			}
			got := decoder.Decode(msg)
			h.At = got.Hints[0].At // to the millisecond
			if diff := cmp.Diff(hints(h), got, cmp.Comparer(sameRaw)); diff != "" {
				t.Fatalf("%s\nkey changed in the queue (-want +got):\n%s", msg, diff)
			}
		}
	})
}
