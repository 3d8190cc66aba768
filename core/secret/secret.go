package secret

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/causeway-sync/causeway/core/manifest"
)

// SecretsManager is the part of AWS Secrets Manager that is used.
type SecretsManager interface {
	GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
}

// Ref names a secret.
type Ref struct {
	ID         string
	Key        string // field of a JSON secret; empty for the whole value
	RoleARN    string // assumed to read it, if set
	ExternalID string // for a role of another account, if it asks for one
	Region     string // the function's own, if empty
}

const (
	// TTL is how long a value is used without asking again. A rotation is
	// noticed earlier, by Refresh, when a server refuses the old value.
	TTL = 5 * time.Minute
	// MinRefresh is the least time between two reads of one secret, so that
	// wrongly signed webhooks cannot turn into calls of Secrets Manager.
	MinRefresh = 10 * time.Second
)

// Reader reads secrets and remembers them. It is safe for concurrent use.
type Reader struct {
	client func(ctx context.Context, r Ref) (SecretsManager, error)
	now    func() time.Time

	mu    sync.Mutex
	cache map[Ref]*cached
}

type cached struct {
	mu    sync.Mutex // held during a read, so that concurrent callers share it
	value manifest.Redacted
	known bool
	tried time.Time
}

// NewReader returns a Reader. client gives the Secrets Manager of a Ref's
// region, as the Ref's role; see AWS.
func NewReader(client func(context.Context, Ref) (SecretsManager, error), now func() time.Time) *Reader {
	return &Reader{client: client, now: now, cache: map[Ref]*cached{}}
}

// Get returns the secret's value, at most TTL old. When it has to be read again
// and cannot be, the old value is still good: what it is for decides.
func (r *Reader) Get(ctx context.Context, ref Ref) (manifest.Redacted, error) {
	c := r.entry(ref)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known && r.now().Sub(c.tried) < TTL {
		return c.value, nil
	}
	v, err := r.read(ctx, ref, c)
	if err != nil && c.known {
		return c.value, nil
	}
	return v, err
}

// Refresh reads the secret again, for when a server refused the value: the
// secret may have been rotated. Within MinRefresh of the last read it returns
// what that found.
func (r *Reader) Refresh(ctx context.Context, ref Ref) (manifest.Redacted, error) {
	c := r.entry(ref)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known && r.now().Sub(c.tried) < MinRefresh {
		return c.value, nil
	}
	return r.read(ctx, ref, c)
}

// Source is one secret, for whoever asks for it again when a server refuses it:
// Key is a mongodb.Secret, and makes it a ditto.KeySource.
type Source struct {
	Reader *Reader
	Ref    Ref
}

// Key is the secret's value, read again with refresh.
func (s Source) Key(ctx context.Context, refresh bool) (string, error) {
	get := s.Reader.Get
	if refresh {
		get = s.Reader.Refresh
	}
	v, err := get(ctx, s.Ref)
	return string(v), err
}

// Database is where the manifest's connection string is kept.
func Database(m *manifest.Manifest) Ref {
	ref := Ref{ID: m.Secret.ID, Key: m.Secret.Key, RoleARN: m.Secret.RoleARN, Region: m.Secret.Region}
	if m.Deployment != nil && ref.RoleARN != "" {
		ref.ExternalID = m.Deployment.ExternalID
	}
	return ref
}

func (r *Reader) entry(ref Ref) *cached {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := r.cache[ref]
	if c == nil {
		c = &cached{}
		r.cache[ref] = c
	}
	return c
}

func (r *Reader) read(ctx context.Context, ref Ref, c *cached) (manifest.Redacted, error) {
	v, err := r.fetch(ctx, ref)
	c.tried = r.now()
	if err != nil {
		return "", explain(ref, err)
	}
	c.value, c.known = v, true
	return v, nil
}

func (r *Reader) fetch(ctx context.Context, ref Ref) (manifest.Redacted, error) {
	sm, err := r.client(ctx, ref)
	if err != nil {
		return "", err
	}
	out, err := sm.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &ref.ID})
	if err != nil {
		return "", err
	}
	var value string
	switch {
	case out.SecretString != nil:
		value = *out.SecretString
	default:
		value = string(out.SecretBinary)
	}
	return pick(strings.TrimSpace(value), ref.Key)
}

// pick takes the key's field of a JSON secret, or the whole of a bare one.
func pick(value, key string) (manifest.Redacted, error) {
	if value == "" {
		return "", errEmpty
	}
	var fields map[string]json.RawMessage
	if key == "" || value[0] != '{' || !json.Valid([]byte(value)) {
		return manifest.Redacted(value), nil
	}
	if err := json.Unmarshal([]byte(value), &fields); err != nil {
		return "", &fieldError{key}
	}
	var s string
	if err := json.Unmarshal(fields[key], &s); err != nil || s == "" {
		return "", &fieldError{key}
	}
	return manifest.Redacted(s), nil
}
