package events_test

const toMongoDB = "keys 1, messages 1, pairs 1, toMongoDB 1"

// dittoRows are the events of ditto-to-mongo as worker.
var dittoRows = []row{
	{
		files: []string{"ditto-to-mongo/worker/insert-bare"},
		given: []step{inDitto("tasks", `{"_id":"task-001","title":"Buy milk","done":false}`)},
		want: outcome{
			Answer: toMongoDB,
			Mongo:  []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`},
			Ditto:  []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`},
			Writes: []string{`mongodb insert tasks "task-001"`},
			Ledger: []string{`tasks/"task-001" live "task-001"`},
			Claims: 2,
		},
		again: equal,
	},
	{
		files: []string{"ditto-to-mongo/worker/sqs-keys"},
		given: []step{
			inDitto("tasks", `{"_id":"task-001","title":"Buy milk","done":false}`),
			syncedDitto("tasks", `"task-002"`, `{"_id":"task-002","title":"Buy milk"}`),
			onDevice("tasks", `"task-002"`, `SET title = 'Buy oat milk'`),
			syncedDitto("tasks", oid, `{"_id":`+oid+`,"title":"Buy milk"}`),
			removeDitto("tasks", oid),
		},
		want: outcome{
			Answer: noFailures,
			Mongo:  []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`, `tasks {"_id":"task-002","title":"Buy oat milk"}`},
			Ditto:  []string{`tasks {"_id":"task-001","title":"Buy milk","done":false}`, `tasks {"_id":"task-002","title":"Buy oat milk"}`},
			Writes: []string{`mongodb insert tasks "task-001"`, `mongodb update tasks "task-002"`, `mongodb delete tasks ` + oid},
			Ledger: []string{`tasks/"task-001" live "task-001"`, `tasks/"task-002" live "task-002"`, `tasks/` + oid + ` deleted by ditto ` + oid},
			Claims: 6,
		},
	},
	{
		files: []string{"ditto-to-mongo/worker/sqs-events"},
		given: []step{
			inDitto("stock", `{"_id":5}`),
			syncedDitto("tasks", `"task-001"`, `{"_id":"task-001","title":"Buy milk","done":false}`),
			removeDitto("tasks", `"task-001"`),
		},
		want: outcome{
			Answer: noFailures,
			Mongo:  []string{`inventory {"_id":{"$numberInt":"5"}}`},
			Ditto:  []string{`stock {"_id":5}`},
			Writes: []string{`mongodb insert inventory {"$numberInt":"5"}`, `mongodb delete tasks "task-001"`},
			Ledger: []string{`inventory/5 live {"$numberInt":"5"}`, `tasks/"task-001" deleted by ditto "task-001"`},
			Claims: 4,
		},
	},
	{
		files: []string{"ditto-to-mongo/worker/sqs-bad"},
		given: []step{inDitto("tasks", `{"_id":"task-001","title":"Buy milk"}`)},
		want: outcome{
			Answer: "failed: 2 3 4",
			Mongo:  []string{`tasks {"_id":"task-001","title":"Buy milk"}`},
			Ditto:  []string{`tasks {"_id":"task-001","title":"Buy milk"}`},
			Writes: []string{`mongodb insert tasks "task-001"`},
			Ledger: []string{`tasks/"task-001" live "task-001"`},
			Claims: 2,
			Reasons: []string{
				"event is not JSON",
				"message: neither mongoId nor dittoId is there",
				"message: dittoId: document null: the id is null, which Ditto refuses; give the document another id",
			},
		},
	},
	{
		files: []string{"ditto-to-mongo/worker/bad-worker"},
		given: []step{inDitto("tasks", `{"_id":"task-001","title":"Buy milk"}`)},
		want: outcome{
			Answer: "fails: event is neither an Atlas trigger event, nor a Ditto event, nor a message of Causeway",
			Ditto:  []string{`tasks {"_id":"task-001","title":"Buy milk"}`},
		},
	},
}
