// Package wire builds what the functions run on from their environment
// variables.
package wire

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/telemetry"
)

// Role is what a function does in a deployment.
type Role string

const (
	Receiver Role = "receiver" // webhooks and Kafka records: verifies and enqueues
	Worker   Role = "worker"   // the queue: settles document pairs
	Sweep    Role = "sweep"    // the state machine: performs the steps of runs
)

// Environment is a function's configuration. Variables of the AWS SDK
// (AWS_REGION, AWS_ENDPOINT_URL_SQS, …) are read by the SDK.
type Environment struct {
	Function      string
	Manifest      *manifest.Manifest // CAUSEWAY_CONFIG is its path
	Role          Role               // CAUSEWAY_ROLE
	DittoURL      string             // CAUSEWAY_DITTO_URL
	APIKeySecret  string             // CAUSEWAY_DITTO_API_KEY_SECRET
	WebhookSecret string             // CAUSEWAY_DITTO_WEBHOOK_SECRET
	QueueURL      string             // CAUSEWAY_QUEUE_URL
	StateMachine  string             // CAUSEWAY_STATE_MACHINE_ARN; "" for none
	Local         bool               // AWS_ENDPOINT_URL_SECRETS_MANAGER is set: no function of AWS
	Log           *slog.Logger       // LOG_LEVEL
}

// Read reads the environment of a function that can have the given roles, the
// first by default. What the Deployment document of the manifest says is the
// default for the rest. Every problem is reported at once.
func Read(function string, getenv func(string) string, roles ...Role) (Environment, error) {
	env := Environment{
		Function:     function,
		Role:         cmp.Or(Role(getenv("CAUSEWAY_ROLE")), roles[0]),
		QueueURL:     getenv("CAUSEWAY_QUEUE_URL"),
		StateMachine: getenv("CAUSEWAY_STATE_MACHINE_ARN"),
		Local:        getenv("AWS_ENDPOINT_URL_SECRETS_MANAGER") != "",
		Log:          logger(getenv),
	}
	var problems []error
	path := getenv("CAUSEWAY_CONFIG")
	if path == "" {
		problems = append(problems, errors.New("CAUSEWAY_CONFIG is not set: it is the path of the manifest"))
	} else if m, err := manifest.Load(path); err != nil {
		problems = append(problems, fmt.Errorf("CAUSEWAY_CONFIG: %w", err))
	} else {
		env.Manifest = m
	}
	var d manifest.Deployment
	if env.Manifest != nil && env.Manifest.Deployment != nil {
		d = *env.Manifest.Deployment
	}
	env.DittoURL = cmp.Or(getenv("CAUSEWAY_DITTO_URL"), d.Endpoint)
	env.APIKeySecret = cmp.Or(getenv("CAUSEWAY_DITTO_API_KEY_SECRET"), d.APIKey)
	env.WebhookSecret = cmp.Or(getenv("CAUSEWAY_DITTO_WEBHOOK_SECRET"), d.Webhook)
	switch {
	case !slices.Contains(roles, env.Role):
		problems = append(problems, fmt.Errorf("CAUSEWAY_ROLE is %q: %s takes %q", env.Role, function, roles))
	case env.Role == Receiver:
		if env.QueueURL == "" {
			problems = append(problems, errors.New("CAUSEWAY_QUEUE_URL is not set: a receiver has to put keys somewhere"))
		}
	default:
		if env.Manifest != nil && env.DittoURL == "" {
			problems = append(problems, errors.New("CAUSEWAY_DITTO_URL is not set, and the manifest's Deployment names no endpoint"))
		}
		if env.Manifest != nil && env.APIKeySecret == "" {
			problems = append(problems, errors.New("CAUSEWAY_DITTO_API_KEY_SECRET is not set, and the manifest's Deployment names no secret of the API key"))
		}
	}
	return env, errors.Join(problems...)
}

// logger writes Lambda's log lines. LOG_LEVEL wins over AWS_LAMBDA_LOG_LEVEL,
// which the handler reads itself.
func logger(getenv func(string) string) *slog.Logger {
	h := lambdacontext.NewLogHandler()
	if l := getenv("LOG_LEVEL"); l != "" {
		h = telemetry.WithLevel(h, telemetry.ParseLevel(l))
	}
	return slog.New(h)
}
