package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/stack"
)

const collections = `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata:
  name: page
  namespace: ditto
spec:
  bridge:
    mongoConnector:
      connectionSecret:
        kubernetesSecret:
          name: page-mongo
      database: causeway_page
      collections:
        tasks:
          fields: [_id]
          initialSync: true
          dqlStrictMode: false
          dittoTypes:
            settableCounters: [quantity]
`

// client is the page's script, as far as its server can tell.
type client struct {
	t    *testing.T
	page string
}

func (c client) post(path string, body any) (status int, answer string) {
	c.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.page+"api/"+path, bytes.NewReader(b))
	if err != nil {
		c.t.Fatal(err)
	}
	u, err := url.Parse(c.page)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Origin", "http://"+u.Host)
	return c.do(r)
}

func (c client) do(r *http.Request) (int, string) {
	c.t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

func (c client) get(path string) string {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.page+"api/"+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	_, body := c.do(r)
	return body
}

func (c client) edit(side, op, key, field, value string) (int, string) {
	c.t.Helper()
	return c.post("edit", map[string]string{"collection": "tasks", "side": side, "op": op, "key": key, "field": field, "value": value})
}

// await waits until the pair with this key shows all of these.
func (c client) await(key string, want ...string) string {
	c.t.Helper()
	var last string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		last = c.get("pair?collection=tasks&key=" + url.QueryEscape(key))
		ok := true
		for _, w := range want {
			ok = ok && strings.Contains(last, w)
		}
		if ok {
			return last
		}
	}
	c.t.Fatalf("pair %s never showed %q:\n%s", key, want, last)
	return ""
}

// Edits through the page reach the other side, mistakes get the server's own
// message, and whatever a document holds is valid JSON on its way to the page.
func TestSides(t *testing.T) {
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "causeway.yaml")
	if err := os.WriteFile(config, []byte(collections), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Options{Root: root, Config: config, Dir: t.TempDir(), Page: true, Out: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	c := client{t, s.Info().Page}
	must := func(status int, answer string) {
		t.Helper()
		if status != http.StatusOK {
			t.Fatalf("%d: %s", status, answer)
		}
	}
	must(c.edit("mongodb", "insert", "", "", `{"_id":"a","n":5,"quantity":{"$numberLong":"7"},"when":{"$date":"2026-01-02T03:04:05Z"}}`))
	c.await(`"a"`, `"differs":false`, `"type":"counter"`, `"type":"date"`)

	t.Run("OKTypeIsKept", func(t *testing.T) {
		must(c.edit("mongodb", "set", `"a"`, "quantity", "9"))
		c.await(`"a"`, `"mongodb":{"type":"long","text":"9"`, `"ditto":{"type":"counter","text":"9"`, `"differs":false`)
	})
	t.Run("OKCounter", func(t *testing.T) {
		must(c.edit("ditto", "increment", `"a"`, "quantity", "-2"))
		c.await(`"a"`, `"mongodb":{"type":"long","text":"7"`, `"differs":false`)
	})
	t.Run("OKFieldGoes", func(t *testing.T) {
		must(c.edit("ditto", "unset", `"a"`, "n", ""))
		if p := c.await(`"a"`, `"differs":false`); strings.Contains(p, `"name":"n"`) {
			c.await(`"a"`, `"fields":[{"name":"quantity"`)
		}
	})
	for _, k := range []struct{ name, side, op, key, field, value, want string }{
		{"ErrDuplicate", "mongodb", "insert", "", "", `{"_id":"a"}`, "MongoDB: "},
		{"ErrDittoRefuses", "ditto", "insert", "", "", `{"_id":null}`, "Ditto: Invalid"},
		{"ErrNotJSON", "ditto", "set", `"a"`, "n", `text`, "that is not JSON"},
		{"ErrNotExtendedJSON", "mongodb", "insert", "", "", `{"_id":`, "no document in Extended JSON"},
		{"ErrGone", "mongodb", "delete", `"nobody"`, "", "", "not there any more"},
		{"ErrCounter", "ditto", "increment", `"a"`, "quantity", "1.5", "whole number"},
		{"ErrSide", "elsewhere", "insert", "", "", `{}`, "want mongodb or ditto"},
		{"ErrOp", "mongodb", "rename", `"a"`, "", "", "no such edit"},
	} {
		t.Run(k.name, func(t *testing.T) {
			status, answer := c.edit(k.side, k.op, k.key, k.field, k.value)
			if status != http.StatusUnprocessableEntity || !strings.Contains(answer, k.want) {
				t.Errorf("%d %s, want 422 with %q", status, answer, k.want)
			}
		})
	}
	t.Run("ErrCollection", func(t *testing.T) {
		if status, answer := c.post("edit", map[string]string{"collection": "__causeway_ledger", "side": "mongodb", "op": "insert", "value": "{}"}); status != http.StatusNotFound {
			t.Errorf("%d %s: a collection that is not configured can be written", status, answer)
		}
	})
	t.Run("OKLargeIsCut", func(t *testing.T) {
		must(c.edit("mongodb", "insert", "", "", `{"_id":"large","text":"`+strings.Repeat("ä", 2<<20)+`"}`))
		if p := c.await(`"large"`, `"cut":true`); len(p) > 4<<10 || !json.Valid([]byte(p)) {
			t.Errorf("%d bytes are sent of a large document, valid JSON: %v", len(p), json.Valid([]byte(p)))
		}
	})
	// What cannot be typed comes from another driver.
	db, err := mongo.Connect(options.Client().ApplyURI(s.Info().MongoDB))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Disconnect(t.Context())
	tasks := db.Database(s.Info().Database).Collection("tasks")
	nested := bson.D{{Key: "end", Value: 1}}
	for range 90 {
		nested = bson.D{{Key: "a", Value: nested}}
	}
	wide := bson.D{{Key: "_id", Value: "wide"}}
	for i := range 1000 {
		wide = append(wide, bson.E{Key: fmt.Sprint("f", i), Value: i})
	}
	for _, k := range []struct {
		name string
		doc  bson.D
		want []string
	}{
		{"OKNotUTF8", bson.D{{Key: "_id", Value: "text"}, {Key: "b", Value: "x\xfe\xffy"}}, []string{`"name":"b"`, "ufffd"}},
		{"OKNotUTF8Large", bson.D{{Key: "_id", Value: "texts"}, {Key: "b", Value: strings.Repeat("\xfe", 100<<10)}}, []string{`"cut":true`}},
		{"OKNameNotUTF8", bson.D{{Key: "_id", Value: "name"}, {Key: "b\xfe", Value: 1}}, []string{`"name":"b`}},
		{"OKIDNotUTF8", bson.D{{Key: "_id", Value: "\xfe"}}, nil},
		{"OKNames", bson.D{
			{Key: "_id", Value: "names"},
			{Key: "", Value: 1},
			{Key: "a.b", Value: 2},
			{Key: "$x", Value: 3},
			{Key: "__proto__", Value: 4},
			{Key: strings.Repeat("n", 5000), Value: 5},
			{Key: "\u202eabc", Value: 6},
		}, []string{`"name":""`, `"name":"a.b"`, `"name":"$x"`, `"name":"__proto__"`}},
		{"OKWrapper", bson.D{{Key: "_id", Value: "wrapper"}, {Key: "v", Value: bson.D{{Key: "$oid", Value: "no id"}}}}, []string{`"name":"v"`}},
		{"OKDeep", bson.D{{Key: "_id", Value: "deep"}, {Key: "v", Value: nested}}, []string{`"name":"v"`, `{\"a\":{\"a\":`}},
		{"OKWide", wide, []string{`"more":960`}},
		{"OKTypes", bson.D{
			{Key: "_id", Value: "types"},
			{Key: "x", Value: bson.Regex{Pattern: "a", Options: "i"}},
			{Key: "c", Value: bson.JavaScript("f()")},
			{Key: "min", Value: bson.MinKey{}},
			{Key: "nan", Value: math.NaN()},
			{Key: "u", Value: bson.Undefined{}},
			{Key: "y", Value: bson.Symbol("s")},
		}, []string{`"name":"min"`, `NaN`, `"name":"u"`}},
		// MongoDB takes 16 MiB, Ditto 5.
		{"OKHuge", bson.D{{Key: "_id", Value: "huge"}, {Key: "v", Value: strings.Repeat("x", 15<<20)}}, []string{`"state":"parked"`, `"cut":true`, `"inDitto":false`}},
	} {
		t.Run(k.name, func(t *testing.T) {
			if _, err := tasks.InsertOne(t.Context(), k.doc); err != nil {
				if !strings.Contains(err.Error(), "utf-8") {
					t.Fatal(err)
				}
				return // this MongoDB refuses it: TestShown has it
			}
			id := fmt.Sprint(k.doc[0].Value)
			p := ""
			if k.want != nil {
				p = client{t, c.page}.await(mustJSON(t, id), append(k.want, `"inMongodb":true`)...)
			} else {
				p = client{t, c.page}.awaitPairs("ufffd")
			}
			if len(p) > 32<<10 || !json.Valid([]byte(p)) || !utf8.ValidString(p) {
				t.Errorf("%d bytes, valid JSON: %v: %.200s", len(p), json.Valid([]byte(p)), p)
			}
			for _, api := range []string{"pairs?collection=tasks&limit=100", "trouble", "steps"} { // whatever shows it
				if b := c.get(api); !json.Valid([]byte(b)) || strings.Contains(b, `"error":"the answer has no JSON"`) {
					t.Errorf("%s: %.300s", api, b)
				}
			}
		})
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// awaitPairs waits until the first window shows this.
func (c client) awaitPairs(want string) (last string) {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(30 * time.Millisecond) {
		if last = c.get("pairs?collection=tasks&limit=100"); strings.Contains(last, want) {
			return last
		}
	}
	c.t.Fatalf("no window ever showed %q:\n%s", want, last)
	return ""
}
