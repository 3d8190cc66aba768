package chaos_test

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// kind is one kind of work: what users leave, and what must come of it.
// Documents are JSON without their `_id`; "" is none.
type kind struct {
	name, in string
	quick    bool       // in `make test` too
	base     string     // on both sides, before the users act
	users    []userStep // what they do
	wakes    string     // the function that hears of it
	remove   bool       // what it hears is a removal

	mongo, ditto string // as the users leave them
	want         string // on both sides, in the end
	tombstone    string // in the ledger, in the end; "" for a live entry

	// claimed is the entry under the claim: "<state> <announced units>".
	claimed string
	lost    []string // losing values: "<path> <side> <value>"
	// carried are values that are recorded too where a write was announced and
	// not seen to have happened: a user may have set them meanwhile.
	carried []string
	parked  string // the reason, for a document that cannot be synced
}

type userStep func(l *lab, in, id string)

var kinds = []kind{
	{
		name: "new in MongoDB", in: "things", quick: true, wakes: mongoToDitto,
		users: []userStep{insertMongo(`{"a":1,"o":{"x":2}}`)},
		mongo: `{"a":1,"o":{"x":2}}`, want: `{"a":1,"o":{"x":2}}`,
		claimed: ` ditto a, ditto o.x`,
	},
	{
		name: "new in Ditto", in: "things", quick: true, wakes: dittoToMongo,
		users: []userStep{insertDitto(`{"a":1,"o":{"x":2}}`)},
		ditto: `{"a":1,"o":{"x":2}}`, want: `{"a":1,"o":{"x":2}}`,
		claimed: ` mongodb a, mongodb o.x`,
	},
	{
		// The ObjectId is chosen before the claim and inserted after it.
		name: "born in Ditto under a mapped id", in: "mapped", quick: true, wakes: dittoToMongo,
		users: []userStep{insertDitto(`{"a":1}`)},
		ditto: `{"a":1}`, want: `{"a":1,"k":"#"}`,
		claimed: ` mongodb a, mongodb k, ditto k`,
	},
	{
		name: "changed in MongoDB", in: "things", base: `{"a":1,"b":2}`, wakes: mongoToDitto,
		users: []userStep{setMongo("a", 3)},
		mongo: `{"a":3,"b":2}`, ditto: `{"a":1,"b":2}`, want: `{"a":3,"b":2}`,
		claimed: `live ditto a`, carried: []string{"a ditto 1"},
	},
	{
		name: "changed in Ditto", in: "things", base: `{"a":1,"b":2}`, wakes: dittoToMongo,
		users: []userStep{setDitto("a", 3)},
		mongo: `{"a":1,"b":2}`, ditto: `{"a":3,"b":2}`, want: `{"a":3,"b":2}`,
		claimed: `live mongodb a`, carried: []string{"a mongodb 1"},
	},
	{
		name: "changed on both sides", in: "things", quick: true, base: `{"a":1,"b":2,"c":3,"d":4}`, wakes: mongoToDitto,
		users: []userStep{setMongo("a", 10), setMongo("b", 20), setMongo("c", 30), setDitto("a", 11), setDitto("b", 21), setDitto("d", 41)},
		mongo: `{"a":10,"b":20,"c":30,"d":4}`, ditto: `{"a":11,"b":21,"c":3,"d":41}`, want: `{"a":10,"b":21,"c":30,"d":41}`,
		claimed: `live ditto a, mongodb b, ditto c, mongodb d`,
		lost:    []string{"a ditto 11", "b mongodb 20"}, carried: []string{"c ditto 3", "d mongodb 4"},
	},
	{
		name: "changed on both sides, strict", in: "strict", base: `{"a":{"x":1}}`, wakes: dittoToMongo,
		users: []userStep{setMongo("a.x", 2), setDitto("a", map[string]int{"x": 3})},
		mongo: `{"a":{"x":2}}`, ditto: `{"a":{"x":3}}`, want: `{"a":{"x":2}}`,
		claimed: `live ditto a`, lost: []string{`a ditto {"x":3}`},
	},
	{
		name: "deleted in MongoDB", in: "things", base: `{"a":1}`, wakes: mongoToDitto, remove: true,
		users: []userStep{deleteMongo},
		ditto: `{"a":1}`, tombstone: "deleted by mongodb",
		claimed: `live ditto`, carried: []string{` ditto {"a":1}`},
	},
	{
		name: "deleted in MongoDB, changed in Ditto", in: "things", quick: true, base: `{"a":1}`, wakes: mongoToDitto, remove: true,
		users: []userStep{deleteMongo, setDitto("a", 3)},
		ditto: `{"a":3}`, tombstone: "deleted by mongodb",
		claimed: `live ditto`, lost: []string{` ditto {"a":3}`},
	},
	{
		name: "deleted in Ditto", in: "things", quick: true, base: `{"a":1}`, wakes: dittoToMongo, remove: true,
		users: []userStep{deleteDitto},
		mongo: `{"a":1}`, tombstone: "deleted by ditto",
		claimed: `live mongodb`, carried: []string{` mongodb {"a":1}`},
	},
	{
		name: "deleted in Ditto, changed in MongoDB", in: "things", base: `{"a":1}`, wakes: dittoToMongo, remove: true,
		users: []userStep{deleteDitto, setMongo("a", 3)},
		mongo: `{"a":3}`, want: `{"a":3}`,
		claimed: `live ditto a`, lost: []string{` ditto `},
	},
	{
		name: "incremented", in: "things", base: `{"q":5}`, wakes: dittoToMongo,
		users: []userStep{increment(2)},
		mongo: `{"q":5}`, ditto: `{"q":7}`, want: `{"q":7}`,
		claimed: `live mongodb q`, carried: []string{"q mongodb 5"},
	},
	{
		name: "reset", in: "things", base: `{"q":5}`, wakes: mongoToDitto,
		users: []userStep{setMongo("q", 100)},
		mongo: `{"q":100}`, ditto: `{"q":5}`, want: `{"q":100}`,
		claimed: `live ditto q`, carried: []string{"q ditto 5"},
	},
	{
		name: "reset and incremented", in: "things", quick: true, base: `{"q":5}`, wakes: dittoToMongo,
		users: []userStep{setMongo("q", 100), increment(2)},
		mongo: `{"q":100}`, ditto: `{"q":7}`, want: `{"q":100}`,
		claimed: `live ditto q`, lost: []string{"q ditto 7"},
	},
	{
		name: "parked", in: "things", quick: true, base: `{"a":1,"q":5}`, wakes: mongoToDitto,
		users: []userStep{setMongo("q", "no number")},
		mongo: `{"a":1,"q":"no number"}`, ditto: `{"a":1,"q":5}`, parked: "counter",
	},
}

func (k *kind) writesDitto() bool   { return k.parked == "" && k.ditto != k.want }
func (k *kind) writesMongoDB() bool { return k.parked == "" && k.mongo != k.want }

func insertMongo(doc string) userStep {
	return func(l *lab, in, id string) {
		l.t.Helper()
		body := bson.D{{Key: "_id", Value: id}}
		if _, err := l.db.Collection(in).InsertOne(l.t.Context(), append(body, fields(l.t, doc)...)); err != nil {
			l.t.Fatal(err)
		}
	}
}

func setMongo(path string, v any) userStep {
	return func(l *lab, in, id string) {
		l.t.Helper()
		res, err := l.db.Collection(in).UpdateByID(l.t.Context(), id, bson.D{{Key: "$set", Value: bson.D{{Key: path, Value: v}}}})
		if err != nil || res.ModifiedCount != 1 {
			l.t.Fatalf("set %s of %s: %+v, %v", path, id, res, err)
		}
	}
}

func deleteMongo(l *lab, in, id string) {
	l.t.Helper()
	res, err := l.db.Collection(in).DeleteOne(l.t.Context(), bson.D{{Key: "_id", Value: id}})
	if err != nil || res.DeletedCount != 1 {
		l.t.Fatalf("delete %s: %+v, %v", id, res, err)
	}
}

func insertDitto(doc string) userStep {
	return func(l *lab, in, id string) {
		l.t.Helper()
		l.dql(in, "INSERT INTO "+in+" DOCUMENTS (:doc)", map[string]any{"doc": withID(l.t, id, doc)})
	}
}

func setDitto(path string, v any) userStep {
	return func(l *lab, in, id string) {
		l.t.Helper()
		l.dql(in, "UPDATE "+in+" SET "+path+" = :v WHERE _id = :id", map[string]any{"id": id, "v": v})
	}
}

func deleteDitto(l *lab, in, id string) {
	l.t.Helper()
	l.dql(in, "DELETE FROM "+in+" WHERE _id = :id", map[string]any{"id": id})
}

func increment(n int) userStep {
	return func(l *lab, in, id string) {
		l.t.Helper()
		l.dql(in, fmt.Sprintf("UPDATE %s APPLY q INCREMENT BY %d WHERE _id = :id", in, n), map[string]any{"id": id})
	}
}

// key is the message of the queue that tells a function of a document.
func (l *lab) key(function, in, id string, remove bool) string {
	op := "upsert"
	if remove {
		op = "remove"
	}
	if function == mongoToDitto {
		return fmt.Sprintf(`{"v":1,"collection":%q,"mongoId":%q,"side":"mongodb","op":%q}`, in, id, op)
	}
	return fmt.Sprintf(`{"v":1,"collection":%q,"dittoId":%q,"side":"ditto","op":%q,"txn":%d}`, in, id, op, l.txn())
}

// sweepKey is the message of a sweep that has come to a document.
func (l *lab) sweepKey(in, id string) string {
	return fmt.Sprintf(`{"v":1,"collection":%q,"dittoId":%q,"op":"sweep","txn":%d}`, in, id, l.txn())
}
