package e2e_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// collection is a configured collection.
type collection struct {
	name     string
	ditto    string   // name in Ditto, if another
	fields   []string // nil: [_id]
	ejson    bool
	maps     bool // dqlStrictMode: false
	counters []string
	more     string             // further lines of the manifest
	odd      map[string]address // of documents whose key is no string
}

// manifest is the configuration of all tests' collections.
func manifest(database string) string {
	var b strings.Builder
	b.WriteString(`apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata:
  name: e2e
  namespace: ditto
spec:
  bridge:
    mongoConnector:
      connectionSecret:
        kubernetesSecret:
          name: e2e-mongo
      database: ` + database + `
      collections:
`)
	for _, c := range slices.Concat(registry...) {
		fmt.Fprintf(&b, "        %q:\n          fields: [%s]\n", c.name, strings.Join(c.ids(), ", "))
		if c.ejson {
			b.WriteString("          mode: ejson\n")
		}
		if c.maps || c.ejson {
			b.WriteString("          dqlStrictMode: false\n")
		}
		if len(c.counters) > 0 {
			fmt.Fprintf(&b, "          dittoTypes: {settableCounters: [%s]}\n", strings.Join(c.counters, ", "))
		}
		if c.ditto != "" {
			fmt.Fprintf(&b, "          dittoCollection: %q\n", c.ditto)
		}
		if c.more != "" {
			fmt.Fprintf(&b, "          %s\n", strings.ReplaceAll(c.more, "\n", "\n          "))
		}
	}
	return b.String()
}

func (c *collection) ids() []string {
	if c.fields == nil {
		return []string{"_id"}
	}
	return c.fields
}

// strict reports whether objects are registers.
func (c *collection) strict() bool { return !c.maps && !c.ejson }

func (c *collection) api() string {
	if c.strict() {
		return "v4"
	}
	return "v5"
}

func (c *collection) dittoName() string { return cmp.Or(c.ditto, c.name) }

// table is the collection's name in DQL.
func (c *collection) table() string {
	return "`" + strings.ReplaceAll(c.dittoName(), "`", "``") + "`"
}

// address is how a document is found.
type address struct {
	mongo bson.D          // `_id`, or the mapped fields
	ditto json.RawMessage // the id
}

// named are the fields of MongoDB's document that make the id of key, but `_id`.
func (c *collection) named(key string) bson.D {
	if c.fields == nil {
		return nil
	}
	if a, ok := c.odd[key]; ok {
		return a.mongo
	}
	var doc bson.D
	for i, f := range c.fields {
		v := key
		if i > 0 {
			v = fmt.Sprint(key, " ", i)
		}
		doc = append(doc, bson.E{Key: f, Value: v})
	}
	return doc
}

// filter finds the document in MongoDB.
func (c *collection) filter(key string) bson.D {
	switch a, ok := c.odd[key]; {
	case ok:
		return a.mongo
	case c.fields == nil:
		return bson.D{{Key: "_id", Value: key}}
	}
	return c.named(key)
}

// dittoID is the document's id in Ditto.
func (c *collection) dittoID(key string) json.RawMessage {
	switch a, ok := c.odd[key]; {
	case ok:
		return a.ditto
	case len(c.fields) < 2:
		return quoted(key)
	}
	return object(c.named(key))
}

// identify adds `_id` and the mapped fields to a document of Ditto.
func (c *collection) identify(t *testing.T, doc map[string]any, key string) {
	t.Helper()
	id := c.dittoID(key)
	doc["_id"] = id
	switch len(c.fields) {
	case 0:
	case 1:
		doc[c.fields[0]] = id
	default:
		for name, v := range parse(t, string(id)) {
			doc[name] = v
		}
	}
}

func quoted(s string) json.RawMessage {
	b, _ := json.Marshal(s)
	return b
}

// object is a document of strings as JSON with sorted keys.
func object(doc bson.D) json.RawMessage {
	m := map[string]any{}
	for _, e := range doc {
		m[e.Key] = e.Value
	}
	b, _ := json.Marshal(m)
	return b
}

// inDitto is how Ditto must show a document; body is JSON without the fields of
// its id. In a body "#5" stands for a number that MongoDB wrote: in EJSON mode
// Ditto shows it as {"$numberInt":"5"}. Plain numbers were written by Ditto.
func (c *collection) inDitto(t *testing.T, key, body string) string {
	t.Helper()
	doc := parse(t, body)
	c.identify(t, doc, key)
	return text(t, replace(doc, func(v any) any {
		if n, ok := number(v); ok {
			return wrapped(n, c.ejson)
		}
		return v
	}))
}

// inMongo is how MongoDB must hold a document, as canonical Extended JSON;
// integers are int32, others doubles.
func (c *collection) inMongo(t *testing.T, key, body string) string {
	t.Helper()
	doc := replace(parse(t, body), func(v any) any {
		if n, ok := number(v); ok {
			return wrapped(n, true)
		}
		if n, ok := v.(json.Number); ok {
			return wrapped(n, true)
		}
		return v
	}).(map[string]any)
	for name, v := range parse(t, extended(t, raw(t, c.filter(key)))) {
		doc[name] = v
	}
	return text(t, doc)
}

// number is the number that a "#5" stands for.
func number(v any) (json.Number, bool) {
	s, ok := v.(string)
	if !ok || !strings.HasPrefix(s, "#") {
		return "", false
	}
	return json.Number(s[1:]), true
}

func wrapped(n json.Number, ejson bool) any {
	switch {
	case !ejson:
		return n
	case strings.ContainsAny(string(n), ".eE"):
		return map[string]any{"$numberDouble": string(n)}
	}
	return map[string]any{"$numberInt": string(n)}
}

// replace replaces the scalars in a decoded JSON value.
func replace(v any, f func(any) any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = replace(v[k], f)
		}
		return v
	case []any:
		for i := range v {
			v[i] = replace(v[i], f)
		}
		return v
	}
	return f(v)
}

func parse(t *testing.T, js string) map[string]any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(js))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	return doc
}

// text is JSON in normal form: sorted keys, no spaces.
func text(t *testing.T, v any) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}

// extended is a document as canonical Extended JSON.
func extended(t *testing.T, doc bson.Raw) string {
	t.Helper()
	js, err := bson.MarshalExtJSON(doc, true, false)
	if err != nil {
		t.Fatal(err)
	}
	return string(js)
}

func raw(t *testing.T, doc bson.D) bson.Raw {
	t.Helper()
	b, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var collections = sync.OnceValue(func() map[string]*collection {
	all := map[string]*collection{}
	for _, c := range slices.Concat(registry...) {
		all[c.name] = c
	}
	return all
})

func byName(name string) *collection { return collections()[name] }
