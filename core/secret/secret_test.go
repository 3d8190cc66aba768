package secret_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
	"github.com/aws/smithy-go"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/secret"
)

// fake is a Secrets Manager of one value that counts its calls.
type fake struct {
	mu    sync.Mutex
	value string
	err   error
	calls int
}

func (f *fake) GetSecretValue(_ context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.err != nil {
		return nil, f.err
	}
	return &secretsmanager.GetSecretValueOutput{Name: in.SecretId, SecretString: &f.value}, nil
}

func (f *fake) set(value string, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.value, f.err = value, err
}

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newReader(f *fake) (*secret.Reader, *clock) {
	c := &clock{time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)}
	return secret.NewReader(func(context.Context, secret.Ref) (secret.SecretsManager, error) { return f, nil }, c.now), c
}

var ref = secret.Ref{ID: "prod/mongo", Key: "connectionString"}

func TestGet(t *testing.T) {
	for _, tc := range []struct{ name, value, key, want, err string }{
		{"Bare", "mongodb://u:p@h/db", "connectionString", "mongodb://u:p@h/db", ""},
		{"TrailingNewline", "mongodb://u:p@h/db\n", "connectionString", "mongodb://u:p@h/db", ""},
		{"JSON", `{"connectionString":"mongodb://u:p@h/db","other":5}`, "connectionString", "mongodb://u:p@h/db", ""},
		{"OtherKey", `{"uri":"mongodb://u:p@h/db"}`, "uri", "mongodb://u:p@h/db", ""},
		{"WholeValue", `{"signing":["a"]}`, "", `{"signing":["a"]}`, ""},
		{"BraceButNotJSON", `{hunter2`, "apiKey", `{hunter2`, ""},
		{"ErrNoField", `{"password":"hunter2"}`, "connectionString", "", `without the text field "connectionString"`},
		{"ErrFieldNotText", `{"connectionString":{"a":"hunter2"}}`, "connectionString", "", `without the text field "connectionString"`},
		{"ErrEmpty", " \n", "connectionString", "", "it is empty"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, _ := newReader(&fake{value: tc.value})
			got, err := r.Get(t.Context(), secret.Ref{ID: "prod/mongo", Key: tc.key})
			if tc.err == "" && (err != nil || string(got) != tc.want) {
				t.Fatalf("%q, error %v, want %q", string(got), err, tc.want)
			}
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || !strings.Contains(err.Error(), `"prod/mongo"`) {
					t.Fatalf("error %v, want one that says %q", err, tc.err)
				}
				if strings.Contains(err.Error(), "hunter2") {
					t.Errorf("error shows the value: %v", err)
				}
			}
		})
	}
}

func TestGetCaches(t *testing.T) {
	f := &fake{value: "one"}
	r, c := newReader(f)
	get := func(want string, calls int) {
		t.Helper()
		v, err := r.Get(t.Context(), ref)
		if err != nil || string(v) != want || f.calls != calls {
			t.Fatalf("%q after %d calls, error %v, want %q after %d", string(v), f.calls, err, want, calls)
		}
	}
	get("one", 1)
	f.set("two", nil)
	c.t = c.t.Add(secret.TTL - time.Second)
	get("one", 1)
	c.t = c.t.Add(time.Second)
	get("two", 2)
	f.set("", errors.New("throttled"))
	c.t = c.t.Add(secret.TTL)
	get("two", 3) // the old value serves while there is no newer one
}

func TestRefresh(t *testing.T) {
	f := &fake{value: "one"}
	r, c := newReader(f)
	refresh := func(want string, calls int) {
		t.Helper()
		v, err := r.Refresh(t.Context(), ref)
		if err != nil || string(v) != want || f.calls != calls {
			t.Fatalf("%q after %d calls, error %v, want %q after %d", string(v), f.calls, err, want, calls)
		}
	}
	refresh("one", 1)
	f.set("two", nil)
	refresh("one", 1) // too soon
	c.t = c.t.Add(secret.MinRefresh)
	refresh("two", 2)
	f.set("", &types.ResourceNotFoundException{})
	c.t = c.t.Add(secret.MinRefresh)
	if _, err := r.Refresh(t.Context(), ref); !secret.IsMissing(err) {
		t.Errorf("error %v, want a missing secret", err)
	}
}

// Concurrent callers share one read.
func TestGetConcurrently(t *testing.T) {
	f := &fake{value: "one"}
	r, _ := newReader(f)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if v, err := r.Get(t.Context(), ref); err != nil || v != "one" {
				t.Errorf("%q, error %v", string(v), err)
			}
		})
	}
	wg.Wait()
	if f.calls != 1 {
		t.Errorf("%d calls, want 1", f.calls)
	}
}

func TestErrors(t *testing.T) {
	api := func(code string) error { return &smithy.GenericAPIError{Code: code, Message: "no"} }
	sts := &smithy.OperationError{ServiceID: "Secrets Manager", OperationName: "GetSecretValue", Err: fmt.Errorf("get credentials: %w",
		&smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: api("AccessDenied")})}
	for _, tc := range []struct {
		name            string
		ref             secret.Ref
		err             error
		mend            string
		missing, denied bool
	}{
		{"Missing", secret.Ref{ID: "a/b", Region: "eu-west-1"}, &types.ResourceNotFoundException{}, `secret "a/b" in eu-west-1`, true, false},
		{"MissingMend", secret.Ref{ID: "a/b"}, &types.ResourceNotFoundException{}, "correct the manifest", true, false},
		{"Denied", secret.Ref{ID: "a/b"}, api("AccessDeniedException"), "secretsmanager:GetSecretValue", false, true},
		{"RoleDenied", secret.Ref{ID: "a/b", RoleARN: "arn:aws:iam::1:role/r"}, sts, "trust policy", false, true},
		{"RoleMayNotRead", secret.Ref{ID: "a/b", RoleARN: "arn:aws:iam::1:role/r"}, api("AccessDeniedException"), "secretsmanager:GetSecretValue", false, true},
		{"Deleted", secret.Ref{ID: "a/b"}, api("InvalidRequestException"), "restore it", false, false},
		{"Key", secret.Ref{ID: "a/b"}, api("DecryptionFailure"), "kms:Decrypt", false, false},
		{"Other", secret.Ref{ID: "a/b"}, errors.New("connection refused"), "connection refused", false, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, _ := newReader(&fake{err: tc.err})
			_, err := r.Get(t.Context(), tc.ref)
			if err == nil || !strings.Contains(err.Error(), tc.mend) {
				t.Errorf("error %v, want one that says %q", err, tc.mend)
			}
			if got := secret.IsMissing(err); got != tc.missing {
				t.Errorf("missing %v, want %v", got, tc.missing)
			}
			if got := secret.IsDenied(err); got != tc.denied {
				t.Errorf("denied %v, want %v", got, tc.denied)
			}
		})
	}
	t.Run("Client", func(t *testing.T) {
		r := secret.NewReader(func(context.Context, secret.Ref) (secret.SecretsManager, error) {
			return nil, errors.New("load AWS configuration: no region")
		}, time.Now)
		if _, err := r.Get(t.Context(), ref); err == nil || !strings.Contains(err.Error(), "no region") {
			t.Errorf("error %v", err)
		}
	})
}

// Invariant 11: no way of printing shows the value.
func TestValueIsNotPrinted(t *testing.T) {
	r, _ := newReader(&fake{value: "hunter2"})
	v, err := r.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	log := slog.New(slog.NewTextHandler(&b, nil))
	log.Info("x", "value", v, "struct", struct{ V manifest.Redacted }{v})
	fmt.Fprintf(&b, "%v %s %q %#v %+v", v, v, v, v, struct{ V manifest.Redacted }{v})
	if strings.Contains(b.String(), "hunter2") {
		t.Errorf("value is printed: %s", b.String())
	}
}
