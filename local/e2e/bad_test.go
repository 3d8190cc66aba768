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

// spoiled take documents that cannot be synced.
var spoiled = []*collection{
	{name: "bad"},
	{name: "bad_one", fields: []string{"sku"}},
	{name: "bad_several", fields: []string{"store", "no"}, maps: true},
	{name: "bad_counter", maps: true, counters: []string{"qty", "order.qty"}},
	{name: "bad_schema", maps: true},
}

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

// holds makes a check of both.
func holds(dittoID, ditto, filter, mongo string) func(*bench) error {
	return func(b *bench) error { return b.both(dittoID, ditto, filter, mongo) }
}

var long = strings.Repeat("x", 300)

var bads = []bad{
	{
		on: "bad_one", name: "mapped field missing",
		spoil:  func(b *bench) { b.mongoInsert(`{"_id":"m1","a":1}`) },
		id:     `"m1"`,
		reason: "id-missing", says: "sku",
		kept:   holds(`"m1"`, "", `{"_id":"m1"}`, `{"a":1}`),
		mend:   func(b *bench) { b.mongoUpdate(`{"_id":"m1"}`, `{"$set":{"sku":"m1"}}`) },
		mended: holds(`"m1"`, `{"_id":"m1","sku":"m1","a":1}`, `{"_id":"m1"}`, `{"sku":"m1","a":1}`),
	},
	{
		on: "bad_several", name: "one mapped field missing, deleted",
		spoil:  func(b *bench) { b.mongoInsert(`{"_id":"m1","store":"s"}`) },
		id:     `"m1"`,
		reason: "id-missing", says: "no",
		mend:   func(b *bench) { b.mongoDelete(`{"_id":"m1"}`) },
		mended: holds(`"m1"`, "", `{"_id":"m1"}`, ""),
	},
	{
		on: "bad_one", name: "mapped field null",
		spoil:  func(b *bench) { b.mongoInsert(`{"_id":"m2","sku":null}`) },
		id:     `"m2"`,
		reason: "id-null", says: "sku",
		mend:   func(b *bench) { b.mongoUpdate(`{"_id":"m2"}`, `{"$set":{"sku":"m2"}}`) },
		mended: holds(`"m2"`, `{"_id":"m2","sku":"m2"}`, `{"_id":"m2"}`, `{"sku":"m2"}`),
	},
	{
		on: "bad_one", name: "mapped field changed",
		before: func(b *bench) { b.mongoInsert(`{"_id":"m3","sku":"m3","a":1}`) },
		spoil:  func(b *bench) { b.mongoUpdate(`{"_id":"m3"}`, `{"$set":{"sku":"other","a":2}}`) },
		id:     `"m3"`,
		reason: "mapped-field-changed", says: "sku",
		kept:   holds(`"m3"`, `{"_id":"m3","sku":"m3","a":1}`, `{"_id":"m3"}`, `{"sku":"other","a":2}`),
		mend:   func(b *bench) { b.mongoUpdate(`{"_id":"m3"}`, `{"$set":{"sku":"m3"}}`) },
		mended: holds(`"m3"`, `{"_id":"m3","sku":"m3","a":2}`, `{"_id":"m3"}`, `{"sku":"m3","a":2}`),
	},
	{
		on: "bad_one", name: "mapped fields taken",
		before: func(b *bench) { b.mongoInsert(`{"_id":"m4","sku":"twice"}`) },
		spoil:  func(b *bench) { b.mongoInsert(`{"_id":"m5","sku":"twice"}`) },
		id:     `"m5"`,
		reason: "duplicate-id",
		kept:   holds(`"twice"`, `{"_id":"twice","sku":"twice"}`, `{"_id":"m5"}`, `{"sku":"twice"}`),
		mend:   func(b *bench) { b.mongoUpdate(`{"_id":"m5"}`, `{"$set":{"sku":"m5"}}`) },
		mended: holds(`"m5"`, `{"_id":"m5","sku":"m5"}`, `{"_id":"m5"}`, `{"sku":"m5"}`),
	},
	{
		on: "bad", name: "fractional id",
		spoil:  func(b *bench) { b.mongoInsert(`{"_id":1.5}`) },
		id:     `{"$numberDouble":"1.5"}`,
		reason: "id-fraction", says: "64-bit integer",
		mend:   func(b *bench) { b.mongoDelete(`{"_id":1.5}`) },
		mended: holds(`1.5`, "", `{"_id":1.5}`, ""),
	},
	{
		on: "bad", name: "object as id",
		spoil:  func(b *bench) { b.mongoInsert(`{"_id":{"a":1}}`) },
		id:     `{"a":{"$numberInt":"1"}}`,
		reason: "id-kind", says: "_id",
		mend:   func(b *bench) { b.mongoDelete(`{"_id":{"a":1}}`) },
		mended: holds(`{"a":1}`, "", `{"_id":{"a":1}}`, ""),
	},
	{
		on: "bad", name: "id over 256 bytes",
		spoil:  func(b *bench) { b.mongoInsert(`{"_id":"` + long + `"}`) },
		id:     `"` + long + `"`,
		reason: "id-too-long", says: "256",
		mend:   func(b *bench) { b.mongoDelete(`{"_id":"` + long + `"}`) },
		mended: holds(`"`+long+`"`, "", `{"_id":"`+long+`"}`, ""),
	},
	{
		on: "bad", name: "ObjectId and its string",
		before: func(b *bench) { b.mongoInsert(`{"_id":{"$oid":"507f1f77bcf86cd799439011"},"a":1}`) },
		spoil:  func(b *bench) { b.mongoInsert(`{"_id":"507f1f77bcf86cd799439011","a":2}`) },
		id:     `"507f1f77bcf86cd799439011"`,
		reason: "duplicate-id",
		kept: holds(`"507f1f77bcf86cd799439011"`, `{"_id":"507f1f77bcf86cd799439011","a":1}`,
			`{"_id":{"$oid":"507f1f77bcf86cd799439011"}}`, `{"_id":{"$oid":"507f1f77bcf86cd799439011"},"a":1}`),
		mend: func(b *bench) { b.mongoDelete(`{"_id":"507f1f77bcf86cd799439011"}`) },
		mended: holds(`"507f1f77bcf86cd799439011"`, `{"_id":"507f1f77bcf86cd799439011","a":1}`,
			`{"_id":{"$oid":"507f1f77bcf86cd799439011"}}`, `{"_id":{"$oid":"507f1f77bcf86cd799439011"},"a":1}`),
	},
	{
		on: "bad", name: "over 5 MiB",
		spoil: func(b *bench) {
			b.mongoInsert(`{"_id":"big","a":"` + strings.Repeat("x", 5<<20) + `"}`)
		},
		id:     `"big"`,
		reason: "too-large", says: "5242880",
		mend:   func(b *bench) { b.mongoUpdate(`{"_id":"big"}`, `{"$set":{"a":"small"}}`) },
		mended: holds(`"big"`, `{"_id":"big","a":"small"}`, `{"_id":"big"}`, `{"_id":"big","a":"small"}`),
	},
	{
		on: "bad", name: "grown over 5 MiB",
		before: func(b *bench) { b.mongoInsert(`{"_id":"grown","a":"small","b":1}`) },
		spoil: func(b *bench) {
			b.mongoUpdate(`{"_id":"grown"}`, `{"$set":{"a":"`+strings.Repeat("x", 5<<20)+`","b":2}}`)
		},
		id:     `"grown"`,
		reason: "too-large", says: "5242880",
		mend:   func(b *bench) { b.mongoUpdate(`{"_id":"grown"}`, `{"$set":{"a":"small again"}}`) },
		mended: holds(`"grown"`, `{"_id":"grown","a":"small again","b":2}`, `{"_id":"grown"}`, `{"_id":"grown","a":"small again","b":2}`),
	},
	{
		on: "bad", name: "half an Extended JSON object",
		spoil:  func(b *bench) { b.dql(`INSERT INTO {c} DOCUMENTS (:arg)`, `{"_id":"oid","v":{"$oid":"short"}}`) },
		id:     `"oid"`,
		reason: "value", says: "v",
		mend:   func(b *bench) { b.dql(`UPDATE {c} SET v = :arg WHERE _id = 'oid'`, `"mended"`) },
		mended: holds(`"oid"`, `{"_id":"oid","v":"mended"}`, `{"_id":"oid"}`, `{"_id":"oid","v":"mended"}`),
	},
	{
		on: "bad", name: "maps that strict mode hides",
		spoil: func(b *bench) {
			b.execute(b.t, "v5", "INSERT INTO "+b.table()+" DOCUMENTS (:d)", map[string]any{"d": json.RawMessage(`{"_id":"hidden","a":1,"o":{"p":2}}`)})
		},
		id:     `"hidden"`,
		reason: "strict-mode",
		kept:   holds(`"hidden"`, `{"_id":"hidden","a":1}`, `{"_id":"hidden"}`, ""),
		mend:   func(b *bench) { b.dql(`DELETE FROM {c} WHERE _id = :arg`, `"hidden"`) },
		mended: holds(`"hidden"`, "", `{"_id":"hidden"}`, ""),
	},
	{
		on: "bad_several", name: "id that is not of the mapped fields",
		spoil:  func(b *bench) { b.dql(`INSERT INTO {c} DOCUMENTS (:arg)`, `{"_id":"plain","a":1}`) },
		id:     `"plain"`,
		reason: "id-fields", says: "store",
		mend:   func(b *bench) { b.dql(`DELETE FROM {c} WHERE _id = :arg`, `"plain"`) },
		mended: holds(`"plain"`, "", `{"a":1}`, ""),
	},
	{
		on: "bad_counter", name: "new with a fraction",
		spoil:  func(b *bench) { b.mongoInsert(`{"_id":"c1","order":{"qty":1.5}}`) },
		id:     `"c1"`,
		reason: "counter", says: "order.qty",
		kept:   holds(`"c1"`, "", `{"_id":"c1"}`, `{"_id":"c1","order":{"qty":1.5}}`),
		mend:   func(b *bench) { b.mongoUpdate(`{"_id":"c1"}`, `{"$set":{"order.qty":2.0}}`) },
		mended: holds(`"c1"`, `{"_id":"c1","order":{"qty":2}}`, `{"_id":"c1"}`, `{"_id":"c1","order":{"qty":{"$numberDouble":"2.0"}}}`),
	},
	{
		on: "bad_counter", name: "changed to a string",
		before: func(b *bench) { b.mongoInsert(`{"_id":"c2","qty":5,"a":1}`) },
		spoil:  func(b *bench) { b.mongoUpdate(`{"_id":"c2"}`, `{"$set":{"qty":"many","a":2}}`) },
		id:     `"c2"`,
		reason: "counter", says: "qty",
		kept: holds(`"c2"`, `{"_id":"c2","qty":5,"a":1}`, `{"_id":"c2"}`, `{"_id":"c2","qty":"many","a":2}`),
		mend: func(b *bench) {
			b.mongoUpdate(`{"_id":"c2"}`, `{"$set":{"qty":7}}`)
		},
		mended: holds(`"c2"`, `{"_id":"c2","qty":7,"a":2}`, `{"_id":"c2"}`, `{"_id":"c2","qty":7,"a":2}`),
	},
	{
		on: "bad_counter", name: "a string from Ditto",
		spoil:  func(b *bench) { b.dql(`INSERT INTO {c} DOCUMENTS (:arg)`, `{"_id":"c3","qty":"many"}`) },
		id:     `"c3"`,
		reason: "counter", says: "qty",
		kept:   holds(`"c3"`, `{"_id":"c3","qty":"many"}`, `{"_id":"c3"}`, ""),
		mend:   func(b *bench) { b.dql(`UPDATE {c} SET qty = :arg WHERE _id = 'c3'`, `3`) },
		mended: holds(`"c3"`, `{"_id":"c3","qty":3}`, `{"_id":"c3"}`, `{"_id":"c3","qty":3}`),
	},
	{
		on: "bad_schema", name: "insert that the validator refuses",
		spoil:  func(b *bench) { b.dql(`INSERT INTO {c} DOCUMENTS (:arg)`, `{"_id":"s1","name":5}`) },
		id:     `"s1"`,
		reason: "rejected", says: "MongoDB",
		kept:   holds(`"s1"`, `{"_id":"s1","name":5}`, `{"_id":"s1"}`, ""),
		mend:   func(b *bench) { b.dql(`UPDATE {c} SET name = :arg WHERE _id = 's1'`, `"five"`) },
		mended: holds(`"s1"`, `{"_id":"s1","name":"five"}`, `{"_id":"s1"}`, `{"_id":"s1","name":"five"}`),
	},
	{
		on: "bad_schema", name: "update that the validator refuses, retried",
		before: func(b *bench) { b.mongoInsert(`{"_id":"s2","name":"x","limit":1}`) },
		spoil:  func(b *bench) { b.dql("UPDATE {c} SET `limit` = :arg WHERE _id = 's2'", `11`) },
		id:     `"s2"`,
		reason: "rejected", says: "MongoDB",
		kept:   holds(`"s2"`, `{"_id":"s2","name":"x","limit":11}`, `{"_id":"s2"}`, `{"_id":"s2","name":"x","limit":1}`),
		mend:   func(b *bench) { b.validate(b.t, 100) },
		retry:  true,
		mended: holds(`"s2"`, `{"_id":"s2","name":"x","limit":11}`, `{"_id":"s2"}`, `{"_id":"s2","name":"x","limit":11}`),
	},
	{
		on: "bad_schema", name: "value that a unique index refuses",
		before: func(b *bench) { b.mongoInsert(`{"_id":"s3","name":"x","u":"taken"}`) },
		spoil:  func(b *bench) { b.dql(`INSERT INTO {c} DOCUMENTS (:arg)`, `{"_id":"s4","name":"y","u":"taken"}`) },
		id:     `"s4"`,
		reason: "rejected", says: "MongoDB",
		kept:   holds(`"s4"`, `{"_id":"s4","name":"y","u":"taken"}`, `{"_id":"s4"}`, ""),
		mend:   func(b *bench) { b.dql(`UPDATE {c} SET u = :arg WHERE _id = 's4'`, `"free"`) },
		mended: holds(`"s4"`, `{"_id":"s4","name":"y","u":"free"}`, `{"_id":"s4"}`, `{"_id":"s4","name":"y","u":"free"}`),
	},
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
			w.causeway(t, &struct{}{}, "unsynced", "retry", c.on)
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
