package site

import (
	"context"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/secret"
)

// Names of the workers, as everywhere.
const (
	mongoToDitto = "mongo-to-ditto"
	dittoToMongo = "ditto-to-mongo"
)

// AWS loads the SDK's configuration: credentials and region as for every tool
// of AWS, and AWS_ENDPOINT_URL_<SERVICE>.
func AWS(ctx context.Context) (aws.Config, error) {
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return cfg, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Region == "" {
		return cfg, errors.New("no AWS region is set: set AWS_REGION, or AWS_PROFILE to a profile that has one")
	}
	return cfg, nil
}

// LoadNamed loads the manifest of a deployed stack.
func LoadNamed(file, stack string) (*manifest.Manifest, error) {
	m, err := manifest.Load(file)
	switch {
	case err != nil:
		return nil, err
	case m.Deployment == nil:
		return nil, fmt.Errorf("%s has no Deployment, so it is not the manifest of the stack %s: name that with --config", file, stack)
	case m.Deployment.Name != stack:
		return nil, fmt.Errorf("%s deploys the stack %s, not %s: name the manifest of %s with --config", file, m.Deployment.Name, stack, stack)
	}
	return m, nil
}

// Deployed is the deployed stack of that name; file is its manifest.
func Deployed(ctx context.Context, stack, file string) (*Site, error) {
	m, err := LoadNamed(file, stack)
	if err != nil {
		return nil, err
	}
	cfg, err := AWS(ctx)
	if err != nil {
		return nil, err
	}
	o, err := readOutputs(ctx, cloudformation.NewFromConfig(cfg), stack)
	if err != nil {
		return nil, err
	}
	secrets := secret.NewReader(secret.AWS(), time.Now)
	machine := sfn.NewFromConfig(cfg)
	metrics := cloudwatch.NewFromConfig(cfg)
	s := &Site{
		Name: stack, Manifest: m, Since: o.Deployed,
		Queues: []Queue{
			queueOf(mongoToDitto, o.MongoToDittoQueue, o.MongoToDittoDeadLetters),
			queueOf(dittoToMongo, o.DittoToMongoQueue, o.DittoToMongoDeadLetters),
		},
		// What could not be delivered is for the queue of the rule.
		Undelivered: queueOf("rule", o.MongoToDittoQueue, o.RuleDeadLetters),
		Machine:     execution.New(o.StateMachineARN, func(context.Context) (execution.API, error) { return machine, nil }),
		Switch: &Switch{
			Lambda: lambda.NewFromConfig(cfg), Rules: eventbridge.NewFromConfig(cfg), Schedules: scheduler.NewFromConfig(cfg),
			Mappings: o.EventSourceMappings, Timers: o.Schedules,
		},
		connectionString: connectionString(secrets, m),
		endpoint:         m.Deployment.Endpoint,
		keys:             secret.Source{Reader: secrets, Ref: secret.Ref{ID: m.Deployment.APIKey, Key: "apiKey"}},
		sqs:              sqs.NewFromConfig(cfg),
		lags: func(ctx context.Context, qs []Queue) (map[string]Lag, error) {
			return readLags(ctx, metrics, m.Name, qs, time.Now())
		},
	}
	if id := m.Deployment.Webhook; id != "" {
		s.webhook = func(ctx context.Context) error {
			_, err := secrets.Get(ctx, secret.Ref{ID: id})
			return err
		}
	}
	return s, nil
}

func queueOf(function, url, dead string) Queue {
	return Queue{Function: function, Name: path.Base(url), URL: url, DeadLettersURL: dead}
}

// connectionString reads it as the functions do. Whoever may not assume their
// role may still be allowed to read the secret.
func connectionString(secrets *secret.Reader, m *manifest.Manifest) mongodb.Secret {
	as := secret.Source{Reader: secrets, Ref: secret.Database(m)}
	own := as
	own.Ref.RoleARN, own.Ref.ExternalID = "", ""
	return func(ctx context.Context, refresh bool) (string, error) {
		v, err := as.Key(ctx, refresh)
		if as.Ref.RoleARN == "" || !secret.IsDenied(err) {
			return v, err
		}
		if v, ownErr := own.Key(ctx, refresh); ownErr == nil {
			return v, nil
		}
		return "", fmt.Errorf("%w; here: your own AWS credentials need sts:AssumeRole on that role and a place in its trust policy, "+
			"or secretsmanager:GetSecretValue on the secret", err)
	}
}
