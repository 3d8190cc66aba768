package page_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/local/page"
)

const (
	host  = "127.0.0.1:47606"
	token = "thetoken"
)

// A page elsewhere in the same browser must neither read nor write: not by
// guessing the address, not by a name that it makes resolve to this machine, not
// with a form. The same holds for the stream of events.
func TestGuard(t *testing.T) {
	h := page.Handler(page.New(page.Config{Manifest: &manifest.Manifest{Database: "d"}, Token: token}), host)
	own := "http://" + host
	for _, c := range []struct {
		name, method, path, host string
		header                   map[string]string
		want                     int
	}{
		{name: "OK", path: "/" + token + "/", want: 200},
		{name: "OKScript", path: "/" + token + "/app.js", want: 200},
		{name: "OKSetup", path: "/" + token + "/api/setup", header: map[string]string{"Origin": own, "Sec-Fetch-Site": "same-origin"}, want: 200},
		{name: "OKTyped", path: "/" + token + "/", header: map[string]string{"Sec-Fetch-Site": "none"}, want: 200},
		{name: "OKPostReachesTheHandler", method: http.MethodPost, path: "/" + token + "/api/edit", header: map[string]string{"Origin": own}, want: 400},

		{name: "ErrNoToken", path: "/", want: 403},
		{name: "ErrNoTokenSetup", path: "/api/setup", want: 403},
		{name: "ErrNoTokenEvents", path: "/api/events", want: 403},
		{name: "ErrWrongToken", path: "/thetokex/api/setup", want: 403},
		{name: "ErrTokenIsBeginning", path: "/thetoken2/", want: 403},
		{name: "ErrTokenOnly", path: "/" + token, want: 403},
		{name: "ErrTokenInQuery", path: "/api/events?token=" + token, want: 403},
		{name: "ErrOtherHost", path: "/" + token + "/api/setup", host: "evil.example:47606", want: 403},
		{name: "ErrOtherHostEvents", path: "/" + token + "/api/events", host: "evil.example:47606", want: 403},
		{name: "ErrOtherPort", path: "/" + token + "/api/setup", host: "127.0.0.1:80", want: 403},
		{name: "ErrOtherOrigin", path: "/" + token + "/api/setup", header: map[string]string{"Origin": "https://evil.example"}, want: 403},
		{name: "ErrOtherOriginEvents", path: "/" + token + "/api/events", header: map[string]string{"Origin": "https://evil.example"}, want: 403},
		{name: "ErrNullOrigin", path: "/" + token + "/api/setup", header: map[string]string{"Origin": "null"}, want: 403},
		{name: "ErrOtherScheme", path: "/" + token + "/api/setup", header: map[string]string{"Origin": "https://" + host}, want: 403},
		{name: "ErrOtherSite", path: "/" + token + "/api/setup", header: map[string]string{"Sec-Fetch-Site": "cross-site"}, want: 403},
		{name: "ErrSameSiteOtherPort", path: "/" + token + "/api/setup", header: map[string]string{"Sec-Fetch-Site": "same-site"}, want: 403},
		{name: "ErrPostOtherOrigin", method: http.MethodPost, path: "/" + token + "/api/edit", header: map[string]string{"Origin": "https://evil.example"}, want: 403},
		{name: "ErrPostWithoutOrigin", method: http.MethodPost, path: "/" + token + "/api/edit", want: 403},
		{name: "ErrOptions", method: http.MethodOptions, path: "/" + token + "/api/edit", header: map[string]string{"Origin": "https://evil.example"}, want: 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.method == "" {
				c.method = http.MethodGet
			}
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
			if r.Host = c.host; c.host == "" {
				r.Host = host
			}
			for k, v := range c.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("status %d, want %d: %s", w.Code, c.want, w.Body)
			}
			if p := w.Header().Get("Content-Security-Policy"); !strings.Contains(p, "default-src 'none'") || strings.Contains(p, "unsafe") {
				t.Errorf("policy %q lets the page load what is not its own", p)
			}
			if w.Header().Get("Access-Control-Allow-Origin") != "" {
				t.Error("other origins are told that they may read")
			}
		})
	}
}

// Every page has a token of its own.
func TestTokensDiffer(t *testing.T) {
	a, b := page.NewToken(), page.NewToken()
	if a == b || len(a) < 26 {
		t.Errorf("tokens %q and %q: want two that nobody guesses", a, b)
	}
}
