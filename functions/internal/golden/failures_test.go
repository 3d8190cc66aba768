package golden_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	gocmp "github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/secret"
	"github.com/causeway-sync/causeway/local/outage"
)

// down answers a statement with a status.
func down(verb string, status int) func(*stage) string {
	return func(s *stage) string {
		s.set(`{"_id":"a","note":"hush"}`)
		s.execute = failing(verb, &ditto.Error{API: ditto.V5, Status: status})
		return fromMongo(`"a"`)
	}
}

// mongoFails lets a MongoDB of the driver's answer as f says.
func mongoFails(f outage.Fault) func(*stage) string {
	return func(s *stage) string {
		p, err := outage.NewProxy("")
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(p.Close)
		p.Fail(f)
		client, err := mongodb.Connect(p.URI, "db", func(o *options.ClientOptions) { o.SetServerSelectionTimeout(200 * time.Millisecond) })
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = client.Close(context.Background()) })
		s.between = func(mongodb.Database) mongodb.Database { return client }
		return fromMongo(`"a"`)
	}
}

// dropped asks for a sweep.
const dropped = `{"v":1,"collection":"tasks","side":"mongodb","op":"notice","reason":"drop"}`

func badString(s *stage) string {
	_, s.settlerErr = mongodb.Connect("http://user:hush@host", "db")
	return fromMongo(`"a"`)
}

// retries and stops are keys that fail, by the name of their case: the function
// prepares it and returns the message.
var retries = []struct {
	name string
	do   func(*stage) string
}{
	{"DittoUnavailable", down("SELECT", http.StatusServiceUnavailable)},
	{"DittoUnavailableLong", func(s *stage) string { s.receives = 5; return down("SELECT", http.StatusServiceUnavailable)(s) }},
	{"DittoGarbage", func(s *stage) string {
		s.set(`{"_id":"a","note":"hush"}`)
		s.execute = failing("SELECT", &ditto.Error{API: ditto.V5, Status: 200, Err: errors.New("read answer: not the JSON of an answer, at byte 1")})
		return fromMongo(`"a"`)
	}},
	{"DittoUnanswered", down("INSERT", http.StatusRequestTimeout)},
	{"MongoDBUnavailable", mongoFails(outage.Fault{Refuse: true})},
	{"MongoDBNoPrimary", mongoFails(outage.Fault{Code: 10107, Message: "not primary"})},
	{"SecretUnavailable", func(s *stage) string {
		s.settlerErr = &secret.Error{Ref: secret.Ref{ID: "prod/mongo"}, Err: context.DeadlineExceeded}
		return fromMongo(`"a"`)
	}},
	{"SweepUnavailable", func(s *stage) string {
		s.startErr = &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}
		return dropped
	}},
	{"SweepUnavailableLong", func(s *stage) string {
		s.receives, s.startErr = 5, &smithy.GenericAPIError{Code: "ThrottlingException", Message: "Rate exceeded"}
		return dropped
	}},
	{"Claimed", func(s *stage) string {
		s.set(`{"_id":"a","note":"hush"}`)
		s.claim(ledger.Key{Collection: "tasks", ID: `"a"`})
		return fromMongo(`"a"`)
	}},
	{"ClaimedForEver", func(s *stage) string {
		s.set(`{"_id":"a","note":"hush"}`)
		s.claim(ledger.Key{Collection: "tasks", ID: `"a"`})
		return strings.Replace(fromMongo(`"a"`), `"v":1`, `"v":1,"tries":40`, 1)
	}},
	{"QueueUnavailable", func(s *stage) string {
		s.claim(ledger.Key{Collection: "tasks", ID: `"a"`})
		s.queueErr = errors.New("send to queue: service unavailable")
		return fromMongo(`"a"`)
	}},
	{"Behind", func(s *stage) string {
		s.device("INSERT INTO tasks DOCUMENTS (:d)", `{"d":{"_id":"a","note":"hush"}}`)
		s.node = s.ditto.Node()
		s.node.Behind = 1
		return s.fromDitto(`"a"`)
	}},
	{"NotShown", func(s *stage) string {
		s.set(`{"_id":"a","note":"hush"}`)
		s.event(fromMongo(`"a"`))
		s.set(`{"_id":"a","note":"hush hush"}`)
		s.node = s.ditto.Node()
		s.execute = func(next ditto.Executor, ctx context.Context, r ditto.Request) (ditto.Response, error) {
			if r.Write { // the key loses sight of it, and MongoDB's change is taken back
				s.node.Hides = func(string, docid.ID) bool { return true }
				s.set(`{"_id":"a","note":"hush"}`)
			}
			return next.Execute(ctx, r)
		}
		return fromMongo(`"a"`)
	}},
	{"Raced", func(s *stage) string {
		s.set(`{"_id":"a","n":{"$numberInt":"0"},"note":"hush"}`)
		s.event(fromMongo(`"a"`))
		s.set(`{"_id":"a","n":{"$numberInt":"5"},"note":"hush"}`)
		n := 0
		s.execute = func(next ditto.Executor, ctx context.Context, r ditto.Request) (ditto.Response, error) {
			if r.Write {
				n++
				s.device("UPDATE tasks SET n = :n", fmt.Sprintf(`{"n":%d}`, 10+n))
			}
			return next.Execute(ctx, r)
		}
		return fromMongo(`"a"`)
	}},
	{"TimeOver", func(s *stage) string {
		s.set(`{"_id":"a","note":"hush"}`)
		start, calls := time.Now(), 0
		s.now = func() time.Time { calls++; return start.Add(time.Duration(calls) * 30 * time.Second) }
		return fromMongo(`"a"`)
	}},
	{"Unknown", func(s *stage) string {
		s.between = func(db mongodb.Database) mongodb.Database { return broken{db} }
		return fromMongo(`"a"`)
	}},
}

var stops = []struct {
	name string
	do   func(*stage) string
}{
	{"DittoUnauthorized", down("SELECT", http.StatusUnauthorized)},
	{"DittoForbidden", down("INSERT", http.StatusForbidden)},
	{"DittoRefused", down("SELECT", http.StatusBadRequest)},
	{"DittoElsewhere", down("SELECT", http.StatusNotFound)},
	{"DittoRedirects", down("SELECT", http.StatusMovedPermanently)},
	{"MongoDBUnauthorized", mongoFails(outage.Fault{Code: 18, Message: "Authentication failed."})},
	{"MongoDBForbidden", mongoFails(outage.Fault{Code: 13, Message: "not authorized on db to execute command { find: \"hush\" }"})},
	{"MongoDBString", badString},
	{"SecretMissing", func(s *stage) string {
		s.settlerErr = &secret.Error{Ref: secret.Ref{ID: "prod/mongo"}, Mend: "store it", Err: errors.New("not found")}
		return fromMongo(`"a"`)
	}},
	{"DittoKeyMissing", func(s *stage) string {
		s.execute = failing("SELECT", &ditto.Error{Unsent: true, Err: &secret.Error{Ref: secret.Ref{ID: "prod/ditto"}, Mend: "store it", Err: errors.New("not found")}})
		return fromMongo(`"a"`)
	}},
	{"SweepForbidden", func(s *stage) string {
		s.startErr = &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized to perform: states:StartExecution"}
		return dropped
	}},
	{"NoQueue", func(s *stage) string {
		s.claim(ledger.Key{Collection: "tasks", ID: `"a"`})
		s.noQueue = true
		return fromMongo(`"a"`)
	}},
}

// Every class of failure, and every reason, has its line in
// testdata/failures.golden, written by the real worker and core.
func TestFailures(t *testing.T) {
	var b strings.Builder
	for _, class := range []struct {
		name  string
		cases []struct {
			name string
			do   func(*stage) string
		}
	}{{"retry", retries}, {"park", parks}, {"stop", stops}} {
		for _, c := range class.cases {
			t.Run(class.name+"/"+c.name, func(t *testing.T) {
				s := newStage(t)
				lines := s.event(c.do(s))
				if n := len(lines); n == 0 || !strings.Contains(lines[n-1], `"class":"`+class.name+`"`) {
					t.Errorf("lines %q, want one of the class %s\n%s", lines, class.name, s.log.String())
				}
				b.WriteString("# " + class.name + " " + c.name + "\n" + strings.Join(lines, "\n") + "\n")
			})
		}
	}
	for _, c := range receivers {
		t.Run("receiver/"+c.name, func(t *testing.T) {
			b.WriteString("# receiver " + c.name + "\n" + receive(t, c.keysErr, c.queueErr, c.body) + "\n")
		})
	}
	const file = "testdata/failures.golden"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(want), "\n"), strings.Split(b.String(), "\n")); diff != "" && !t.Failed() {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	documented(t, b.String())
}

// documented wants the reasons of the log lines in docs/operating.md, and no
// others, each under its class.
func documented(t *testing.T, lines string) {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	collect := func(re, text string) (out []string) {
		for _, m := range regexp.MustCompile(re).FindAllStringSubmatch(text, -1) {
			out = append(out, m[1]+" "+m[2])
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	got := collect(`"class":"(\w+)","reason":"([^"]*)"`, lines)
	listed := collect("(?m)^\\| (retry|park|stop) \\| `([a-z-]+)` \\|", string(doc))
	if diff := gocmp.Diff(listed, got); diff != "" {
		t.Errorf("reasons (-docs/operating.md +log):\n%s", diff)
	}
}
