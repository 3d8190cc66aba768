package page

import (
	"encoding/json"
	"net/http"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// NewToken is hard to guess.
func NewToken() string { return newToken() }

// Handler is what answers at host, for tests that need no database.
func Handler(p *Page, host string) http.Handler { return p.handler(host) }

// Enter takes a function's log line into the timeline at once.
func Enter(p *Page, function, line string) { p.enter(function, []byte(line)) }

// Shown is what the page is told of a document that MongoDB alone has.
func Shown(c *manifest.Collection, doc bson.Raw) ([]byte, error) {
	x := newIndex(c, nil, nil)
	r, _ := x.at(x.seeMongo(doc, nil, false))
	return json.Marshal(x.show(&r, both{mongo: doc}))
}

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
