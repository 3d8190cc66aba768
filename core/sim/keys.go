package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/core/value"
)

// Keys cuts in-memory collections into ranges and pages through them, as
// sweep.Pager does with real ones.
type Keys struct {
	Mongo    *mongosim.Sim
	Ditto    *dittosim.Store
	Manifest *manifest.Manifest
	Cuts     func() int  // how many ranges to make of a collection's keys in one source, 1 or more
	Empty    func() bool // nil, or whether Ditto shows no document
}

// key is one key, with its place in the order of its source.
type key struct {
	at    string
	mongo bson.RawValue
	ditto docid.ID
}

// Plan implements sweep.Keys.
func (s *Keys) Plan(_ context.Context, collections []*manifest.Collection, sources ...sweep.Source) ([]sweep.Range, sweep.Counts, error) {
	var ranges []sweep.Range
	counts := sweep.Counts{}
	for _, c := range collections {
		counts[c.Name] = map[sweep.Source]int64{}
		for _, source := range sources {
			keys, err := s.keys(c, source)
			if err != nil {
				return nil, nil, err
			}
			counts[c.Name][source] = int64(len(keys))
			n := max(1, min(s.Cuts(), len(keys)))
			for i := range n {
				r := sweep.Range{ID: fmt.Sprintf("%s/%s/%d", c.Name, source, i), Collection: c.Name, Source: source}
				if i > 0 {
					r.From, _ = json.Marshal(keys[i*len(keys)/n].at)
				}
				if i+1 < n {
					r.To, _ = json.Marshal(keys[(i+1)*len(keys)/n].at)
				}
				ranges = append(ranges, r)
			}
		}
	}
	return ranges, counts, nil
}

// Page implements sweep.Keys.
func (s *Keys) Page(_ context.Context, r sweep.Range, after json.RawMessage, n int) (sweep.Page, error) {
	keys, err := s.keys(s.Manifest.Collection(r.Collection), r.Source)
	if err != nil {
		return sweep.Page{}, err
	}
	text := func(js json.RawMessage) (out string) {
		_ = json.Unmarshal(js, &out)
		return out
	}
	var page sweep.Page
	var at []json.RawMessage
	for i, k := range keys {
		if r.From != nil && k.at < text(r.From) || r.To != nil && k.at >= text(r.To) || after != nil && k.at <= text(after) {
			continue
		}
		if page.Len() == n {
			page.Next = at[n-1]
			break
		}
		js, _ := json.Marshal(keys[i].at)
		at = append(at, js)
		switch r.Source {
		case sweep.MongoDB:
			page.MongoIDs = append(page.MongoIDs, k.mongo)
		case sweep.Ditto:
			page.DittoIDs = append(page.DittoIDs, k.ditto)
		default:
			page.Ledger = append(page.Ledger, ledger.Key{Collection: r.Collection, ID: k.ditto})
		}
	}
	return page.From(after, func(i int) (json.RawMessage, error) { return at[i], nil }), nil
}

func (s *Keys) keys(c *manifest.Collection, source sweep.Source) ([]key, error) {
	var out []key
	switch source {
	case sweep.MongoDB:
		for _, doc := range s.Mongo.All(c.Name) {
			id := doc.Lookup("_id")
			out = append(out, key{at: ledger.IDText(id), mongo: id})
		}
	case sweep.Ditto:
		if s.Empty != nil && s.Empty() {
			return nil, nil
		}
		resp, err := s.Ditto.Execute(context.Background(), ditto.Request{API: ditto.V5, Statement: "SELECT _id FROM `" + c.DittoName + "`"})
		if err != nil {
			return nil, err
		}
		for _, item := range resp.Items {
			id, err := docid.Parse(value.Lookup(item, value.PathOf("_id")))
			if err != nil {
				return nil, err
			}
			out = append(out, key{at: string(id), ditto: id})
		}
	case sweep.Ledger:
		for _, doc := range s.Mongo.All(ledger.Collection) {
			k, ok := ledger.ParseKey(doc.Lookup("_id").StringValue())
			if state, _ := doc.Lookup("state").StringValueOK(); ok && k.Collection == c.Name && state != string(ledger.Deleted) {
				out = append(out, key{at: string(k.ID), ditto: k.ID})
			}
		}
	}
	slices.SortFunc(out, func(a, b key) int { return strings.Compare(a.at, b.at) })
	return slices.CompactFunc(out, func(a, b key) bool { return a.at == b.at && bytes.Equal(a.mongo.Value, b.mongo.Value) }), nil
}
