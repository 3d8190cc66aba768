package stack

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/secretsmanager"
	"github.com/causeway-sync/causeway/local/sqs"
)

// The workers, by which their queues are named, and the receiver.
const (
	MongoToDitto = "mongo-to-ditto"
	DittoToMongo = "ditto-to-mongo"
	Receiver     = "ditto-to-mongo-receiver"
	InitialSync  = "initial-sync" // performs the steps of runs
)

// Times of the deployed stack (design, section 9).
const (
	workerTimeout   = 60 * time.Second
	receiverTimeout = 30 * time.Second
	sweepTimeout    = 900 * time.Second
	visibility      = 360 * time.Second
	maxReceives     = 8
)

// Timeout is that of an invocation of the function.
func Timeout(function string) time.Duration {
	switch function {
	case Receiver:
		return receiverTimeout
	case InitialSync:
		return sweepTimeout
	}
	return workerTimeout
}

// Ids of the Ditto side's secrets where the manifest's Deployment has none.
const (
	defaultAPIKeySecret  = "causeway/ditto-api-key"
	defaultWebhookSecret = "causeway/ditto-webhook"
)

// secretIDs are the ids under which the functions find the Ditto side's secrets.
func secretIDs(m *manifest.Manifest) (apiKey, webhook string) {
	var d manifest.Deployment
	if m.Deployment != nil {
		d = *m.Deployment
	}
	return cmp.Or(d.APIKey, defaultAPIKeySecret), cmp.Or(d.Webhook, defaultWebhookSecret)
}

// secrets are what the Secrets Manager stand-in holds. The manifest's secret
// leads to the MongoDB that runs here, by the same path as in the cloud.
func secrets(m *manifest.Manifest, mongoURI string, k keys) ([]secretsmanager.Secret, error) {
	field := cmp.Or(m.Secret.Key, "connectionString")
	uri, err := json.Marshal(map[string]string{field: mongoURI})
	if err != nil {
		return nil, fmt.Errorf("make secret: %w", err)
	}
	apiKey, webhook := secretIDs(m)
	mongo := secretsmanager.Secret{ID: m.Secret.ID, Value: string(uri), Role: m.Secret.RoleARN, Region: m.Secret.Region}
	if m.Deployment != nil && m.Secret.RoleARN != "" {
		mongo.ExternalID = m.Deployment.ExternalID
	}
	return []secretsmanager.Secret{
		mongo,
		{ID: apiKey, Value: k.APIKey},
		{ID: webhook, Value: k.Webhook},
	}, nil
}

// environment is what a function is configured by: the same variables as in
// the cloud, and the addresses of the stand-ins.
func (s *Stack) environment(m *manifest.Manifest, role, queue string) map[string]string {
	apiKey, webhook := secretIDs(m)
	env := map[string]string{
		"CAUSEWAY_CONFIG":                  s.info.Config,
		"CAUSEWAY_ROLE":                    role,
		"AWS_REGION":                       lambda.Region,
		"AWS_ACCESS_KEY_ID":                "local",
		"AWS_SECRET_ACCESS_KEY":            leak.New(),
		"AWS_ENDPOINT_URL_SQS":             s.sqs.Endpoint,
		"AWS_ENDPOINT_URL_STS":             s.secrets.Endpoint,
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": s.secrets.Endpoint,
		// What the user has configured for AWS must not be used here.
		"AWS_CONFIG_FILE":             "/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
		"AWS_EC2_METADATA_DISABLED":   "true",
		"LOG_LEVEL":                   cmp.Or(s.opts.Getenv("LOG_LEVEL"), "info"),
	}
	if queue != "" {
		env["CAUSEWAY_QUEUE_URL"] = s.sqs.URL(queue)
	}
	if role == "receiver" {
		env["CAUSEWAY_DITTO_WEBHOOK_SECRET"] = webhook
	} else {
		env["AWS_ENDPOINT_URL_SFN"] = s.info.StepFunctions.Endpoint
		env["CAUSEWAY_STATE_MACHINE_ARN"] = s.info.StepFunctions.StateMachine
		env["CAUSEWAY_DITTO_URL"] = s.info.Ditto.URL
		env["CAUSEWAY_DITTO_API_KEY_SECRET"] = apiKey
	}
	// A MongoDB or Ditto of the user's own may be behind these.
	for _, name := range []string{
		"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
	} {
		if v := s.opts.Getenv(name); v != "" {
			env[name] = v
		}
	}
	return env
}

// describe enters a function into the stack's Info.
func (s *Stack) describe(name, binary string, env map[string]string) {
	s.info.Functions[name] = Function{Bootstrap: install.Bootstrap(s.opts.Root, binary), Env: env}
}

// function makes a function as described.
func (s *Stack) function(name string, concurrency int) (*lambda.Function, error) {
	log, err := s.log(name)
	if err != nil {
		return nil, err
	}
	f := s.info.Functions[name]
	env := f.Environ()
	if s.opts.Page { // the page tells what happened to each pair
		log = &tap{function: name, page: &s.page, log: log, debug: strings.EqualFold(f.Env["LOG_LEVEL"], "debug")}
		env = append(slices.DeleteFunc(env, func(kv string) bool { return strings.HasPrefix(kv, "LOG_LEVEL=") }), "LOG_LEVEL=debug")
	}
	return lambda.New(lambda.Config{
		Name: name, Bootstrap: f.Bootstrap, Env: env, Timeout: Timeout(name), Concurrency: concurrency, Log: log,
	}), nil
}

func (o Options) queues() []sqs.Queue {
	return []sqs.Queue{
		{Name: MongoToDitto, Visibility: visibility, MaxReceives: o.MaxReceives},
		{Name: DittoToMongo, Visibility: visibility, MaxReceives: o.MaxReceives},
	}
}
