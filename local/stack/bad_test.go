package stack_test

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/local/secretsmanager"
	"github.com/causeway-sync/causeway/local/stack"
)

const tasks = `
tasks:
  fields: [_id]`

// Each mistake that a person can make before anything runs gets an error that
// says what to do, soon, and leaves nothing running.
func TestStartErr(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	if port > 65530 {
		port = 65530
	}
	script := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := writeManifest(t, database(), tasks)
	bad := writeManifest(t, "", "tasks:\n  fields: []\n  mode: xml\n  dqlStrictmode: true")
	for name, c := range map[string]struct {
		config string
		port   int
		env    map[string]string
		want   []string // all of these are in the error
		not    string   // and this is not
	}{
		"Manifest": {config: bad, want: []string{
			bad + ":", ".tasks.fields", ".tasks.mode", `dqlStrictmode`, "spec.bridge.mongoConnector.database",
		}},
		"NoManifest": {config: filepath.Join(t.TempDir(), "none.yaml"), want: []string{"none.yaml"}},
		"PortInUse":  {port: port, want: []string{"port " + strconv.Itoa(port), "in use", "--port"}},
		"OldNode": {
			env:  map[string]string{"NODE": script("node", "echo v18.20.4")},
			want: []string{"Node.js 20", "v18.20.4"},
		},
		"NoNode": {env: map[string]string{"NODE": "no-such-node"}, want: []string{"no Node.js 20"}},
		"WrongMongoDB": {
			env:  map[string]string{"MONGODB_URI": "mongodb://user:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=500"},
			want: []string{"MONGODB_URI"}, not: "hunter2",
		},
		"NoAPIKey": {env: map[string]string{"DITTO_URL": "http://127.0.0.1:1"}, want: []string{"DITTO_API_KEY"}},
		"WrongDitto": {
			env:  map[string]string{"DITTO_URL": "http://127.0.0.1:1", "DITTO_API_KEY": "key-of-mine"},
			want: []string{"127.0.0.1:1", "DITTO_URL"}, not: "key-of-mine",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.config == "" {
				c.config = good
			}
			dir := t.TempDir()
			_, err := stack.Start(t.Context(), stack.Options{
				Root: repository(t), Config: c.config, Dir: dir, Port: c.port, Out: t.Output(),
				Getenv: func(key string) string {
					if v, ok := c.env[key]; ok {
						return v
					}
					if strings.HasPrefix(key, "MONGO") || strings.HasPrefix(key, "DITTO_") {
						return ""
					}
					return os.Getenv(key)
				},
			})
			if err == nil {
				t.Fatal("it started")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error lacks %q:\n%v", want, err)
				}
			}
			if c.not != "" && strings.Contains(err.Error(), c.not) {
				t.Errorf("error shows a secret:\n%v", err)
			}
			if _, err := os.Stat(filepath.Join(dir, "local.json")); err == nil {
				t.Error("local.json says that it runs")
			}
		})
	}
}

// What a function cannot do while its secret is wrong or missing stays in the
// queue. The log says why, and shows no secret (invariants 1 and 11).
func TestSecrets(t *testing.T) {
	put := func(value string) func(*secretsmanager.Server, secretsmanager.Secret) {
		return func(s *secretsmanager.Server, secret secretsmanager.Secret) {
			secret.Value = value
			s.Put(secret)
		}
	}
	for name, c := range map[string]struct {
		broken func(*secretsmanager.Server, secretsmanager.Secret)
		says   string
		mended bool // at once, not when the cached secret is read again
	}{
		"Missing": {
			func(s *secretsmanager.Server, right secretsmanager.Secret) { s.Remove(right.ID) }, "ditto/test-mongo", true,
		},
		"WrongConnectionString": {
			put(`{"connectionString":"mongodb://user:hunter2@127.0.0.1:1/?serverSelectionTimeoutMS=200"}`), "127.0.0.1:1", false,
		},
		"NoConnectionString": {put(`{"connectionString":"hunter2"}`), "mongodb+srv", false},
		"NoSuchField":        {put(`{"uri":"hunter2"}`), "connectionString", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, stack.Options{Config: writeManifest(t, database(), tasks)})
			w := open(t, s.Info())
			right := secretsmanager.Secret{ID: "ditto/test-mongo", Value: `{"connectionString":"` + w.info.MongoDB + `"}`}
			c.broken(s.Secrets(), right)
			w.dql("v4", "INSERT INTO tasks DOCUMENTS (:d)", "d", map[string]any{"_id": "a", "n": 1})
			log := func() string {
				b, err := os.ReadFile(filepath.Join(w.info.Logs, stack.DittoToMongo+".log"))
				if err != nil {
					t.Fatal(err)
				}
				return string(b)
			}
			await(t, "warning in the log", "true", func() string { return strconv.FormatBool(strings.Contains(log(), "message failed")) })
			if text := log(); strings.Contains(text, "hunter2") || strings.Contains(text, w.info.Ditto.APIKey) || !strings.Contains(text, c.says) {
				t.Errorf("the log shows a secret, or lacks %q:\n%s", c.says, text)
			}
			if depth := w.depth(stack.DittoToMongo); depth == 0 {
				t.Error("the message is gone")
			}
			if !c.mended {
				return
			}
			s.Secrets().Put(right)
			await(t, "a in MongoDB", `{"_id":"a","n":{"$numberInt":"1"}}`, func() string { return w.mongo("tasks", d("_id", "a")) })
		})
	}
}

func TestInfo(t *testing.T) {
	dir := t.TempDir()
	if _, err := stack.ReadInfo(dir); err == nil || err.Error() != stack.ErrNotRunning.Error() {
		t.Errorf("error = %v, want ErrNotRunning", err)
	}
	s := start(t, stack.Options{Config: writeManifest(t, database(), tasks), Dir: dir})
	info, err := stack.ReadInfo(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "local.json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw struct {
		MongoDB, Webhook, SQS, Config string
		Ditto                         struct{ URL, APIKey string }
		PID                           int
	}
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	if raw.MongoDB == "" || raw.Ditto.URL == "" || raw.Ditto.APIKey == "" || raw.Webhook == "" || raw.SQS == "" ||
		raw.Config == "" || raw.PID != os.Getpid() || info.PID != raw.PID {
		t.Errorf("local.json = %s", b)
	}
	if stat, err := os.Stat(filepath.Join(dir, "local.json")); err != nil || stat.Mode().Perm() != 0o600 {
		t.Errorf("local.json holds keys and has mode %v, %v; want 0600", stat.Mode(), err)
	}
	for name, f := range s.Info().Functions {
		for key, v := range f.Env {
			if v == raw.Ditto.APIKey || v == s.Info().WebhookSecret || v == raw.MongoDB {
				t.Errorf("%s has a secret in %s (invariant 11)", name, key)
			}
		}
	}
	stopStack(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := s.Wait(ctx); err != nil {
		t.Errorf("Wait = %v after Stop: a part is taken for one that ended on its own", err)
	}
	if _, err := stack.ReadInfo(dir); err == nil {
		t.Error("local.json is there after Stop")
	}
}
