package ditto_test

import (
	"context"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
	local "github.com/causeway-sync/causeway/local/ditto"
)

// The real engine behind the HTTP API, one for all tests of the package: each
// test has collections of its own.
var server struct {
	once sync.Once
	*local.Server
	dir string
	err error
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.Server != nil {
		_ = server.Stop()
	}
	if server.dir != "" {
		_ = os.RemoveAll(server.dir)
	}
	os.Exit(code)
}

// engine is a client of the real engine and a store over it.
type engine struct {
	*testing.T
	*ditto.Store
	coll ditto.Collection
}

func startEngine(t *testing.T) *local.Server {
	t.Helper()
	server.once.Do(func() {
		if server.dir, server.err = os.MkdirTemp("", "causeway-ditto-"); server.err != nil {
			return
		}
		server.Server, server.err = local.Start(context.Background(), local.Options{Local: "../../local", Dir: server.dir, Faults: true})
	})
	if server.err != nil {
		t.Fatal(server.err)
	}
	return server.Server
}

func newEngine(t *testing.T, c ditto.Collection) *engine {
	t.Helper()
	s := startEngine(t)
	client, err := ditto.NewClient(ditto.ClientConfig{Endpoint: s.URL, Keys: ditto.StaticKey(s.APIKey)})
	if err != nil {
		t.Fatal(err)
	}
	if c.Name == "" {
		c.Name = strings.Map(func(r rune) rune {
			if r == '/' || r == '`' {
				return '_'
			}
			return r
		}, t.Name())
	}
	return &engine{t, &ditto.Store{Exec: client}, c}
}

var collectionMark = regexp.MustCompile(`\bC\b`)

// user runs a statement as somebody else would; C stands for the collection.
func (e *engine) user(api ditto.API, statement, args string) ditto.Response {
	e.Helper()
	r := ditto.Request{API: api, Statement: collectionMark.ReplaceAllLiteralString(statement, "`"+e.coll.Name+"`"), Write: true}
	if args != "" {
		r.Args = json.RawMessage(args)
	}
	resp, err := e.Exec.Execute(e.Context(), r)
	if err != nil {
		e.Fatalf("%s: %v", statement, err)
	}
	return resp
}

func (e *engine) insert(api ditto.API, doc string) {
	e.Helper()
	e.user(api, "INSERT INTO C DOCUMENTS (:d)", `{"d":`+doc+`}`)
}

func (e *engine) read(id string) ditto.Document {
	e.Helper()
	docs, _, err := e.Read(e.Context(), e.coll, []docid.ID{docid.ID(id)}, 0)
	if err != nil {
		e.Fatal(err)
	}
	return docs[docid.ID(id)]
}

func (e *engine) shows(id, want string) {
	e.Helper()
	if got := string(e.read(id).JSON); got != want {
		e.Errorf("document %s:\n got %s\nwant %s", id, got, want)
	}
}

// edits name paths in dotted form and what they become; "" is absent. A path
// that ends in "#" is a counter.
type edits map[string]string

func (e *engine) change(doc ditto.Document, ed edits, maps ...string) ditto.Change {
	ch := ditto.Change{ID: doc.ID, Doc: doc.JSON}
	for path, to := range ed {
		p := value.ParsePath(strings.TrimSuffix(path, "#"))
		op := ditto.Op{Path: p, Old: value.Lookup(doc.JSON, p), Counter: strings.HasSuffix(path, "#")}
		if to != "" {
			op.New = []byte(to)
		}
		ch.Ops = append(ch.Ops, op)
	}
	for _, m := range maps {
		ch.Maps = append(ch.Maps, value.ParsePath(m))
	}
	return ch
}

func (e *engine) update(changes ...ditto.Change) ditto.Result {
	e.Helper()
	r, err := e.Update(e.Context(), e.coll, changes)
	if err != nil {
		e.Fatal(err)
	}
	return r
}

// edit reads the document, changes it, and expects to win.
func (e *engine) edit(id string, ed edits, maps ...string) ditto.Result {
	e.Helper()
	r := e.update(e.change(e.read(id), ed, maps...))
	if !r.Won[docid.ID(id)] {
		e.Fatalf("edit of %s lost: %v", id, r)
	}
	return r
}

func api(strict bool) ditto.API {
	if strict {
		return ditto.V4
	}
	return ditto.V5
}
