package ditto

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/local/leak"
)

// Options say what to start. Local and Dir are required.
type Options struct {
	// Local is the repository's local directory, which holds node_modules and
	// ditto/server.mjs.
	Local string
	// Dir keeps the store and the outbox; it is created if missing. One server
	// at a time may use it.
	Dir string
	// Port to listen on, on 127.0.0.1; 0 takes a free one.
	Port int
	// APIKey is the bearer key; a random one is made when it is empty.
	APIKey string

	// Webhook is where events are posted; with none they wait in the outbox.
	Webhook string
	// WebhookSecret signs the posts: base64, as Ditto's. None, no signature.
	// Several, separated by commas, each give a signature, as in a rotation.
	WebhookSecret string
	// WebhookBatch is how many events one post may carry; 0 means 100. With 1
	// each post is one bare event, as Ditto documents them; else several
	// pending events travel as a JSON array.
	WebhookBatch int

	// Faults opens fault injection (Inject and Feed).
	Faults bool

	// Node is the Node.js program; "node" on PATH when empty.
	Node string
	// Stderr gets the server's log lines; nil drops them.
	Stderr io.Writer
	// ReadyTimeout bounds the wait for the server; 0 means 20 s.
	ReadyTimeout time.Duration
}

func (o Options) withDefaults() (Options, error) {
	if o.Local == "" || o.Dir == "" {
		return o, errors.New("options: Local and Dir are required")
	}
	if strings.ContainsAny(o.APIKey, ", \t\n") {
		return o, errors.New("options: an API key holds no commas or spaces")
	}
	if o.Node == "" {
		o.Node = "node"
	}
	if o.WebhookBatch == 0 {
		o.WebhookBatch = 100
	}
	if o.ReadyTimeout == 0 {
		o.ReadyTimeout = 20 * time.Second
	}
	if o.APIKey == "" {
		o.APIKey = leak.New()
	}
	local, err := filepath.Abs(o.Local)
	if err != nil {
		return o, err
	}
	o.Local = local
	if o.Dir, err = filepath.Abs(o.Dir); err != nil {
		return o, err
	}
	if err := o.checkInstalled(); err != nil {
		return o, err
	}
	return o, os.MkdirAll(o.Dir, 0o700)
}

func (o Options) script() string { return filepath.Join(o.Local, "ditto", "server.mjs") }

// checkInstalled finds the server and the engine, and says what to run when
// they are not there.
func (o Options) checkInstalled() error {
	if _, err := os.Stat(o.script()); err != nil {
		return fmt.Errorf("no Ditto server program in %s: not the repository's local directory", o.Local)
	}
	engine := filepath.Join(o.Local, "node_modules", "@dittolive", "ditto", "package.json")
	if _, err := os.Stat(engine); err != nil {
		return fmt.Errorf("the Ditto engine is not installed in %s: run `npm ci --ignore-scripts` there",
			filepath.Join(o.Local, "node_modules"))
	}
	return nil
}
