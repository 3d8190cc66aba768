package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/core/manifest"
)

// withCollections is a whole manifest around the text below `collections`.
func withCollections(collections string) string {
	return `apiVersion: ditto.live/v1alpha1
kind: BigPeerDataBridge
metadata: {name: example}
spec:
  bridge:
    mongoConnector:
      connectionSecret: {awsSecretsManager: {secretId: example}}
      database: db
      collections:
` + collections
}

// The forms of YAML that the connector's own tools take.
func TestParseYAML(t *testing.T) {
	tests := map[string]struct {
		collections string
		want        []manifest.Collection
	}{
		"BooleanWords": {
			"        a: {fields: [_id], initialSync: yes}\n        b: {fields: [_id], initialSync: On}\n" +
				"        c: {fields: [_id], dqlStrictMode: no}\n        d: {fields: [_id], dqlStrictMode: FALSE}\n",
			[]manifest.Collection{
				collection("a", []string{"_id"}, func(c *manifest.Collection) { c.InitialSync = true }),
				collection("b", []string{"_id"}, func(c *manifest.Collection) { c.InitialSync = true }),
				collection("c", []string{"_id"}, func(c *manifest.Collection) { c.Strict = false }),
				collection("d", []string{"_id"}, func(c *manifest.Collection) { c.Strict = false }),
			},
		},
		"NullIsUnset": {
			"        a: {fields: [_id], initialSync: null, mode: ~, dqlStrictMode: , dittoTypes: {settableCounters: null}, deletes: null}\n",
			[]manifest.Collection{collection("a", []string{"_id"}, nil)},
		},
		"Alias": {
			"        a: &a {fields: &f [x, y]}\n        b: *a\n        c: {fields: *f}\n",
			[]manifest.Collection{
				collection("a", []string{"x", "y"}, nil), collection("b", []string{"x", "y"}, nil), collection("c", []string{"x", "y"}, nil),
			},
		},
		"Merge": {
			"        a: &a {fields: [x], initialSync: true}\n        b: &b {fields: [y], dqlStrictMode: false}\n" +
				"        c: {<<: [*a, *b], fields: [z]}\n        d: {<<: {<<: *b, fields: [v]}}\n",
			[]manifest.Collection{
				collection("a", []string{"x"}, func(c *manifest.Collection) { c.InitialSync = true }),
				collection("b", []string{"y"}, func(c *manifest.Collection) { c.Strict = false }),
				collection("c", []string{"z"}, func(c *manifest.Collection) { c.InitialSync, c.Strict = true, false }),
				collection("d", []string{"v"}, func(c *manifest.Collection) { c.Strict = false }),
			},
		},
		"NameLikeANumber": {
			"        2024: {fields: [_id]}\n        \"<<\": {fields: [_id]}\n        yes: {fields: [_id]}\n",
			[]manifest.Collection{
				collection("2024", []string{"_id"}, nil), collection("<<", []string{"_id"}, nil), collection("yes", []string{"_id"}, nil),
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			m, err := manifest.Parse([]byte(withCollections(tt.collections)), "causeway.yaml")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, m.Collections); diff != "" {
				t.Errorf("collections (-want +got):\n%s", diff)
			}
			again, err := manifest.Parse(m.Public(), "public")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(m, again); diff != "" {
				t.Errorf("public manifest (-original +parsed):\n%s", diff)
			}
		})
	}
}

// Merge keys that ask for endless work are refused.
func TestParseErrMerge(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("        a0: &a0 {fields: [_id]}\n")
	for i := 1; i <= 40; i++ {
		fmt.Fprintf(&bomb, "        a%d: &a%d {<<: [*a%d, *a%d]}\n", i, i, i-1, i-1)
	}
	tests := map[string]struct{ collections, want string }{
		"Bomb":   {bomb.String(), "too many merge keys"},
		"Itself": {"        a: &a {<<: *a, fields: [_id]}\n", "too many merge keys"},
		"Scalar": {"        a: {<<: x, fields: [_id]}\n", "merges a string; merge a map"},
		"List":   {"        a: {<<: [[x]], fields: [_id]}\n", "merges a list; merge a map"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := manifest.Parse([]byte(withCollections(tt.collections)), "causeway.yaml")
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}
