package stack

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// DefaultPort is the first of the ports that `make run` listens on.
const DefaultPort = 47600

// Options say what to start. Root and Config are required.
type Options struct {
	Root   string // the repository
	Config string // the manifest
	Dir    string // data, logs and local.json; .causeway of Root by default

	// Port is the first of seven in a row: Ditto, MongoDB, the webhook, SQS,
	// Secrets Manager, Step Functions, the page. 0 takes free ones.
	Port int

	Concurrency int           // invocations of a worker at once; 2 by default
	BatchSize   int           // messages of one invocation; 100 by default
	Window      time.Duration // how long a message waits for others; 20 ms by default
	MaxReceives int           // tries of a message before it is a dead letter; 8 by default
	Faults      bool          // opens fault injection of the Ditto server, for tests

	// Beat is how often the canary beats, as a timer of EventBridge lets it in the
	// cloud; never if 0.
	Beat time.Duration

	// Page serves the page; it opens fault injection too, which the page offers.
	Page bool

	// NoInitialSync leaves documents alone that are there at the start, and takes
	// no baseline of them.
	NoInitialSync bool

	Out    io.Writer           // lines for the person who waits; os.Stdout by default
	Getenv func(string) string // os.Getenv by default
}

// ports of the parts; all 0 for free ones.
type ports struct{ ditto, mongodb, webhook, sqs, secrets, stepFunctions, page int }

func (o Options) ports() ports {
	if o.Port == 0 {
		return ports{}
	}
	return ports{o.Port, o.Port + 1, o.Port + 2, o.Port + 3, o.Port + 4, o.Port + 5, o.Port + 6}
}

func (o Options) withDefaults() (Options, error) {
	if o.Root == "" || o.Config == "" {
		return o, errors.New("options: Root and Config are required")
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(o.Root, ".causeway")
	}
	if o.Port < 0 || o.Port > 65529 {
		return o, errors.New("port " + strconv.Itoa(o.Port) + ": want the first of seven, from 1 to 65529, or 0 for free ones")
	}
	o.Faults = o.Faults || o.Page
	if o.Concurrency <= 0 {
		o.Concurrency = 2
	}
	if o.BatchSize <= 0 {
		o.BatchSize = 100
	}
	if o.Window <= 0 {
		o.Window = 20 * time.Millisecond
	}
	if o.MaxReceives <= 0 {
		o.MaxReceives = maxReceives
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	for _, p := range []*string{&o.Root, &o.Config, &o.Dir} {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return o, err
		}
		*p = abs
	}
	return o, os.MkdirAll(filepath.Join(o.Dir, "data"), 0o700)
}

func (o Options) data(name string) string { return filepath.Join(o.Dir, "data", name) }
