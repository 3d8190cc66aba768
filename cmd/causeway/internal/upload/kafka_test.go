package upload_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/upload"
	"github.com/causeway-sync/causeway/cmd/causeway/internal/upload/uploadtest"
	"github.com/causeway-sync/causeway/core/manifest"
)

// secret is fields as they are stored.
func secret(t *testing.T, fields map[string]manifest.Redacted) string {
	t.Helper()
	plain := map[string]string{}
	for k, v := range fields {
		plain[k] = string(v)
	}
	b, err := json.Marshal(plain)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whatever encryption the file has, and whatever form the CA has, a broker takes
// the result.
func TestKafkaCertificates(t *testing.T) {
	c := uploadtest.New(t)
	for name, tc := range map[string]struct {
		p12, ca []byte
	}{
		"Modern": {c.P12(t, "p"), c.TrustStore(t, "p")},
		"Legacy": {c.Legacy(t, "p"), c.PEM()},
		// As `openssl pkcs12 -nokeys` writes it.
		"Annotated": {c.P12(t, "p"), append([]byte("Bag Attributes\n    friendlyName: ca\nsubject=CN = root\n"), c.PEM()...)},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := upload.ClientCertificate(tc.p12, "p", time.Now())
			if err != nil {
				t.Fatal(err)
			}
			root, err := upload.RootCertificate(tc.ca, "p")
			if err != nil {
				t.Fatal(err)
			}
			c.Handshake(t, secret(t, client), secret(t, root))
		})
	}
}

func TestKafkaErr(t *testing.T) {
	// `openssl pkcs12 -export -nokeys`: certificates without the marks of Java.
	plain, err := os.ReadFile("testdata/openssl-nokeys.p12")
	if err != nil {
		t.Fatal(err)
	}
	c, expired := uploadtest.New(t), uploadtest.Until(t, time.Now().Add(-time.Hour))
	for name, tc := range map[string]struct {
		err  func() error
		want string
	}{
		"Password":   {func() error { _, err := upload.ClientCertificate(c.P12(t, "p"), "hunter2", time.Now()); return err }, "the password is not that of the file"},
		"NotP12":     {func() error { _, err := upload.ClientCertificate([]byte("x"), "p", time.Now()); return err }, "no PKCS#12"},
		"NoKey":      {func() error { _, err := upload.ClientCertificate(c.TrustStore(t, "p"), "p", time.Now()); return err }, "one private key"},
		"Expired":    {func() error { _, err := upload.ClientCertificate(expired.P12(t, "p"), "p", time.Now()); return err }, "has expired"},
		"CAPassword": {func() error { _, err := upload.RootCertificate(c.TrustStore(t, "p"), "hunter2"); return err }, "password"},
		"NotJava":    {func() error { _, err := upload.RootCertificate(plain, "p"); return err }, "openssl pkcs12 -in"},
		"EmptyPEM":   {func() error { _, err := upload.RootCertificate([]byte("-----BEGIN NOTHING"), ""); return err }, "no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			err := tc.err()
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error %v, want one that says %q", err, tc.want)
			}
		})
	}
}
