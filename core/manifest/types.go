package manifest

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/causeway-sync/causeway/core/value"
)

// Manifest is a whole causeway.yaml, validated, defaults filled in.
type Manifest struct {
	Name, Namespace string // metadata of the BigPeerDataBridge
	Secret          Secret
	Database        string       // the MongoDB database
	Collections     []Collection // sorted by name
	Deployment      *Deployment  // nil when the file has none
	// ConnectionString is that of the `v1 Secret` in the same file, if it has
	// one: for uploading, never for connecting.
	ConnectionString Redacted
}

// Collection returns the configuration of a MongoDB collection, nil if it is
// not configured.
func (m *Manifest) Collection(name string) *Collection {
	for i := range m.Collections {
		if m.Collections[i].Name == name {
			return &m.Collections[i]
		}
	}
	return nil
}

// DittoCollection returns the configuration of the collection of that name on
// the Ditto side, nil if it is not configured.
func (m *Manifest) DittoCollection(name string) *Collection {
	for i := range m.Collections {
		if m.Collections[i].DittoName == name {
			return &m.Collections[i]
		}
	}
	return nil
}

// Secret says which AWS secret holds the connection string.
type Secret struct {
	ID         string // for a Kubernetes secret "<namespace>/<name>"
	Key        string // field of a JSON secret; "connectionString" by default
	RoleARN    string // assumed to read it, if set
	Region     string // the function's own, if empty
	Kubernetes string // name of the Kubernetes secret, empty for an AWS one
}

// Redacted is a secret in memory that no log or format prints.
type Redacted string

func (Redacted) String() string       { return "[redacted]" }
func (Redacted) GoString() string     { return "[redacted]" }
func (Redacted) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// Format covers the verbs that would go round String.
func (Redacted) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[redacted]") }

// MarshalText covers encoders, such as that of a JSON log that holds a Manifest.
func (Redacted) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// Collection is one synced collection.
type Collection struct {
	Name        string // in MongoDB
	DittoName   string // on the Ditto side: Name unless `dittoCollection` says otherwise
	Fields      []string
	InitialSync bool
	Mode        value.Mode
	Strict      bool
	Counters    []value.Path
	Direction   Direction
	Conflicts   Conflicts
	Deletes     Deletes
}

// OneToOne reports whether MongoDB's `_id` is the Ditto id.
func (c *Collection) OneToOne() bool { return len(c.Fields) == 1 && c.Fields[0] == "_id" }

// Direction limits which side's changes travel.
type Direction string

const (
	Both         Direction = "both"
	MongoToDitto Direction = "mongoToDitto"
	DittoToMongo Direction = "dittoToMongo"
)

// Conflicts names the side that wins a unit that both sides changed.
type Conflicts struct {
	Default value.Side
	Fields  map[value.Path]value.Side
}

// Winner is the side that wins the unit at path: that of the longest
// configured path that contains it.
func (c Conflicts) Winner(path value.Path) value.Side {
	for p := path; p != ""; {
		if s, ok := c.Fields[p]; ok {
			return s
		}
		parents := p.Parents()
		if len(parents) == 0 {
			break
		}
		p = parents[len(parents)-1]
	}
	if c.Default == "" {
		return value.MongoDB
	}
	return c.Default
}

// Deletes says what a delete on one side does on the other.
type Deletes struct {
	Resurrect bool       // gone from MongoDB: a device edit after the last agreement wins
	Ditto     DeleteMode // deleted in Ditto
	SoftField value.Path // the field that DeleteSoft sets to true
}

// DeleteMode is what a delete in Ditto does in MongoDB.
type DeleteMode string

const (
	DeleteApply  DeleteMode = "delete"
	DeleteIgnore DeleteMode = "ignore"
	DeleteSoft   DeleteMode = "soft"
)

// Deployment is the `causeway/v1` document: what deploying needs beyond the
// connector's manifest.
type Deployment struct {
	Name         string
	Endpoint     string   // Ditto's Cloud URL Endpoint, with scheme; may have a path
	APIKey       string   // AWS secret id of the Ditto API key
	Webhook      string   // AWS secret id of the webhook's signing secrets or bearer token; "" for none
	Triggers     []string // partner event sources, aws.partner/mongodb.com/stitch.trigger/<id>
	ExistingBus  bool
	Create       *AtlasTriggers // the stack creates the triggers; then Triggers is empty
	Endpoints    string         // Atlas' VPC endpoint service, with the network "privatelink"
	Kafka        *Kafka         // Ditto's change feed in Kafka, nil for none
	AlarmEmail   string
	Sweep        string  // schedule expression, "rate(1 day)" by default, "off" for none
	SecretRole   string  // "create" (default) or "existing"
	ExternalID   string  // for a role of another account
	Network      string  // "public" (default), "nat" or "privatelink"
	MaxWorkers   int     // maximum concurrency of each queue's event source, 10 by default
	DeleteShare  float64 // mass-delete guard: share of a collection, 0.05 by default
	DeleteCount  int     // and more than this many documents, 20 by default
	TombstoneTTL int     // days, 30 by default
}

// AtlasTriggers says where the stack creates the Atlas triggers, by the
// CloudFormation extension MongoDB::Atlas::Trigger.
type AtlasTriggers struct {
	ProjectID string // of Atlas
	AppID     string // the Atlas App Services app that holds the triggers
	ServiceID string // its linked data source
	Profile   string // the extension's secret cfn/atlas/profile/<Profile>, "default" by default
}

// Kafka is Ditto's change feed in a Kafka cluster that is not AWS's.
type Kafka struct {
	Servers []string // host:port
	Topic   string
	Group   string // the consumer group that Ditto names
	Secret  string // AWS secret id of the client's certificate and key, in PEM
	CA      string // AWS secret id of the cluster's root certificate; "" for a public one
}
