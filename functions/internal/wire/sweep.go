package wire

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/preflight"
	"github.com/causeway-sync/causeway/core/secret"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/functions/internal/sweeper"
)

// Sweeper performs the steps of runs. Nothing is contacted before the first.
func (env Environment) Sweeper() *sweeper.Sweeper {
	secrets := secret.NewReader(secret.AWS(), time.Now)
	db := env.database(secrets)
	open := env.open(db, secrets)
	runner := once(func(ctx context.Context) (*sweep.Runner, error) {
		c, err := open(ctx)
		if err != nil {
			return nil, err
		}
		if err := sweep.CreateIndexes(ctx, db); err != nil {
			return nil, fmt.Errorf("prepare records of runs: %w", err)
		}
		return &sweep.Runner{
			Manifest: env.Manifest, Bridge: c.bridge, DB: db, Ditto: c.ditto,
			Keys: &sweep.Pager{Mongo: db, Ditto: c.ditto, Manifest: env.Manifest},
		}, nil
	})
	s := &sweeper.Sweeper{
		Runner: func(ctx context.Context) (sweeper.Runner, error) {
			r, err := runner(ctx)
			if err != nil {
				return nil, err
			}
			return r, nil
		},
		Deploy: func(ctx context.Context) (sweeper.Deployer, error) {
			r, err := runner(ctx)
			if err != nil {
				return nil, err
			}
			return r, nil
		},
		Canary:  canary.Canary{DB: db},
		Check:   env.check(secrets),
		Metrics: env.metrics(),
		Log:     env.Log,
		Now:     time.Now,
	}
	if env.StateMachine != "" {
		s.Machine = env.machine()
	}
	return s
}

// check is the preflight of a run.
func (env Environment) check(secrets *secret.Reader) func(context.Context, []string) []preflight.Finding {
	return func(ctx context.Context, collections []string) []preflight.Finding {
		m := *env.Manifest
		if len(collections) > 0 { // what is wrong with others does not stop it
			m.Collections = slices.DeleteFunc(slices.Clone(m.Collections), func(c manifest.Collection) bool { return !slices.Contains(collections, c.Name) })
		}
		return preflight.Checker{
			Manifest: &m, ConnectionString: env.connectionString(secrets),
			Endpoint: env.DittoURL, Keys: secret.Source{Reader: secrets, Ref: secret.Ref{ID: env.APIKeySecret, Key: "apiKey"}},
			Webhook: env.checkWebhook(secrets), Note: true, Deployed: !env.Local,
		}.Run(ctx)
	}
}

// checkWebhook reads the webhook's secret, unless there is to be none: the keys
// may come by Kafka.
func (env Environment) checkWebhook(secrets *secret.Reader) func(context.Context) error {
	if env.WebhookSecret == "" {
		return nil
	}
	return func(ctx context.Context) error {
		_, err := env.webhookKeys(secrets)(ctx, true)
		return err
	}
}

func (env Environment) machine() *execution.Machine {
	return execution.New(env.StateMachine, once(func(ctx context.Context) (execution.API, error) {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return nil, fmt.Errorf("load AWS configuration: %w", err)
		}
		return sfn.NewFromConfig(cfg), nil
	}))
}

// requests starts the repairs that events ask for.
type requests struct {
	runner  *sweep.Runner
	machine *execution.Machine
}

// Request implements worker.Sweeps.
func (q requests) Request(ctx context.Context, collection, reason string) error {
	start, err := q.runner.Request(ctx, collection, reason)
	if err != nil || start == nil {
		return err
	}
	_, err = q.machine.Start(ctx, start.Name, start.Input)
	return err
}
