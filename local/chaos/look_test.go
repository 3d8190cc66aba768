package chaos_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/value"
)

// markCollection is written by the tests alone: once its change shows in the
// stream, every earlier change has shown.
const markCollection = "chaos_marks"

// sight is all that there is of one document pair.
type sight struct {
	Mongo, Ditto string // JSON without `_id`, keys sorted
	Entry        string // "rev <n> <state> [by <side>] [claimed <live or ended>: <announced>]"
	Lost         []string
	Unsynced     []string

	entry   *ledger.Entry // nil if there is none
	mongoID bson.RawValue
	doc     bson.Raw // MongoDB's
}

func (s *sight) String() string {
	return fmt.Sprintf("mongodb %s\nditto %s\nentry %s\nlost %q\nunsynced %q\n", s.Mongo, s.Ditto, s.Entry, s.Lost, s.Unsynced)
}

// see reads all that there is of these pairs, by Ditto id.
func (l *lab) see(in string, ids []string) map[string]*sight {
	l.t.Helper()
	seen := map[string]*sight{}
	keys := make([]ledger.Key, len(ids))
	byKey := map[ledger.Key]*sight{}
	for i, id := range ids {
		keys[i] = ledger.Key{Collection: in, ID: docid.ID(quoted(id))}
		seen[id] = &sight{}
		byKey[keys[i]] = seen[id]
	}
	field := "_id"
	if in == "mapped" {
		field = "k"
	}
	docs, err := l.client.Find(l.t.Context(), in, bson.D{{Key: field, Value: bson.D{{Key: "$in", Value: ids}}}}, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, doc := range docs {
		s := seen[doc.Lookup(field).StringValue()]
		if s.doc != nil {
			l.t.Errorf("MongoDB holds two documents %s", doc.Lookup(field))
		}
		s.doc, s.mongoID, s.Mongo = doc, doc.Lookup("_id"), bodyOf(l.t, relaxed(l.t, doc))
	}
	for _, item := range l.dql(in, "SELECT * FROM "+in+" WHERE _id IN :ids", map[string]any{"ids": ids}) {
		var id struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(item, &id); err != nil {
			l.t.Fatal(err)
		}
		seen[id.ID].Ditto = bodyOf(l.t, string(item))
	}
	entries, err := ledger.Store{DB: l.client}.Read(l.t.Context(), keys, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	for i := range entries {
		s := byKey[entries[i].Key]
		s.entry, s.Entry = &entries[i], describe(&entries[i])
	}
	l.seeRecords(byKey)
	return seen
}

func (l *lab) seeRecords(of map[ledger.Key]*sight) {
	l.t.Helper()
	records := ledger.Records{DB: l.client}
	conflicts, err := records.ListConflicts(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	for _, c := range conflicts {
		if s := of[c.Key]; s != nil {
			s.Lost = append(s.Lost, fmt.Sprintf("%s %s %s", c.Path, c.Side, lostValue(l.t, c)))
		}
	}
	unsynced, err := records.ListUnsynced(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	for _, u := range unsynced {
		if s := of[ledger.Key{Collection: u.Collection, ID: u.DittoID}]; s != nil {
			s.Unsynced = append(s.Unsynced, u.Reason)
		}
	}
	for _, s := range of { // a value may be recorded under several revisions
		slices.Sort(s.Lost)
		s.Lost = slices.Compact(s.Lost)
	}
}

// lostValue is a record's value as JSON; a whole document's without its `_id`.
func lostValue(t *testing.T, c ledger.Conflict) string {
	t.Helper()
	js := c.JSON
	if c.Value.Type != 0 {
		text, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: c.Value}}, false, false)
		if err != nil {
			t.Fatal(err)
		}
		js = string(value.Lookup(text, value.PathOf("v")))
	}
	if c.Path == "" && js != "" {
		return bodyOf(t, js)
	}
	return js
}

func describe(e *ledger.Entry) string {
	text := fmt.Sprintf("rev %d %s", e.Rev, e.State)
	if e.By != "" {
		text += " by " + string(e.By)
	}
	if e.Claim == nil {
		return text
	}
	life := "ended"
	if e.Claim.Live {
		life = "live"
	}
	var announced []string
	for _, a := range e.Claim.Announced {
		announced = append(announced, strings.TrimRight(fmt.Sprintf("%s %s", a.Side, a.Path), " "))
	}
	return text + ", claimed, " + life + ": " + strings.Join(announced, ", ")
}

// expire makes the claims on these pairs run out now. A claim lives 90 s by
// the database's clock; one test waits for that (claimRunsOut).
func (l *lab) expire(in string, ids []string) {
	l.t.Helper()
	entries := make(bson.A, len(ids))
	for i, id := range ids {
		entries[i] = in + "/" + quoted(id)
	}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: entries}}}, {Key: "claim", Value: bson.D{{Key: "$exists", Value: true}}}}
	if _, err := l.db.Collection(ledger.Collection).UpdateMany(l.t.Context(), filter, runOut()); err != nil {
		l.t.Fatal(err)
	}
}

// writes counts the writes since the last call: in MongoDB by the collection
// and `_id`, in Ditto since a transaction.
func (l *lab) writes(since int64) map[string]int {
	l.t.Helper()
	n := map[string]int{}
	l.marks++
	if _, err := l.db.Collection(markCollection).InsertOne(l.t.Context(), bson.D{{Key: "_id", Value: l.marks}}); err != nil {
		l.t.Fatal(err)
	}
	for l.stream.Next(l.t.Context()) {
		ev := l.stream.Current
		in, id := ev.Lookup("ns", "coll").StringValue(), ev.Lookup("documentKey", "_id")
		if in == markCollection {
			if mark, _ := id.AsInt64OK(); int(mark) == l.marks {
				break
			}
			continue
		}
		n["mongodb "+in+" "+id.String()]++
	}
	if err := l.stream.Err(); err != nil {
		l.t.Fatal(err)
	}
	written, err := l.ditto.Writes(l.t.Context(), since)
	if err != nil {
		l.t.Fatal(err)
	}
	for _, x := range written {
		n["ditto "+x.Collection+" "+string(x.ID)]++
	}
	return n
}

func quoted(text string) string {
	b, _ := json.Marshal(text) // a string always encodes
	return string(b)
}

func relaxed(t *testing.T, doc bson.Raw) string {
	t.Helper()
	text, err := bson.MarshalExtJSON(doc, false, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// bodyOf is a document without its `_id`, with its keys in order.
func bodyOf(t *testing.T, doc string) string {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal([]byte(doc), &m); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	delete(m, "_id")
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func withID(t *testing.T, id, doc string) json.RawMessage {
	t.Helper()
	return json.RawMessage(`{"_id":` + quoted(id) + "," + strings.TrimPrefix(doc, "{"))
}

func fields(t *testing.T, doc string) (d bson.D) {
	t.Helper()
	if err := bson.UnmarshalExtJSON([]byte(doc), false, &d); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	return d
}
