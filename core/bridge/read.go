package bridge

import (
	"context"
	"fmt"
	"slices"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// read reads both sides of the pairs, collection by collection, in bulk.
func (t *batch) read(ctx context.Context, pairs []*pair) {
	for _, name := range collections(pairs) {
		of := inCollection(pairs, name)
		for _, p := range of {
			p.before()
		}
		err := t.cfg.Both(
			func() error { return t.readMongo(ctx, of) },
			func() error { return t.readDitto(ctx, of) },
		)
		switch {
		case ditto.IsBehind(err):
			t.abandon(ctx, of, errBehind)
		case err != nil:
			t.abandon(ctx, of, err)
		}
	}
}

func dittoCollection(c *manifest.Collection) ditto.Collection {
	return ditto.Collection{Name: c.DittoName, Strict: c.Strict, Counters: c.Counters}
}

func (t *batch) readDitto(ctx context.Context, pairs []*pair) error {
	ids := make([]docid.ID, len(pairs))
	for i, p := range pairs {
		ids[i] = p.key.ID
	}
	sizes := make(map[docid.ID]int, len(pairs))
	for _, p := range pairs {
		sizes[p.key.ID] = p.entry.Size
	}
	docs, at, err := t.ditto.ReadSized(ctx, dittoCollection(pairs[0].rules), ids, t.transaction(pairs), func(id docid.ID) int { return sizes[id] })
	if err != nil {
		return fmt.Errorf("read Ditto: %w", err)
	}
	for _, p := range pairs {
		p.readAt = at
		if d, ok := docs[p.key.ID]; ok {
			p.ditto = &d
		}
	}
	return nil
}

// transaction is the one that a read of these pairs must reflect: the highest
// that an event or an entry names, unless it is so old that every node has it.
func (t *batch) transaction(pairs []*pair) int64 {
	now := t.cfg.Now()
	var txn int64
	for _, p := range pairs {
		if now.Sub(p.entry.At) < txnLife || p.mine {
			txn = max(txn, p.entry.Txn)
		}
		if p.rounds > 0 {
			txn = max(txn, p.seen)
		}
		for _, i := range p.hints {
			if h := t.hints[i]; h.At.IsZero() || now.Sub(h.At) < txnLife {
				txn = max(txn, h.Txn)
			}
		}
	}
	return txn
}

func (t *batch) readMongo(ctx context.Context, pairs []*pair) error {
	name := pairs[0].rules.Name
	var ids []bson.RawValue
	var byFields []*pair
	for _, p := range pairs {
		known := p.lookups()
		if len(known) == 0 {
			byFields = append(byFields, p)
		}
		ids = append(ids, known...)
	}
	if len(ids) > 0 {
		docs, err := t.mongo.FindIDs(ctx, name, ids)
		if err != nil {
			return fmt.Errorf("read MongoDB: %w", err)
		}
		byID := indexByID(docs)
		for _, p := range pairs {
			if p.mongoRemoved && p.rounds == 0 {
				t.noteGone(name, slices.DeleteFunc(slices.Clone(p.mongoIDs), func(id bson.RawValue) bool { return sameID(id, p.entry.MongoID) }), docs)
			}
			p.takeByID(byID)
			if p.mongo == nil && p.problem == nil && len(p.lookups()) > 0 {
				byFields = append(byFields, p)
			}
		}
	}
	return t.readElsewhere(ctx, name, byFields)
}

// lookups lists the `_id`s under which MongoDB may hold the pair's document:
// the one that the ledger records, with its BSON type, and those of the events;
// without either, for a one-to-one collection, all that the Ditto id can mean.
func (p *pair) lookups() []bson.RawValue {
	var ids []bson.RawValue
	if p.entry.MongoID.Type != 0 {
		ids = append(ids, p.entry.MongoID)
	}
	ids = append(ids, p.mongoIDs...)
	if len(ids) == 0 && p.mapper.OneToOne() {
		return p.mapper.Candidates(p.key.ID)
	}
	return ids
}

// byID finds documents by `_id`.
type byID struct {
	docs  []bson.Raw
	exact map[string]bson.Raw // by type and bytes
}

func indexByID(docs []bson.Raw) byID {
	x := byID{docs, make(map[string]bson.Raw, len(docs))}
	for _, doc := range docs {
		id := doc.Lookup("_id")
		x.exact[exactID(id)] = doc
	}
	return x
}

func exactID(id bson.RawValue) string { return string(byte(id.Type)) + string(id.Value) }

// find is the document with this `_id`, as MongoDB compares them: 5 finds 5.0.
func (x byID) find(id bson.RawValue) bson.Raw {
	if doc := x.exact[exactID(id)]; doc != nil || !id.IsNumber() {
		return doc
	}
	i := slices.IndexFunc(x.docs, func(doc bson.Raw) bool { return sameID(doc.Lookup("_id"), id) })
	if i < 0 {
		return nil
	}
	return x.docs[i]
}

// takeByID picks the pair's document among those found by `_id`: the recorded
// one first. Further ones have the same Ditto id and are parked.
func (p *pair) takeByID(docs byID) {
	for _, id := range p.lookups() {
		doc := docs.find(id)
		if doc == nil || p.mongo != nil && sameID(p.mongo.Lookup("_id"), id) {
			continue
		}
		switch recorded := p.entry.Exists() && sameID(id, p.entry.MongoID); {
		case p.mapper.OneToOne() && recorded, p.owns(doc):
			p.take(doc)
		case recorded:
			p.problem = mappedFieldChanged(p.rules)
		}
	}
}

// owns reports whether the pair's Ditto id is that of a MongoDB document. A
// device may spell a document's id in another way than Causeway would, so in a
// pair that Ditto has named, and that has no `_id` yet, it is enough that the
// two mean the same.
func (p *pair) owns(doc bson.Raw) bool {
	loose := !p.mapper.OneToOne() || p.named && p.entry.MongoID.Type == 0
	return p.mapper.Matches(doc, p.key.ID) || loose && p.mapper.Pairs(doc, p.key.ID)
}

func (p *pair) take(doc bson.Raw) {
	switch {
	case p.mongo == nil:
		p.mongo = doc
	case !sameID(p.mongo.Lookup("_id"), doc.Lookup("_id")):
		p.others = append(p.others, doc)
	}
}

// readElsewhere looks for documents that are not under the recorded `_id`: by
// the other BSON types of a one-to-one id, or by the mapped fields.
func (t *batch) readElsewhere(ctx context.Context, name string, pairs []*pair) error {
	if len(pairs) == 0 {
		return nil
	}
	if pairs[0].mapper.OneToOne() {
		var ids []bson.RawValue
		others := make([][]bson.RawValue, len(pairs))
		for i, p := range pairs {
			known := p.lookups()
			for _, id := range p.mapper.Candidates(p.key.ID) {
				if !slices.ContainsFunc(known, func(v bson.RawValue) bool { return sameID(v, id) }) {
					others[i] = append(others[i], id)
				}
			}
			ids = append(ids, others[i]...)
		}
		if len(ids) == 0 {
			return nil
		}
		docs, err := t.mongo.FindIDs(ctx, name, ids)
		if err != nil {
			return fmt.Errorf("read MongoDB: %w", err)
		}
		for i, p := range pairs {
			for _, d := range docs {
				if slices.ContainsFunc(others[i], d.Lookup("_id").Equal) && p.owns(d) {
					p.take(d)
				}
			}
		}
		return nil
	}
	var queries [][]mongodb.FieldValues
	byID := map[docid.ID]*pair{}
	for _, p := range pairs {
		fields, err := p.mapper.MappedCandidates(p.key.ID)
		if err != nil { // no MongoDB document can have this id
			continue
		}
		query := make([]mongodb.FieldValues, len(fields))
		for i, f := range fields {
			query[i] = mongodb.FieldValues{Name: f.Name, Values: f.Values}
		}
		queries = append(queries, query)
		byID[p.key.ID] = p
	}
	if len(queries) == 0 {
		return nil
	}
	docs, err := t.mongo.FindMapped(ctx, name, queries)
	if err != nil {
		return fmt.Errorf("read MongoDB by mapped fields: %w", err)
	}
	for _, d := range docs {
		id, err := pairs[0].mapper.FromMongo(d)
		if p := byID[id]; err == nil && p != nil {
			p.take(d)
			continue
		}
		for _, p := range pairs { // a device may spell the same id in another way
			if p.mapper.Pairs(d, p.key.ID) {
				p.take(d)
			}
		}
	}
	return nil
}

// born works out the MongoDB `_id` of a document born in Ditto. It is chosen
// once: the claim records it. The problem is that of an id which no MongoDB
// document can have.
func (t *batch) born(p *pair) *problem {
	var err error
	switch {
	case p.mapper.OneToOne():
		p.newID, err = p.mapper.Born(p.key.ID)
	default:
		if _, err = p.mapper.MappedCandidates(p.key.ID); err == nil && p.newID.Type == 0 {
			id := t.cfg.NewID()
			p.newID = bson.RawValue{Type: bson.TypeObjectID, Value: id[:]}
		}
	}
	if err != nil {
		why := idProblem(err)
		return &why
	}
	return nil
}

// before forgets the last round's documents, but remembers whether they moved.
func (p *pair) before() {
	if p.rounds > 0 {
		p.lastMongo, p.lastDitto = p.mongo, p.ditto
	}
	p.mongo, p.ditto, p.others, p.problem = nil, nil, nil, nil
}
