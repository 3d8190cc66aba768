package ditto_test

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/local/ditto"
)

// TestIsolation sends statements of both API versions at once. None may run
// under the strictness of the other: a nested SET fails in strict mode, and a
// SET of an object replaces there and merges elsewhere.
func TestIsolation(t *testing.T) {
	hook := receive(t, nil)
	s := start(t, ditto.Options{Webhook: hook.URL})
	const workers, rounds = 8, 25
	var group errgroup.Group
	for w := range workers {
		api := []string{"v4", "v5"}[w%2]
		group.Go(func() error {
			for i := range rounds {
				if err := isolated(t, s, api, fmt.Sprintf("%s-%d-%d", api, w, i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	until(t, "every event", func() bool { return state(t, s).Pending == 0 })
	// Each document's events form a chain, in the order of their transactions.
	last := map[string]string{}
	var txn int64
	for _, e := range hook.events() {
		if e.TxnID <= txn {
			t.Errorf("transaction %d after %d", e.TxnID, txn)
		}
		txn = e.TxnID
		id := string(e.Change.NewValue[:25])
		if before := last[id]; before != "" && before != string(e.Change.OldValue) {
			t.Errorf("%s: old value %s, want %s", id, e.Change.OldValue, before)
		}
		last[id] = string(e.Change.NewValue)
	}
	if got, want := len(hook.events()), workers*rounds*2; got != want {
		t.Errorf("%d events, want %d", got, want)
	}
}

func isolated(t *testing.T, s *ditto.Server, api, id string) error {
	for _, step := range []struct{ statement, args string }{
		{"INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"` + id + `","o":{"a":1}}}`},
		{"UPDATE c SET o = :o WHERE _id = :id", `{"o":{"b":2},"id":"` + id + `"}`},
		{"SELECT * FROM c WHERE _id = :id", `{"id":"` + id + `"}`},
	} {
		a, err := send(t.Context(), s, call{api: api, statement: step.statement, args: step.args})
		if err != nil {
			return err
		}
		if a.Error.Description != "" {
			return fmt.Errorf("%s %s: %s", api, step.statement, a.Error.Description)
		}
		if len(a.Items) == 0 {
			continue
		}
		want := `{"_id":"` + id + `","o":{"a":1,"b":2}}`
		if api == "v4" {
			want = `{"_id":"` + id + `","o":{"b":2}}`
		}
		if got := a.items(); got != want {
			return fmt.Errorf("%s: got %s, want %s", api, got, want)
		}
	}
	return nil
}
