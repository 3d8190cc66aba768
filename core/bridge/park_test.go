package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

// over makes the stage's bridge anew, with MongoDB seen through wrap.
func (s *stage) over(wrap func(mongodb.Database) mongodb.Database) {
	s.bridge = bridge.New(bridge.Config{
		Manifest: &manifest.Manifest{Database: "db", Collections: []manifest.Collection{*s.c}},
		Mongo:    wrap(s.mongo), Ditto: s.ditto,
	})
}

// beforeWrite calls f once, before the first write of documents.
type beforeWrite struct {
	mongodb.Database
	f func()
}

func (b *beforeWrite) Write(ctx context.Context, collection string, models []mongodb.Model) (mongodb.BulkResult, error) {
	if f := b.f; f != nil && collection == "c" {
		b.f = nil
		f()
	}
	return b.Database.Write(ctx, collection, models)
}

// TestOneSideTookItsPart: what Ditto has taken is agreed on, although MongoDB's
// part goes round again or is refused.
func TestOneSideTookItsPart(t *testing.T) {
	t.Run("ACounterIsResetOnce", func(t *testing.T) {
		s := newStage(t, func(c *manifest.Collection) { c.Counters = []value.Path{value.PathOf("q")} })
		s.set(`{"_id":"m","q":{"$numberInt":"5"},"a":"a","b":"b"}`)
		s.settle()
		s.over(func(db mongodb.Database) mongodb.Database {
			return &beforeWrite{db, func() { // Ditto has taken the reset by now
				s.user("UPDATE c APPLY q INCREMENT BY 3", "")
				s.set(`{"_id":"m","q":{"$numberInt":"100"},"a":"a","b":"by MongoDB"}`)
			}}
		})
		s.set(`{"_id":"m","q":{"$numberInt":"100"},"a":"a","b":"b"}`)
		s.user("UPDATE c SET b = 'by Ditto'", "")
		s.settle()
		s.want([]string{`{"_id":"m","q":{"$numberInt":"103"},"a":"a","b":"by MongoDB"}`}, []string{`{"_id":"m","a":"a","b":"by MongoDB","q":103}`})
	})
	t.Run("ADeviceTakesItBack", func(t *testing.T) {
		s := newStage(t, nil)
		s.set(`{"_id":"m","a":{"$numberInt":"1"},"b":"x"}`)
		s.settle()
		refuse := true
		s.mongo.Validate = func(collection string, doc bson.Raw) *mongodb.WriteError {
			if b, _ := doc.Lookup("b").StringValueOK(); refuse && collection == "c" && b == "y" {
				return &mongodb.WriteError{Code: 121, Message: "Document failed validation"}
			}
			return nil
		}
		s.set(`{"_id":"m","a":{"$numberInt":"2"},"b":"x"}`)
		s.user("UPDATE c SET b = 'y'", "")
		s.bridge.Handle(t.Context(), s.hints)
		s.wantUnsynced(`c/"m" rejected`)
		s.user("UPDATE c SET a = 1", "")
		refuse = false
		s.settle()
		s.want([]string{`{"_id":"m","a":{"$numberInt":"1"},"b":"y"}`}, []string{`{"_id":"m","a":1,"b":"y"}`})
		s.wantUnsynced()
	})
}

// TestNotNowIsNoRefusal: a document that MongoDB cannot write at the moment
// fails, and says why; it is not parked.
func TestNotNowIsNoRefusal(t *testing.T) {
	s := newStage(t, nil)
	s.mongo.Validate = func(collection string, _ bson.Raw) *mongodb.WriteError {
		if collection == "c" {
			return &mongodb.WriteError{Code: 112, Message: "WriteConflict error"}
		}
		return nil
	}
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"m","n":1}}`)
	verdicts, report := s.bridge.Handle(t.Context(), s.hints)
	if err := verdicts[0].Err; err == nil || bridge.IsLater(err) || !strings.Contains(err.Error(), "WriteConflict") {
		t.Errorf("verdict %v, want the server's reason", err)
	}
	if report.Parked != 0 {
		t.Errorf("report %+v, want nothing parked", report)
	}
	s.wantUnsynced()
	s.mongo.Validate = nil
	s.settle()
	s.want([]string{`{"_id":"m","n":{"$numberInt":"1"}}`}, []string{`{"_id":"m","n":1}`})
}

// TestMappedFieldsInsertedMeanwhile: a unique index on the mapped fields
// refuses an insert that somebody else came before. Nothing is wrong with it.
func TestMappedFieldsInsertedMeanwhile(t *testing.T) {
	s := newStage(t, mapped("orderId"))
	if err := s.mongo.CreateIndexes(t.Context(), "c", []mongodb.Index{{Name: "orderId", Keys: []string{"orderId"}, Unique: true}}); err != nil {
		t.Fatal(err)
	}
	s.over(func(db mongodb.Database) mongodb.Database {
		return &beforeWrite{db, func() { s.set(`{"_id":"m","orderId":"o1","a":true}`) }}
	})
	s.user("INSERT INTO c DOCUMENTS (:d)", `{"d":{"_id":"o1","orderId":"o1","b":true}}`)
	if _, r := s.bridge.Handle(t.Context(), s.hints); r.Parked != 0 || r.Rounds != 2 {
		t.Errorf("report %+v, want nothing parked, and a second round", r)
	}
	s.wantUnsynced()
	s.want([]string{`{"_id":"m","orderId":"o1","a":true,"b":true}`}, []string{`{"_id":"o1","a":true,"b":true,"orderId":"o1"}`})
}

// TestRecordsGo: the record of an unsynced document goes when the document
// syncs, whatever its entry's state, and when it is gone.
func TestRecordsGo(t *testing.T) {
	t.Run("Baseline", func(t *testing.T) {
		for _, mended := range []string{`{"$numberInt":"3"}`, `{"$numberInt":"4"}`} { // as it was, and changed
			s := newStage(t, func(c *manifest.Collection) { c.Counters = []value.Path{value.PathOf("q")} })
			s.set(`{"_id":"m","q":{"$numberInt":"3"}}`)
			s.settle()
			l := ledger.Store{DB: s.mongo, Writer: "test"}
			entries, err := l.Read(t.Context(), []ledger.Key{{Collection: "c", ID: `"m"`}}, nil)
			if err != nil || len(entries) != 1 {
				t.Fatal(entries, err)
			}
			entries[0].State = ledger.Baseline
			if _, err := l.Put(t.Context(), []ledger.Put{{Prev: entries[0].Rev, Next: entries[0]}}); err != nil {
				t.Fatal(err)
			}
			s.set(`{"_id":"m","q":"many"}`)
			s.settle()
			s.wantUnsynced(`c/"m" counter`)
			s.set(`{"_id":"m","q":` + mended + `}`)
			s.settle()
			s.wantUnsynced()
		}
	})
	t.Run("MongoDocumentWithoutPair", func(t *testing.T) {
		s := newStage(t, mapped("orderId"))
		s.set(`{"_id":"m","a":true}`)
		s.settle()
		s.wantUnsynced(`c/mongo:"m" id-missing`)
		s.mongo.Remove("c", rawIDs(t, `"m"`)[0])
		s.settle()
		s.wantUnsynced()
	})
	t.Run("SecondDocumentOfAnID", func(t *testing.T) {
		s := newStage(t, nil)
		s.set(`{"_id":{"$oid":"64f000000000000000000001"}}`)
		s.settle()
		s.set(`{"_id":"64f000000000000000000001"}`)
		s.settle()
		s.wantUnsynced(`c/mongo:"64f000000000000000000001" duplicate-id`)
		s.mongo.Remove("c", rawIDs(t, `"64f000000000000000000001"`)[0])
		s.settle()
		s.wantUnsynced()
		s.want([]string{`{"_id":{"$oid":"64f000000000000000000001"}}`}, []string{`{"_id":"64f000000000000000000001"}`})
	})
}

// TestParkedTogether: what cannot be synced costs no requests per document.
func TestParkedTogether(t *testing.T) {
	for name, fields := range map[string]string{"NoPair": "orderId", "Pair": "_id"} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, func(c *manifest.Collection) {
				c.Fields = []string{fields}
				c.Counters = []value.Path{value.PathOf("q")}
			})
			for i := range 100 {
				s.set(fmt.Sprintf(`{"_id":"m%d","q":"many"}`, i))
			}
			var requests []string
			s.over(func(db mongodb.Database) mongodb.Database { return countingMongo{db, &requests} })
			if _, r := s.bridge.Handle(t.Context(), s.hints); r.Parked != 100 {
				t.Errorf("report %+v, want 100 parked", r)
			}
			if len(requests) > 5 {
				t.Errorf("%d requests: %v", len(requests), requests)
			}
			if n := len(s.unsynced()); n != 100 {
				t.Errorf("%d records, want 100", n)
			}
		})
	}
}

// hanging is a Ditto that answers a write only when its context ends.
type hanging struct {
	ditto.Executor
	cancel func()
}

func (h hanging) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	if !r.Write {
		return h.Executor.Execute(ctx, r)
	}
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > 45*time.Second {
		return ditto.Response{}, fmt.Errorf("a write may last until %v, %v", end, ok)
	}
	h.cancel()
	<-ctx.Done()
	return ditto.Response{}, &ditto.Error{Err: ctx.Err()}
}

// heeding is a MongoDB that does nothing once the context has ended.
type heeding struct{ mongodb.Database }

func (h heeding) Write(ctx context.Context, collection string, models []mongodb.Model) (mongodb.BulkResult, error) {
	if err := ctx.Err(); err != nil {
		return mongodb.BulkResult{}, err
	}
	return h.Database.Write(ctx, collection, models)
}

// TestEndOfAnInvocation: a write does not outlast the batch's time; and when
// the invocation ends in the middle of one, its claim ends with it and keeps
// what was announced, so that the next handler carries on at once.
func TestEndOfAnInvocation(t *testing.T) {
	s := newStage(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	b := bridge.New(bridge.Config{
		Manifest: &manifest.Manifest{Database: "db", Collections: []manifest.Collection{*s.c}},
		Mongo:    heeding{s.mongo}, Ditto: hanging{s.ditto, cancel},
	})
	s.set(`{"_id":"m","a":true}`)
	verdicts, _ := b.Handle(ctx, s.hints)
	if verdicts[0].Err == nil || !strings.Contains(verdicts[0].Err.Error(), context.Canceled.Error()) {
		t.Errorf("verdict %v, want the context's end", verdicts[0].Err)
	}
	entries, err := (ledger.Store{DB: s.mongo, Writer: "test"}).Read(t.Context(), []ledger.Key{{Collection: "c", ID: `"m"`}}, nil)
	if err != nil || len(entries) != 1 || entries[0].Claim == nil {
		t.Fatalf("entries %+v, %v, want one with a claim", entries, err)
	}
	if c := entries[0].Claim; c.Live || len(c.Announced) != 1 {
		t.Errorf("claim %+v, want it ended, with what was announced", c)
	}
	s.settle()
	s.want([]string{`{"_id":"m","a":true}`}, []string{`{"_id":"m","a":true}`})
}

func TestLargeDocumentsAreCounted(t *testing.T) {
	for size, want := range map[int]int{200_000: 0, 300_000: 1} {
		s := newStage(t, nil)
		s.set(fmt.Sprintf(`{"_id":"m","a":%q}`, strings.Repeat("x", size)))
		if _, r := s.bridge.Handle(t.Context(), s.hints); r.Large != want {
			t.Errorf("new, %d bytes: %d large, want %d", size, r.Large, want)
		}
		s.settle()
		if s.report.Large != want {
			t.Errorf("looked at again, %d bytes: %d large, want %d", size, s.report.Large, want)
		}
	}
}

// TestTombstonesLiveAsConfigured: for as many days as the deployment says.
func TestTombstonesLiveAsConfigured(t *testing.T) {
	s := newStage(t, nil)
	s.bridge = bridge.New(bridge.Config{
		Manifest: &manifest.Manifest{Database: "db", Collections: []manifest.Collection{*s.c}, Deployment: &manifest.Deployment{TombstoneTTL: 7}},
		Mongo:    s.mongo, Ditto: s.ditto,
	})
	s.set(`{"_id":"m","a":true}`)
	s.settle()
	s.user("DELETE FROM c", "")
	s.settle()
	for _, doc := range s.mongo.All(ledger.Collection) {
		expires, _ := doc.Lookup("expires").TimeOK()
		if left := time.Until(expires); left < 6*24*time.Hour || left > 7*24*time.Hour {
			t.Errorf("a tombstone expires in %v, want a week", left)
		}
	}
}

// refusing is a Ditto that refuses the key of an INSERT.
type refusing struct {
	ditto.Executor
	sent *[]string
}

func (x refusing) Execute(ctx context.Context, r ditto.Request) (ditto.Response, error) {
	verb, _, _ := strings.Cut(r.Statement, " ")
	if *x.sent = append(*x.sent, verb); verb == "INSERT" {
		return ditto.Response{}, &ditto.Error{Status: 403}
	}
	return x.Executor.Execute(ctx, r)
}

// TestNothingFollowsAnError: once Ditto refuses the key, or is down, the rest
// of the batch is not sent, and what was not sent fails as such.
func TestNothingFollowsAnError(t *testing.T) {
	s := newStage(t, nil)
	s.set(`{"_id":"old","a":true}`)
	s.settle()
	var sent []string
	b := bridge.New(bridge.Config{
		Manifest: &manifest.Manifest{Database: "db", Collections: []manifest.Collection{*s.c}},
		Mongo:    s.mongo, Ditto: refusing{s.ditto, &sent},
	})
	s.set(`{"_id":"old","a":false}`)
	s.set(`{"_id":"new","a":true}`)
	verdicts, r := b.Handle(t.Context(), s.hints)
	for i, v := range verdicts {
		if !ditto.IsUnauthorized(v.Err) {
			t.Errorf("hint %d: %v, want Ditto's refusal", i, v.Err)
		}
	}
	if r.ToDitto != 0 || strings.Contains(strings.Join(sent, " "), "UPDATE") {
		t.Errorf("sent %v, report %+v, want nothing after the INSERT", sent, r)
	}
	s.settle()
	s.want([]string{`{"_id":"old","a":false}`, `{"_id":"new","a":true}`}, []string{`{"_id":"new","a":true}`, `{"_id":"old","a":false}`})
}
