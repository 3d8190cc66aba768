// Package webhook tells Ditto's webhooks from everyone else's.
package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/manifest"
)

// Tolerance is how far a signature's time may be from ours.
const Tolerance = 5 * time.Minute

// SignatureHeader is the header of Ditto's signature: `t=<unix seconds>,
// v1=<hexadecimal>`, with one v1 for each secret that is active.
const SignatureHeader = "ditto-signature"

// Reasons for which a webhook is refused. ErrMismatch may be mended by reading
// the secret again: it may have been rotated.
var (
	ErrUnsigned  = errors.New("neither a ditto-signature header nor a bearer token")
	ErrMalformed = errors.New("ditto-signature is not of the form t=<unix seconds>,v1=<hexadecimal>")
	ErrStale     = errors.New("signed more than five minutes ago, or ahead of time")
	ErrMismatch  = errors.New("no active secret matches")
)

// Keys are the active secrets: during a rotation more than one.
type Keys struct {
	signing [][]byte
	bearer  [][sha256.Size]byte // hashed, so that a comparison does not tell the length
}

// ParseKeys reads the secret. It is one value, or a JSON array of several, each
// of which may sign (when it is base64, as Ditto hands them out) or be the
// bearer token; or `{"signing": …, "bearer": …}`, each one value or an array.
func ParseKeys(secret manifest.Redacted) (Keys, error) {
	var (
		k      Keys
		both   = struct{ Signing, Bearer values }{}
		s      = strings.TrimSpace(string(secret))
		either values
	)
	switch {
	case strings.HasPrefix(s, "{"):
		if err := json.Unmarshal([]byte(s), &both); err != nil {
			return k, errors.New("webhook secret: not the JSON that is expected") // the cause might show the value
		}
	case strings.HasPrefix(s, "["):
		if err := json.Unmarshal([]byte(s), &either); err != nil {
			return k, errors.New("webhook secret: not an array of texts")
		}
	default:
		either = values{s}
	}
	for _, v := range both.Signing {
		b, ok := decode(v)
		if !ok {
			return k, errors.New("webhook secret: a signing secret is not base64")
		}
		k.signing = append(k.signing, b)
	}
	for _, v := range either {
		if b, ok := decode(v); ok {
			k.signing = append(k.signing, b)
		}
	}
	for _, v := range append(both.Bearer, either...) {
		if v = strings.TrimSpace(v); v != "" {
			k.bearer = append(k.bearer, sha256.Sum256([]byte(v)))
		}
	}
	if len(k.signing)+len(k.bearer) == 0 {
		return k, errors.New(`webhook secret: holds neither "signing" nor "bearer"`)
	}
	return k, nil
}

// values is a JSON text or an array of texts.
type values []string

func (v *values) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*v = values{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(b, &many); err != nil {
		return errors.New("neither a text nor an array of texts")
	}
	*v = many
	return nil
}

func decode(s string) ([]byte, bool) {
	s = strings.TrimRight(strings.TrimSpace(s), "=")
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if b, err := e.DecodeString(s); err == nil && len(b) > 0 {
			return b, true
		}
	}
	return nil, false
}

// Verify checks that a webhook is from a holder of one of the keys: by its
// signature over the body as it was sent, or by a bearer token. header looks
// up a header by its lower-case name.
func (k Keys) Verify(header func(name string) string, body []byte, now time.Time) error {
	token, isBearer := bearer(header("authorization"))
	if isBearer && k.knows(token) {
		return nil
	}
	sig := header(SignatureHeader)
	switch {
	case sig != "":
		return k.verify(sig, body, now)
	case isBearer:
		return ErrMismatch
	}
	return ErrUnsigned
}

func bearer(authorization string) (token string, ok bool) {
	scheme, token, ok := strings.Cut(authorization, " ")
	return strings.TrimSpace(token), ok && strings.EqualFold(scheme, "bearer")
}

func (k Keys) knows(token string) bool {
	sum, found := sha256.Sum256([]byte(token)), 0
	for i := range k.bearer {
		found |= subtle.ConstantTimeCompare(sum[:], k.bearer[i][:])
	}
	return found == 1
}

func (k Keys) verify(sig string, body []byte, now time.Time) error {
	at, v1s, err := parse(sig)
	if err != nil {
		return err
	}
	secs, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return ErrMalformed
	}
	matched := false
	for _, key := range k.signing {
		want := sign(key, at, body)
		for _, v1 := range v1s {
			matched = hmac.Equal(want, v1) || matched
		}
	}
	switch d := now.Sub(time.Unix(secs, 0)); {
	case d > Tolerance || d < -Tolerance:
		return ErrStale
	case !matched:
		return ErrMismatch
	}
	return nil
}

// parse splits a signature header. Parts of other names are other versions'
// signatures, and ignored.
func parse(sig string) (at string, v1s [][]byte, err error) {
	timed := false
	for part := range strings.SplitSeq(sig, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !ok:
			return "", nil, ErrMalformed
		case name == "t" && timed:
			return "", nil, ErrMalformed
		case name == "t":
			at, timed = value, true
		case name == "v1":
			b, err := hex.DecodeString(value)
			if err != nil {
				return "", nil, ErrMalformed
			}
			v1s = append(v1s, b)
		}
	}
	if at == "" || len(v1s) == 0 {
		return "", nil, ErrMalformed
	}
	return at, v1s, nil
}

func sign(key []byte, at string, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(at))
	mac.Write([]byte{'.'})
	mac.Write(body)
	return mac.Sum(nil)
}

// Sign is the header's value for a body sent at a time, with one signature per
// signing secret: what Ditto sends, for tests and for sending a webhook by hand.
func (k Keys) Sign(body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	out := "t=" + t
	for _, key := range k.signing {
		out += fmt.Sprintf(",v1=%x", sign(key, t, body))
	}
	return out
}
