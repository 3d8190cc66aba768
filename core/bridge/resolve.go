package bridge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// resolve finds out which pairs the hints name, and reads their entries. An
// event only names a candidate: a MongoDB document is first looked up in the
// ledger by its `_id`, and a stored entry's Ditto id wins over a computed one.
func (t *batch) resolve(ctx context.Context) error {
	keys, refs := make([]ledger.Key, 0, len(t.hints)), make([]ledger.MongoRef, 0, len(t.hints))
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
		for _, id := range h.MongoIDs {
			if k, ok := t.computed(h.Collection, id); ok {
				keys = append(keys, k)
			}
		}
	}
	entries, err := t.ledger.Read(ctx, unique(keys), refs)
	if err != nil {
		return fmt.Errorf("read ledger: %w", err)
	}
	byKey := make(map[ledger.Key]*ledger.Entry, len(entries))
	for i := range entries {
		byKey[entries[i].Key] = &entries[i]
	}
	known := indexEntries(entries)
	var unknown []nameless
	for i, h := range t.hints {
		switch {
		case t.unconfigured(h):
			t.verdicts[i].Err = Fail(h, caused{fmt.Errorf("collection %s is not configured", h.Collection), causeCollection})
			t.report.Failed++
		case !h.DittoID.IsZero():
			t.join(i, ledger.Key{Collection: h.Collection, ID: h.DittoID}, byKey)
		default:
			if ids := t.joinKnown(i, known, byKey); len(ids) > 0 {
				unknown = append(unknown, nameless{i, ids})
			}
		}
	}
	return t.resolveUnknown(ctx, unknown)
}

// nameless is a hint with those of its MongoDB ids for which neither the
// ledger nor the id itself tells the pair.
type nameless struct {
	hint int
	ids  []bson.RawValue
}

// joinKnown makes the hint one of each pair that its MongoDB ids can mean, and
// returns the ids that name none. An event in plain JSON leaves several ids:
// that the ledger knows one of them does not say that it was meant.
func (t *batch) joinKnown(i int, entries entryIndex, byKey map[ledger.Key]*ledger.Entry) (rest []bson.RawValue) {
	h := t.hints[i]
	for _, id := range h.MongoIDs {
		if e := entryOf(entries, h.Collection, id); e != nil {
			t.join(i, e.Key, byKey)
		} else if key, ok := t.computed(h.Collection, id); ok {
			t.join(i, key, byKey)
		} else {
			rest = append(rest, id)
		}
	}
	return rest
}

func (t *batch) unconfigured(h change.Hint) bool {
	return t.cfg.Manifest.Collection(h.Collection) == nil
}

// computed is the pair that a MongoDB id maps to by itself.
func (t *batch) computed(collection string, id bson.RawValue) (ledger.Key, bool) {
	m := t.mappers[collection]
	if !m.OneToOne() {
		return ledger.Key{}, false
	}
	did, err := m.FromMongoID(id)
	return ledger.Key{Collection: collection, ID: did}, err == nil
}

// resolveUnknown reads the mapped fields of documents that the ledger does not
// know, for their key alone: the protocol reads the documents again, after the
// ledger. A document of which no Ditto id can be made is parked.
func (t *batch) resolveUnknown(ctx context.Context, unknown []nameless) error {
	byCollection := map[string][]nameless{}
	for _, u := range unknown {
		name := t.hints[u.hint].Collection
		byCollection[name] = append(byCollection[name], u)
	}
	type found struct {
		hint int
		key  ledger.Key
	}
	var all []found
	for _, name := range sortedKeys(byCollection) {
		var ids []bson.RawValue
		for _, u := range byCollection[name] {
			ids = append(ids, u.ids...)
		}
		m := t.mappers[name]
		docs, err := t.mongo.FindIDs(ctx, name, ids, t.cfg.Manifest.Collection(name).Fields...)
		if err != nil {
			return fmt.Errorf("read mapped fields: %w", err)
		}
		t.noteGone(name, ids, docs)
		for _, doc := range docs {
			id := doc.Lookup("_id")
			did, err := m.FromMongo(doc)
			if err != nil { // of the document no more than these fields was read
				t.parkMongo(ctx, name, id, value.Absent, idProblem(err))
				continue
			}
			for _, u := range byCollection[name] {
				if slices.ContainsFunc(u.ids, func(v bson.RawValue) bool { return sameID(v, id) }) {
					all = append(all, found{u.hint, ledger.Key{Collection: name, ID: did}})
				}
			}
		}
	}
	if err := t.recordOrphans(ctx); err != nil || len(all) == 0 {
		return err
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

// noteGone notes the documents among ids that are not there any more.
func (t *batch) noteGone(collection string, ids []bson.RawValue, docs []bson.Raw) {
	for _, id := range ids {
		if !slices.ContainsFunc(docs, func(d bson.Raw) bool { return sameID(d.Lookup("_id"), id) }) {
			t.gone = append(t.gone, ledger.MongoUnsyncedID(collection, id))
		}
	}
}

// join makes the hint one of the pair's.
func (t *batch) join(i int, key ledger.Key, entries map[ledger.Key]*ledger.Entry) {
	p := t.pairs[key]
	if p == nil {
		if len(t.room) == 0 {
			t.room = make([]pair, min(len(t.hints), 16))
		}
		p, t.room = &t.room[0], t.room[1:]
		p.key, p.rules, p.mapper = key, t.cfg.Manifest.Collection(key.Collection), t.mappers[key.Collection]
		p.entry.Key = key
		if e := entries[key]; e != nil {
			p.entry = *e
		}
		t.pairs[key] = p
	}
	p.add(i, t.hints[i])
}

// entryIndex finds entries by what they record of MongoDB's `_id`.
type entryIndex struct {
	entries []ledger.Entry
	exact   map[exactRef]*ledger.Entry // a live one, if there is one
}

// exactRef is a MongoDB document by its `_id`'s type and bytes.
type exactRef struct{ collection, id string }

func indexEntries(entries []ledger.Entry) entryIndex {
	x := entryIndex{entries, make(map[exactRef]*ledger.Entry, len(entries))}
	for i := range entries {
		e := &entries[i]
		if e.MongoID.Type == 0 {
			continue
		}
		ref := exactRef{e.Key.Collection, exactID(e.MongoID)}
		if x.exact[ref] == nil || e.State == ledger.Live {
			x.exact[ref] = e
		}
	}
	return x
}

// entryOf is the entry that knows the MongoDB id, a live one first.
func entryOf(x entryIndex, collection string, id bson.RawValue) *ledger.Entry {
	if !id.IsNumber() {
		return x.exact[exactRef{collection, exactID(id)}]
	}
	var found *ledger.Entry
	for i := range x.entries {
		e := &x.entries[i]
		if e.Key.Collection != collection || e.MongoID.Type == 0 || !sameID(id, e.MongoID) {
			continue
		}
		if found == nil || e.State == ledger.Live {
			found = e
		}
	}
	return found
}

// mendID is for ids that know nothing better.
const mendID = "give the document an id that both sides can hold, or map other fields"

func idProblem(err error) problem {
	var e *docid.Error
	if !errors.As(err, &e) {
		return problem{Code: docid.ErrValue.Error(), Message: err.Error(), Mend: mendID}
	}
	return problem{Code: e.Code(), Message: e.What, Mend: cmp.Or(e.Mend, mendID)}
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
