package atlas

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/manifest"
)

// Options are what only the user knows. What is empty is a placeholder that
// begins with YOUR_.
type Options struct {
	Account   string // AWS account id
	Region    string
	ServiceID string // of the data source: the cluster, in the app of the project's triggers
	Service   string // its name; mongodb-atlas by default
	Function  string // id of the error handler, for the Admin API; by its name if empty
}

// FunctionName is that of the error handler.
const FunctionName = "causewayOversize"

// Trigger is the configuration file of App Services, and the body of the Admin
// API's request.
type Trigger struct {
	Name       string     `json:"name"`
	Type       string     `json:"type"`
	Disabled   bool       `json:"disabled"`
	Config     Config     `json:"config"`
	Processors Processors `json:"event_processors"`
	Handler    Handler    `json:"error_handler"`
}

// Config says what the trigger listens to. There is no `collection`: it listens
// to the database, so that one trigger sees all collections, and their drops.
type Config struct {
	ServiceID             string          `json:"service_id"`
	Database              string          `json:"database"`
	OperationTypes        []string        `json:"operation_types"`
	Match                 json.RawMessage `json:"match"`
	Project               json.RawMessage `json:"project"`
	FullDocument          bool            `json:"full_document"`
	FullDocumentBefore    bool            `json:"full_document_before_change"`
	Unordered             bool            `json:"unordered"`
	MaximumThroughput     bool            `json:"maximum_throughput"`
	SkipCatchupEvents     bool            `json:"skip_catchup_events"`
	ToleratesResumeErrors bool            `json:"tolerate_resume_errors"`
}

// Processors sends the events to EventBridge.
type Processors struct {
	EventBridge struct {
		Config EventBridge `json:"config"`
	} `json:"AWS_EVENTBRIDGE"`
}

// EventBridge is where the events go.
type EventBridge struct {
	Account  string `json:"account_id"`
	Region   string `json:"region"`
	Extended bool   `json:"extended_json_enabled"`
}

// Handler is the error handler.
type Handler struct {
	Config HandlerConfig `json:"config"`
}

// HandlerConfig names the function.
type HandlerConfig struct {
	Enabled      bool   `json:"enabled"`
	FunctionName string `json:"function_name,omitempty"`
	FunctionID   string `json:"function_id,omitempty"`
}

// New is the trigger of a manifest.
func New(m *manifest.Manifest, o Options) (Trigger, error) {
	t := Trigger{Name: name(m), Type: "DATABASE"}
	var names []string
	for _, c := range m.Collections {
		names = append(names, c.Name)
	}
	t.Config = Config{
		ServiceID: cmp.Or(o.ServiceID, "YOUR_SERVICE_ID"), Database: m.Database, OperationTypes: change.TriggerOperations, Unordered: true,
	}
	var err error
	if t.Config.Match, err = bson.MarshalExtJSON(change.TriggerMatch(names), false, false); err != nil {
		return t, fmt.Errorf("write match expression: %w", err)
	}
	if t.Config.Project, err = bson.MarshalExtJSON(change.TriggerProject(), false, false); err != nil {
		return t, fmt.Errorf("write project expression: %w", err)
	}
	t.Processors.EventBridge.Config = EventBridge{cmp.Or(o.Account, "YOUR_AWS_ACCOUNT_ID"), cmp.Or(o.Region, "YOUR_AWS_REGION"), true}
	t.Handler.Config = HandlerConfig{Enabled: true, FunctionName: FunctionName}
	if o.Function != "" {
		t.Handler.Config = HandlerConfig{Enabled: true, FunctionID: o.Function}
	}
	return t, nil
}

var notName = regexp.MustCompile(`[^A-Za-z0-9_-]`)

// name is the trigger's: 64 letters, digits, _ and - at most.
func name(m *manifest.Manifest) string {
	n := m.Name
	if m.Deployment != nil {
		n = m.Deployment.Name
	}
	n = "causeway-" + notName.ReplaceAllString(n, "-")
	return n[:min(len(n), 64)]
}

//go:embed oversize.js
var oversize string

// Function is the source of the error handler.
func Function(o Options) string {
	return strings.Replace(oversize, "__SERVICE__", cmp.Or(o.Service, "mongodb-atlas"), 1)
}
