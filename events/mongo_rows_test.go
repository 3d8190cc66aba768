package events_test

import "strings"

// The document that most events are about: its body in MongoDB, and in Ditto.
const (
	oid      = `{"$oid":"614cab95890e884a9264002a"}`
	hex      = `"614cab95890e884a9264002a"`
	milkBSON = `"title":"Buy milk","done":false,"priority":{"$numberInt":"2"},"ratio":{"$numberDouble":"0.5"},"due":{"$date":{"$numberLong":"1795417198123"}},` +
		`"price":{"$numberDecimal":"10.99"},"owner":{"name":"Susan","tags":["home","shop"]}`
	milkJSON = `"title":"Buy milk","done":false,"priority":2,"ratio":0.5,"due":"2026-11-23T06:59:58.123Z","price":"10.99","owner":{"name":"Susan","tags":["home","shop"]}`
	// What the update events say of it.
	oatUpdate = `{"$set":{"title":"Buy oat milk","owner.tags.1":"market"},"$unset":{"note":""}}`
	oatBSON   = `"title":"Buy oat milk","done":false,"priority":{"$numberInt":"2"},"ratio":{"$numberDouble":"0.5"},"due":{"$date":{"$numberLong":"1795417198123"}},` +
		`"price":{"$numberDecimal":"10.99"},"owner":{"name":"Susan","tags":["home","market"]}`
	oatJSON = `"title":"Buy oat milk","done":false,"priority":2,"ratio":0.5,"due":"2026-11-23T06:59:58.123Z","price":"10.99","owner":{"name":"Susan","tags":["home","market"]}`
)

// Answers to an event that did not come through the queue.
const (
	toDitto    = "keys 1, messages 1, pairs 1, toDitto 1"
	equal      = "equal 1, keys 1, messages 1, pairs 1"
	ignored    = "ignored 1, messages 1"
	sweeps     = "messages 1, sweepsRequested 1"
	noFailures = "failed: "
)

// milkTask is the document in MongoDB, with an `_id` in Extended JSON.
func milkTask(id string) string { return `{"_id":` + id + `,` + milkBSON + `}` }

// mongoRows are the events of mongo-to-ditto.
var mongoRows = []row{
	{
		files: []string{
			"mongo-to-ditto/insert-plain", "mongo-to-ditto/insert-relaxed", "mongo-to-ditto/insert-canonical", "mongo-to-ditto/insert-node-timestamp",
			"mongo-to-ditto/insert-projected", "mongo-to-ditto/insert-bare", "mongo-to-ditto/insert-replayed", "mongo-to-ditto/insert-transaction",
		},
		given: []step{inMongo("tasks", milkTask(oid))},
		want:  inserted(oid, hex),
		again: equal,
	},
	{
		files: []string{
			"mongo-to-ditto/update-plain", "mongo-to-ditto/update-relaxed", "mongo-to-ditto/update-canonical", "mongo-to-ditto/update-without-document",
		},
		given: []step{
			synced("tasks", oid, `{"_id":`+oid+`,`+milkBSON+`,"note":"hush"}`),
			setMongo("tasks", oid, oatUpdate),
			onDevice("tasks", hex, "SET priority = 3"), // without an event of its own
		},
		want: outcome{
			Answer: "keys 1, messages 1, pairs 1, toDitto 1, toMongoDB 1",
			Mongo:  []string{`tasks {"_id":` + oid + `,` + strings.Replace(oatBSON, `"2"`, `"3"`, 1) + `}`},
			Ditto:  []string{`tasks {"_id":` + hex + `,` + strings.Replace(oatJSON, `2`, `3`, 1) + `}`},
			Writes: []string{`ditto upsert tasks ` + hex, `mongodb update tasks ` + oid},
			Ledger: []string{`tasks/` + hex + ` live ` + oid},
			Claims: 2,
		},
		again: equal,
	},
	{
		files: []string{"mongo-to-ditto/replace-plain", "mongo-to-ditto/replace-relaxed", "mongo-to-ditto/replace-canonical"},
		given: []step{
			synced("tasks", oid, `{"_id":`+oid+`,"title":"Buy oat milk","note":"hush","done":{"$numberInt":"0"}}`),
			replaceMongo("tasks", oid, milkTask(oid)),
		},
		want: outcome{
			Answer: toDitto,
			Mongo:  []string{`tasks ` + milkTask(oid)},
			Ditto:  []string{`tasks {"_id":` + hex + `,` + milkJSON + `}`},
			Writes: []string{`ditto upsert tasks ` + hex},
			Ledger: []string{`tasks/` + hex + ` live ` + oid},
			Claims: 2,
		},
		again: equal,
	},
	{
		files: []string{
			"mongo-to-ditto/delete-plain", "mongo-to-ditto/delete-relaxed", "mongo-to-ditto/delete-canonical", "mongo-to-ditto/delete-with-preimage",
		},
		given: []step{synced("tasks", oid, milkTask(oid)), removeMongo("tasks", oid)},
		want: outcome{
			Answer: toDitto,
			Writes: []string{`ditto remove tasks ` + hex},
			Ledger: []string{`tasks/` + hex + ` deleted by mongodb ` + oid},
			Claims: 2,
		},
		again: equal,
	},
	{
		files: []string{"mongo-to-ditto/update-gone"},
		given: []step{synced("tasks", `"task-001"`, milkTask(`"task-001"`)), removeMongo("tasks", `"task-001"`)},
		want: outcome{
			Answer: toDitto,
			Writes: []string{`ditto remove tasks "task-001"`},
			Ledger: []string{`tasks/"task-001" deleted by mongodb "task-001"`},
			Claims: 2,
		},
		again: equal,
	},
	{
		files: []string{"mongo-to-ditto/insert-sharded"},
		given: []step{inMongo("orders", `{"_id":`+oid+`,"id":{"$numberInt":"7"},"locationId":"berlin","region":"eu"}`)},
		want: outcome{
			Answer: toDitto,
			Mongo:  []string{`orders {"_id":` + oid + `,"id":{"$numberInt":"7"},"locationId":"berlin","region":"eu"}`},
			Ditto:  []string{`orders {"_id":{"id":7,"locationId":"berlin"},"id":7,"locationId":"berlin","region":"eu"}`},
			Writes: []string{`ditto upsert orders {"id":7,"locationId":"berlin"}`},
			Ledger: []string{`orders/{"id":7,"locationId":"berlin"} live ` + oid},
			Claims: 2,
		},
		again: equal,
	},
	{
		files: []string{"mongo-to-ditto/insert-string-id"},
		given: []step{inMongo("tasks", milkTask(`"task-001"`))},
		want:  inserted(`"task-001"`, `"task-001"`),
		again: equal,
	},
	{
		files: []string{"mongo-to-ditto/insert-number-id"},
		given: []step{inMongo("tasks", milkTask(`{"$numberLong":"5"}`))},
		want:  inserted(`{"$numberLong":"5"}`, `5`),
		again: equal,
	},
	{
		files: []string{"mongo-to-ditto/insert-date-id"},
		given: []step{inMongo("tasks", milkTask(`{"$date":{"$numberLong":"1795417198123"}}`))},
		want:  inserted(`{"$date":{"$numberLong":"1795417198123"}}`, `"2026-11-23T06:59:58.123Z"`),
		again: equal,
	},
	{
		files: []string{"mongo-to-ditto/insert-binary-id"},
		given: []step{inMongo("tasks", milkTask(`{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}}`))},
		want:  inserted(`{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}}`, `{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}}`),
		again: equal,
	},
	{
		files: []string{"mongo-to-ditto/insert-compound-id"},
		given: []step{inMongo("tasks", milkTask(`{"site":{"$numberInt":"1"},"day":{"$date":{"$numberLong":"1795417200000"}}}`))},
		want: outcome{ // a one-to-one id that Ditto cannot have
			Answer:  "keys 1, messages 1, parked 1",
			Mongo:   []string{`tasks ` + milkTask(`{"site":{"$numberInt":"1"},"day":{"$date":{"$numberLong":"1795417200000"}}}`)},
			Records: []string{`unsynced tasks/mongo:{"site":{"$numberInt":"1"},"day":{"$date":{"$numberLong":"1795417200000"}}} id-kind`},
		},
	},
	{
		files: []string{"mongo-to-ditto/canary"},
		given: pending,
		want:  noted(unchanged(ignored)),
	},
	{
		files: []string{"mongo-to-ditto/own-collection", "mongo-to-ditto/create", "mongo-to-ditto/bad-database", "mongo-to-ditto/bad-collection"},
		given: pending,
		want:  unchanged(ignored),
	},
	{
		files: []string{"mongo-to-ditto/drop", "mongo-to-ditto/rename", "mongo-to-ditto/drop-database", "mongo-to-ditto/invalidate"},
		given: pending,
		want:  unchanged(sweeps),
	},
	{
		files: []string{"mongo-to-ditto/bad-operation"},
		given: pending,
		want:  unchanged(`fails: trigger event has the unknown operation "explode"`),
	},
	{
		files: []string{"mongo-to-ditto/bad-no-key"},
		given: pending,
		want:  unchanged("fails: trigger event of tasks has no documentKey._id: keep `documentKey` in the trigger's project expression"),
	},
	{
		files: []string{"mongo-to-ditto/bad-source"},
		given: pending,
		want:  unchanged(`fails: event of source "aws.s3" is not an Atlas trigger event: detail.operationType is missing`),
	},
	{
		files: []string{"mongo-to-ditto/bad-shape"},
		given: pending,
		want:  unchanged("fails: event is not a JSON object"),
	},
	{
		files: []string{"mongo-to-ditto/sqs-rule"},
		given: []step{synced("tasks", oid, milkTask(oid)), removeMongo("tasks", oid)},
		want: outcome{
			Answer: noFailures,
			Writes: []string{`ditto remove tasks ` + hex, beatNoted},
			Ledger: []string{`tasks/` + hex + ` deleted by mongodb ` + oid},
			Claims: 2,
		},
	},
	{
		files: []string{"mongo-to-ditto/sqs-events"},
		given: []step{
			inMongo("tasks", milkTask(oid)),
			synced("tasks", `"task-001"`, milkTask(`"task-001"`)), removeMongo("tasks", `"task-001"`),
		},
		want: outcome{
			Answer: noFailures,
			Mongo:  []string{`tasks ` + milkTask(oid)},
			Ditto:  []string{`tasks {"_id":` + hex + `,` + milkJSON + `}`},
			Writes: []string{`ditto upsert tasks ` + hex, `ditto remove tasks "task-001"`},
			Ledger: []string{`tasks/` + hex + ` live ` + oid, `tasks/"task-001" deleted by mongodb "task-001"`},
			Claims: 4,
		},
	},
	{
		files: []string{"mongo-to-ditto/sqs-keys"},
		given: []step{
			synced("tasks", oid, milkTask(oid)), removeMongo("tasks", oid),
			inMongo("orders", `{"_id":{"$numberLong":"7"},"id":{"$numberInt":"7"},"locationId":"berlin"}`),
		},
		want: outcome{
			Answer: noFailures,
			Mongo:  []string{`orders {"_id":{"$numberLong":"7"},"id":{"$numberInt":"7"},"locationId":"berlin"}`},
			Ditto:  []string{`orders {"_id":{"id":7,"locationId":"berlin"},"id":7,"locationId":"berlin"}`},
			Writes: []string{`ditto upsert orders {"id":7,"locationId":"berlin"}`, `ditto remove tasks ` + hex},
			Ledger: []string{`orders/{"id":7,"locationId":"berlin"} live {"$numberLong":"7"}`, `tasks/` + hex + ` deleted by mongodb ` + oid},
			Claims: 4,
		},
	},
	{
		files: []string{"mongo-to-ditto/sqs-bad"},
		given: []step{inMongo("tasks", milkTask(oid))},
		want: outcome{
			Answer: "failed: 2 3 4 5 6",
			Mongo:  []string{`tasks ` + milkTask(oid)},
			Ditto:  []string{`tasks {"_id":` + hex + `,` + milkJSON + `}`},
			Writes: []string{`ditto upsert tasks ` + hex},
			Ledger: []string{`tasks/` + hex + ` live ` + oid},
			Claims: 2,
			Reasons: []string{
				"event is not JSON",
				"event is neither an Atlas trigger event, nor a Ditto event, nor a message of Causeway",
				"message of the rule has no operationType: it was not made from a trigger event",
				"trigger event of tasks has no documentKey._id: keep `documentKey` in the trigger's project expression",
				"message has a version other than 1: it was written by a newer release",
			},
		},
	},
}

// inserted is what becomes of a document that only MongoDB had, with its
// `_id` in MongoDB and in Ditto.
func inserted(mongoID, dittoID string) outcome {
	return outcome{
		Answer: toDitto,
		Mongo:  []string{`tasks ` + milkTask(mongoID)},
		Ditto:  []string{`tasks {"_id":` + dittoID + `,` + milkJSON + `}`},
		Writes: []string{`ditto upsert tasks ` + dittoID},
		Ledger: []string{`tasks/` + dittoID + ` live ` + mongoID},
		Claims: 2,
	}
}

// pending is a change that waits for an event: one that is ignored, or
// refused, does not take it along.
var pending = []step{
	synced("tasks", oid, milkTask(oid)), setMongo("tasks", oid, oatUpdate),
	synced("tasks", `"heartbeat"`, `{"_id":"heartbeat","n":{"$numberInt":"1"}}`), setMongo("tasks", `"heartbeat"`, `{"$inc":{"n":{"$numberInt":"1"}}}`),
}

// beatNoted is the write of a heartbeat that came back.
const beatNoted = `mongodb insert __causeway_runs "canary"`

// noted is o with a heartbeat that came back, and nothing else.
func noted(o outcome) outcome {
	o.Writes = append(o.Writes, beatNoted)
	return o
}

// unchanged is what pending leaves, with an answer.
func unchanged(answer string) outcome {
	return outcome{
		Answer: answer,
		Mongo:  []string{`tasks {"_id":` + oid + `,` + oatBSON + `}`, `tasks {"_id":"heartbeat","n":{"$numberInt":"2"}}`},
		Ditto:  []string{`tasks {"_id":` + hex + `,` + milkJSON + `}`, `tasks {"_id":"heartbeat","n":1}`},
		Ledger: []string{`tasks/` + hex + ` live ` + oid, `tasks/"heartbeat" live "heartbeat"`},
	}
}
