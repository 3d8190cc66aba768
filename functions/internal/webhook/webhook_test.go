package webhook_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/functions/internal/webhook"
)

var (
	now  = time.Unix(1763882100, 0)
	body = []byte(`{"txnId":1,"type":"requeryRequired","documents":[]}`)
	// one and two are secrets as Ditto hands them out: 128 bytes in base64.
	one = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("1", 128)))
	two = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("2", 128)))
)

// v1 signs as Ditto documents it, written apart from the code under test.
func v1(secret string, at int64, body []byte) string {
	return v1At(secret, strconv.FormatInt(at, 10), body)
}

func v1At(secret, at string, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s", at, body)
	return hex.EncodeToString(mac.Sum(nil))
}

func keys(t testing.TB, secret string) webhook.Keys {
	t.Helper()
	k, err := webhook.ParseKeys(manifest.Redacted(secret))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestVerify(t *testing.T) {
	signed := func(secret string, at int64, body []byte) map[string]string {
		return map[string]string{"ditto-signature": fmt.Sprintf("t=%d,v1=%s", at, v1(secret, at, body))}
	}
	auth := func(v string) map[string]string { return map[string]string{"authorization": v} }
	with := func(sig string) map[string]string { return map[string]string{"ditto-signature": sig} }
	u := now.Unix()
	rotating := fmt.Sprintf(`[%q,%q]`, one, two)
	named := fmt.Sprintf(`{"signing":%q,"bearer":["alpha","beta"]}`, one)
	for _, tc := range []struct {
		name, secret string
		headers      map[string]string
		want         error
	}{
		{"Signed", one, signed(one, u, body), nil},
		{"SignedUpperHex", one, with(fmt.Sprintf("t=%d,v1=%s", u, strings.ToUpper(v1(one, u, body)))), nil},
		{"Spaces", one, with(fmt.Sprintf("t=%d, v1=%s", u, v1(one, u, body))), nil},
		{"SeveralSignatures", one, with(fmt.Sprintf("t=%d,v1=%s,v1=%s", u, v1(two, u, body), v1(one, u, body))), nil},
		{"SeveralSecretsFirst", rotating, signed(one, u, body), nil},
		{"SeveralSecretsSecond", rotating, signed(two, u, body), nil},
		{"OtherVersion", one, with(fmt.Sprintf("t=%d,v0=abc,v1=%s", u, v1(one, u, body))), nil},
		{"FiveMinutesOld", one, signed(one, u-300, body), nil},
		{"FiveMinutesAhead", one, signed(one, u+300, body), nil},
		{"URLBase64", strings.NewReplacer("+", "-", "/", "_").Replace(one), signed(one, u, body), nil},
		{"Unpadded", strings.TrimRight(one, "="), signed(one, u, body), nil},
		{"Bearer", "not base64!", auth("Bearer not base64!"), nil},
		{"BearerLowerCase", "s3cret-token!", auth("bearer s3cret-token!"), nil},
		{"BearerIsSecret", one, auth("Bearer " + one), nil},
		{"BearerNamed", named, auth("Bearer beta"), nil},
		{"BearerBesideStaleSignature", named, map[string]string{"authorization": "Bearer alpha", "ditto-signature": fmt.Sprintf("t=%d,v1=%s", u-999, v1(one, u-999, body))}, nil},
		{"SignatureBesideBasic", named, map[string]string{"authorization": "Basic eDp5", "ditto-signature": fmt.Sprintf("t=%d,v1=%s", u, v1(one, u, body))}, nil},

		{"ErrUnsigned", one, nil, webhook.ErrUnsigned},
		{"ErrBasic", one, auth("Basic eDp5"), webhook.ErrUnsigned},
		{"ErrOtherSecret", one, signed(two, u, body), webhook.ErrMismatch},
		{"ErrOtherBody", one, signed(one, u, append([]byte(" "), body...)), webhook.ErrMismatch},
		{"ErrOtherTime", one, with(fmt.Sprintf("t=%d,v1=%s", u, v1(one, u-1, body))), webhook.ErrMismatch},
		{"ErrReplayed", one, signed(one, u-301, body), webhook.ErrStale},
		{"ErrAhead", one, signed(one, u+301, body), webhook.ErrStale},
		{"ErrReplayedWithNewTime", one, with(fmt.Sprintf("t=%d,v1=%s", u, v1(one, u-301, body))), webhook.ErrMismatch},
		{"ErrShortened", one, with(fmt.Sprintf("t=%d,v1=%s", u, v1(one, u, body)[:32])), webhook.ErrMismatch},
		{"ErrEmptySignature", one, with(fmt.Sprintf("t=%d,v1=", u)), webhook.ErrMismatch},
		{"ErrNoTime", one, with("v1=" + v1(one, u, body)), webhook.ErrMalformed},
		{"ErrTwoTimes", one, with(fmt.Sprintf("t=%d,t=%d,v1=%s", u, u, v1(one, u, body))), webhook.ErrMalformed},
		{"ErrTwoTimesFirstEmpty", one, with(fmt.Sprintf("t=,t=%d,v1=%s", u, v1(one, u, body))), webhook.ErrMalformed},
		{"ErrNoSignature", one, with(fmt.Sprintf("t=%d", u)), webhook.ErrMalformed},
		{"ErrTimeNotNumber", one, with("t=now,v1=" + v1(one, u, body)), webhook.ErrMalformed},
		{"ErrNotHex", one, with(fmt.Sprintf("t=%d,v1=zz", u)), webhook.ErrMalformed},
		{"ErrGarbage", one, with("hello"), webhook.ErrMalformed},
		{"ErrBearer", named, auth("Bearer gamma"), webhook.ErrMismatch},
		{"ErrBearerEmpty", named, auth("Bearer "), webhook.ErrMismatch},
		{"ErrBearerIsSigningSecret", named, auth("Bearer " + one), webhook.ErrMismatch},
		{"ErrSignedWithBearerOnly", `{"bearer":"alpha"}`, signed(one, u, body), webhook.ErrMismatch},
	} {
		t.Run(tc.name, func(t *testing.T) {
			header := func(name string) string { return tc.headers[name] }
			if err := keys(t, tc.secret).Verify(header, body, now); !errors.Is(err, tc.want) {
				t.Errorf("error %v, want %v", err, tc.want)
			}
		})
	}
}

func TestSign(t *testing.T) {
	k := keys(t, fmt.Sprintf(`[%q,%q]`, one, two))
	want := fmt.Sprintf("t=%d,v1=%s,v1=%s", now.Unix(), v1(one, now.Unix(), body), v1(two, now.Unix(), body))
	if got := k.Sign(body, now); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestParseKeysErrors(t *testing.T) {
	for name, secret := range map[string]string{
		"Empty":         "",
		"EmptyObject":   `{}`,
		"EmptyArray":    `[]`,
		"Numbers":       `[5]`,
		"NotJSON":       `{hunter2`,
		"SigningNumber": `{"signing":5}`,
		"NotBase64":     `{"signing":"hunter2!"}`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := webhook.ParseKeys(manifest.Redacted(secret))
			if err == nil {
				t.Fatal("no error")
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("error shows the secret: %v", err)
			}
		})
	}
}
