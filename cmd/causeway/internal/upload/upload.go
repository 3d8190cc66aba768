package upload

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/causeway-sync/causeway/core/manifest"
)

// SecretsManager is the part of AWS Secrets Manager that is used.
type SecretsManager interface {
	GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(ctx context.Context, in *secretsmanager.PutSecretValueInput, opts ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
	CreateSecret(ctx context.Context, in *secretsmanager.CreateSecretInput, opts ...func(*secretsmanager.Options)) (*secretsmanager.CreateSecretOutput, error)
}

// Done is what became of a secret.
type Done string

const (
	Created   Done = "created"
	Updated   Done = "updated"
	Unchanged Done = "unchanged"
)

// Secret is one to put.
type Secret struct {
	ID          string // name or ARN
	Description string // of a new one
	// Fields are the fields of a JSON secret. What else an existing one holds
	// stays. Nil for a bare value.
	Fields map[string]manifest.Redacted
	Value  manifest.Redacted // bare
}

// Put stores s. A value that is there already is not written again: it would
// count as a rotation.
func Put(ctx context.Context, api SecretsManager, s Secret) (Done, error) {
	out, err := api.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.ID})
	var missing *types.ResourceNotFoundException
	switch {
	case errors.As(err, &missing):
		return create(ctx, api, s)
	case err != nil:
		return "", fmt.Errorf("read secret %q: %w", s.ID, err)
	}
	was := ""
	if out.SecretString != nil {
		was = *out.SecretString
	}
	next := s.over(was)
	if next == was {
		return Unchanged, nil
	}
	if _, err := api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.ID, SecretString: &next}); err != nil {
		return "", fmt.Errorf("write secret %q: %w", s.ID, err)
	}
	return Updated, nil
}

// create makes the secret, or gives one that was made without a value its first.
func create(ctx context.Context, api SecretsManager, s Secret) (Done, error) {
	v := s.over("")
	if strings.HasPrefix(s.ID, "arn:") {
		_, err := api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.ID, SecretString: &v})
		if err != nil {
			return "", fmt.Errorf("write secret %q: %w (it has to be created by its name first: an ARN names one that there is)", s.ID, err)
		}
		return Updated, nil
	}
	_, err := api.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &s.ID, Description: &s.Description, SecretString: &v})
	var exists *types.ResourceExistsException
	if errors.As(err, &exists) {
		if _, err := api.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.ID, SecretString: &v}); err != nil {
			return "", fmt.Errorf("write secret %q: %w", s.ID, err)
		}
		return Updated, nil
	}
	if err != nil {
		return "", fmt.Errorf("create secret %q: %w", s.ID, err)
	}
	return Created, nil
}

// over is s's value, on top of what the secret holds.
func (s Secret) over(was string) string {
	if s.Fields == nil {
		return string(s.Value)
	}
	all := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(was), &all) != nil || all == nil {
		all = map[string]json.RawMessage{}
	}
	same := len(all) > 0
	for k, v := range s.Fields {
		js, _ := json.Marshal(string(v)) //nolint:errchkjson // a string
		var before string
		same = same && json.Unmarshal(all[k], &before) == nil && before == string(v)
		all[k] = js
	}
	if same {
		return was
	}
	b, _ := json.Marshal(all) //nolint:errchkjson // texts, and JSON that was read
	return string(b)
}
