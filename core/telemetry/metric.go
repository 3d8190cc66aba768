package telemetry

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Namespace of the metrics in CloudWatch.
const Namespace = "Causeway"

// Unit of a metric, in CloudWatch's words.
type Unit string

const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
	Seconds      Unit = "Seconds"
	Bytes        Unit = "Bytes"
)

// Names of metrics.
const (
	Pairs          = "Pairs"          // document pairs looked at
	Equal          = "Equal"          // of which nothing was to do
	ToDitto        = "ToDitto"        // documents written to Ditto
	ToMongo        = "ToMongoDB"      // documents written to MongoDB
	Conflicts      = "Conflicts"      // conflict records written
	Parked         = "Parked"         // documents that need a person
	Large          = "Large"          // documents over 256 KiB in Ditto, which warns of them
	Later          = "Later"          // keys sent again, to be looked at later
	Failed         = "Failed"         // messages given back, or requests not answered: they come again
	Stopped        = "Stopped"        // of which no retry mends: a person has to
	Undecodable    = "Undecodable"    // events that could not be read
	Ignored        = "Ignored"        // events that are not for this deployment
	Canary         = "Canary"         // heartbeats seen
	SweepRequested = "SweepRequested" // events after which only a sweep helps: drop, rename, requery
	Accepted       = "Accepted"       // keys that the receiver has put into the queue
	Rejected       = "Rejected"       // webhooks refused
	// Of runs, once each at its end.
	Compared       = "Compared"       // documents that a run has compared
	Drift          = "Drift"          // of which a verification or a repair found the sides to differ
	Unsynced       = "Unsynced"       // of which a person has to do something
	LeftAlone      = "LeftAlone"      // of a baseline, or detached
	DeletesRefused = "DeletesRefused" // collections of which the guard let nothing be deleted
	RangesFailed   = "RangesFailed"   // ranges that could not be done
	RunsFailed     = "RunsFailed"     // runs that have not done all

	Lag = "Lag" // from the oldest change of the batch to its end

	CanaryAge = "CanaryAge" // since the oldest heartbeat that has not come back was written; 0 if all have
)

// Metric is one measured value.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64
}

// Dimension tells series of one metric apart.
type Dimension struct{ Name, Value string }

// Metrics writes metrics as lines of JSON in CloudWatch's embedded metric
// format. It is safe for concurrent use.
type Metrics struct {
	now        func() time.Time
	dimensions []Dimension
	sparse     bool

	mu sync.Mutex
	w  io.Writer
}

// NewMetrics writes to w, in a function its standard output. Dimensions of
// empty value are left out: CloudWatch refuses them.
func NewMetrics(w io.Writer, now func() time.Time, dimensions ...Dimension) *Metrics {
	m := &Metrics{w: w, now: now}
	for _, d := range dimensions {
		if d.Value != "" {
			m.dimensions = append(m.dimensions, d)
		}
	}
	return m
}

// Sparse leaves out counts of 0 from now on, and lines of nothing else:
// CloudWatch charges for every metric in every hour that has a value of it, and
// a sum is the same without them.
func (m *Metrics) Sparse() *Metrics {
	m.sparse = true
	return m
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct {
	Name string
	Unit Unit
}

type metadata struct {
	Timestamp         int64
	CloudWatchMetrics []directive
}

// Emit writes one line with all of ms: one point in time for each.
func (m *Metrics) Emit(ms ...Metric) error {
	if m.sparse {
		ms = slices.DeleteFunc(slices.Clone(ms), func(v Metric) bool { return v.Unit == Count && v.Value == 0 })
	}
	if len(ms) == 0 {
		return nil
	}
	d := directive{Namespace: Namespace, Dimensions: [][]string{{}}}
	line := map[string]any{}
	for _, dim := range m.dimensions {
		d.Dimensions[0] = append(d.Dimensions[0], dim.Name)
		line[dim.Name] = dim.Value
	}
	for _, v := range ms {
		d.Metrics = append(d.Metrics, definition{v.Name, v.Unit})
		line[v.Name] = v.Value
	}
	line["_aws"] = metadata{m.now().UnixMilli(), []directive{d}}
	b, err := json.Marshal(line)
	if err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, err := m.w.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write metrics: %w", err)
	}
	return nil
}
