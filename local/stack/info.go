package stack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/causeway-sync/causeway/local/process"
)

// Info says where everything listens. It is .causeway/local.json, readable by
// its owner alone, since it holds keys.
type Info struct {
	PID       int       `json:"pid"`
	StartedAt time.Time `json:"startedAt"`
	Manifest  string    `json:"manifest"` // the file that was given
	Config    string    `json:"config"`   // the copy without secrets that the functions read
	Logs      string    `json:"logs"`

	MongoDB     string   `json:"mongodb"` // URI
	MongoDBKind string   `json:"mongodbKind"`
	Database    string   `json:"database"`
	Collections []string `json:"collections"`

	Page          string `json:"page,omitempty"` // with its token
	Ditto         Ditto  `json:"ditto"`
	Webhook       string `json:"webhook"`
	WebhookSecret string `json:"webhookSecret"`

	SQS            string              `json:"sqs"`
	Queues         map[string]Queue    `json:"queues"` // by worker
	SecretsManager string              `json:"secretsManager"`
	StepFunctions  StepFunctions       `json:"stepFunctions"`
	Lambda         string              `json:"lambda"` // of its API: the switches of the workers
	Functions      map[string]Function `json:"functions"`
	Processes      map[string]int      `json:"processes"` // ids of the children that live as long as the stack
}

// Ditto is the Ditto server.
type Ditto struct {
	URL      string `json:"url"`
	APIKey   string `json:"apiKey"`
	External bool   `json:"external"` // the user's own
}

// Queue is a worker's queue and its dead letters.
type Queue struct {
	Name           string `json:"name"`
	URL            string `json:"url"`
	DeadLetters    string `json:"deadLetters"`
	DeadLettersURL string `json:"deadLettersUrl"`
}

// StepFunctions is where runs are started.
type StepFunctions struct {
	Endpoint     string `json:"endpoint"`
	StateMachine string `json:"stateMachine"` // its ARN
}

// Function is how a function is run.
type Function struct {
	Bootstrap string            `json:"bootstrap"`
	Env       map[string]string `json:"env"`
}

// Environ is Env as a process takes it.
func (f Function) Environ() []string {
	env := make([]string, 0, len(f.Env))
	for k, v := range f.Env {
		env = append(env, k+"="+v)
	}
	slices.Sort(env)
	return env
}

// infoFile is where Info is kept.
func infoFile(dir string) string { return filepath.Join(dir, "local.json") }

// ErrNotRunning means that no stack runs in a directory.
var ErrNotRunning = errors.New("the local stack is not running: start it with `make run`")

// ReadInfo reads what the stack of dir, a .causeway folder, said of itself:
// ErrNotRunning when it does not run.
func ReadInfo(dir string) (*Info, error) {
	b, err := os.ReadFile(infoFile(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotRunning
	}
	if err != nil {
		return nil, fmt.Errorf("read local.json: %w", err)
	}
	var info Info
	if err := json.Unmarshal(b, &info); err != nil {
		return nil, fmt.Errorf("read local.json: %w", err)
	}
	if !process.Alive(info.PID) {
		return nil, ErrNotRunning
	}
	return &info, nil
}

// write replaces the file, whole or not at all.
func (i *Info) write(dir string) error {
	b, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return fmt.Errorf("write local.json: %w", err)
	}
	next := infoFile(dir) + ".next"
	if err := os.WriteFile(next, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write local.json: %w", err)
	}
	if err := os.Rename(next, infoFile(dir)); err != nil {
		return fmt.Errorf("write local.json: %w", err)
	}
	return nil
}
