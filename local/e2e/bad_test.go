package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// bad is a document that cannot be synced until something is mended.
type bad struct {
	on, name string
	before   func(b *bench) // makes documents that sync
	spoil    func(b *bench)
	id       string // in the record: MongoDB's `_id` as Extended JSON, or Ditto's id
	reason   string
	says     string               // part of the record's message
	kept     func(b *bench) error // what holds while it is unsynced
	mend     func(b *bench)
	retry    bool // the mend is no change of the document: `causeway unsynced retry`
	mended   func(b *bench) error
}

// bench is one bad case under test.
type bench struct {
	*world
	*collection
	t *testing.T
}

func (b *bench) mongoInsert(doc string) {
	b.t.Helper()
	if _, err := b.db.Collection(b.name).InsertOne(b.t.Context(), extJSON(b.t, doc)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) mongoUpdate(filter, update string) {
	b.t.Helper()
	r, err := b.db.Collection(b.name).UpdateOne(b.t.Context(), extJSON(b.t, filter), extJSON(b.t, update))
	if err != nil || r.ModifiedCount != 1 {
		b.t.Fatalf("update %s: %+v, %v", filter, r, err)
	}
}

func (b *bench) mongoDelete(filter string) {
	b.t.Helper()
	r, err := b.db.Collection(b.name).DeleteOne(b.t.Context(), extJSON(b.t, filter))
	if err != nil || r.DeletedCount != 1 {
		b.t.Fatalf("delete %s: %+v, %v", filter, r, err)
	}
}

func (b *bench) dql(statement, arg string) {
	b.t.Helper()
	b.execute(b.t, b.api(), strings.ReplaceAll(statement, "{c}", b.table()), map[string]any{"arg": json.RawMessage(arg)})
}

// both reports what both sides hold for a document, unless it is this. mongo
// is found by the first field of its text; "" is none.
func (b *bench) both(dittoID, ditto, filter, mongo string) error {
	got := b.allDitto(b.t, b.collection)[dittoID]
	if ditto != "" {
		ditto = text(b.t, parse(b.t, ditto))
	}
	if got != ditto {
		return fmt.Errorf("in Ditto\n got %s\nwant %s", got, ditto)
	}
	cursor, err := b.db.Collection(b.name).Find(b.t.Context(), extJSON(b.t, filter))
	if err != nil {
		b.t.Fatal(err)
	}
	var docs []bson.Raw
	if err := cursor.All(b.t.Context(), &docs); err != nil {
		b.t.Fatal(err)
	}
	shown := ""
	for _, doc := range docs {
		shown += canonical(b.t, b.collection, doc)
	}
	if mongo != "" {
		mongo = canonical(b.t, b.collection, raw(b.t, extJSON(b.t, mongo)))
	}
	if shown != mongo {
		return fmt.Errorf("in MongoDB\n got %s\nwant %s", shown, mongo)
	}
	return nil
}

// validate makes bad_schema take documents with a name and a limit of at most
// most, and no `u` twice.
func (w *world) validate(t *testing.T, most int) {
	t.Helper()
	schema := extJSON(t, fmt.Sprintf(`{"$jsonSchema":{"required":["name"],"properties":{"name":{"bsonType":"string"},"limit":{"maximum":%d}}}}`, most))
	if err := w.db.RunCommand(t.Context(), bson.D{{Key: "collMod", Value: "bad_schema"}, {Key: "validator", Value: schema}}).Err(); err != nil {
		t.Fatal(err)
	}
}

// unsynced is what `causeway unsynced list --json` prints.
type unsynced struct {
	Collection, Reason, Message, Mend string
	MongoID, DittoID                  json.RawMessage
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	w := open(t)
	again := w.again(t)
	w.validate(t, 10)
	if err := w.db.RunCommand(t.Context(), bson.D{{Key: "createIndexes", Value: "bad_schema"}, {Key: "indexes", Value: bson.A{bson.D{
		{Key: "key", Value: bson.D{{Key: "u", Value: 1}}}, {Key: "name", Value: "u"}, {Key: "unique", Value: true}, {Key: "sparse", Value: true},
	}}}}).Err(); err != nil {
		t.Fatal(err)
	}
	failed := map[string]bool{}
	round := func(name string, f func(b *bench, c bad), then func(b *bench, c bad, list []unsynced) error) {
		w.meet(t, nil)
		for _, c := range bads {
			if !failed[c.name] {
				f(&bench{w, byName(c.on), t}, c)
			}
		}
		w.meet(t, w.quiet)
		problems := w.awaitCases(t, failed, then)
		for _, c := range bads {
			if err := problems[c.name]; err != nil {
				failed[c.name] = true
				t.Errorf("%s, %s: %v", c.name, name, err)
			}
		}
	}
	neighbour := func(b *bench, c bad, n int) error {
		key := fmt.Sprint("good beside ", c.name, " ", n, again)
		return b.bothHave(key)
	}
	beside := func(b *bench, c bad, n int) {
		b.insertMongo(b.t, b.collection, fmt.Sprint("good beside ", c.name, " ", n, again), `{"name":"good"}`)
	}

	round("before", func(b *bench, c bad) {
		if c.before != nil {
			c.before(b)
		}
	}, func(*bench, bad, []unsynced) error { return nil })
	round("spoiled", func(b *bench, c bad) { beside(b, c, 1); c.spoil(b); beside(b, c, 2) }, func(b *bench, c bad, list []unsynced) error {
		if err := c.recorded(list); err != nil {
			return err
		}
		for n := range 2 {
			if err := neighbour(b, c, n+1); err != nil {
				return err
			}
		}
		if c.kept != nil {
			return c.kept(b)
		}
		return nil
	})
	retried := false
	round("mended", func(b *bench, c bad) {
		c.mend(b)
		if c.retry && !retried {
			retried = true
			// Others of the collection may not be mended yet: then its status is 1.
			var got struct{ Tried, Synced int }
			w.causeway(t, &got, "unsynced", "retry", c.on)
			if got.Synced == 0 {
				t.Errorf("%d documents were tried again, and none is synced", got.Tried)
			}
		}
	}, func(b *bench, c bad, list []unsynced) error {
		if c.recorded(list) == nil {
			return fmt.Errorf("its record is still there")
		}
		return c.mended(b)
	})
	// What is deleted now goes from both sides: nothing stands apart any more.
	round("cleared", func(b *bench, c bad) {
		w.execute(t, b.api(), "delete from "+b.table(), nil)
	}, func(b *bench, c bad, list []unsynced) error {
		if d, m := len(w.allDitto(t, b.collection)), len(w.allMongo(t, b.collection)); d+m > 0 {
			return fmt.Errorf("%d documents are left in Ditto, %d in MongoDB", d, m)
		}
		return nil
	})
	for _, u := range w.unsynced(t) {
		if slices.ContainsFunc(spoiled, func(c *collection) bool { return c.name == u.Collection }) {
			t.Errorf("left unsynced: %s %s%s: %s", u.Collection, u.MongoID, u.DittoID, u.Message)
		}
	}
	if d := w.deadLetters(t); d > 0 {
		t.Errorf("%d dead letters", d)
	}
}

// recorded reports whether the document stands among the unsynced ones, with
// all that a person needs.
func (c bad) recorded(list []unsynced) error {
	for _, u := range list {
		if u.Collection != c.on || compact(u.MongoID) != c.id && compact(u.DittoID) != c.id {
			continue
		}
		if u.Reason != c.reason || !strings.Contains(u.Message, c.says) || u.Message == "" || u.Mend == "" {
			return fmt.Errorf("the record is %+v, want reason %q and a message with %q", u, c.reason, c.says)
		}
		return nil
	}
	return fmt.Errorf("no record of %s among %d", c.id, len(list))
}

func compact(js []byte) string {
	var b bytes.Buffer
	_ = json.Compact(&b, js)
	return b.String()
}

func (w *world) awaitCases(t *testing.T, failed map[string]bool, holds func(*bench, bad, []unsynced) error) map[string]error {
	t.Helper()
	problems := map[string]error{}
	left := slices.DeleteFunc(slices.Clone(bads), func(c bad) bool { return failed[c.name] })
	until(func() bool {
		list := w.unsynced(t)
		left = slices.DeleteFunc(left, func(c bad) bool {
			problems[c.name] = holds(&bench{w, byName(c.on), t}, c, list)
			return problems[c.name] == nil
		})
		return len(left) == 0
	})
	return problems
}

// bothHave reports whether both sides have a document that is well.
func (b *bench) bothHave(key string) error {
	body := b.collection.inDitto(b.t, key, `{"name":"good"}`)
	if got := b.allDitto(b.t, b.collection)[string(b.dittoID(key))]; got != body {
		return fmt.Errorf("a document beside it, in Ditto\n got %s\nwant %s", got, body)
	}
	return nil
}

func (w *world) unsynced(t *testing.T) (list []unsynced) {
	t.Helper()
	w.causeway(t, &list, "unsynced", "list")
	return list
}
