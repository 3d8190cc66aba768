package upload

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/causeway-sync/causeway/core/manifest"
)

// ClientCertificate turns a client's PKCS#12 into the fields that Lambda wants of
// the secret of a self-managed Kafka event source with mutual TLS
// (CLIENT_CERTIFICATE_TLS_AUTH): the certificate with its chain, leaf first and
// root last, and the private key in PKCS#8, both in PEM.
func ClientCertificate(p12 []byte, password manifest.Redacted, now time.Time) (map[string]manifest.Redacted, error) {
	key, leaf, others, err := pkcs12.DecodeChain(p12, string(password))
	if err != nil {
		return nil, explain(err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, errors.New("its private key is of a kind that TLS does not use")
	}
	public, ok := signer.Public().(interface{ Equal(x crypto.PublicKey) bool })
	if !ok || !public.Equal(leaf.PublicKey) {
		return nil, errors.New("its private key is not that of its certificate: export both anew, as one entry")
	}
	if now.After(leaf.NotAfter) {
		return nil, fmt.Errorf("its certificate has expired on %s: get a new one from Ditto's portal", leaf.NotAfter.Format(time.DateOnly))
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("its private key: %w", err)
	}
	return map[string]manifest.Redacted{
		"certificate": manifest.Redacted(encode(chain(leaf, others))),
		"privateKey":  manifest.Redacted(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})),
	}, nil
}

// RootCertificate turns a cluster's CA, as PKCS#12 or PEM, into the fields of the
// secret of the server's root (SERVER_ROOT_CA_CERTIFICATE).
func RootCertificate(file []byte, password manifest.Redacted) (map[string]manifest.Redacted, error) {
	certs, err := certificates(file, string(password))
	if err != nil {
		return nil, err
	}
	return map[string]manifest.Redacted{"certificate": manifest.Redacted(encode(certs))}, nil
}

// IsPEM reports whether a file needs no password.
func IsPEM(file []byte) bool { return bytes.Contains(file, []byte("-----BEGIN")) }

func certificates(file []byte, password string) (certs []*x509.Certificate, err error) {
	if !IsPEM(file) {
		if certs, err = pkcs12.DecodeTrustStore(file, password); err == nil {
			return certs, nil
		}
		if errors.Is(err, pkcs12.ErrIncorrectPassword) {
			return nil, explain(err)
		}
		return nil, fmt.Errorf("it is no trust store as Java keeps it: %w: "+
			"take its certificates out with `openssl pkcs12 -in FILE -nokeys -out ca.pem`, and give ca.pem", err)
	}
	for block, rest := pem.Decode(file); block != nil; block, rest = pem.Decode(rest) {
		if block.Type != "CERTIFICATE" {
			continue // a key has no business here, and stays behind
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("a certificate of it cannot be read: %w", err)
		}
		certs = append(certs, c)
	}
	if len(certs) == 0 {
		return nil, errors.New("it holds no certificate")
	}
	return certs, nil
}

// chain orders certificates: each is followed by that of its issuer.
func chain(leaf *x509.Certificate, others []*x509.Certificate) []*x509.Certificate {
	out := []*x509.Certificate{leaf}
	used := map[*x509.Certificate]bool{}
	for last := leaf; !bytes.Equal(last.RawIssuer, last.RawSubject); {
		var next *x509.Certificate
		for _, c := range others {
			if !used[c] && bytes.Equal(c.RawSubject, last.RawIssuer) && last.CheckSignatureFrom(c) == nil {
				next = c
				break
			}
		}
		if next == nil {
			break
		}
		used[next] = true
		out, last = append(out, next), next
	}
	return out
}

func encode(certs []*x509.Certificate) []byte {
	var b []byte
	for _, c := range certs {
		b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
	}
	return b
}

func explain(err error) error {
	var unknown pkcs12.NotImplementedError
	switch {
	case errors.Is(err, pkcs12.ErrIncorrectPassword):
		return errors.New("the password is not that of the file")
	case errors.As(err, &unknown):
		return fmt.Errorf("it is encrypted in a way that is not known here: %w: export it anew with `openssl pkcs12`", err)
	}
	return fmt.Errorf("it is no PKCS#12 file with one private key and its certificate: %w", err)
}
