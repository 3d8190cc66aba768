package page

import (
	"net/http"

	"github.com/causeway-sync/causeway/core/value"
)

// NewToken is hard to guess.
func NewToken() string { return newToken() }

// Handler is what answers at host, for tests that need no database.
func Handler(p *Page, host string) http.Handler { return p.handler(host) }

// Enter takes a function's log line into the timeline at once.
func Enter(p *Page, function, line string) { p.enter(function, []byte(line)) }

// Event notes a change on a side.
func Event(p *Page, collection, key string, side value.Side, op string) {
	p.flow.event(collection, key, "", side, op)
}

// Steps are the timeline, oldest first: who, and what it says.
func Steps(p *Page) (lines []string) {
	for _, s := range p.flow.last("", "", remembered) {
		line := s.Kind + " " + s.Key + " " + string(s.Side) + s.Function + " " + s.Op + s.Text
		if s.Own {
			line += " own"
		}
		if s.Echo {
			line += " echo"
		}
		lines = append([]string{line}, lines...)
	}
	return lines
}
