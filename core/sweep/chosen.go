package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
)

// Sources of a run that a person asked for by keys. They are one range each,
// and begin anew when they are run again.
const (
	chosen Source = "chosen"   // by id, or by a filter
	parked Source = "unsynced" // what could not be synced
)

// maxChosen bounds what is settled by keys; for more there are whole runs.
const maxChosen = 10_000

// DittoID is a key of Input.IDs that names a Ditto id.
type DittoID struct {
	Ditto json.RawMessage `json:"ditto"`
}

// explicitHints are the keys that a person asked for.
func (c *copier) explicitHints(ctx context.Context) ([]change.Hint, error) {
	var hints []change.Hint
	var err error
	switch in := &c.run.input; {
	case c.rng.Source == parked:
		hints, err = c.parkedHints(ctx)
	case len(in.IDs) > 0:
		hints, err = chosenHints(c.rng.Collection, in.IDs)
	default:
		hints, err = c.filterHints(ctx, in.Filter)
	}
	if err == nil && len(hints) > maxChosen {
		err = fmt.Errorf("%d documents are too many to settle by keys (%d at most): repair the whole collection", len(hints), maxChosen)
	}
	return hints, err
}

func (c *copier) parkedHints(ctx context.Context) ([]change.Hint, error) {
	list, err := ledger.Records{DB: c.DB}.ListUnsynced(ctx, c.rng.Collection)
	if err != nil {
		return nil, err
	}
	c.recorded = map[string]string{}
	var hints []change.Hint
	for _, u := range list {
		h := change.Hint{Collection: u.Collection, DittoID: u.DittoID, Op: change.Sweep}
		if u.MongoID.Type != 0 {
			h.MongoIDs = []bson.RawValue{u.MongoID}
			c.recorded[ledger.IDText(u.MongoID)] = u.ID
		}
		if len(h.MongoIDs) > 0 || !h.DittoID.IsZero() {
			hints = append(hints, h)
		}
	}
	return hints, nil
}

func chosenHints(collection string, ids []json.RawMessage) ([]change.Hint, error) {
	var hints []change.Hint
	for _, js := range ids {
		var byDitto DittoID
		if json.Unmarshal(js, &byDitto) == nil && byDitto.Ditto != nil {
			id, err := docid.Parse(byDitto.Ditto)
			if err != nil {
				return nil, fmt.Errorf("id %s: %w", js, err)
			}
			hints = append(hints, keyHint(ledger.Key{Collection: collection, ID: id}))
			continue
		}
		v, err := parseExtJSON(js)
		if err != nil || v.Type == 0 {
			return nil, fmt.Errorf("id %s is no Extended JSON value: write \"text\" in quotes, {\"$oid\": \"…\"} for an ObjectId", js)
		}
		hints = append(hints, mongoHint(collection, v))
	}
	return hints, nil
}

func (c *copier) filterHints(ctx context.Context, filter json.RawMessage) ([]change.Hint, error) {
	var query bson.D
	if err := bson.UnmarshalExtJSON(filter, false, &query); err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	if len(query) == 0 {
		return nil, errors.New("an empty filter chooses everything: repair the whole collection")
	}
	docs, err := c.DB.Find(ctx, c.rng.Collection, query, bson.D{{Key: "_id", Value: 1}})
	if err != nil {
		return nil, fmt.Errorf("filter: %w", err)
	}
	var hints []change.Hint
	for _, d := range docs {
		hints = append(hints, mongoHint(c.rng.Collection, d.Lookup("_id")))
	}
	return hints, nil
}
