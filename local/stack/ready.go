package stack

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/causeway-sync/causeway/core/manifest"
)

// printReady says where everything listens, and the walkthrough of the
// connector's guide with everything filled in.
func (s *Stack) printReady(m *manifest.Manifest) {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("")
	line("Causeway is ready.  Ctrl-C stops it.")
	line("")
	if s.info.Page != "" {
		line("  See it     %s", s.info.Page)
	}
	line("  MongoDB    %s  (%s, database %s)", hidePassword(s.info.MongoDB), s.info.MongoDBKind, s.info.Database)
	line("  Ditto      %s", s.info.Ditto.URL)
	line("  API key    %s", cmp.Or(map[bool]string{true: "the one in DITTO_API_KEY"}[s.info.Ditto.External], s.info.Ditto.APIKey))
	line("  webhook    %s", s.info.Webhook)
	line("  SQS        %s", s.info.SQS)
	line("  runs       %s  (Step Functions)", s.info.StepFunctions.Endpoint)
	line("  logs       %s", rel(s.info.Logs))
	line("  scripts    %s says the same", rel(infoFile(s.opts.Dir)))
	for _, notice := range s.notices() {
		line("")
		line("%s", notice)
	}
	if len(m.Collections) > 0 {
		line("")
		line("%s", s.walkthrough(tutorial(m)))
	}
	s.say(b.String())
}

// notices are what a person should know before trying things out.
func (s *Stack) notices() (notices []string) {
	if s.info.Ditto.External {
		n := "Enter this webhook in Ditto's portal, for all collections: " + s.info.Webhook + "\n" +
			"(through a tunnel, if that server cannot reach this machine)"
		if s.opts.Getenv("DITTO_WEBHOOK_SECRET") == "" {
			n += ", with this signing secret, or set DITTO_WEBHOOK_SECRET to its own: " + s.info.WebhookSecret
		}
		notices = append(notices, n)
	}
	if names := s.pausedWorkers(); len(names) > 0 {
		notices = append(notices, strings.Join(names, " and ")+" paused, as before the restart: `causeway resume` goes on.")
	}
	return notices
}

// tutorial is the collection of the guide's walkthrough, or the first.
func tutorial(m *manifest.Manifest) *manifest.Collection {
	if c := m.Collection("tasks"); c != nil {
		return c
	}
	return &m.Collections[0]
}

// walkthrough is the guide's "Test Bidirectional Sync".
func (s *Stack) walkthrough(c *manifest.Collection) string {
	key := s.info.Ditto.APIKey
	if s.info.Ditto.External {
		key = "$DITTO_API_KEY"
	}
	execute := func(body string) string {
		return "curl -X POST " + strings.TrimRight(s.info.Ditto.URL, "/") + "/api/v4/store/execute \\\n" +
			`    --header "Authorization: bearer ` + key + "\" \\\n" +
			"    --header \"Content-Type: application/json\" \\\n" +
			"    --data-raw '" + strings.ReplaceAll(body, "'", `'\''`) + "'"
	}
	uri, db := shellURI(s.info.MongoDB, s.info.Database)
	shell := func(call string) string {
		return mongosh(s.opts.Root) + " " + uri + " --quiet \\\n" +
			"    --eval '" + strings.ReplaceAll(db+"."+shellName(c.Name)+"."+call, "'", `'\''`) + "'"
	}
	one, two := sample(c, "task-001"), sample(c, "task-002")
	table := quote(c.DittoName)
	query := `{"statement": "SELECT * FROM ` + table + ` WHERE _id = :id", "args": {"id": ` + two.dittoID + `}}`
	if len(c.Fields) == 1 {
		query = `{"statement": "SELECT * FROM ` + table + ` WHERE _id = 'task-002'"}`
	}
	return "Try it, Ditto → MongoDB:\n\n  " +
		execute(`{"statement": "INSERT INTO `+table+` DOCUMENTS (:doc1)", "args": {"doc1": {"_id": `+
			one.dittoID+one.dittoFields+`, "title": "Complete documentation", "status": "active"}}}`) + "\n\n  " +
		shell("findOne({"+one.mongoFields+"})") + "\n\n" +
		"MongoDB → Ditto:\n\n  " +
		shell("insertOne({"+two.mongoFields+`, title: "Review PR", status: "pending"})`) + "\n\n  " +
		execute(query)
}

// example is a document's id on both sides.
type example struct {
	dittoID     string // JSON
	dittoFields string // JSON members besides `_id`, with a leading comma
	mongoFields string // members of a mongosh object
}

// sample is a document whose id is value, or made of values that begin so.
func sample(c *manifest.Collection, value string) example {
	if c.OneToOne() {
		return example{dittoID: jsString(value), mongoFields: "_id: " + jsString(value)}
	}
	var e example
	var members, fields []string
	for _, f := range c.Fields {
		v := value
		if len(c.Fields) > 1 {
			v += "-" + f
		}
		members = append(members, jsString(f)+": "+jsString(v))
		fields = append(fields, jsString(f)+": "+jsString(v))
		e.dittoID = jsString(v)
	}
	e.dittoFields = ", " + strings.Join(members, ", ")
	e.mongoFields = strings.Join(fields, ", ")
	if len(c.Fields) > 1 {
		e.dittoID = "{" + strings.Join(members, ", ") + "}"
	}
	return e
}

var plainName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// quote is a collection's name in DQL.
func quote(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "`" + strings.ReplaceAll(name, "`", "``") + "`"
}

func jsString(s string) string { return fmt.Sprintf("%q", s) }

// mongosh is how the shell is called: the user's own, or npm's.
func mongosh(root string) string {
	if _, err := exec.LookPath("mongosh"); err == nil {
		return "mongosh"
	}
	return rel(filepath.Join(root, "local", "node_modules", ".bin", "mongosh"))
}

// shellURI is the address for a shell, quoted, and the database's name in a
// script. An address that may hold a password is left to the environment.
func shellURI(uri, database string) (quoted, db string) {
	u, err := url.Parse(uri)
	if err != nil || u.User != nil {
		return `"$MONGODB_URI"`, "db.getSiblingDB(" + jsString(database) + ")"
	}
	u.Path = "/" + database
	return "'" + u.String() + "'", "db"
}

// shellName is a collection as a property of the database in a script.
func shellName(name string) string {
	if plainName.MatchString(name) {
		return name
	}
	return "getCollection(" + jsString(name) + ")"
}

func hidePassword(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return "the one in MONGODB_URI"
	}
	return u.Redacted()
}

// rel is path as seen from the working directory, if it is below it.
func rel(path string) string {
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	if r, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(r) {
		return r
	}
	return path
}
