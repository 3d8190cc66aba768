package page

import "net/http"

// NewToken is hard to guess.
func NewToken() string { return newToken() }

// Handler is what answers at host, for tests that need no database.
func Handler(p *Page, host string) http.Handler { return p.handler(host) }
