package preflight_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/preflight"
	localditto "github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/outage"
)

func TestOK(t *testing.T) {
	w := newWorld(t)
	for range 2 {
		found := w.check.Run(t.Context())
		if bad := worst(found); len(bad) > 0 || len(found) < 6 {
			t.Fatalf("findings:\n%s", render(found))
		}
	}
	note := w.note(t)
	if database := note.Lookup("database").StringValue(); database != "localhost" || note.Lookup("at").Type != bson.TypeDateTime {
		t.Errorf("noted %s", note)
	}
	names, err := w.client.Driver().ListCollectionNames(t.Context(), bson.D{{Key: "name", Value: bson.D{{Key: "$regex", Value: "^__"}}}})
	if err != nil || len(names) != 5 {
		t.Errorf("made %v, %v", names, err)
	}
	indexes, err := w.client.Driver().Collection(ledger.Collection).Indexes().ListSpecifications(t.Context())
	if err != nil || len(indexes) < 3 {
		t.Errorf("%d indexes, %v", len(indexes), err)
	}
	state, err := w.ditto.State(t.Context())
	if err != nil || state.Writes != 0 {
		t.Errorf("wrote to Ditto: %+v, %v", state, err)
	}
}

// A Checker that may not write notes nothing, but knows what is noted.
func TestReadOnly(t *testing.T) {
	w := newWorld(t)
	w.check.Note = false
	if found := w.check.Run(t.Context()); len(worst(found)) > 0 {
		t.Fatal(render(found))
	}
	if note := w.note(t); note != nil {
		t.Errorf("noted %s", note)
	}
	w.check.Note = true
	before(bson.D{{Key: "database", Value: "other"}})(t, w)
	w.check.Note = false
	if found := w.check.Run(t.Context()); !has(found, preflight.OtherDitto, preflight.Problem) {
		t.Error(render(found))
	}
}

func TestSkipped(t *testing.T) {
	w := newWorld(t)
	found := preflight.Checker{Manifest: w.check.Manifest}.Run(t.Context())
	if len(found) != 3 {
		t.Fatal(render(found))
	}
	for _, f := range found {
		if f.Status != preflight.Skipped || f.Code != preflight.NotLooked {
			t.Error(render(found))
		}
	}
}

// A node that is behind catches up while it is asked.
func TestNodeBehind(t *testing.T) {
	w := newWorld(t)
	before(nil)(t, w)
	state, err := w.ditto.State(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before(bson.D{{Key: "txn", Value: state.Txn + 20}})(t, w)
	waits := 0
	w.check.Wait = func(ctx context.Context, d time.Duration) error {
		if waits++; waits == 2 {
			for range 20 { // a statement is a transaction
				if found := (preflight.Checker{Manifest: w.check.Manifest, Endpoint: w.check.Endpoint, Keys: w.check.Keys}).Run(ctx); preflight.HasProblem(found) {
					t.Error(render(found))
				}
			}
		}
		return nil
	}
	if found := w.check.Run(t.Context()); len(worst(found)) > 0 || waits != 2 {
		t.Errorf("%d waits:\n%s", waits, render(found))
	}
	if now := w.note(t).Lookup("txn").Int64(); now <= state.Txn+20 {
		t.Errorf("noted transaction %d, after %d", now, state.Txn+20)
	}
}

// What stands in for Ditto after its data were lost is not the same database,
// although its address is.
func TestDittoReplaced(t *testing.T) {
	w := newWorld(t)
	before(nil)(t, w)
	empty, err := localditto.Start(t.Context(), localditto.Options{Local: "../../local", Dir: t.TempDir(), APIKey: w.ditto.APIKey})
	if err != nil {
		t.Fatal(err)
	}
	defer empty.Stop()
	w.check.Endpoint = empty.URL
	noted := w.note(t).Lookup("txn").Int64()
	if found := w.check.Run(t.Context()); !has(found, preflight.DittoWentBack, preflight.Problem) {
		t.Error(render(found))
	}
	if now := w.note(t).Lookup("txn").Int64(); now != noted {
		t.Errorf("noted transaction %d, after %d", now, noted)
	}
	// The mend.
	w.drop(t, ledger.Collection)
	w.drop(t, ledger.RunsCollection)
	if found := w.check.Run(t.Context()); len(worst(found)) > 0 {
		t.Error(render(found))
	}
}

// A password and a key that were rotated are read again.
func TestRotated(t *testing.T) {
	w := newWorld(t)
	w.command(t, bson.D{
		{Key: "createUser", Value: "causeway"},
		{Key: "pwd", Value: "hunter2-new"},
		{Key: "roles", Value: bson.A{bson.D{{Key: "role", Value: "readWrite"}, {Key: "db", Value: w.db}}}},
	})
	uri, _ := start(t)
	var refreshed atomic.Int32
	w.check.ConnectionString = func(_ context.Context, refresh bool) (string, error) {
		password := "hunter2-old"
		if refresh {
			refreshed.Add(1)
			password = "hunter2-new"
		}
		return "mongodb://causeway:" + password + "@" + address.FindString(uri) + "/?directConnection=true&authSource=" + w.db, nil
	}
	w.check.Keys = rotated{w.ditto.APIKey}
	if found := w.check.Run(t.Context()); len(worst(found)) > 0 || refreshed.Load() != 1 {
		t.Errorf("%d refreshes:\n%s", refreshed.Load(), render(found))
	}
}

type rotated struct{ key string }

func (r rotated) Key(_ context.Context, refresh bool) (string, error) {
	if refresh {
		return r.key, nil
	}
	return "hunter2-old", nil
}

// Whoever is first decides which database it is.
func TestNotedAtOnce(t *testing.T) {
	w := newWorld(t)
	if found := w.check.Run(t.Context()); preflight.HasProblem(found) {
		t.Fatal(render(found))
	}
	w.drop(t, ledger.RunsCollection)
	endpoints := []string{w.ditto.URL + "/one", w.ditto.URL + "/two"}
	problems := make(chan bool, len(endpoints))
	for _, endpoint := range endpoints {
		c := w.check
		c.Endpoint = endpoint
		go func() { problems <- preflight.HasProblem(c.Run(t.Context())) }()
	}
	if a, b := <-problems, <-problems; a == b {
		t.Errorf("problems %v and %v", a, b)
	}
}

func TestDittoIdentity(t *testing.T) {
	for endpoint, want := range map[string]string{
		"6b1b5999.cloud.dittolive.app/f5e954d9-0a":                   "f5e954d9-0a",
		"https://6b1b5999.cloud.dittolive.app/F5e954d9-0a/":          "f5e954d9-0a",
		"https://other.example.com/f5e954d9-0a/api/v4":               "f5e954d9-0a",
		"https://other.example.com/f5e954d9-0a/api/v5/store/execute": "f5e954d9-0a",
		"https://host/x/f5e954d9-0a":                                 "f5e954d9-0a",
		"f5e954d9.cloud.ditto.live":                                  "f5e954d9.cloud.ditto.live",
		"https://F5E954D9.cloud.ditto.live:443/":                     "f5e954d9.cloud.ditto.live",
		"http://ditto.internal:8080":                                 "ditto.internal:8080",
		"http://127.0.0.1:47600":                                     "localhost",
		"http://localhost:1":                                         "localhost",
		"http://[::1]:1":                                             "localhost",
		"http://127.0.0.1:47600/app":                                 "app",
		"https://key:hunter2@host/app":                               "",
		"ftp://host":                                                 "",
	} {
		if got := preflight.DittoIdentity(endpoint); got != want {
			t.Errorf("DittoIdentity(%q) = %q, want %q", endpoint, got, want)
		}
	}
}

// A side that takes requests and never answers does not keep the preflight.
func TestHangs(t *testing.T) {
	look := func(t *testing.T, c preflight.Checker) []preflight.Finding {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		return c.Run(ctx)
	}
	t.Run("MongoDB", func(t *testing.T) {
		w := newWorld(t)
		p, err := outage.NewProxy("")
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		p.Fail(outage.Fault{Hang: true})
		c := preflight.Checker{Manifest: w.check.Manifest, ConnectionString: connection(p.URI)}
		if found := look(t, c); !has(found, preflight.MongoUnavailable, preflight.Problem) {
			t.Error(render(found))
		}
	})
	t.Run("Ditto", func(t *testing.T) {
		w := newWorld(t)
		inject(localditto.Fault{DelayMillis: 5000})(t, w)
		c := preflight.Checker{Manifest: w.check.Manifest, Endpoint: w.check.Endpoint, Keys: w.check.Keys}
		if found := look(t, c); !has(found, preflight.DittoUnavailable, preflight.Problem) {
			t.Error(render(found))
		}
	})
}
