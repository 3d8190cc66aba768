package bridge_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// TestEcho: an event of Causeway's own write in Ditto is acknowledged without
// reading Ditto, and any other is looked at on both sides.
func TestEcho(t *testing.T) {
	const (
		short = "find:__causeway_ledger find:c"
		whole = "find:__causeway_ledger find:c SELECT"
	)
	for _, tc := range []struct {
		name  string
		rules func(*manifest.Collection)
		then  func(s *stage, echo *change.Hint) // after Causeway's write
		want  string
	}{
		{name: "Insert", want: short},
		{name: "Strict", rules: func(c *manifest.Collection) { c.Strict = true }, want: short},
		{name: "Counter", rules: func(c *manifest.Collection) { c.Counters = []value.Path{value.PathOf("n")} }, want: whole + " SELECT"},
		{name: "NoDigest", then: func(_ *stage, echo *change.Hint) { echo.Digest = value.Absent }, want: whole},
		{name: "OtherContents", then: func(_ *stage, echo *change.Hint) { echo.Digest[0]++ }, want: whole},
		{name: "Later", then: func(s *stage, echo *change.Hint) {
			s.user("UPDATE c SET z = 1 WHERE _id = 'none'", "") // takes a transaction
			echo.Txn++
		}, want: whole + " write:__causeway_ledger"},
		{name: "Removed", then: func(_ *stage, echo *change.Hint) { echo.Op = change.Remove }, want: whole},
		{name: "ChangedInMongoDB", then: func(s *stage, _ *change.Hint) { s.set(`{"_id":"m","n":{"$numberInt":"6"}}`) }, want: "find:__causeway_ledger find:c find:c SELECT write:__causeway_ledger UPDATE write:__causeway_ledger"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newStage(t, tc.rules)
			s.set(`{"_id":"m","n":{"$numberInt":"5"}}`)
			if _, r := s.bridge.Handle(t.Context(), s.hints[:1]); r.ToDitto != 1 {
				t.Fatalf("report %+v, want one write to Ditto", r)
			}
			echo := s.hints[1]
			if tc.then != nil {
				tc.then(s, &echo)
			}
			var requests []string
			verdicts, _ := s.counting(&requests).Handle(t.Context(), []change.Hint{echo})
			if verdicts[0].Err != nil {
				t.Fatal(verdicts[0].Err)
			}
			if got := strings.Join(requests, " "); got != tc.want {
				t.Errorf("requests %s, want %s", got, tc.want)
			}
		})
	}
}

// TestEchoUnderClaim: while somebody writes the pair, what an event tells may be
// part of that.
func TestEchoUnderClaim(t *testing.T) {
	s := newStage(t, nil)
	s.set(`{"_id":"m","n":{"$numberInt":"5"}}`)
	s.bridge.Handle(t.Context(), s.hints[:1])
	echo := s.hints[1]
	led := ledger.Store{DB: s.mongo, Writer: "another"}
	entries, err := led.Read(t.Context(), []ledger.Key{{Collection: "c", ID: echo.DittoID}}, nil)
	if err != nil || len(entries) != 1 {
		t.Fatalf("entries %v, error %v", entries, err)
	}
	next := entries[0]
	next.Claim = &ledger.Claim{Owner: "another"}
	if won, err := led.Put(t.Context(), []ledger.Put{{Prev: next.Rev, Next: next, ClaimFor: 1 << 40}}); err != nil || !slices.Equal(won, []bool{true}) {
		t.Fatalf("claimed %v, error %v", won, err)
	}
	if verdicts, _ := s.bridge.Handle(t.Context(), []change.Hint{echo}); verdicts[0].Err == nil {
		t.Error("an event was acknowledged while somebody wrote the pair")
	}
}

// TestEchoOfSeveral: of several events of a pair the latest counts.
func TestEchoOfSeveral(t *testing.T) {
	s := newStage(t, nil)
	for _, n := range []string{"5", "6"} {
		s.hints = nil
		s.set(`{"_id":"m","n":{"$numberInt":"` + n + `"}}`)
		if _, r := s.bridge.Handle(t.Context(), s.hints); r.ToDitto != 1 {
			t.Fatalf("report %+v", r)
		}
	}
	late := s.hints[len(s.hints)-1]
	early := late
	early.Txn, early.Digest = late.Txn-1, value.Hash{1}
	var requests []string
	s.counting(&requests).Handle(t.Context(), []change.Hint{late, early})
	if slices.Contains(requests, "SELECT") {
		t.Errorf("requests %v: Ditto was read", requests)
	}
}

// TestEchoOfTheStale: a handler that has read a document claims the pair only
// after the document's removal was handled, which found nothing to do. The echo
// of its write finds that.
func TestEchoOfTheStale(t *testing.T) {
	s := newStage(t, nil)
	s.set(`{"_id":"m","n":{"$numberInt":"5"}}`)
	insert := s.hints
	s.hints = nil
	late := bridge.New(bridge.Config{Manifest: s.manifest, Ditto: s.ditto, Mongo: beforeClaim{s.mongo, sync.OnceFunc(func() {
		s.mongo.Remove("c", raw(t, `{"_id":"m"}`).Lookup("_id"))
		if n := s.settle(); n != 0 {
			t.Errorf("the removal took %d writes, want none: nothing was synced yet", n)
		}
	})}})
	if _, r := late.Handle(t.Context(), insert); r.ToDitto != 1 {
		t.Fatalf("report %+v, want a write of what is gone", r)
	}
	s.settle()
	s.want(nil, nil)
}

// beforeClaim calls f before the ledger is written.
type beforeClaim struct {
	mongodb.Database
	f func()
}

func (b beforeClaim) Write(ctx context.Context, collection string, models []mongodb.Model) (mongodb.BulkResult, error) {
	if collection == ledger.Collection {
		b.f()
	}
	return b.Database.Write(ctx, collection, models)
}
