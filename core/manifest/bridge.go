package manifest

import (
	"slices"
	"strings"
)

// defaultKey is the key of a Secret, and the field of a JSON secret, that
// holds the connection string.
const defaultKey = "connectionString"

// bridge is a BigPeerDataBridge as read, with what is needed to find its
// Secret in the same file.
type bridge struct {
	manifest   *Manifest
	secretName string // of a Kubernetes Secret; empty for AWS
	secretAt   field
}

// header is the string that names a document's kind or version.
func (r *reader) header(o *object, name string) string {
	f := o.get(name)
	if !r.required(f, "every document begins with apiVersion and kind") {
		return ""
	}
	s, ok := r.text(f)
	if ok && s == "" {
		r.bad(f, "is empty", "every document begins with apiVersion and kind")
	}
	return s
}

func (r *reader) version(o *object, got, want string) {
	if got != want {
		r.bad(o.get("apiVersion"), show(got)+" is not a version of "+show(o.get("kind").node.Value), "use "+want)
	}
}

// metadata is the metadata of a document; what a cluster adds to it is ignored.
func (r *reader) metadata(o *object) *object {
	f := o.get("metadata")
	if !r.required(f, "give the document a name: metadata: {name: …}") {
		return nil
	}
	return r.open(f)
}

func (r *reader) named(meta *object) string {
	f := meta.get("name")
	if !r.required(f, "name the document") {
		return ""
	}
	return r.label(f)
}

// namespace is empty if there is none.
func (r *reader) namespace(meta *object) string {
	f := meta.get("namespace")
	if f.absent() {
		return ""
	}
	return r.label(f)
}

// bridge reads a BigPeerDataBridge.
func (r *reader) bridge(o *object) *bridge {
	m := &Manifest{Namespace: "default"}
	if meta := r.metadata(o); meta != nil {
		m.Name = r.named(meta)
		if ns := r.namespace(meta); ns != "" {
			m.Namespace = ns
		}
	}
	b := &bridge{manifest: m}
	f := o.get("spec")
	if !r.required(f, "put the bridge below it") {
		return b
	}
	spec := r.object(f, "bridge", "description", "displayName")
	if spec == nil {
		return b
	}
	r.text(spec.get("description"))
	r.text(spec.get("displayName"))
	if f = spec.get("bridge"); !r.required(f, "put mongoConnector below it") {
		return b
	}
	kinds := r.object(f, "mongoConnector", "kafka")
	if kinds == nil {
		return b
	}
	if k, ok := kinds.fields["kafka"]; ok {
		r.bad(k, "is a bridge to Kafka, which Causeway does not run", "use mongoConnector")
		if kinds.get("mongoConnector").absent() {
			return b
		}
	}
	if f = kinds.get("mongoConnector"); r.required(f, "put connectionSecret, database and collections below it") {
		r.connector(b, f)
	}
	return b
}

func (r *reader) connector(b *bridge, f field) {
	o := r.object(f, "connectionSecret", "database", "collections")
	if o == nil {
		return
	}
	if s := o.get("connectionSecret"); r.required(s, "say where the connection string is: kubernetesSecret or awsSecretsManager") {
		r.connectionSecret(b, s)
	}
	b.manifest.Database = r.database(o.get("database"))
	if c := o.get("collections"); r.required(c, "name the collections to sync") {
		b.manifest.Collections = r.collections(c, b.manifest.Database)
	}
}

func (r *reader) connectionSecret(b *bridge, f field) {
	o := r.object(f, "kubernetesSecret", "awsSecretsManager")
	if o == nil {
		return
	}
	k8s, aws := o.get("kubernetesSecret"), o.get("awsSecretsManager")
	if k8s.absent() && aws.absent() {
		if !slices.ContainsFunc([]field{k8s, aws}, func(f field) bool { return f.excused }) {
			r.bad(f, "names no secret", "use kubernetesSecret or awsSecretsManager")
		}
		return
	}
	if !k8s.absent() && !aws.absent() {
		r.bad(f, "names two secrets", "keep one of kubernetesSecret and awsSecretsManager")
	}
	if !aws.absent() {
		r.awsSecret(&b.manifest.Secret, aws)
	}
	if !k8s.absent() {
		r.kubernetesSecret(b, k8s)
	}
}

func (r *reader) kubernetesSecret(b *bridge, f field) {
	o := r.object(f, "name", "connectionString")
	if o == nil {
		return
	}
	s := &b.manifest.Secret
	s.Key = defaultKey
	if k := o.get("connectionString"); !k.absent() {
		v, ok := r.text(k)
		switch {
		case ok && sensitive(v):
			r.bad(k, "holds a connection string, but it names the key of the Secret that does", "put the connection string into the Secret, and its key here")
		case ok && v == "":
			r.bad(k, "is empty", "name the key of the Secret, or leave it out for "+defaultKey)
		case ok:
			s.Key = v
		}
	}
	if n := o.get("name"); r.required(n, "name the Secret that holds the connection string") {
		b.secretName, b.secretAt = r.label(n), n
		s.Kubernetes = b.secretName
		s.ID = b.manifest.Namespace + "/" + b.secretName
	}
}

func (r *reader) awsSecret(s *Secret, f field) {
	o := r.object(f, "secretId", "roleArn", "region")
	if o == nil {
		return
	}
	s.Key = defaultKey
	if id := o.get("secretId"); r.required(id, "name the AWS secret that holds the connection string") {
		s.ID = r.secretID(id)
	}
	if v, ok := r.text(o.get("roleArn")); ok {
		s.RoleARN = v
		if !roleARNPattern.MatchString(v) {
			r.bad(o.get("roleArn"), show(v)+" is not the ARN of a role", "write arn:aws:iam::<account>:role/<name>")
		}
	}
	if v, ok := r.text(o.get("region")); ok {
		s.Region = v
		if !regionPattern.MatchString(v) {
			r.bad(o.get("region"), show(v)+" is not an AWS region", "write one such as us-east-1")
		}
	}
}

// secretID is the name or ARN of an AWS secret. A bad one is not repeated: it
// may be the secret itself.
func (r *reader) secretID(f field) string {
	s, ok := r.text(f)
	switch {
	case !ok:
	case strings.HasPrefix(s, "arn:") && !secretARNPattern.MatchString(s):
		r.bad(f, "is not the ARN of an AWS secret", "write arn:aws:secretsmanager:<region>:<account>:secret:<name>, or the name alone")
	case !strings.HasPrefix(s, "arn:") && (sensitive(s) || !secretIDPattern.MatchString(s)):
		r.bad(f, "is not the name or ARN of an AWS secret", "use letters, digits and / _ + = . @ ! -, and keep the secret itself out of this file")
	}
	return s
}
