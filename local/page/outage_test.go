package page_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/outage"
	"github.com/causeway-sync/causeway/local/stack"
)

// tells collects what the page's stream says.
func (c client) tells() <-chan string {
	c.t.Helper()
	r, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.page+"api/events", nil)
	if err != nil {
		c.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { res.Body.Close() })
	out := make(chan string, 1000)
	go func() {
		defer close(out)
		name := ""
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			if n, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = n
			} else if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				out <- name + " " + data
			}
		}
	}()
	return out
}

// hear waits until the stream has said each of these, in any order.
func hear(t *testing.T, stream <-chan string, want ...string) {
	t.Helper()
	patience := time.After(30 * time.Second)
	for len(want) > 0 {
		select {
		case line, ok := <-stream:
			if !ok {
				t.Fatal("the stream has ended")
			}
			want = slices.DeleteFunc(want, func(w string) bool { return strings.HasPrefix(line, w) })
		case <-patience:
			t.Fatalf("nobody said %q", want)
		}
	}
}

// side is how the stream says whether a database answers.
func side(name string, up bool) string {
	return fmt.Sprintf(`side {"side":"%s","up":%v`, name, up)
}

// Each database goes away alone, in two ways, and comes back. The page says so,
// and knows then what happened meanwhile. Ditto is the user's own, which does not
// tell the page of its writes: it finds them by looking.
func TestOutage(t *testing.T) {
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := mongodb.Start(t.Context(), mongodb.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopped(t, engine.Stop) })
	direct, err := mongo.Connect(options.Client().ApplyURI(engine.URI))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopped(t, direct.Disconnect) })
	proxy, err := outage.NewProxy(hostOf(t, engine.URI))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(proxy.Close)
	server, err := ditto.Start(t.Context(), ditto.Options{Local: filepath.Join(root, "local"), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	web, err := outage.NewWeb(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { web.Close() })
	config := filepath.Join(t.TempDir(), "causeway.yaml")
	if err := os.WriteFile(config, []byte(collections), 0o644); err != nil {
		t.Fatal(err)
	}
	s, err := stack.Start(t.Context(), stack.Options{
		Root: root, Config: config, Dir: t.TempDir(), Page: true, Out: t.Output(),
		Getenv: func(key string) string {
			switch key {
			case "MONGODB_URI":
				return proxy.URI
			case "DITTO_URL":
				return web.URL
			case "DITTO_API_KEY":
				return server.APIKey
			case "DITTO_WEBHOOK_SECRET":
				return base64.StdEncoding.EncodeToString([]byte("no webhook comes in this test"))
			}
			return os.Getenv(key)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopped(t, s.Stop) })
	c := client{t, s.Info().Page}
	if setup := c.get("setup"); !strings.Contains(setup, `"disturb":false`) {
		t.Errorf("a Ditto of the user's own is to be disturbed: %s", setup)
	}
	if status, answer := c.post("disturb", map[string]string{"kind": "503", "side": "", "function": ""}); status != http.StatusNotFound {
		t.Errorf("disturbed: %d %s", status, answer)
	}
	stream := c.tells()
	hear(t, stream, side("mongodb", true), side("ditto", true))
	tasks := direct.Database(s.Info().Database).Collection("tasks")
	put := func(id string) {
		t.Helper()
		if _, err := tasks.InsertOne(t.Context(), bson.D{{Key: "_id", Value: id}}); err != nil {
			t.Fatal(err)
		}
	}
	write := func(id string) {
		t.Helper()
		own := client{t, server.URL + "/"}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, own.page+"api/v5/store/execute",
			strings.NewReader(`{"statement":"INSERT INTO tasks DOCUMENTS (:d)","args":{"d":{"_id":"`+id+`"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "bearer "+server.APIKey)
		r.Header.Set("Content-Type", "application/json")
		if status, answer := own.do(r); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
	}
	// Ditto's webhook leads nowhere here: what shows a document is the look.
	write("found")
	c.await(`"found"`, `"inDitto":true`)
	put("seen")
	c.await(`"seen"`, `"inMongodb":true`, `"inDitto":true`)

	for name, f := range map[string]outage.Fault{"MongoDBRefuses": {Refuse: true}, "MongoDBHangs": {Hang: true}} {
		t.Run(name, func(t *testing.T) {
			proxy.Fail(f)
			hear(t, stream, side("mongodb", false))
			put("during" + name) // it reaches the server, but nobody behind the outage
			if err := proxy.End(); err != nil {
				t.Fatal(err)
			}
			hear(t, stream, side("mongodb", true))
			client{t, c.page}.await(`"during`+name+`"`, `"inMongodb":true`)
		})
	}
	hang := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for name, begin := range map[string]func() error{
		"DittoRefuses": web.Refuse, "DittoHangs": func() error { web.Fail(hang); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			if err := begin(); err != nil {
				t.Fatal(err)
			}
			hear(t, stream, side("ditto", false))
			write("during" + name)
			if err := web.End(); err != nil {
				t.Fatal(err)
			}
			hear(t, stream, side("ditto", true))
			client{t, c.page}.await(`"during`+name+`"`, `"inDitto":true`)
		})
	}
}

func hostOf(t *testing.T, uri string) string {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// stopped stops a part of a test.
func stopped(t *testing.T, stop func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := stop(ctx); err != nil {
		t.Error(err)
	}
}
