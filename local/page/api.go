package page

import (
	"net/http"
	"strconv"

	"github.com/causeway-sync/causeway/core/value"
)

// pageSize is how many pairs are shown at once at most.
const pageSize = 200

// setup is what the page asks for first.
type setup struct {
	Database    string            `json:"database"`
	Collections []setupCollection `json:"collections"`
	Disturb     bool              `json:"disturb"`
}

type setupCollection struct {
	Name      string   `json:"name"`
	Ditto     string   `json:"ditto"`
	Fields    []string `json:"fields"`
	Mode      string   `json:"mode"`
	Strict    bool     `json:"strict"`
	Counters  []string `json:"counters"`
	Direction string   `json:"direction"`
	Wins      string   `json:"wins"`
}

func (p *Page) getSetup(*http.Request) (any, error) {
	s := setup{Database: p.cfg.Manifest.Database, Disturb: p.cfg.Disturb != nil}
	for i := range p.cfg.Manifest.Collections {
		c := &p.cfg.Manifest.Collections[i]
		out := setupCollection{
			Name: c.Name, Ditto: c.DittoName, Fields: c.Fields, Strict: c.Strict, Counters: []string{},
			Mode: "json", Direction: string(c.Direction), Wins: string(c.Conflicts.Default),
		}
		if c.Mode == value.EJSON {
			out.Mode = "ejson"
		}
		for _, n := range c.Counters {
			out.Counters = append(out.Counters, n.String())
		}
		s.Collections = append(s.Collections, out)
	}
	return s, nil
}

// windowOf is a collection's window.
type windowOf struct {
	Collection string      `json:"collection"`
	Offset     int         `json:"offset"`
	Counts     counts      `json:"counts"`
	Pairs      []shownPair `json:"pairs"`
}

func (p *Page) getPairs(r *http.Request) (any, error) {
	q := r.URL.Query()
	x, err := p.index(q.Get("collection"))
	if err != nil {
		return nil, err
	}
	if err := x.ensure(r.Context()); err != nil {
		return nil, refused{http.StatusServiceUnavailable, err}
	}
	l := look{Search: q.Get("search"), Show: q.Get("show"), Order: q.Get("order"), Limit: number(q.Get("limit"), 25)}
	l.Offset = number(q.Get("offset"), 0)
	l.Limit = min(l.Limit, pageSize)
	rows, n := x.window(l)
	if len(rows) == 0 && n.Found > 0 { // the last page went
		l.Offset = (n.Found - 1) / l.Limit * l.Limit
		rows, n = x.window(l)
	}
	pairs, err := x.pairs(r.Context(), rows)
	if err != nil {
		return nil, refused{http.StatusServiceUnavailable, err}
	}
	return windowOf{x.c.Name, l.Offset, n, pairs}, nil
}

func number(s string, otherwise int) int {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return otherwise
	}
	return n
}

// getPair is one pair, wherever it is.
func (p *Page) getPair(r *http.Request) (any, error) {
	x, err := p.index(r.URL.Query().Get("collection"))
	if err != nil {
		return nil, err
	}
	if err := x.ensure(r.Context()); err != nil {
		return nil, refused{http.StatusServiceUnavailable, err}
	}
	found, ok := x.at(r.URL.Query().Get("key"))
	if !ok {
		return nil, refused{http.StatusNotFound, errGone}
	}
	pairs, err := x.pairs(r.Context(), []row{found})
	if err != nil {
		return nil, refused{http.StatusServiceUnavailable, err}
	}
	return pairs[0], nil
}

// getValue is one field's text, for editing.
func (p *Page) getValue(r *http.Request) (any, error) {
	q := r.URL.Query()
	x, err := p.index(q.Get("collection"))
	if err != nil {
		return nil, err
	}
	return x.whole(r.Context(), q.Get("key"), q.Get("side"), q.Get("field"))
}

func (p *Page) getSteps(r *http.Request) (any, error) {
	q := r.URL.Query()
	return p.flow.last(q.Get("collection"), q.Get("key"), 200), nil
}

func (p *Page) postEdit(r *http.Request) (any, error) {
	var e edit
	if err := decode(r, &e); err != nil {
		return nil, err
	}
	x, err := p.index(e.Collection)
	if err != nil {
		return nil, err
	}
	if err := x.ensure(r.Context()); err != nil {
		return nil, refused{http.StatusServiceUnavailable, err}
	}
	if err := x.apply(r.Context(), e); err != nil {
		return nil, err
	}
	return struct{}{}, nil
}

func (p *Page) getHealth(*http.Request) (any, error) {
	return map[string]any{"points": p.health.all()}, nil
}
