package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// execute runs a statement as an app's server does, over HTTP. Those of this
// file are in lower case, which faults do not match: Causeway's are in upper
// case (TestFaults).
func (w *world) execute(t *testing.T, api, statement string, args map[string]any) []json.RawMessage {
	t.Helper()
	items, err := w.try(t, api, statement, args)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

func (w *world) try(t *testing.T, api, statement string, args map[string]any) ([]json.RawMessage, error) {
	t.Helper()
	body := []byte(text(t, map[string]any{"statement": statement, "args": args}))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.info.Ditto.URL+"/api/"+api+"/store/execute", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+w.info.Ditto.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	out, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Items []json.RawMessage
		Error struct{ Description string }
	}
	if err := json.Unmarshal(out, &answer); err != nil || res.StatusCode != http.StatusOK || answer.Error.Description != "" {
		return nil, fmt.Errorf("%s: %s: %s", statement, res.Status, out)
	}
	return answer.Items, nil
}

// allDitto are a collection's documents as Ditto shows them, by id, in normal form.
func (w *world) allDitto(t *testing.T, c *collection) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, item := range w.execute(t, c.api(), "select * from "+c.table(), nil) {
		doc := parse(t, string(item))
		all[text(t, doc["_id"])] = text(t, doc)
	}
	return all
}

// inDitto is a document as Ditto shows it.
func (w *world) inDitto(t *testing.T, c *collection, key string) string {
	t.Helper()
	items := w.execute(t, c.api(), "select * from "+c.table()+" where _id = :id", map[string]any{"id": c.dittoID(key)})
	if len(items) != 1 {
		t.Fatalf("%s: %d documents in Ditto", key, len(items))
	}
	return string(items[0])
}

// allMongo are a collection's documents as canonical Extended JSON, by the
// fields that make their id, without an `_id` that means nothing.
func (w *world) allMongo(t *testing.T, c *collection) map[string]string {
	t.Helper()
	all := map[string]string{}
	for key, doc := range w.mongoDocs(t, c) {
		all[key] = canonical(t, c, doc)
	}
	return all
}

// mongoDocs are a collection's documents by the fields that make their id.
func (w *world) mongoDocs(t *testing.T, c *collection) map[string]bson.Raw {
	t.Helper()
	cursor, err := w.db.Collection(c.name).Find(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	var docs []bson.Raw
	if err := cursor.All(t.Context(), &docs); err != nil {
		t.Fatal(err)
	}
	all := map[string]bson.Raw{}
	for _, doc := range docs {
		all[c.mongoKey(doc)] = doc
	}
	return all
}

// mongoKey names a document of MongoDB by the fields that make its id.
func (c *collection) mongoKey(doc bson.Raw) string {
	var key []string
	for _, f := range c.ids() {
		key = append(key, doc.Lookup(f).String())
	}
	return strings.Join(key, " ")
}

func canonical(t *testing.T, c *collection, raw bson.Raw) string {
	t.Helper()
	doc := parse(t, extended(t, raw))
	if c.fields != nil {
		delete(doc, "_id")
	}
	return text(t, doc)
}

// insertMongo inserts a document; body is Extended JSON without the fields of its id.
func (w *world) insertMongo(t *testing.T, c *collection, key, body string) {
	t.Helper()
	doc := append(c.filter(key), extJSON(t, body)...)
	if _, err := w.db.Collection(c.name).InsertOne(t.Context(), doc); err != nil {
		t.Fatal(err)
	}
}

func (w *world) updateMongo(t *testing.T, c *collection, key, update string) {
	t.Helper()
	r, err := w.db.Collection(c.name).UpdateOne(t.Context(), c.filter(key), extJSON(t, update))
	if err == nil && r.ModifiedCount != 1 {
		err = fmt.Errorf("%d documents were modified", r.ModifiedCount)
	}
	if err != nil {
		t.Fatalf("update %s in %s: %s: %v", key, c.name, update, err)
	}
}

func (w *world) replaceMongo(t *testing.T, c *collection, key, body string) {
	t.Helper()
	if _, err := w.db.Collection(c.name).ReplaceOne(t.Context(), c.filter(key), append(c.named(key), extJSON(t, body)...)); err != nil {
		t.Fatal(err)
	}
}

func (w *world) deleteMongo(t *testing.T, c *collection, key string) {
	t.Helper()
	r, err := w.db.Collection(c.name).DeleteOne(t.Context(), c.filter(key))
	if err != nil || r.DeletedCount != 1 {
		t.Fatalf("delete %s in %s: %+v, %v", key, c.name, r, err)
	}
}

func extJSON(t *testing.T, js string) bson.D {
	t.Helper()
	var doc bson.D
	if err := bson.UnmarshalExtJSON([]byte(js), false, &doc); err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return doc
}

// insertDitto inserts a document; body is JSON without the fields of its id,
// types declares those of its fields that are no registers or maps.
func (w *world) insertDitto(t *testing.T, c *collection, key, body, types string) {
	t.Helper()
	doc := parse(t, body)
	c.identify(t, doc, key)
	into := c.table()
	if types != "" {
		into = "collection " + into + " (" + types + ")"
	}
	w.execute(t, c.api(), "insert into "+into+" documents (:doc)", map[string]any{"doc": doc})
}

// edit sets the value at a dotted path, or one made by at, or removes it where
// there is none.
type edit struct{ path, value string }

// at is the path of names that may have dots.
func at(names ...string) string { return strings.Join(names, "\x00") + "\x00" }

func (e edit) segments() []string {
	if path, ok := strings.CutSuffix(e.path, "\x00"); ok {
		return strings.Split(path, "\x00")
	}
	return strings.Split(e.path, ".")
}

// field is the path in DQL.
func (e edit) field() string {
	var b strings.Builder
	for i, s := range e.segments() {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString("`" + strings.ReplaceAll(s, "`", "``") + "`")
	}
	return b.String()
}

// updateDitto edits a document as an app does: a path at a time, or the whole
// top-level field where objects are registers.
func (w *world) updateDitto(t *testing.T, c *collection, key string, edits ...edit) {
	t.Helper()
	id := c.dittoID(key)
	if c.strict() && slices.ContainsFunc(edits, func(e edit) bool { return len(e.segments()) > 1 }) {
		edits = wholeFields(t, w.inDitto(t, c, key), edits)
	}
	args := map[string]any{"id": id}
	var set, unset []string
	for i, e := range edits {
		if e.value == "" {
			unset = append(unset, e.field())
			continue
		}
		arg := fmt.Sprint("v", i)
		args[arg] = json.RawMessage(e.value)
		set = append(set, e.field()+" = :"+arg)
	}
	statement := "update " + c.table()
	if len(set) > 0 {
		statement += " set " + strings.Join(set, ", ")
	}
	if len(unset) > 0 {
		statement += " unset " + strings.Join(unset, ", ")
	}
	w.execute(t, c.api(), statement+" where _id = :id", args)
}

// wholeFields turns edits of nested paths into ones of the top-level fields.
func wholeFields(t *testing.T, js string, edits []edit) (out []edit) {
	t.Helper()
	doc := parse(t, js)
	var tops []string
	for _, e := range edits {
		segments := e.segments()
		if len(segments) == 1 {
			out = append(out, e)
			continue
		}
		in := doc
		for _, s := range segments[:len(segments)-1] {
			in = in[s].(map[string]any)
		}
		last := segments[len(segments)-1]
		if in[last] = json.RawMessage(e.value); e.value == "" {
			delete(in, last)
		}
		if !slices.Contains(tops, segments[0]) {
			tops = append(tops, segments[0])
		}
	}
	for _, top := range tops {
		out = append(out, edit{at(top), text(t, doc[top])})
	}
	return out
}

func (w *world) deleteDitto(t *testing.T, c *collection, key string) {
	t.Helper()
	w.execute(t, c.api(), "delete from "+c.table()+" where _id = :id", map[string]any{"id": c.dittoID(key)})
}
