package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
)

// resolve finds out which pairs the hints name, and reads their entries. An
// event only names a candidate: a MongoDB document is first looked up in the
// ledger by its `_id`, and a stored entry's Ditto id wins over a computed one.
func (t *batch) resolve(ctx context.Context) error {
	var keys []ledger.Key
	var refs []ledger.MongoRef
	for _, h := range t.hints {
		if t.unconfigured(h) {
			continue
		}
		if !h.DittoID.IsZero() {
			keys = append(keys, ledger.Key{Collection: h.Collection, ID: h.DittoID})
			continue
		}
		for _, id := range h.MongoIDs {
			refs = append(refs, ledger.MongoRef{Collection: h.Collection, ID: id})
		}
		for _, k := range t.computed(h) {
			keys = append(keys, k)
		}
	}
	entries, err := t.ledger.Read(ctx, unique(keys), refs)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	byKey := map[ledger.Key]*ledger.Entry{}
	for i := range entries {
		byKey[entries[i].Key] = &entries[i]
	}
	var unknown []int // hints of mapped collections that no entry knows
	for i, h := range t.hints {
		switch e := entryOf(entries, h); {
		case t.unconfigured(h):
			t.verdicts[i].Err = fmt.Errorf("collection %s is not configured", h.Collection)
			t.report.Failed++
		case !h.DittoID.IsZero():
			t.join(i, ledger.Key{Collection: h.Collection, ID: h.DittoID}, byKey)
		case e != nil:
			t.join(i, e.Key, byKey)
		case t.mappers[h.Collection].OneToOne():
			for _, k := range t.computed(h) {
				t.join(i, k, byKey)
			}
			if err := t.unmappable(ctx, i); err != nil {
				return err
			}
		default:
			unknown = append(unknown, i)
		}
	}
	return t.resolveMapped(ctx, unknown)
}

func (t *batch) unconfigured(h change.Hint) bool {
	return t.cfg.Manifest.Collection(h.Collection) == nil
}

// computed lists the pairs that the hint's MongoDB ids map to by themselves.
func (t *batch) computed(h change.Hint) []ledger.Key {
	m := t.mappers[h.Collection]
	if !m.OneToOne() {
		return nil
	}
	var keys []ledger.Key
	for _, id := range h.MongoIDs {
		if did, err := m.FromMongoID(id); err == nil {
			keys = append(keys, ledger.Key{Collection: h.Collection, ID: did})
		}
	}
	return unique(keys)
}

// unmappable parks a document whose `_id` no Ditto id can stand for.
func (t *batch) unmappable(ctx context.Context, i int) error {
	h := t.hints[i]
	if h.Op == change.Remove || len(h.MongoIDs) == 0 {
		return nil
	}
	for _, id := range h.MongoIDs {
		if _, err := t.mappers[h.Collection].FromMongoID(id); err != nil && len(t.computed(h)) == 0 {
			return t.parkMongo(ctx, h.Collection, id, idProblem(err))
		}
	}
	return nil
}

// resolveMapped reads the mapped fields of documents that the ledger does not
// know, for their key alone: the protocol reads the documents again, after the
// ledger.
func (t *batch) resolveMapped(ctx context.Context, unknown []int) error {
	byCollection := map[string][]int{}
	for _, i := range unknown {
		byCollection[t.hints[i].Collection] = append(byCollection[t.hints[i].Collection], i)
	}
	type found struct {
		hint int
		key  ledger.Key
	}
	var all []found
	for _, name := range sortedKeys(byCollection) {
		var ids []bson.RawValue
		for _, i := range byCollection[name] {
			ids = append(ids, t.hints[i].MongoIDs...)
		}
		m := t.mappers[name]
		docs, err := t.mongo.FindIDs(ctx, name, ids, t.cfg.Manifest.Collection(name).Fields...)
		if err != nil {
			return fmt.Errorf("read mapped fields: %w", err)
		}
		for _, doc := range docs {
			id := doc.Lookup("_id")
			did, err := m.FromMongo(doc)
			if err != nil {
				if err := t.parkMongo(ctx, name, id, idProblem(err)); err != nil {
					return err
				}
				continue
			}
			for _, i := range byCollection[name] {
				if slices.ContainsFunc(t.hints[i].MongoIDs, func(v bson.RawValue) bool { return sameID(v, id) }) {
					all = append(all, found{i, ledger.Key{Collection: name, ID: did}})
				}
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	keys := make([]ledger.Key, 0, len(all))
	for _, f := range all {
		keys = append(keys, f.key)
	}
	entries, err := t.ledger.Read(ctx, unique(keys), nil)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	byKey := map[ledger.Key]*ledger.Entry{}
	for i := range entries {
		byKey[entries[i].Key] = &entries[i]
	}
	for _, f := range all {
		t.join(f.hint, f.key, byKey)
	}
	return nil
}

// join makes the hint one of the pair's.
func (t *batch) join(i int, key ledger.Key, entries map[ledger.Key]*ledger.Entry) {
	p := t.pairs[key]
	if p == nil {
		p = &pair{key: key, rules: t.cfg.Manifest.Collection(key.Collection), mapper: t.mappers[key.Collection]}
		p.entry.Key = key
		if e := entries[key]; e != nil {
			p.entry = *e
		}
		t.pairs[key] = p
	}
	p.add(i, t.hints[i])
}

// entryOf is the entry that knows one of the hint's MongoDB ids, a live one
// first.
func entryOf(entries []ledger.Entry, h change.Hint) *ledger.Entry {
	var found *ledger.Entry
	for i := range entries {
		e := &entries[i]
		if e.Key.Collection != h.Collection || e.MongoID.Type == 0 {
			continue
		}
		if !slices.ContainsFunc(h.MongoIDs, func(v bson.RawValue) bool { return sameID(v, e.MongoID) }) {
			continue
		}
		if found == nil || e.State == ledger.Live {
			found = e
		}
	}
	return found
}

func idProblem(err error) problem {
	var e *docid.Error
	if !errors.As(err, &e) {
		return problem{Code: "id", Message: err.Error()}
	}
	return problem{Code: e.Code(), Message: e.What, Mend: e.Mend}
}

// takenDocument is the problem of the second Ditto document with one MongoDB
// document.
func takenDocument(c *manifest.Collection) *problem {
	return &problem{
		Code:    "duplicate-id",
		Message: fmt.Sprintf("another Ditto document of %s is the pair of the same MongoDB document", c.Name),
		Mend:    "remove one of the Ditto documents: their ids mean the same in MongoDB",
	}
}

// conflictingID is the problem of the second document with one Ditto id.
func conflictingID(c *manifest.Collection) problem {
	return problem{
		Code:    "duplicate-id",
		Message: fmt.Sprintf("another document of %s has the same Ditto id", c.Name),
		Mend:    "remove one of the documents, or map fields that are unique",
	}
}
