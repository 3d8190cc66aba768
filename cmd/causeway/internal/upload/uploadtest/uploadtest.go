// Package uploadtest makes certificates as those of Ditto's Kafka, for tests.
package uploadtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"testing"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"
)

// Certificates are a root, an intermediate CA, a client of it, and a server.
type Certificates struct {
	Root, Intermediate, Client, server *x509.Certificate
	key                                *rsa.PrivateKey
	serverKey                          *ecdsa.PrivateKey
}

// New makes them.
func New(t *testing.T) *Certificates { return Until(t, time.Now().Add(time.Hour)) }

// Until makes them with a client's that is valid until then.
func Until(t *testing.T, end time.Time) *Certificates {
	t.Helper()
	c := &Certificates{}
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	serial := int64(0)
	sign := func(name string, ca bool, end time.Time, public any, parent *x509.Certificate, by any) *x509.Certificate {
		serial++
		tmpl := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: name},
			NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: end, BasicConstraintsValid: true, IsCA: ca,
			KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		}
		if !ca {
			tmpl.KeyUsage = x509.KeyUsageDigitalSignature
			tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth}
			tmpl.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
		}
		if parent == nil {
			parent = tmpl
		}
		der, err := x509.CreateCertificate(rand.Reader, tmpl, parent, public, by)
		if err != nil {
			t.Fatal(err)
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		return cert
	}
	later := time.Now().Add(time.Hour)
	rootKey, caKey := key(), key()
	c.Root = sign("root", true, later, rootKey.Public(), nil, rootKey)
	c.Intermediate = sign("clients", true, later, caKey.Public(), c.Root, rootKey)
	var err error
	if c.key, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
		t.Fatal(err)
	}
	c.Client = sign("user", false, end, c.key.Public(), c.Intermediate, caKey)
	c.serverKey = key()
	c.server = sign("broker", false, later, c.serverKey.Public(), c.Root, rootKey)
	return c
}

// P12 is the client's key with its chain, root before intermediate.
func (c *Certificates) P12(t *testing.T, password string) []byte {
	t.Helper()
	b, err := pkcs12.Modern.Encode(c.key, c.Client, []*x509.Certificate{c.Root, c.Intermediate}, password)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Legacy is P12 in the encryption of older tools.
func (c *Certificates) Legacy(t *testing.T, password string) []byte {
	t.Helper()
	b, err := pkcs12.LegacyDES.Encode(c.key, c.Client, []*x509.Certificate{c.Root, c.Intermediate}, password)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TrustStore is the root, as Java keeps it.
func (c *Certificates) TrustStore(t *testing.T, password string) []byte {
	t.Helper()
	b, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{c.Root}, password)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// PEM is the root.
func (c *Certificates) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Root.Raw})
}

// Handshake connects to a broker that wants a certificate of the root's, with the
// two secrets as Lambda takes them.
func (c *Certificates) Handshake(t *testing.T, client, root string) {
	t.Helper()
	var pair struct{ Certificate, PrivateKey string }
	var ca struct{ Certificate string }
	if err := json.Unmarshal([]byte(client), &pair); err != nil {
		t.Fatalf("the client's secret is not JSON: %v", err)
	}
	if err := json.Unmarshal([]byte(root), &ca); err != nil {
		t.Fatalf("the CA's secret is not JSON: %v", err)
	}
	if block, _ := pem.Decode([]byte(pair.PrivateKey)); block == nil || block.Type != "PRIVATE KEY" {
		t.Error("the key is not PKCS#8")
	}
	cert, err := tls.X509KeyPair([]byte(pair.Certificate), []byte(pair.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	if len(cert.Certificate) != 3 || string(cert.Certificate[1]) != string(c.Intermediate.Raw) || string(cert.Certificate[2]) != string(c.Root.Raw) {
		t.Error("the chain is not leaf, intermediate, root")
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(ca.Certificate)) {
		t.Fatal("the CA's secret holds no certificate")
	}
	own := x509.NewCertPool()
	own.AddCert(c.Root)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		MinVersion: tls.VersionTLS12, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: own,
		Certificates: []tls.Certificate{{Certificate: [][]byte{c.server.Raw}, PrivateKey: c.serverKey}},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "welcome")
	}()
	conn, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots, Certificates: []tls.Certificate{cert}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	b, err := io.ReadAll(conn)
	if err != nil || string(b) != "welcome" {
		t.Errorf("the broker refuses the client: %q, %v", b, err)
	}
}
