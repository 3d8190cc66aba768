package sweep

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// Mongo reads keys from MongoDB: see mongodb.Client, which does.
type Mongo interface {
	Count(ctx context.Context, collection string) (int64, error)
	Sample(ctx context.Context, collection string, n int, fields ...string) ([]bson.Raw, error)
	Page(ctx context.Context, collection string, filter bson.D, n int, fields ...string) ([]bson.Raw, error)
}

var (
	_ Mongo = (*mongodb.Client)(nil)
	_ Mongo = (*mongodb.Reconnecting)(nil)
)

// Pager plans ranges and reads their keys. It is safe for concurrent use.
type Pager struct {
	Mongo    Mongo
	Ditto    ditto.Executor
	Manifest *manifest.Manifest
	// Limits of a plan; zero means the default.
	Limits Limits
}

// PageSize is a good number of keys to ask for at a time. Ditto goes through
// the whole collection for every page, whatever its size, and so does
// SecantusDB.
func PageSize(s Source) int {
	if s == Ditto {
		return dittoPage
	}
	return mongoPage
}

const (
	mongoPage = 5_000
	dittoPage = 30_000
)

// Page returns up to n of the range's keys, from a position on: nil, or
// the Next or After of a page of this range.
func (p *Pager) Page(ctx context.Context, r Range, after json.RawMessage, n int) (Page, error) {
	page, err := p.page(ctx, r, after, max(n, 1))
	if err != nil {
		return Page{}, fmt.Errorf("page %s: %w", r.ID, err)
	}
	page.before = after
	return page, nil
}

func (p *Pager) page(ctx context.Context, r Range, after json.RawMessage, n int) (Page, error) {
	c := p.Manifest.Collection(r.Collection)
	if c == nil {
		return Page{}, fmt.Errorf("%w: collection %q is not configured", errRange, r.Collection)
	}
	pos, err := readPosition(after)
	if err != nil {
		return Page{}, err
	}
	switch r.Source {
	case MongoDB:
		return p.mongoPage(ctx, r, pos, n)
	case Ditto:
		return p.dittoPage(ctx, c, r, pos, n)
	case Ledger:
		return p.ledgerPage(ctx, r, pos, n)
	}
	return Page{}, fmt.Errorf("%w: unknown source %q", errRange, r.Source)
}

// remaining are the types from the position's on.
func remaining(types []string, pos position) ([]string, error) {
	if pos.Type == "" {
		return types, nil
	}
	i := slices.Index(types, pos.Type)
	if i < 0 {
		return nil, fmt.Errorf("%w: type %q is not of this range", errPosition, pos.Type)
	}
	return types[i:], nil
}

func api(c *manifest.Collection) ditto.API {
	if c.Strict {
		return ditto.V4
	}
	return ditto.V5
}
