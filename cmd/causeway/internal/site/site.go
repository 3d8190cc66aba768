package site

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/preflight"
)

// Site is the stack that a command works on.
type Site struct {
	// Name is the deployed stack's, empty for the one on this machine.
	Name     string
	Manifest *manifest.Manifest
	Since    time.Time // when it was started, or deployed last
	Queues   []Queue   // of the workers, mongo-to-ditto first
	// Undelivered is what EventBridge could not put into a queue; the zero Queue
	// where there is no EventBridge.
	Undelivered Queue
	Machine     *execution.Machine
	Switch      *Switch

	connectionString mongodb.Secret
	endpoint         string // Ditto's
	keys             ditto.KeySource
	webhook          func(context.Context) error // nil: not looked at
	sqs              *sqs.Client
	// inFlightCounted: the queue counts messages in flight among the waiting ones.
	inFlightCounted bool
	lags            func(context.Context, []Queue) (map[string]Lag, error)
}

// Queue is a worker's queue, with its dead letters.
type Queue struct {
	Function       string
	Name           string
	URL            string
	DeadLettersURL string
}

// Lag is how far behind a worker is.
type Lag struct {
	// Last is the time from the oldest change of its last batch to the batch's
	// end, Oldest the age of the oldest message in its queue; negative if
	// nothing is known.
	Last, Oldest time.Duration
}

const unknown = -1

// Connect opens the database. Whoever calls it closes it.
func (s *Site) Connect(ctx context.Context) (*mongodb.Client, error) {
	uri, err := s.connectionString(ctx, false)
	if err != nil {
		return nil, err
	}
	return mongodb.Connect(uri, s.Manifest.Database)
}

// Checker looks at both sides. It writes nothing.
func (s *Site) Checker() preflight.Checker {
	return preflight.Checker{Manifest: s.Manifest, ConnectionString: s.connectionString, Endpoint: s.endpoint, Keys: s.keys, Webhook: s.webhook}
}

// Lags tells of each worker how far behind it is. With an error nothing is known
// of any.
func (s *Site) Lags(ctx context.Context) (map[string]Lag, error) {
	lags, err := s.lags(ctx, s.Queues)
	if err != nil {
		lags = map[string]Lag{}
		for _, q := range s.Queues {
			lags[q.Function] = Lag{unknown, unknown}
		}
	}
	return lags, err
}

// Describe names the site in a sentence.
func (s *Site) Describe() string {
	if s.Name == "" {
		return "the local stack"
	}
	return fmt.Sprintf("the stack %s", s.Name)
}
