package manifest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

func TestRedacted(t *testing.T) {
	m := &manifest.Manifest{ConnectionString: "s3cr3t"}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+"\n", m.ConnectionString)
		fmt.Fprintf(&out, verb+"\n", *m)
		fmt.Fprintf(&out, verb+"\n", m)
	}
	for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(h).Info("manifest", "secret", m.ConnectionString, "manifest", m, "copy", *m)
	}
	if err := json.NewEncoder(&out).Encode(m); err != nil {
		t.Fatal(err)
	}
	if s := out.String(); strings.Contains(s, "s3cr3t") || strings.Contains(s, "733363723374") {
		t.Errorf("the secret is printed:\n%s", s)
	}
}

func TestManifestCollection(t *testing.T) {
	m := &manifest.Manifest{Collections: []manifest.Collection{
		collection("a", []string{"_id"}, func(c *manifest.Collection) { c.DittoName = "b" }),
		collection("c", []string{"x", "y"}, nil),
	}}
	if c := m.Collection("a"); c == nil || !c.OneToOne() || m.Collection("b") != nil {
		t.Errorf("Collection(a) = %v", c)
	}
	if c := m.DittoCollection("b"); c == nil || c.Name != "a" || m.DittoCollection("a") != nil {
		t.Errorf("DittoCollection(b) = %v", c)
	}
	if m.Collection("c").OneToOne() {
		t.Error("two fields are one to one")
	}
}

func TestConflictsWinner(t *testing.T) {
	c := manifest.Conflicts{Default: value.MongoDB, Fields: map[value.Path]value.Side{
		value.PathOf("a"):      value.Ditto,
		value.PathOf("a", "b"): value.MongoDB,
	}}
	for path, want := range map[string]value.Side{
		"a": value.Ditto, "a.c": value.Ditto, "a.b": value.MongoDB, "a.b.c": value.MongoDB, "ab": value.MongoDB, "x.a": value.MongoDB,
	} {
		if got := c.Winner(value.ParsePath(path)); got != want {
			t.Errorf("Winner(%s) = %s, want %s", path, got, want)
		}
	}
	if got := (manifest.Conflicts{}).Winner(value.PathOf("a")); got != value.MongoDB {
		t.Errorf("zero Conflicts: winner %s", got)
	}
}
