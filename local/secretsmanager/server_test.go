package secretsmanager_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	awssm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/causeway-sync/causeway/local/secretsmanager"
)

const role = "arn:aws:iam::123456789012:role/dittocluster/mongo-connector-app-id"

// The SDK's own clients are the judge of the protocols.
func TestGetSecretValue(t *testing.T) {
	s, err := secretsmanager.Start(0,
		secretsmanager.Secret{ID: "ditto/example", Value: `{"connectionString":"mongodb://x"}`},
		secretsmanager.Secret{ID: "guarded", Value: "guarded value", Role: role, Region: "us-east-1"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	own := credentials.NewStaticCredentialsProvider("local", "local", "")
	assumed := func(arn string) aws.CredentialsProvider {
		client := sts.New(sts.Options{Region: "us-east-1", BaseEndpoint: &s.Endpoint, Credentials: own})
		return stscreds.NewAssumeRoleProvider(client, arn)
	}
	get := func(p aws.CredentialsProvider, region, id string) (string, error) {
		client := awssm.New(awssm.Options{
			Region: region, BaseEndpoint: &s.Endpoint, Credentials: p, Retryer: aws.NopRetryer{},
		})
		out, err := client.GetSecretValue(t.Context(), &awssm.GetSecretValueInput{SecretId: &id})
		if err != nil {
			return "", err
		}
		return *out.SecretString, nil
	}
	want := func(t *testing.T, want string, p aws.CredentialsProvider, id string) {
		t.Helper()
		if got, err := get(p, "us-east-1", id); err != nil || got != want {
			t.Errorf("secret %s = %q, %v; want %q", id, got, err, want)
		}
	}

	t.Run("OK", func(t *testing.T) { want(t, `{"connectionString":"mongodb://x"}`, own, "ditto/example") })
	t.Run("AssumedRole", func(t *testing.T) { want(t, "guarded value", assumed(role), "guarded") })
	t.Run("Rotated", func(t *testing.T) {
		s.Put(secretsmanager.Secret{ID: "ditto/example", Value: "second"})
		want(t, "second", own, "ditto/example")
		if n := s.Reads("ditto/example"); n != 2 {
			t.Errorf("reads = %d, want 2", n)
		}
	})
	t.Run("ErrUnknownSecret", func(t *testing.T) {
		_, err := get(own, "us-east-1", "missing")
		if notFound := (*types.ResourceNotFoundException)(nil); !errors.As(err, &notFound) {
			t.Errorf("error = %v, want ResourceNotFoundException", err)
		}
	})
	t.Run("ErrOtherRegion", func(t *testing.T) {
		_, err := get(assumed(role), "eu-west-1", "guarded")
		if notFound := (*types.ResourceNotFoundException)(nil); !errors.As(err, &notFound) {
			t.Errorf("error = %v, want ResourceNotFoundException", err)
		}
	})
	t.Run("ErrRoleNotAssumed", func(t *testing.T) {
		_, err := get(own, "us-east-1", "guarded")
		wantCode(t, err, "AccessDeniedException")
	})
	t.Run("ErrOtherRole", func(t *testing.T) {
		_, err := get(assumed("arn:aws:iam::123456789012:role/other"), "us-east-1", "guarded")
		wantCode(t, err, "AccessDenied")
	})
	t.Run("ErrUnknownOperation", func(t *testing.T) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.Endpoint, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Amz-Target", "secretsmanager.DeleteSecret")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusBadRequest {
			t.Errorf("status = %d, want 400", res.StatusCode)
		}
	})
}

func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	var apiErr smithy.APIError
	if !errors.As(err, &apiErr) || apiErr.ErrorCode() != code {
		t.Errorf("error = %v, want code %s", err, code)
	}
}
