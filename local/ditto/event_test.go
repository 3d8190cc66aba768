package ditto_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/causeway-sync/causeway/local/ditto"
)

// TestEvents goes through every way to change documents, and wants one event
// per document with what it was and what it is.
func TestEvents(t *testing.T) {
	hook := receive(t, nil)
	s := start(t, ditto.Options{Webhook: hook.URL})
	seen := 0
	for _, step := range []struct {
		name, api, statement, args string
		want                       []string
	}{
		{
			"Insert", "v5", "INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"a","n":{"x":1}}}`,
			[]string{`upsert null -> {"_id":"a","n":{"x":1}}`},
		},
		{
			"InsertNothing", "v5", "INSERT INTO c DOCUMENTS (:d) ON ID CONFLICT DO NOTHING", `{"d":[{"_id":"a","n":5},{"_id":"b","v":1.0}]}`,
			[]string{`upsert null -> {"_id":"b","v":1.0}`},
		},
		{
			"InsertUpdate", "v5", "INSERT INTO c DOCUMENTS (:d) ON ID CONFLICT DO UPDATE", `{"d":[{"_id":"a","n":{"y":2}},{"_id":"z"}]}`,
			[]string{`upsert {"_id":"a","n":{"x":1}} -> {"_id":"a","n":{"x":1,"y":2}}`, `upsert null -> {"_id":"z"}`},
		},
		{
			"Update", "v5", "UPDATE c SET n.x = 3 WHERE _id = 'a'", ``,
			[]string{`upsert {"_id":"a","n":{"x":1,"y":2}} -> {"_id":"a","n":{"x":3,"y":2}}`},
		},
		{
			"UpdateToTheSame", "v5", "UPDATE c SET n.x = 3 WHERE _id = 'a'", ``,
			[]string{`upsert {"_id":"a","n":{"x":3,"y":2}} -> {"_id":"a","n":{"x":3,"y":2}}`},
		},
		{"NoMatch", "v5", "UPDATE c SET n.x = 3 WHERE _id = 'q'", ``, nil},
		{
			"TwiceInOneList", "v5", "UPDATE c SET v = 2.0 WHERE _id IN :ids", `{"ids":["b","b"]}`,
			[]string{`upsert {"_id":"b","v":1.0} -> {"_id":"b","v":2.0}`},
		},
		{
			"OwnReturning", "v5", "UPDATE c SET v = 3 WHERE _id = 'b' RETURNING v", ``,
			[]string{`upsert {"_id":"b","v":2.0} -> {"_id":"b","v":3}`},
		},
		{
			"Declared", "v5", "UPDATE COLLECTION c (m MAP) SET m.k = 1 WHERE _id = 'b'", ``,
			[]string{`upsert {"_id":"b","v":3} -> {"_id":"b","m":{"k":1},"v":3}`},
		},
		{
			"StrictUpdateShowsMaps", "v4", "UPDATE c SET v = 4 WHERE _id = 'b'", ``,
			[]string{`upsert {"_id":"b","m":{"k":1},"v":3} -> {"_id":"b","m":{"k":1},"v":4}`},
		},
		{
			"StrictInsert", "v4", "INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":5,"o":{"p":{}}}}`,
			[]string{`upsert null -> {"_id":5,"o":{"p":{}}}`},
		},
		{
			"Counter", "v5", "UPDATE c APPLY q RESTART WITH 7 WHERE _id = 5", ``,
			[]string{`upsert {"_id":5,"o":{"p":{}}} -> {"_id":5,"o":{"p":{}},"q":7}`},
		},
		{
			"ManyKindsOfIDs", "v4", "UPDATE c SET w = 1 WHERE _id = 5 OR _id = 'z'", ``,
			[]string{`upsert {"_id":5,"o":{"p":{}},"q":7} -> {"_id":5,"o":{"p":{}},"q":7,"w":1}`, `upsert {"_id":"z"} -> {"_id":"z","w":1}`},
		},
		{
			"StrictDelete", "v4", "DELETE FROM c WHERE _id = 'b'", ``,
			[]string{`remove {"_id":"b","m":{"k":1},"v":4}`},
		},
		{
			"DeleteReturning", "v5", "DELETE FROM c WHERE _id = 'z' RETURNING _id", ``,
			[]string{`remove {"_id":"z","w":1}`},
		},
		{
			"DeleteLimit", "v5", "DELETE FROM c WHERE _id = 5 LIMIT 1", ``,
			[]string{`remove {"_id":5,"o":{"p":{}},"q":7,"w":1}`},
		},
		{"DeleteAgain", "v5", "DELETE FROM c WHERE _id = 5", ``, nil},
		{
			"Reinsert", "v5", "INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":5}}`,
			[]string{`upsert null -> {"_id":5}`},
		},
		{
			"InsertSelect", "v5", "INSERT INTO `other c` SELECT * FROM c WHERE _id = 5", ``,
			[]string{`upsert null -> {"_id":5}`},
		},
		{
			"DeleteAll", "v5", "DELETE FROM c", ``,
			[]string{`remove {"_id":5}`, `remove {"_id":"a","n":{"x":3,"y":2}}`},
		},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			a := run(t, s, call{api: step.api, statement: step.statement, args: step.args})
			until(t, "events arrive", func() bool {
				st := state(t, s)
				return st.Pending == 0 && int(st.Delivered) == len(hook.events())
			})
			var got []string
			for _, e := range hook.events()[seen:] {
				if e.TxnID != a.Txn {
					t.Errorf("event of transaction %d, the statement's is %d", e.TxnID, a.Txn)
				}
				if want := map[bool]string{true: "other c", false: "c"}[step.name == "InsertSelect"]; e.Collection != want {
					t.Errorf("collection %q, want %q", e.Collection, want)
				}
				got = append(got, e.String())
			}
			seen += len(got)
			slices.Sort(got)
			slices.Sort(step.want)
			diff(t, got, step.want)
			writes, err := s.Writes(t.Context(), a.Txn-1)
			if err != nil || len(writes) != len(got) {
				t.Errorf("writes %v, %v: want %d", writes, err, len(got))
			}
		}) {
			return
		}
	}
	t.Run("Shape", func(t *testing.T) {
		// As documented: an upsert has oldValue and newValue, a removal value.
		for _, e := range hook.events() {
			if c := e.Change; (c.Method == "remove") != (c.Value != nil) || (c.Method == "upsert") != (c.NewValue != nil && c.OldValue != nil) {
				t.Errorf("shape of %+v", e)
			}
		}
		first := string(hook.accepted()[0].body)
		txn := hook.events()[0].TxnID
		if want := fmt.Sprintf(`{"txnId":%d,"type":"documentChanged","collection":"c","change":{"method":"upsert","oldValue":null,"newValue":{"_id":"a","n":{"x":1}}}}`, txn); first != want {
			t.Errorf("got  %s\nwant %s", first, want)
		}
	})
}

// TestStrictEvents: a map shows in the events of strict statements as soon as
// there is one, also after a restart.
func TestStrictEvents(t *testing.T) {
	hook := receive(t, nil)
	dir := t.TempDir()
	var want []string
	for i, part := range [][]struct{ api, statement, args, want string }{
		{
			{"v4", "INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"a","o":{"p":1}}}`, `upsert null -> {"_id":"a","o":{"p":1}}`},
			{"v4", "UPDATE c SET v = 1.0", ``, `upsert {"_id":"a","o":{"p":1}} -> {"_id":"a","o":{"p":1},"v":1.0}`},
		},
		{
			{"v4", "UPDATE c SET v = 2", ``, `upsert {"_id":"a","o":{"p":1},"v":1.0} -> {"_id":"a","o":{"p":1},"v":2}`},
			{"v4", "UPDATE COLLECTION c (m MAP) SET m.k = 1", ``, `upsert {"_id":"a","o":{"p":1},"v":2} -> {"_id":"a","m":{"k":1},"o":{"p":1},"v":2}`},
			{"v4", "UPDATE c SET v = 3", ``, `upsert {"_id":"a","m":{"k":1},"o":{"p":1},"v":2} -> {"_id":"a","m":{"k":1},"o":{"p":1},"v":3}`},
		},
		{
			{"v4", "UPDATE c SET v = 4", ``, `upsert {"_id":"a","m":{"k":1},"o":{"p":1},"v":3} -> {"_id":"a","m":{"k":1},"o":{"p":1},"v":4}`},
			{"v4", "DELETE FROM c", ``, `remove {"_id":"a","m":{"k":1},"o":{"p":1},"v":4}`},
		},
		{
			{"v4", "INSERT INTO d DOCUMENTS (:d)", `{"d":{"_id":"b","v":1}}`, `upsert null -> {"_id":"b","v":1}`},
			{"v5", "UPDATE d SET m.k = 1", ``, `upsert {"_id":"b","v":1} -> {"_id":"b","m":{"k":1},"v":1}`},
			{"v4", "UPDATE d SET v = 2", ``, `upsert {"_id":"b","m":{"k":1},"v":1} -> {"_id":"b","m":{"k":1},"v":2}`},
		},
	} {
		s := start(t, ditto.Options{Dir: dir, Webhook: hook.URL})
		for _, step := range part {
			run(t, s, call{api: step.api, statement: step.statement, args: step.args})
			want = append(want, step.want)
		}
		until(t, "events arrive", func() bool { return state(t, s).Pending == 0 })
		if err := s.Checkpoint(t.Context(), int64(len(want))); err != nil {
			t.Fatal(err)
		}
		stop(t, s)
		if diff(t, hook.strings(), want); t.Failed() {
			t.Fatalf("after part %d", i)
		}
	}
}

// TestWrites: the list of writes, for tests that look for echoes.
func TestWrites(t *testing.T) {
	s := start(t, ditto.Options{})
	before := state(t, s)
	txn := run(t, s, call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":[{"_id":9007199254740993},{"_id":"a"}]}`}).Txn
	run(t, s, call{statement: "UPDATE c SET x = 1 WHERE _id = 'nobody'"})
	gone := run(t, s, call{statement: "DELETE FROM c WHERE _id = 'a'"}).Txn
	run(t, s, call{statement: "SELECT * FROM c"})
	for _, tt := range []struct {
		name  string
		since int64
		want  []string
	}{
		{"All", before.Txn, []string{
			fmt.Sprintf(`%d c 9007199254740993 upsert`, txn), fmt.Sprintf(`%d c "a" upsert`, txn), fmt.Sprintf(`%d c "a" remove`, gone),
		}},
		{"SinceTheInsert", txn, []string{fmt.Sprintf(`%d c "a" remove`, gone)}},
		{"SinceTheDelete", gone, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			writes, err := s.Writes(t.Context(), tt.since)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range writes {
				got = append(got, fmt.Sprintf("%d %s %s %s", w.Txn, w.Collection, w.ID, w.Method))
			}
			slices.Sort(got)
			slices.Sort(tt.want)
			diff(t, got, tt.want)
		})
	}
	after := state(t, s)
	if after.Writes-before.Writes != 3 || after.Statements-before.Statements != 4 {
		t.Errorf("state %+v after %+v", after, before)
	}
}

func TestSignature(t *testing.T) {
	hook := receive(t, nil)
	s := start(t, ditto.Options{Webhook: hook.URL, WebhookSecret: secret("one") + "," + secret("two\x00\xff")})
	run(t, s, call{statement: "INSERT INTO c DOCUMENTS (:d)", args: `{"d":{"_id":"é"}}`})
	until(t, "a post", func() bool { return len(hook.accepted()) == 1 })
	p := hook.accepted()[0]
	header := p.header.Get("ditto-signature")
	for _, key := range []string{"one", "two\x00\xff"} {
		if err := verify(header, p.body, key); err != nil {
			t.Errorf("%q: %v", key, err)
		}
	}
	if verify(header, p.body, "three") == nil || verify(header, append(p.body, ' '), "one") == nil {
		t.Error("the signature fits what it must not")
	}
	if got := p.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("content type %q", got)
	}
}

func TestBatch(t *testing.T) {
	const docs = `{"d":[{"_id":"a"},{"_id":"b"},{"_id":"c"},{"_id":"d"},{"_id":"e"}]}`
	for _, tt := range []struct {
		name  string
		batch int
		want  []int
	}{
		{"One", 1, []int{1, 1, 1, 1, 1}},
		{"Two", 2, []int{2, 2, 1}},
		{"Default", 0, []int{5}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hook := receive(t, nil)
			s := start(t, ditto.Options{Webhook: hook.URL, WebhookBatch: tt.batch})
			run(t, s, call{statement: "INSERT INTO c DOCUMENTS (:d)", args: docs})
			until(t, "five events", func() bool { return len(hook.events()) == 5 })
			var got []int
			for _, p := range hook.accepted() {
				got = append(got, len(p.events))
				if array := p.body[0] == '['; array != (len(p.events) > 1) {
					t.Errorf("an array of one, or several events in none: %s", p.body)
				}
			}
			diff(t, got, tt.want)
		})
	}
}
