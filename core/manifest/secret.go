package manifest

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
)

// secretDocument is a `v1 Secret` of the file. Its values are looked at only
// if the bridge refers to it, and never printed (invariant 11).
type secretDocument struct {
	field
	name, namespace  string
	plain, encoded   *object // stringData and data, either may be nil
	namespaceAt, top field
}

// secret reads a Secret; ok is false if it cannot be told which one it is.
func (r *reader) secret(o *object) (s secretDocument, ok bool) {
	meta := r.metadata(o)
	if meta == nil {
		return s, false
	}
	s.field, s.top = o.field, o.get("stringData")
	s.name, s.namespace, s.namespaceAt = r.named(meta), r.namespace(meta), meta.get("namespace")
	s.plain, s.encoded = r.open(o.get("stringData")), r.open(o.get("data"))
	return s, s.name != ""
}

// has reports whether s has a value under key.
func (s secretDocument) has(key string) bool {
	for _, o := range []*object{s.plain, s.encoded} {
		if o != nil && !o.get(key).absent() {
			return true
		}
	}
	return false
}

// value is the text under key: stringData wins over data, as in Kubernetes.
func (r *reader) value(s secretDocument, key string) (string, field, bool) {
	if s.plain != nil {
		if f := s.plain.get(key); !f.absent() {
			v, ok := r.text(f)
			return v, f, ok
		}
	}
	if s.encoded != nil {
		if f := s.encoded.get(key); !f.absent() {
			v, ok := r.text(f)
			if !ok {
				return "", f, false
			}
			b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v), ""))
			if err != nil {
				r.bad(f, "is not base64", "encode it, or move it to stringData")
				return "", f, false
			}
			return string(b), f, true
		}
	}
	r.bad(s.top, fmt.Sprintf("has no %s, which the bridge refers to", show(key)), "put the connection string under that key")
	return "", s.top, false
}

// connectionString is the value that the bridge refers to, empty if the file
// does not hold it.
func (d *documents) connectionString(m *Manifest, b *bridge) Redacted {
	var elsewhere []string
	for _, s := range d.secrets {
		if s.name != b.secretName {
			if n := show(s.name); s.has(m.Secret.Key) && !slices.Contains(elsewhere, n) {
				elsewhere = append(elsewhere, n)
			}
			continue
		}
		if s.namespace != "" && s.namespace != m.Namespace {
			d.r.bad(s.namespaceAt, fmt.Sprintf("the Secret is in namespace %s, the bridge in %s", show(s.namespace), show(m.Namespace)), "put both in one namespace")
			return ""
		}
		v, at, ok := d.r.value(s, m.Secret.Key)
		if !ok {
			return ""
		}
		v = strings.TrimSpace(v) // `echo … | base64` leaves a line break
		if what, mend := uriProblem(v); what != "" {
			d.r.bad(at, "the connection string "+what, mend)
		}
		return Redacted(v)
	}
	if len(elsewhere) > 0 {
		d.r.bad(b.secretAt, "no Secret in this file is named "+show(b.secretName), "name "+oneOf(elsewhere)+", or remove the Secret from the file")
	}
	return ""
}
