package e2e_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
)

// herd is how many documents change in one operation.
const herd = 30

// TestMany changes many documents at once: with an array of documents, with
// one statement, with bulk operations of several kinds.
func TestMany(t *testing.T) {
	t.Parallel()
	w := open(t)
	again := w.again(t)
	var docs []*document
	for _, name := range []string{"strict", "several_ejson"} {
		c := byName(name)
		keys := make([]string, herd)
		for i := range keys {
			keys[i] = fmt.Sprintf("many %02d%s", i, again)
		}
		for i, key := range keys {
			d := &document{collection: c, key: key, steps: []step{
				{name: "insertMany in MongoDB", want: `{"g":"herd","s":"x"}`},
				{name: "UPDATE of all in Ditto", want: `{"g":"herd","s":"y"}`},
				{name: "bulkWrite in MongoDB", want: [...]string{`{"g":"herd","s":"z"}`, `{"g":"herd"}`, `{"g":"herd","l":["new"]}`, ""}[i%4]},
				{name: "DELETE of all in Ditto"},
				{name: "INSERT of all in Ditto", want: fmt.Sprintf(`{"g":"herd","n":%d}`, i)},
				{name: "deleteMany in MongoDB"},
			}}
			if i%4 == 3 {
				// What MongoDB deleted before is not there to be deleted.
				d.steps[3].dittoWrites, d.steps[3].mongoWrites = -1, -1
				// And what it deleted stays deleted: its users' last word.
				d.steps[4].want, d.steps[4].dittoWrites, d.steps[4].mongoWrites = "", 2, -1
				d.steps[5].dittoWrites, d.steps[5].mongoWrites = -1, -1
				d.lost = []string{fmt.Sprintf(" of ditto by delete: %s", d.inDitto(t, key, fmt.Sprintf(`{"g":"herd","n":%d}`, i)))}
			}
			docs = append(docs, d)
		}
		first := docs[len(docs)-herd]
		first.steps[0].do = func(t *testing.T) { w.insertMany(t, c, keys) }
		first.steps[1].dql = []string{"UPDATE {c} SET s = 'y' WHERE g = 'herd'"}
		first.steps[2].do = func(t *testing.T) { w.bulkWrite(t, c, keys) }
		first.steps[3].dql = []string{"DELETE FROM {c} WHERE g = 'herd'"}
		first.steps[4].do = func(t *testing.T) { w.insertArray(t, c, keys) }
		first.steps[5].do = func(t *testing.T) {
			if _, err := w.db.Collection(c.name).DeleteMany(t.Context(), bson.D{{Key: "g", Value: "herd"}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.play(t, docs)
}

func (w *world) insertMany(t *testing.T, c *collection, keys []string) {
	t.Helper()
	var docs []bson.D
	for _, key := range keys {
		docs = append(docs, append(c.filter(key), extJSON(t, `{"g":"herd","s":"x"}`)...))
	}
	if _, err := w.db.Collection(c.name).InsertMany(t.Context(), docs); err != nil {
		t.Fatal(err)
	}
}

func (w *world) bulkWrite(t *testing.T, c *collection, keys []string) {
	t.Helper()
	var models []mongo.WriteModel
	for i, key := range keys {
		update := func(u string) mongo.WriteModel {
			return mongo.NewUpdateOneModel().SetFilter(c.filter(key)).SetUpdate(extJSON(t, u))
		}
		switch i % 4 {
		case 0:
			models = append(models, update(`{"$set":{"s":"z"}}`))
		case 1:
			models = append(models, update(`{"$unset":{"s":1}}`))
		case 2:
			models = append(models, mongo.NewReplaceOneModel().SetFilter(c.filter(key)).
				SetReplacement(append(c.named(key), extJSON(t, `{"g":"herd","l":["new"]}`)...)))
		case 3:
			models = append(models, mongo.NewDeleteOneModel().SetFilter(c.filter(key)))
		}
	}
	if _, err := w.db.Collection(c.name).BulkWrite(t.Context(), models); err != nil {
		t.Fatal(err)
	}
}

func (w *world) insertArray(t *testing.T, c *collection, keys []string) {
	t.Helper()
	var docs []json.RawMessage
	for i, key := range keys {
		doc := map[string]any{"g": "herd", "n": i}
		c.identify(t, doc, key)
		docs = append(docs, json.RawMessage(text(t, doc)))
	}
	// An array parameter is for non-strict collections alone in Ditto 4.
	w.execute(t, "v5", "INSERT INTO "+c.table()+" DOCUMENTS (:docs)", map[string]any{"docs": docs})
}
