package preflight_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/preflight"
	"github.com/causeway-sync/causeway/core/secret"
	localditto "github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/outage"
)

// scene is something that is wrong, and the code by which it is told.
type scene struct {
	name   string
	code   preflight.Code
	status preflight.Status
	words  string // what the message has to say, word by word
	set    func(t *testing.T, w *world)
}

const (
	problem = preflight.Problem
	warning = preflight.Warning
	user    = "mongodb://causeway:hunter2@"
)

var scenes = slices.Concat(secretScenes, mongoScenes, collectionScenes, dittoScenes, identityScenes)

// TestFindings shows each thing that can be wrong to the preflight, on the real
// engines where they can have it, and compares all that it says with the golden
// file.
func TestFindings(t *testing.T) {
	texts := make([]string, len(scenes))
	told := map[preflight.Code]bool{preflight.NotLooked: true} // see TestSkipped
	run := func(t *testing.T, i int, s scene) {
		w := newWorld(t)
		s.set(t, w)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		found := w.check.Run(ctx)
		text := render(worst(found))
		if err := leak.Check("findings", []byte(text)); err != nil {
			t.Errorf("%v:\n%s", err, text)
		}
		if !has(found, s.code, s.status) || !strings.Contains(text, strings.ReplaceAll(s.words, "<db>", w.db)) {
			t.Errorf("no %s %s that says %q:\n%s", s.status, s.code, s.words, text)
		}
		if preflight.HasProblem(found) != (s.status == problem) {
			t.Errorf("a problem, or none:\n%s", text)
		}
		texts[i] = "# " + s.name + "\n" + w.neutral(text) + "\n"
	}
	t.Run("Scenes", func(t *testing.T) {
		for i, s := range scenes {
			told[s.code] = true
			t.Run(s.name, func(t *testing.T) {
				if strings.HasPrefix(s.name, "MongoDBAway") {
					t.Parallel() // the driver gives up after 5 s
				}
				run(t, i, s)
			})
		}
	})
	if t.Failed() {
		return
	}
	all := strings.Join(texts, "")
	golden := filepath.Join("testdata", "findings.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(all), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(all, "\n")); diff != "" {
		t.Errorf("findings (-golden +got):\n%s", diff)
	}
	documented(t, told)
}

var (
	address = regexp.MustCompile(`127\.0\.0\.1:\d+`)
	lookup  = regexp.MustCompile(`(lookup [^ :]+).*`)
	times   = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:]+Z`)
	seconds = regexp.MustCompile(`\d+m\d+s`)
	txn     = regexp.MustCompile(`transaction \d+`)
)

// neutral is a text without what differs from run to run.
func (w *world) neutral(text string) string {
	text = strings.ReplaceAll(text, w.db, "test-db")
	for re, with := range map[*regexp.Regexp]string{
		address: "127.0.0.1:PORT", lookup: "$1: REASON", times: "TIME", seconds: "MINUTES", txn: "transaction N",
	} {
		text = re.ReplaceAllString(text, with)
	}
	return text
}

// documented wants a row in docs/operating.md for each code, and no others.
func documented(t *testing.T, told map[preflight.Code]bool) {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "operating.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, ok := strings.Cut(string(doc), "## Before the first sync")
	if !ok {
		t.Fatal("docs/operating.md has no section on the preflight")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	rows := map[preflight.Code]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(section, -1) {
		rows[preflight.Code(row[1])] = true
	}
	if diff := cmp.Diff(rows, told); diff != "" {
		t.Errorf("codes (-docs/operating.md +told):\n%s", diff)
	}
	for _, s := range scenes {
		words := name.ReplaceAllString(s.words, "<name>")
		if !strings.Contains(section, words) {
			t.Errorf("docs/operating.md does not have %q", words)
		}
	}
}

var name = regexp.MustCompile(`<db>|\b(tasks|purchases|__causeway_\w+)\b`)

var missing = &types.ResourceNotFoundException{Message: aws.String("Secrets Manager can't find the specified secret.")}

func awsError(err error) error {
	return &secret.Error{Ref: secret.Ref{ID: "ditto/webhook"}, Err: err, Mend: "store it"}
}

var secretScenes = []scene{
	{"ConnectionSecretMissing", preflight.ConnectionSecret, problem, "connection string: ", func(_ *testing.T, w *world) {
		w.check.ConnectionString = func(context.Context, bool) (string, error) {
			return "", awsError(missing)
		}
	}},
	{"APIKeySecretDenied", preflight.APIKeySecret, problem, "API key: ", func(_ *testing.T, w *world) {
		w.check.Keys = keyError{awsError(&smithy.GenericAPIError{Code: "AccessDeniedException", Message: "not authorized"})}
	}},
	{"APIKeyEmpty", preflight.APIKeySecret, problem, "API key: it is empty", func(_ *testing.T, w *world) {
		w.check.Keys = ditto.StaticKey("\n")
	}},
	{"APIKeyTwoLines", preflight.APIKeySecret, problem, "API key: it holds white space", func(_ *testing.T, w *world) {
		w.check.Keys = ditto.StaticKey("hunter2\nhunter2")
	}},
	{"WebhookSecretMissing", preflight.WebhookSecret, problem, "webhook secret: ", func(_ *testing.T, w *world) {
		w.check.Webhook = func(context.Context) error { return awsError(missing) }
	}},
	{"WebhookSecretMalformed", preflight.WebhookSecret, problem, "webhook secret: ", func(_ *testing.T, w *world) {
		w.check.Webhook = func(context.Context) error { return errors.New("webhook secret: a signing secret is not base64") }
	}},
	{"SecretsUnavailable", preflight.WebhookSecret, problem, "webhook secret: ", func(_ *testing.T, w *world) {
		w.check.Webhook = func(context.Context) error {
			return &secret.Error{Ref: secret.Ref{ID: "ditto/webhook"}, Err: context.DeadlineExceeded}
		}
	}},
}

type keyError struct{ error }

func (e keyError) Key(context.Context, bool) (string, error) { return "", e.error }

// connect lets the preflight use another connection string.
func connect(uri string) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { w.check.ConnectionString = connection(uri) }
}

// refused lets MongoDB refuse commands to the user.
func refused(code int, message string, commands ...string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		uri, _ := start(t)
		p, err := outage.NewProxy(address.FindString(uri))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		p.Fail(outage.Fault{Code: code, Message: message, Commands: commands})
		w.check.ConnectionString = connection(p.URI)
	}
}

const unreachable = user + "127.0.0.1:1/?serverSelectionTimeoutMS=300"

func network(network string) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.check.Deployed, w.check.Manifest = true, w.manifest(t, network)
		w.check.ConnectionString = connection(unreachable)
	}
}

const denied = "not authorized on test-db to execute command { x: \"hunter2\" }"

var mongoScenes = []scene{
	{"ConnectionStringNone", preflight.ConnectionString, problem, "Connection string provided is invalid.", connect("http://causeway:hunter2@somewhere")},
	{"ConnectionStringPassword", preflight.ConnectionString, problem, "Connection string provided is invalid.", connect("mongodb://causeway:hunter2@x@host/")},
	{"ConnectionStringOption", preflight.ConnectionString, problem, "Connection string provided is invalid.", connect(user + "host/?directConnection=hunter2")},
	{"MongoDBAway", preflight.MongoUnavailable, problem, "Failed to connect to MongoDB", connect(unreachable)},
	{"MongoDBAwayPublic", preflight.MongoUnavailable, problem, "0.0.0.0/0", network("public")},
	{"MongoDBAwayNAT", preflight.MongoUnavailable, problem, "NAT gateway", network("nat")},
	{"MongoDBAwayPrivateLink", preflight.MongoUnavailable, problem, "private endpoint", network("privatelink")},
	{"MongoDBNoHost", preflight.MongoUnavailable, problem, "Failed to connect to MongoDB", connect("mongodb+srv://causeway:hunter2@cluster0.nowhere.invalid/")},
	{"MongoDBRefusesUser", preflight.MongoUnauthorized, problem, "Failed to connect to MongoDB", func(t *testing.T, w *world) {
		uri, _ := start(t)
		w.check.ConnectionString = connection(user + address.FindString(uri) + "/?directConnection=true")
	}},
	{"NoRightToListDatabases", preflight.ListDatabases, problem, "Failed to list database names", refused(13, denied, "listDatabases")},
	{"NoRightToListCollections", preflight.ListCollections, problem, "Failed to list collections", refused(13, denied, "listCollections")},
	{"NoDatabase", preflight.NoDatabase, problem, "Database <db> not found", func(t *testing.T, w *world) {
		if err := w.client.Driver().Drop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}},
	{"NoRightToCreate", preflight.CannotCreate, problem, "Collection __causeway_ledger cannot be created", refused(13, denied, "create")},
	{"NoRightToIndex", preflight.CannotCreate, problem, "Collection __causeway_ledger cannot be created", refused(13, denied, "createIndexes")},
	{"NoRightToWrite", preflight.CannotCreate, problem, "Collection __causeway_runs cannot be created", refused(13, denied, "update", "delete")},
	{"NoRightToDeleteReadOnlyCheck", preflight.CannotCreate, problem, "Collection __causeway_conflicts cannot be created", func(t *testing.T, w *world) {
		refused(8000, "user is not allowed to do action [remove] on [test-db.hunter2]", "delete")(t, w)
		w.check.Note = false
	}},
	{"NoRightToRead", preflight.MongoForbidden, problem, "read tasks", refused(13, denied, "find")},
	{"NoReplicaSet", preflight.ChangeStreams, problem, "no change streams", refused(40573, "The $changeStream stage is only supported on replica sets", "aggregate")},
	{"NoRightToWatch", preflight.ChangeStreams, warning, "change streams were not looked at", refused(13, denied, "aggregate")},
}

// again makes a collection anew.
func again(create bson.D) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		w.drop(t, create[0].Value.(string))
		w.command(t, create)
	}
}

var images = bson.E{Key: "changeStreamPreAndPostImages", Value: bson.D{{Key: "enabled", Value: true}}}

var collectionScenes = []scene{
	{"NoCollection", preflight.NoCollection, problem, "Collection tasks not found", func(t *testing.T, w *world) { w.drop(t, "tasks") }},
	{"NoImages", preflight.NoImages, preflight.Note, "Collection tasks must be configured with changeStreamPreAndPostImages enabled", again(bson.D{{Key: "create", Value: "tasks"}})},
	{"Capped", preflight.Capped, problem, "Collection tasks cannot be a capped collection", again(bson.D{
		{Key: "create", Value: "tasks"}, {Key: "capped", Value: true}, {Key: "size", Value: 4096}, images,
	})},
	{"View", preflight.NotACollection, problem, "Collection tasks cannot be a view", again(bson.D{
		{Key: "create", Value: "tasks"}, {Key: "viewOn", Value: "orders"}, {Key: "pipeline", Value: bson.A{}},
	})},
	{"TimeSeries", preflight.NotACollection, problem, "Collection tasks cannot be a timeseries", again(bson.D{
		{Key: "create", Value: "tasks"}, {Key: "timeseries", Value: bson.D{{Key: "timeField", Value: "at"}}},
	})},
	{"Collation", preflight.Collation, warning, "has a collation of its own", again(bson.D{
		{Key: "create", Value: "tasks"}, {Key: "collation", Value: bson.D{{Key: "locale", Value: "en"}}}, images,
	})},
	{"NoIndex", preflight.NoIndex, warning, "has no unique index", again(bson.D{{Key: "create", Value: "orders"}, images})},
	{"FieldMissing", preflight.FieldMissing, warning, "has documents without", func(t *testing.T, w *world) {
		if _, err := w.client.Driver().Collection("orders").InsertOne(t.Context(), bson.D{{Key: "_id", Value: 7}, {Key: "orderId", Value: "hunter2"}}); err != nil {
			t.Fatal(err)
		}
	}},
}

// answering puts h before Ditto.
func answering(h func(web *outage.Web, w http.ResponseWriter, r *http.Request)) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		web, err := outage.NewWeb(w.ditto.URL)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { web.Close() })
		web.Fail(func(res http.ResponseWriter, req *http.Request) { h(web, res, req) })
		w.check.Endpoint = web.URL
	}
}

// dittoAt is Ditto at another address.
func dittoAt(endpoint string) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { w.check.Endpoint = endpoint }
}

func inject(f localditto.Fault) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		f.Times = -1
		if err := w.ditto.Inject(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
}

func skew(d time.Duration) func(*testing.T, *world) {
	return func(_ *testing.T, w *world) { w.check.Now = func() time.Time { return time.Now().Add(d) } }
}

var dittoScenes = []scene{
	{"EndpointNone", preflight.DittoEndpoint, problem, "ditto endpoint", dittoAt("https://key:hunter2@host/app")},
	{"DittoAway", preflight.DittoUnavailable, problem, "does not answer", dittoAt("http://127.0.0.1:1")},
	{"DittoNoHost", preflight.DittoUnavailable, problem, "there is no host of that name", func(_ *testing.T, w *world) {
		w.check.Transport = noHost{}
	}},
	{"DittoIsDown", preflight.DittoUnavailable, problem, "does not answer", inject(localditto.Fault{Status: 503})},
	{"DittoIsAWebPage", preflight.DittoEndpoint, problem, "is not the endpoint of a Ditto Server", answering(
		func(_ *outage.Web, w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("<html>hunter2</html>"))
		})},
	{"DittoIsElsewhere", preflight.DittoEndpoint, problem, "is not the endpoint of a Ditto Server", answering(
		func(_ *outage.Web, w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://portal.ditto.live", http.StatusFound)
		})},
	{"DittoHasNoSuchPath", preflight.DittoEndpoint, problem, "is not the endpoint of a Ditto Server", answering(
		func(_ *outage.Web, w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) })},
	{"DittoRefusesKey", preflight.DittoUnauthorized, problem, "Ditto refuses the API key", func(_ *testing.T, w *world) {
		w.check.Keys = ditto.StaticKey("hunter2-other")
	}},
	{"DittoForbidsReading", preflight.DittoForbidden, problem, "the API key may not read the Ditto collection purchases", inject(localditto.Fault{Status: 403, Match: "`purchases`"})},
	{"DittoForbidsWriting", preflight.DittoForbidden, problem, "the API key may not write the Ditto collection tasks", inject(localditto.Fault{Status: 403, Match: "DELETE.*`tasks`"})},
	{"DittoHasNoV5", preflight.DittoRefused, problem, "Ditto refuses to read the collection purchases", inject(localditto.Fault{Status: 400, API: "v5", Description: "no such version"})},
	{"ClocksApart", preflight.ClockSkew, warning, "behind the clock here", skew(2 * time.Minute)},
	{"ClocksFarApart", preflight.ClockSkew, problem, "ahead of the clock here", skew(-6 * time.Minute)},
	{"DittosClock", preflight.ClockSkew, problem, "the clock of Ditto is", answering(
		func(web *outage.Web, w http.ResponseWriter, r *http.Request) {
			web.Pass(&dating{w, time.Now().Add(10 * time.Minute)}, r)
		})},
}

// noHost is a resolver that knows no host.
type noHost struct{}

func (noHost) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}}
}

// dating changes an answer's date.
type dating struct {
	http.ResponseWriter
	date time.Time
}

func (d *dating) WriteHeader(status int) {
	d.Header().Set("Date", d.date.UTC().Format(http.TimeFormat))
	d.ResponseWriter.WriteHeader(status)
}

// before runs a preflight, and then changes what it has noted.
func before(set bson.D) func(*testing.T, *world) {
	return func(t *testing.T, w *world) {
		if found := w.check.Run(t.Context()); preflight.HasProblem(found) {
			t.Fatal(render(found))
		}
		if set == nil {
			return
		}
		_, err := w.client.Driver().Collection(ledger.RunsCollection).UpdateByID(t.Context(), "ditto", bson.D{{Key: "$set", Value: set}})
		if err != nil {
			t.Fatal(err)
		}
	}
}

var identityScenes = []scene{
	{"OtherDitto", preflight.OtherDitto, problem, "and the ledger was made with", before(bson.D{{Key: "database", Value: "f5e954d9"}})},
	{"DittoWentBack", preflight.DittoWentBack, problem, "Ditto has gone back in time: it was restored or replaced", before(bson.D{{Key: "txn", Value: int64(1) << 40}})},
}
