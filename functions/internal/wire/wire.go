package wire

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	smithytime "github.com/aws/smithy-go/time"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/secret"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/telemetry"
	"github.com/causeway-sync/causeway/functions/internal/queue"
	"github.com/causeway-sync/causeway/functions/internal/receiver"
	"github.com/causeway-sync/causeway/functions/internal/webhook"
	"github.com/causeway-sync/causeway/functions/internal/worker"
)

// Worker is the function's worker. Nothing is contacted before the first key.
func (env Environment) Worker() *worker.Worker {
	secrets := secret.NewReader(secret.AWS(), time.Now)
	db := env.database(secrets)
	open := env.open(db, secrets)
	w := &worker.Worker{
		Decoder: change.Decoder{Manifest: env.Manifest},
		Settler: func(ctx context.Context) (worker.Settler, error) {
			c, err := open(ctx)
			if err != nil {
				return nil, err
			}
			return c.bridge, nil
		},
		Beats:   canary.Canary{DB: db},
		IsLater: bridge.IsLater,
		Metrics: env.metrics(),
		Log:     env.Log,
		Now:     time.Now,
	}
	if env.QueueURL != "" {
		w.Queue = env.queue()
	}
	if env.StateMachine != "" {
		machine := env.machine()
		w.Sweeps = once(func(ctx context.Context) (worker.Sweeps, error) {
			if err := sweep.CreateIndexes(ctx, db); err != nil {
				return nil, err
			}
			return requests{&sweep.Runner{Manifest: env.Manifest, DB: db}, machine}, nil
		})
	}
	return w
}

// Receiver is the function's receiver. It knows no secret but the webhook's.
func (env Environment) Receiver() *receiver.Receiver {
	return &receiver.Receiver{
		Decoder: change.Decoder{Manifest: env.Manifest},
		Queue:   env.queue(),
		Keys:    env.webhookKeys(secret.NewReader(secret.AWS(), time.Now)),
		Metrics: env.metrics(),
		Log:     env.Log,
		Now:     time.Now,
	}
}

func (env Environment) metrics() *telemetry.Metrics {
	return telemetry.NewMetrics(os.Stdout, time.Now,
		telemetry.Dimension{Name: "Deployment", Value: env.Manifest.Name},
		telemetry.Dimension{Name: "Function", Value: env.Function + suffix(env.Role)}).Sparse()
}

// suffix tells the receiver's metrics from its worker's.
func suffix(r Role) string {
	if r == Receiver {
		return "-receiver"
	}
	return ""
}

func (env Environment) queue() *queue.Queue {
	client := once(func(ctx context.Context) (queue.SQS, error) {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, fmt.Errorf("load AWS configuration: %w", err)
		}
		return sqs.NewFromConfig(cfg), nil
	})
	return queue.New(env.QueueURL, client, smithytime.SleepWithContext)
}

// core is what settles document pairs, and both sides of it.
type core struct {
	db     *mongodb.Reconnecting
	ditto  *ditto.Client
	bridge *bridge.Bridge
}

// open makes the core at first use: secrets are read, and the ledger's indexes
// made where they are missing.
func (env Environment) open(db *mongodb.Reconnecting, secrets *secret.Reader) func(context.Context) (core, error) {
	return once(func(ctx context.Context) (core, error) {
		if err := ledger.CreateIndexes(ctx, db); err != nil {
			return core{}, fmt.Errorf("prepare ledger: %w", err)
		}
		client, err := ditto.NewClient(ditto.ClientConfig{
			Endpoint: env.DittoURL,
			Keys:     secret.Source{Reader: secrets, Ref: secret.Ref{ID: env.APIKeySecret, Key: "apiKey"}},
		})
		if err != nil {
			return core{}, err
		}
		return core{db, client, bridge.New(bridge.Config{Manifest: env.Manifest, Mongo: db, Ditto: client, Log: env.Log})}, nil
	})
}

// database is made once: each try would leave its connections behind.
func (env Environment) database(secrets *secret.Reader) *mongodb.Reconnecting {
	return mongodb.NewReconnecting(env.Manifest.Database, env.connectionString(secrets))
}

// connectionString reads MongoDB's connection string as the manifest says.
func (env Environment) connectionString(secrets *secret.Reader) mongodb.Secret {
	return secret.Source{Reader: secrets, Ref: secret.Database(env.Manifest)}.Key
}

func (env Environment) webhookKeys(secrets *secret.Reader) func(context.Context, bool) (webhook.Keys, error) {
	return func(ctx context.Context, refresh bool) (webhook.Keys, error) {
		if env.WebhookSecret == "" {
			return webhook.Keys{}, errors.New("CAUSEWAY_DITTO_WEBHOOK_SECRET is not set, and the manifest's Deployment names no webhook secret")
		}
		v, err := secret.Source{Reader: secrets, Ref: secret.Ref{ID: env.WebhookSecret}}.Key(ctx, refresh)
		if err != nil {
			return webhook.Keys{}, err
		}
		return webhook.ParseKeys(manifest.Redacted(v))
	}
}

// once makes a value at first use, and tries again at the next when that
// failed.
func once[T any](make func(context.Context) (T, error)) func(context.Context) (T, error) {
	var (
		mu   sync.Mutex
		done bool
		v    T
	)
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if done {
			return v, nil
		}
		got, err := make(ctx)
		if err != nil {
			return got, err
		}
		v, done = got, true
		return v, nil
	}
}
