package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awssm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/upload/uploadtest"
	"github.com/causeway-sync/causeway/local/leak"
	"github.com/causeway-sync/causeway/local/secretsmanager"
)

// vault is a Secrets Manager that the commands find.
func vault(t *testing.T, secrets ...secretsmanager.Secret) *secretsmanager.Server {
	t.Helper()
	s, err := secretsmanager.Start(0, secrets...)
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
	t.Setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", s.Endpoint)
	signIn(t)
	return s
}

// stored is what a secret holds, and how often it was written.
func stored(t *testing.T, id, region string) (value, version string) {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(region))
	if err != nil {
		t.Fatal(err)
	}
	out, err := awssm.NewFromConfig(cfg).GetSecretValue(t.Context(), &awssm.GetSecretValueInput{SecretId: &id})
	if err != nil {
		t.Fatal(err)
	}
	return *out.SecretString, strings.TrimLeft(aws.ToString(out.VersionId), "0-")
}

func secretManifest(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "causeway.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSecretsPut(t *testing.T) {
	uri := "mongodb://user:" + leak.New() + "@127.0.0.1:1/test-db"
	deployed := deployedText("test-db", "https://ditto.example.com")
	full := `apiVersion: v1
kind: Secret
metadata: {name: test-mongo, namespace: ditto}
stringData:
  connectionString: ` + uri + `
---
` + deployed
	t.Run("Manifest", func(t *testing.T) {
		vault(t)
		file := secretManifest(t, full)
		r := causeway(t, "secrets", "put", "--config", file)
		r.want(t, 0, "ditto/test-mongo in us-east-1: created")
		want := `{"connectionString":"` + uri + `"}`
		if v, n := stored(t, "ditto/test-mongo", "us-east-1"); v != want || n != "1" {
			t.Errorf("stored %q, version %s, want %q", v, n, want)
		}
		// A second time it is no rotation.
		causeway(t, "secrets", "put", "--config", file).want(t, 0, "unchanged")
		if _, n := stored(t, "ditto/test-mongo", "us-east-1"); n != "1" {
			t.Errorf("version %s", n)
		}
	})
	t.Run("StandardInput", func(t *testing.T) {
		vault(t, secretsmanager.Secret{ID: "ditto/test-mongo", Value: `{"connectionString":"mongodb://old","team":"a"}`})
		file := secretManifest(t, deployed)
		typed(t, uri+"\n", "secrets", "put", "--config", file).want(t, 0, "updated")
		v, _ := stored(t, "ditto/test-mongo", "us-east-1")
		var got map[string]string
		if err := json.Unmarshal([]byte(v), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(map[string]string{"connectionString": uri, "team": "a"}, got); diff != "" {
			t.Errorf("stored (-want +got):\n%s", diff)
		}
	})
	t.Run("Region", func(t *testing.T) {
		vault(t)
		file := secretManifest(t, strings.Replace(deployed, "kubernetesSecret:\n          name: test-mongo",
			"awsSecretsManager: {secretId: prod/mongo, region: eu-west-1}", 1))
		typed(t, uri, "secrets", "put", "connection-string", "--config", file).want(t, 0, "prod/mongo in eu-west-1: created")
		if v, _ := stored(t, "prod/mongo", "eu-west-1"); !strings.Contains(v, uri) {
			t.Error("it is not in its region")
		}
	})
	t.Run("DittoSecrets", func(t *testing.T) {
		vault(t)
		file := secretManifest(t, deployed)
		key, hook := leak.New(), `{"signing":["`+leak.New()+`"]}`
		typed(t, key+"\n", "secrets", "put", "api-key", "--config", file).want(t, 0, "causeway/ditto-api-key")
		list := decode[[]uploaded](t, typed(t, hook, "--json", "secrets", "put", "webhook", "--config", file))
		if diff := cmp.Diff([]uploaded{{"causeway/ditto-webhook", "us-east-1", "created"}}, list); diff != "" {
			t.Errorf("answer (-want +got):\n%s", diff)
		}
		for id, want := range map[string]string{"causeway/ditto-api-key": key, "causeway/ditto-webhook": hook} {
			if v, _ := stored(t, id, "us-east-1"); v != want {
				t.Errorf("%s holds something else", id)
			}
		}
	})
	t.Run("Err", func(t *testing.T) {
		vault(t)
		file, bare := secretManifest(t, deployed), writeManifest(t, "test-db")
		for name, tc := range map[string]struct {
			stdin string
			args  []string
			want  []string
		}{
			"Nothing":      {"\n", []string{"--config", file}, []string{"no connection string", "standard input", "v1 Secret"}},
			"NoString":     {"hunter2", []string{"--config", file}, []string{"mongodb://"}},
			"KeyWithSpace": {"two words", []string{"api-key", "--config", file}, []string{"white space"}},
			"NoDeployment": {"x", []string{"webhook", "--config", bare}, []string{"has no Deployment"}},
			"TooLarge":     {strings.Repeat("x", 65<<10), []string{"webhook", "--config", file}, []string{"64 KiB"}},
			"NoKafka":      {"", []string{"--ca", file, "--config", file}, []string{"--kafka"}},
			"NoFile":       {"", []string{"--kafka", "--config", file}, []string{"--certificate"}},
			"Both":         {"", []string{"api-key", "--kafka", "--ca", file, "--config", file}, []string{"either api-key or --kafka"}},
			"AsArgument":   {"", []string{"mongodb://user:hunter2@host"}, []string{"connection-string"}},
		} {
			t.Run(name, func(t *testing.T) {
				r := typed(t, tc.stdin, append([]string{"secrets", "put"}, tc.args...)...)
				if r.status == 0 {
					t.Errorf("status 0: %s", r.stdout)
				}
				for _, want := range tc.want {
					if !strings.Contains(r.stdout+r.stderr, want) {
						t.Errorf("it does not say %q:\n%s%s", want, r.stdout, r.stderr)
					}
				}
			})
		}
	})
	t.Run("Kafka", func(t *testing.T) {
		vault(t)
		file, dir, password := secretManifest(t, deployed), t.TempDir(), leak.New()
		c := uploadtest.New(t)
		user, ca := filepath.Join(dir, "user.p12"), filepath.Join(dir, "cluster.p12")
		for path, b := range map[string][]byte{user: c.P12(t, password), ca: c.TrustStore(t, password+"2")} {
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args := []string{"secrets", "put", "--kafka", "--certificate", user, "--ca", ca, "--config", file}
		typed(t, password+"\n"+password+"2\n", args...).want(t, 0, "causeway/example/kafka in us-east-1: created", "causeway/example/kafka-ca in us-east-1: created")
		client, _ := stored(t, "causeway/example/kafka", "us-east-1")
		root, _ := stored(t, "causeway/example/kafka-ca", "us-east-1")
		c.Handshake(t, client, root)
		// The Deployment names them otherwise, and there is no webhook.
		named := secretManifest(t, strings.Replace(deployed, "    webhookSecret: causeway/ditto-webhook\n",
			"  kafka: {bootstrapServers: [\"kafka.example.com:9094\"], topic: t, consumerGroup: g, secret: mine/kafka}\n", 1))
		typed(t, password+"\n", "secrets", "put", "--kafka", "--certificate", user, "--config", named).want(t, 0, "mine/kafka in us-east-1: created")
		typed(t, "x", "secrets", "put", "webhook", "--config", named).want(t, 1, "names no ditto.webhookSecret")
		typed(t, password+"\n", args...).want(t, 1, "password of "+ca, "line of its own")
		typed(t, "wrong\n", args...).want(t, 1, user+": the password is not that of the file")
	})
}
