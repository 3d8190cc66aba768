package page_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
	t.Run("OKInvalidUTF8", func(t *testing.T) {
		// Invalid UTF-8 cannot be typed: it comes from another driver.
		db, err := mongo.Connect(options.Client().ApplyURI(s.Info().MongoDB))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Disconnect(t.Context())
		odd := bson.D{{Key: "_id", Value: "odd"}, {Key: "b", Value: "x\xfe"}}
		if _, err := db.Database(s.Info().Database).Collection("tasks").InsertOne(t.Context(), odd); err != nil {
			t.Logf("this MongoDB refuses it: %v", err)
			return
		}
		if p := c.await(`"odd"`, `"inMongodb":true`); !json.Valid([]byte(p)) {
			t.Errorf("no JSON: %s", p)
		}
	})
}
