package e2e_test

import (
	"encoding/json"
	"strings"
)

// spoiled take documents that cannot be synced.
var spoiled = []*collection{
	{name: "bad"},
	{name: "bad_one", fields: []string{"sku"}},
	{name: "bad_several", fields: []string{"store", "no"}, maps: true},
	{name: "bad_counter", maps: true, counters: []string{"qty", "order.qty"}},
	{name: "bad_schema", maps: true},
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
