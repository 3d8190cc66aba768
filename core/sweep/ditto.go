package sweep

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// everything is the type of a position in a Ditto collection that was read as
// a whole.
const everything = "all"

func dittoKinds() []string {
	var out []string
	for _, k := range dql.IDKinds() {
		out = append(out, string(k))
	}
	return out
}

func (p *Pager) dittoPage(ctx context.Context, c *manifest.Collection, r Range, pos position, n int) (page Page, err error) {
	if r.Type == "" && len(r.Except) == 0 && (pos.Type == "" || pos.Type == everything) {
		page, small, err := p.dittoWhole(ctx, c, pos, n)
		if small || err != nil {
			return page, err
		}
		pos = position{} // it has grown: from the beginning, by kinds
	}
	types, err := r.types(dittoKinds())
	if err != nil {
		return Page{}, err
	}
	if types, err = remaining(types, pos); err != nil {
		return Page{}, err
	}
	page.at = func(i int) (json.RawMessage, error) { return behindDitto(page.DittoIDs[i]) }
	last := docid.ID(pos.Key)
	for i, t := range types {
		want := n - page.Len()
		ids, err := p.dittoIDs(ctx, c, dql.PageIDs(c.DittoName, dql.IDKind(t), last, want))
		if ditto.IsTooLarge(err) && want > 1 {
			want /= 2
			ids, err = p.dittoIDs(ctx, c, dql.PageIDs(c.DittoName, dql.IDKind(t), last, want))
		}
		if err != nil {
			return Page{}, err
		}
		page.DittoIDs = append(page.DittoIDs, ids...)
		last = ""
		switch {
		case len(ids) == want:
			page.Next, err = behindDitto(ids[len(ids)-1])
			return page, err
		case page.Len() == n && i+1 < len(types):
			page.Next, err = position{Type: types[i+1]}.json()
			return page, err
		}
	}
	return page, nil
}

func behindDitto(id docid.ID) (json.RawMessage, error) {
	return position{Type: string(dql.IDKindOf(id)), Key: id.JSON()}.json()
}

// dittoWhole reads all ids of a small collection at once, whatever they are,
// and orders them here: one statement instead of one per kind.
func (p *Pager) dittoWhole(ctx context.Context, c *manifest.Collection, pos position, n int) (page Page, small bool, err error) {
	ids, err := p.dittoIDs(ctx, c, dql.AllIDs(c.DittoName, dittoPage+1))
	if ditto.IsTooLarge(err) || len(ids) > dittoPage {
		return Page{}, false, nil
	}
	if err != nil {
		return Page{}, false, err
	}
	slices.Sort(ids)
	from, found := slices.BinarySearch(ids, docid.ID(pos.Key))
	if found {
		from++
	}
	page.DittoIDs = ids[from:min(from+n, len(ids))]
	page.at = func(i int) (json.RawMessage, error) {
		return position{Type: everything, Key: page.DittoIDs[i].JSON()}.json()
	}
	if from+n < len(ids) {
		page.Next, err = page.at(n - 1)
	}
	return page, true, err
}

func (p *Pager) dittoIDs(ctx context.Context, c *manifest.Collection, st dql.Statement) ([]docid.ID, error) {
	resp, err := p.Ditto.Execute(ctx, ditto.Request{API: api(c), Statement: st.Text, Args: st.Args})
	if err != nil {
		return nil, fmt.Errorf("read ids of %s: %w", c.DittoName, err)
	}
	ids := make([]docid.ID, len(resp.Items))
	for i, item := range resp.Items {
		if ids[i], err = docid.Parse(value.Lookup(item, value.PathOf("_id"))); err != nil {
			return nil, fmt.Errorf("read ids of %s: %w", c.DittoName, err)
		}
	}
	return ids, nil
}

// dittoCount counts a collection's documents.
func (p *Pager) dittoCount(ctx context.Context, c *manifest.Collection) (int64, error) {
	st := dql.Count(c.DittoName)
	resp, err := p.Ditto.Execute(ctx, ditto.Request{API: api(c), Statement: st.Text})
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", c.DittoName, err)
	}
	var row struct {
		N *int64 `json:"n"`
	}
	if len(resp.Items) != 1 || json.Unmarshal(resp.Items[0], &row) != nil || row.N == nil {
		return 0, fmt.Errorf("count %s: unexpected answer", c.DittoName)
	}
	return *row.N, nil
}
