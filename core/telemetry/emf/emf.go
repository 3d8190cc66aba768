// Package emf checks log lines against CloudWatch's embedded metric format, for
// tests: a line that does not fit is dropped by CloudWatch without a word.
package emf

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

//go:embed schema.json
var schemaJSON []byte

var schema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaJSON))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("emf.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("emf.json")
})

// maxLine is the most that a log event may have.
const maxLine = 1 << 20

// Is reports whether a log line means to be one of metrics.
func Is(line []byte) bool {
	var l struct {
		AWS json.RawMessage `json:"_aws"`
	}
	return json.Unmarshal(line, &l) == nil && l.AWS != nil
}

// Check reports why CloudWatch would not take the line's metrics: its schema,
// and what a schema cannot say, that each dimension and metric which is named
// is a member of the root.
func Check(line []byte) error {
	if len(line) > maxLine {
		return fmt.Errorf("metrics: %d bytes", len(line))
	}
	s, err := schema()
	if err != nil {
		return fmt.Errorf("metrics: schema: %w", err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	if err := s.Validate(doc); err != nil {
		return fmt.Errorf("metrics %s: %w", line, err)
	}
	var l struct {
		AWS struct {
			CloudWatchMetrics []struct {
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
	}
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	root := doc.(map[string]any)
	for _, d := range l.AWS.CloudWatchMetrics {
		for _, set := range d.Dimensions {
			for _, name := range set {
				if v, ok := root[name].(string); !ok || v == "" || len(v) > 1024 {
					return fmt.Errorf("metrics %s: the dimension %q has the value %v", line, name, root[name])
				}
			}
		}
		seen := map[string]bool{}
		for _, m := range d.Metrics {
			if seen[m.Name] {
				return fmt.Errorf("metrics %s: %q is defined twice", line, m.Name)
			}
			seen[m.Name] = true
			if !numeric(root[m.Name]) {
				return fmt.Errorf("metrics %s: the metric %q has the value %v", line, m.Name, root[m.Name])
			}
		}
	}
	return nil
}

// numeric reports whether v is a number, or up to 100 of them.
func numeric(v any) bool {
	switch v := v.(type) {
	case json.Number:
		return true
	case []any:
		for _, n := range v {
			if _, ok := n.(json.Number); !ok {
				return false
			}
		}
		return len(v) > 0 && len(v) <= 100
	}
	return false
}
