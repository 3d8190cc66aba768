package secret_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/core/secret"
)

// awsServer answers GetSecretValue with who asked, and AssumeRole with
// credentials that say which role they are of.
func awsServer(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.Header.Get("X-Amz-Target") == "secretsmanager.GetSecretValue" {
			var in struct{ SecretId string }
			if err := json.Unmarshal(body, &in); err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			if in.SecretId == "missing" {
				w.Header().Set("X-Amzn-ErrorType", "ResourceNotFoundException")
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"__type":"ResourceNotFoundException","Message":"Secrets Manager can't find the specified secret."}`)
				return
			}
			// Credential=<key>/<date>/<region>/secretsmanager/aws4_request
			_, cred, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
			parts := strings.Split(cred, "/")
			fmt.Fprintf(w, `{"Name":%q,"SecretString":%q}`, in.SecretId, in.SecretId+" by "+parts[0]+" in "+parts[2])
			return
		}
		form, err := url.ParseQuery(string(body))
		if err != nil || form.Get("Action") != "AssumeRole" {
			t.Errorf("request %q, error %v", body, err)
		}
		if form.Get("RoleArn") == "arn:aws:iam::2:role/closed" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized</Message></Error></ErrorResponse>`)
			return
		}
		fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ROLE%s</AccessKeyId><SecretAccessKey>k</SecretAccessKey><SessionToken>t</SessionToken><Expiration>%s</Expiration>
</Credentials></AssumeRoleResult></AssumeRoleResponse>`, form.Get("ExternalId"), time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	t.Cleanup(srv.Close)
	for k, v := range map[string]string{
		"AWS_ENDPOINT_URL_SECRETS_MANAGER": srv.URL, "AWS_ENDPOINT_URL_STS": srv.URL,
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "SELF", "AWS_SECRET_ACCESS_KEY": "hunter2", "AWS_SESSION_TOKEN": "",
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(k, v)
	}
	return srv
}

func TestAWS(t *testing.T) {
	awsServer(t)
	r := secret.NewReader(secret.AWS(), time.Now)
	role := "arn:aws:iam::2:role/reader"
	for _, tc := range []struct {
		name string
		ref  secret.Ref
		want string
	}{
		{"Own", secret.Ref{ID: "a"}, "a by SELF in eu-west-1"},
		{"OtherRegion", secret.Ref{ID: "a", Region: "us-east-1"}, "a by SELF in us-east-1"},
		{"Role", secret.Ref{ID: "b", RoleARN: role}, "b by ROLE in eu-west-1"},
		{"RoleAndExternalID", secret.Ref{ID: "c", RoleARN: role, ExternalID: "x7", Region: "us-east-1"}, "c by ROLEx7 in us-east-1"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			v, err := r.Get(t.Context(), tc.ref)
			if err != nil || string(v) != tc.want {
				t.Errorf("%q, error %v, want %q", string(v), err, tc.want)
			}
		})
	}
	t.Run("ErrMissing", func(t *testing.T) {
		if _, err := r.Get(t.Context(), secret.Ref{ID: "missing"}); !secret.IsMissing(err) {
			t.Errorf("error %v, want a missing secret", err)
		}
	})
	t.Run("ErrRole", func(t *testing.T) {
		_, err := r.Get(t.Context(), secret.Ref{ID: "a", RoleARN: "arn:aws:iam::2:role/closed"})
		if !secret.IsDenied(err) || !strings.Contains(err.Error(), "trust policy") {
			t.Errorf("error %v, want one about the trust policy", err)
		}
	})
}
