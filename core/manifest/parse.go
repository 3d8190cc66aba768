package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"go.yaml.in/yaml/v3"
)

const (
	bridgeVersion     = "ditto.live/v1alpha1"
	bridgeKind        = "BigPeerDataBridge"
	deploymentVersion = "causeway/v1"
	deploymentKind    = "Deployment"
	secretKind        = "Secret"
)

// Load reads the manifest at path. Its error is an *Errors when the file can be
// read but not accepted.
func Load(path string) (*Manifest, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read manifest: %w", err)
	}
	return Parse(src, path)
}

// Parse reads a manifest from YAML or JSON text; name stands for the file in
// errors. The error is always an *Errors, with every problem of the text.
func Parse(src []byte, name string) (*Manifest, error) {
	r := &reader{merges: maxMerges}
	d := documents{r: r}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			r.problems = append(r.problems, syntaxProblem(src, err))
			return nil, r.errors(name)
		}
		if len(doc.Content) == 1 {
			d.add(field{node: doc.Content[0], line: doc.Content[0].Line})
		}
	}
	m := d.manifest()
	if err := r.errors(name); err != nil {
		return nil, err
	}
	return m, nil
}

// documents sorts the documents of a file by kind.
type documents struct {
	r          *reader
	bridge     *bridge
	deployment deploymentDocument
	secrets    []secretDocument
	// where the first of each stands, from 1; a document may be bad and
	// still count as there
	bridgeLine, deploymentLine int
}

// add reads one document, or those of a `kind: List`.
func (d *documents) add(doc field) {
	if doc.node.Kind == yaml.ScalarNode && doc.node.ShortTag() == "!!null" {
		return // nothing between two separators
	}
	d.document(doc, false)
}

func (d *documents) document(doc field, inList bool) {
	o := d.r.open(doc)
	if o == nil {
		return
	}
	if flat(o) {
		d.r.bad(doc, "has lost its indentation", "copy it again with its indentation, or indent it as in the example causeway.yaml")
		return
	}
	if !inList {
		d.r.duplicates(doc)
	}
	version, kind := d.r.header(o, "apiVersion"), d.r.header(o, "kind")
	if version == "" || kind == "" {
		return
	}
	switch {
	case kind == bridgeKind:
		d.r.version(o, version, bridgeVersion)
		d.r.known(o, "apiVersion", "kind", "metadata", "spec", "status")
		b := d.r.bridge(o)
		if d.bridgeLine > 0 {
			d.r.bad(doc, fmt.Sprintf("a second %s, the first is on line %d", bridgeKind, d.bridgeLine), "keep each bridge in a file of its own")
			return
		}
		d.bridge, d.bridgeLine = b, doc.line
	case kind == deploymentKind && version == deploymentVersion:
		d.r.known(o, "apiVersion", "kind", "metadata", "spec")
		dep := d.r.deployment(o)
		if d.deploymentLine > 0 {
			d.r.bad(doc, fmt.Sprintf("a second %s, the first is on line %d", deploymentKind, d.deploymentLine), "keep one")
			return
		}
		d.deployment, d.deploymentLine = dep, doc.line
	case kind == secretKind:
		d.r.version(o, version, "v1")
		d.r.known(o, "apiVersion", "kind", "metadata", "data", "stringData", "type", "immutable")
		if s, ok := d.r.secret(o); ok {
			d.secrets = append(d.secrets, s)
		}
	case kind == "List" && !inList:
		d.r.version(o, version, "v1")
		for _, item := range d.r.list(o.get("items")) {
			d.document(item, true)
		}
	default:
		d.foreign(o, kind, version)
	}
}

// flat reports whether a document was copied from a page that shows it without
// indentation: what belongs below metadata and spec then stands beside them.
func flat(o *object) bool {
	_, named := o.fields["metadata"]
	if !named || !o.get("metadata").absent() {
		return false
	}
	return slices.ContainsFunc(o.names, func(n string) bool { return n == "name" || homes[n] == "metadata" })
}

// foreign reports a document that is none of those that a manifest may hold.
func (d *documents) foreign(o *object, kind, version string) {
	f := o.get("kind")
	if kind == deploymentKind {
		d.r.bad(o.get("apiVersion"), show(version)+" is not the version of Causeway's Deployment", "use "+deploymentVersion)
		return
	}
	kinds := []string{bridgeKind, deploymentKind, secretKind}
	mend := "remove the document; a manifest holds a " + oneOf(kinds)
	if near := nearest(kind, kinds); near != "" {
		mend = "did you mean " + near + "?"
	}
	d.r.bad(f, show(kind)+" is not a kind that Causeway reads", mend)
}

// manifest puts the documents together. It is only meaningful if no problem
// was found.
func (d *documents) manifest() *Manifest {
	if d.bridgeLine == 0 {
		if len(d.r.problems) == 0 {
			d.r.bad(field{line: 1}, "no "+bridgeKind+" in this file", "start from the example causeway.yaml, or from the connector's manifest that you have")
		}
		return nil
	}
	if d.bridge == nil {
		return nil
	}
	m := d.bridge.manifest
	m.Deployment = d.deployment.Deployment
	if d.bridge.secretName != "" {
		m.ConnectionString = d.connectionString(m, d.bridge)
	}
	if dep := m.Deployment; dep != nil && dep.ExternalID != "" && m.Secret.RoleARN == "" {
		d.r.bad(d.deployment.externalAt, "is set, but the bridge names no role to assume",
			"set awsSecretsManager.roleArn, or remove externalId")
	}
	return m
}
