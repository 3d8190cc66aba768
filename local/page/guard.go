package page

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// policy is what the page's own documents may load: nothing from elsewhere, no
// script or style inside the HTML, no frame around it.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// guard lets through only requests that know the token, come from the page
// itself or from no page at all, and name this server as their host: a page
// elsewhere in the same browser must not reach the user's databases, not even
// by a name that it makes resolve to this machine.
type guard struct {
	host  string // such as 127.0.0.1:47606
	token string
	next  http.Handler
}

// newToken is hard to guess, and fit for a path.
func newToken() string { return rand.Text() }

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if why := g.refuses(r); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return
	}
	http.StripPrefix("/"+g.token, g.next).ServeHTTP(w, r)
}

// refuses says why a request is not answered; "" if it is.
func (g *guard) refuses(r *http.Request) string {
	if r.Host != g.host {
		return "this page answers at " + g.host + " only"
	}
	token, _, slash := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if !slash || subtle.ConstantTimeCompare([]byte(token), []byte(g.token)) != 1 {
		return "open the page by its whole address, with its token, as `make run` prints it"
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return "requests from other sites are refused"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return "a request that changes something names its origin, http://" + g.host
		}
		return ""
	}
	if u, err := url.Parse(origin); err != nil || u.Scheme != "http" || u.Host != g.host {
		return "requests from other origins are refused"
	}
	return ""
}
