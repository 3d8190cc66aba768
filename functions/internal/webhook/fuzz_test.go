package webhook_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/causeway-sync/causeway/functions/internal/webhook"
)

// FuzzWebhook compares Verify with the rules as documented, written apart, on
// any headers. In a header, {1} and {2} stand for the true signatures of the
// active and of a foreign secret over the body, {1'} for the active secret's
// over another body: the fuzzer could never guess one. What Sign makes passes,
// within five minutes, and only for its own body.
func FuzzWebhook(f *testing.F) {
	u := now.Unix()
	for _, sig := range []string{
		"", "t=%d,v1={1}", "t=%d, v1={2},v1={1}", "v1={1},t=%d", "t=%d,v1={1'}", "t=%d,v0={1},v1=00", "t=%d,t=%d,v1={1}", "t=,t=%d,v1={1}",
		"t=%d,v1={1}0", "t=%d,v1={1}{1}", "t=%d\x00,v1={1}", "t=+%d,v1={1}", "T=%d,V1={1}", "t=%d;v1={1}", "t=%d,v1={1},", " t = %d , v1 = {1} ", "t=%d,v1={2}",
	} {
		f.Add(strings.ReplaceAll(sig, "%d", fmt.Sprint(u)), "", string(body), int16(0))
		f.Add(strings.ReplaceAll(sig, "%d", fmt.Sprint(u-301)), "Bearer "+two, string(body), int16(301))
	}
	f.Add("t=-9223372036854775808,v1={1}", "Basic x", "x", int16(-300))
	f.Add("t=9223372036854775807,v1={1}", "bearer  "+one+" ", "x", int16(-301))
	k := keys(f, one)
	f.Fuzz(func(t *testing.T, sig, auth, body string, skew int16) {
		sig = fill(sig, []byte(body))
		header := func(name string) string {
			return map[string]string{"ditto-signature": sig, "authorization": auth}[name]
		}
		got, want := k.Verify(header, []byte(body), now), rules(sig, auth, []byte(body))
		if !errors.Is(got, want) || (want == nil) != (got == nil) {
			t.Errorf("signature %q and authorization %q for %q: %v, want %v", sig, auth, body, got, want)
		}
		signed := k.Sign([]byte(body), now.Add(time.Duration(skew)*time.Second))
		only := func(name string) string { return map[string]string{"ditto-signature": signed}[name] }
		if skew >= -300 && skew <= 300 {
			want = nil
		} else {
			want = webhook.ErrStale
		}
		if got := k.Verify(only, []byte(body), now); !errors.Is(got, want) {
			t.Errorf("signed %d s off: %v, want %v", skew, got, want)
		}
		if k.Verify(only, []byte(body+" "), now) == nil || keys(t, two).Verify(only, []byte(body), now) == nil {
			t.Errorf("%q passes for another body, or with another secret", signed)
		}
	})
}

var timeOf = regexp.MustCompile(`t=([+-]?[0-9]+)`)

// fill puts true signatures, for the first time that sig names, into a header.
func fill(sig string, body []byte) string {
	var at string
	if m := timeOf.FindStringSubmatch(sig); m != nil {
		at = m[1]
	}
	return strings.NewReplacer(
		"{1}", v1At(one, at, body), "{2}", v1At(two, at, body), "{1'}", v1At(one, at, append([]byte("x"), body...)),
	).Replace(sig)
}

// rules is what a request deserves.
func rules(sig, auth string, body []byte) error {
	scheme, token, isBearer := strings.Cut(auth, " ")
	isBearer = isBearer && strings.ToLower(scheme) == "bearer"
	switch {
	case isBearer && strings.TrimSpace(token) == one:
		return nil
	case sig == "" && isBearer:
		return webhook.ErrMismatch
	case sig == "":
		return webhook.ErrUnsigned
	}
	var times, signatures []string
	for _, part := range strings.Split(sig, ",") {
		name, v, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok {
			return webhook.ErrMalformed
		}
		switch name {
		case "t":
			times = append(times, v)
		case "v1":
			if _, err := hex.DecodeString(v); err != nil {
				return webhook.ErrMalformed
			}
			signatures = append(signatures, strings.ToLower(v))
		}
	}
	if len(times) != 1 || len(signatures) == 0 {
		return webhook.ErrMalformed
	}
	at, err := strconv.ParseInt(times[0], 10, 64)
	switch {
	case err != nil:
		return webhook.ErrMalformed
	case at < now.Unix()-300 || at > now.Unix()+300:
		return webhook.ErrStale
	case !slices.Contains(signatures, v1At(one, times[0], body)):
		return webhook.ErrMismatch
	}
	return nil
}
