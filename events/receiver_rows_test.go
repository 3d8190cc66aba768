package events_test

const (
	oneKey       = `{"v":1,"collection":"tasks","dittoId":"task-001","side":"ditto","op":"upsert","txn":"now","tries":0}`
	keyAndNotice = `{"v":1,"keys":[{"collection":"tasks","dittoId":"task-001","side":"ditto","op":"upsert","txn":"now","tries":0},` +
		`{"side":"ditto","op":"notice","reason":"undecodable event","tries":0}]}`
	accepted = `200 {"accepted":1}`
)

// task001 waits in Ditto for its event.
var task001 = []step{inDitto("tasks", `{"_id":"task-001","title":"Buy milk","done":false}`)}

// task001Settled is what the worker makes of it.
var task001Settled = outcome{
	Answer: noFailures,
	Mongo:  []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`},
	Ditto:  []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`},
	Writes: []string{`mongodb insert tasks "task-001"`},
	Ledger: []string{`tasks/"task-001" live "task-001"`},
	Claims: 2,
}

// receiverRows are the events of ditto-to-mongo as receiver.
var receiverRows = []receiverRow{
	{
		files: []string{
			"ditto-to-mongo/receiver/webhook-insert", "ditto-to-mongo/receiver/webhook-rotation",
			"ditto-to-mongo/receiver/webhook-base64", "ditto-to-mongo/receiver/webhook-bearer",
		},
		given:  task001,
		answer: accepted,
		queue:  []string{oneKey},
		worker: task001Settled,
	},
	{
		files: []string{"ditto-to-mongo/receiver/webhook-update"},
		given: []step{
			syncedDitto("tasks", `"task-001"`, `{"_id":"task-001","title":"Buy milk"}`),
			onDevice("tasks", `"task-001"`, `SET title = 'Buy oat milk'`),
		},
		answer: accepted,
		queue:  []string{oneKey},
		worker: outcome{
			Answer: noFailures,
			Mongo:  []string{`tasks {"_id":"task-001","title":"Buy oat milk"}`},
			Ditto:  []string{`tasks {"_id":"task-001","title":"Buy oat milk"}`},
			Writes: []string{`mongodb update tasks "task-001"`},
			Ledger: []string{`tasks/"task-001" live "task-001"`},
			Claims: 2,
		},
	},
	{
		files: []string{"ditto-to-mongo/receiver/webhook-remove"},
		given: []step{
			syncedDitto("tasks", `"task-001"`, `{"_id":"task-001","title":"Buy oat milk"}`),
			removeDitto("tasks", `"task-001"`),
		},
		answer: accepted,
		queue:  []string{`{"v":1,"collection":"tasks","dittoId":"task-001","side":"ditto","op":"remove","txn":"now","tries":0}`},
		worker: outcome{
			Answer: noFailures,
			Writes: []string{`mongodb delete tasks "task-001"`},
			Ledger: []string{`tasks/"task-001" deleted by ditto "task-001"`},
			Claims: 2,
		},
	},
	{
		files: []string{"ditto-to-mongo/receiver/webhook-array"},
		given: []step{
			inDitto("tasks", `{"_id":`+oid+`,"title":"a"}`),
			inDitto("orders", `{"_id":{"id":7,"locationId":"berlin"},"qty":2}`),
			syncedDitto("inventory", `5`, `{"_id":5,"n":1}`),
			removeDitto("stock", `5`),
		},
		answer: `200 {"accepted":3}`,
		queue: []string{`{"v":1,"keys":[` +
			`{"collection":"tasks","dittoId":{"$oid":"614cab95890e884a9264002a"},"side":"ditto","op":"upsert","txn":"now","tries":0},` +
			`{"collection":"orders","dittoId":{"id":7,"locationId":"berlin"},"side":"ditto","op":"upsert","txn":"now","tries":0},` +
			`{"collection":"inventory","dittoId":5,"side":"ditto","op":"remove","txn":"now","tries":0}]}`},
		worker: outcome{
			Answer: noFailures,
			Mongo:  []string{`tasks {"_id":` + oid + `,"title":"a"}`, `orders {"_id":{"$oid":"new"},"id":{"$numberInt":"7"},"locationId":"berlin","qty":{"$numberInt":"2"}}`},
			// The mapped fields are filled in from the id.
			Ditto: []string{`tasks {"_id":` + oid + `,"title":"a"}`, `orders {"_id":{"id":7,"locationId":"berlin"},"id":7,"locationId":"berlin","qty":2}`},
			Writes: []string{
				`ditto upsert orders {"id":7,"locationId":"berlin"}`, `mongodb delete inventory {"$numberInt":"5"}`,
				`mongodb insert orders {"$oid":"new"}`, `mongodb insert tasks ` + oid,
			},
			Ledger: []string{
				`inventory/5 deleted by ditto {"$numberInt":"5"}`, `orders/{"id":7,"locationId":"berlin"} live {"$oid":"new"}`, `tasks/` + oid + ` live ` + oid,
			},
			Claims: 6,
		},
	},
	{
		files:  []string{"ditto-to-mongo/receiver/webhook-requery"},
		given:  task001,
		answer: accepted,
		queue:  []string{`{"v":1,"side":"ditto","op":"notice","reason":"requeryRequired","txn":"now","tries":0}`},
		worker: outcome{Answer: noFailures, Ditto: []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`}},
	},
	{
		files:  []string{"ditto-to-mongo/receiver/webhook-spellings"},
		given:  []step{inDitto("tasks", `{"_id":"task-002","title":"x"}`)},
		answer: accepted,
		queue:  []string{`{"v":1,"collection":"tasks","dittoId":"task-002","side":"ditto","op":"upsert","txn":"now","tries":0}`},
		worker: outcome{
			Answer: noFailures,
			Mongo:  []string{`tasks {"_id":"task-002","title":"x"}`},
			Ditto:  []string{`tasks {"_id":"task-002","title":"x"}`},
			Writes: []string{`mongodb insert tasks "task-002"`},
			Ledger: []string{`tasks/"task-002" live "task-002"`},
			Claims: 2,
		},
	},
	{
		files:  []string{"ditto-to-mongo/receiver/webhook-collection"},
		given:  task001,
		answer: `200 {"accepted":0,"ignored":1}`,
	},
	{
		files:  []string{"ditto-to-mongo/receiver/webhook-partly-unread"},
		given:  task001,
		answer: `200 {"accepted":1,"unread":1}`,
		queue:  []string{keyAndNotice},
		worker: task001Settled,
	},
	{files: []string{"ditto-to-mongo/receiver/bad-webhook-unsigned"}, given: task001, answer: `401 {"accepted":0,"error":"neither a ditto-signature header nor a bearer token"}`},
	{files: []string{"ditto-to-mongo/receiver/bad-webhook-signature"}, given: task001, answer: `401 {"accepted":0,"error":"no active secret matches"}`},
	{files: []string{"ditto-to-mongo/receiver/bad-webhook-malformed"}, given: task001, answer: `401 {"accepted":0,"error":"ditto-signature is not of the form t=\u003cunix seconds\u003e,v1=\u003chexadecimal\u003e"}`},
	{files: []string{"ditto-to-mongo/receiver/bad-webhook-replayed"}, given: task001, answer: `401 {"accepted":0,"error":"signed more than five minutes ago, or ahead of time"}`},
	{files: []string{"ditto-to-mongo/receiver/bad-webhook-bearer"}, given: task001, answer: `401 {"accepted":0,"error":"no active secret matches"}`},
	{files: []string{"ditto-to-mongo/receiver/bad-webhook-not-json"}, given: task001, answer: `400 {"accepted":0,"unread":1,"error":"event is not JSON"}`},
	{files: []string{"ditto-to-mongo/receiver/bad-webhook-method"}, given: task001, answer: `400 {"accepted":0,"unread":1,"error":"ditto event of tasks: change.method is neither upsert nor remove"}`},
	{files: []string{"ditto-to-mongo/receiver/bad-webhook-trigger"}, given: task001, answer: `400 {"accepted":0,"unread":1,"error":"ditto event: type is neither documentChanged nor requeryRequired"}`},
	{
		files: []string{"ditto-to-mongo/receiver/kafka"},
		given: []step{
			inDitto("tasks", `{"_id":"task-001","title":"Buy milk","done":false}`),
			syncedDitto("tasks", `"task-002"`, `{"_id":"task-002"}`),
			removeDitto("tasks", `"task-002"`),
		},
		answer: "accepted 3",
		queue: []string{`{"v":1,"keys":[{"collection":"tasks","dittoId":"task-001","side":"ditto","op":"upsert","txn":"now","tries":0},` +
			`{"collection":"tasks","dittoId":"task-002","side":"ditto","op":"remove","txn":"now","tries":0},` +
			`{"side":"ditto","op":"notice","reason":"requeryRequired","txn":"now","tries":0}]}`},
		worker: outcome{
			Answer: noFailures,
			Mongo:  []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`},
			Ditto:  []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`},
			Writes: []string{`mongodb insert tasks "task-001"`, `mongodb delete tasks "task-002"`},
			Ledger: []string{`tasks/"task-001" live "task-001"`, `tasks/"task-002" deleted by ditto "task-002"`},
			Claims: 4,
		},
	},
	{
		files:  []string{"ditto-to-mongo/receiver/kafka-bad"},
		given:  task001,
		answer: "accepted 1, ignored 2, unread 1",
		queue:  []string{keyAndNotice},
		worker: task001Settled,
	},
	{
		files:  []string{"ditto-to-mongo/receiver/bad-receiver"},
		given:  task001,
		answer: "fails: payload is neither a web request nor Kafka records: CAUSEWAY_ROLE=receiver takes nothing else",
	},
}
