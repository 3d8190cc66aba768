package sim

import (
	"context"
	"encoding/json"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/value"
)

var (
	counterPath = value.PathOf("o", "q")
	fieldPaths  = []value.Path{value.PathOf("a"), value.PathOf("b"), value.PathOf("o", "x"), value.PathOf("o", "y")}
)

// userActs lets a user change a document on one side. It is one atomic action,
// and the database announces it.
func (w *World) userActs() {
	w.uid++
	w.actor = nil
	k := w.keys[w.rnd.IntN(len(w.keys))]
	if w.rnd.IntN(2) == 0 {
		w.mongoUser(k)
	} else {
		w.dittoUser(k)
	}
}

// typed is a value such as the path usually holds: `b` has strings, so that a
// value can return to an earlier one in both forms.
func (w *World) typed(p value.Path) any {
	if p == value.PathOf("b") && w.chance(0.8) {
		return fmt.Sprint(w.someValue())
	}
	return w.someValue()
}

func (w *World) someValue() int { return w.rnd.IntN(w.domain) }

func (w *World) mongoUser(k ledger.Key) {
	c := w.manifest.Collection(k.Collection)
	doc := w.mongoDoc(k)
	p := w.fields[w.rnd.IntN(len(w.fields))]
	switch r := w.rnd.Float64(); {
	case doc == nil:
		w.insertMongo(k)
	case r < 0.04 && !c.OneToOne():
		w.insertMongo(k)
	case r < 0.15:
		w.mustMongo(k, mongodb.Model{Filter: bson.D{{Key: "_id", Value: doc.Lookup("_id")}}})
	case r < 0.3 && len(c.Counters) > 0 && value.LookupBSON(doc, value.PathOf("o")).Type == bson.TypeEmbeddedDocument:
		w.resets++
		w.hit("counter reset")
		w.replaceMongo(k, doc, counterPath, int64(w.someValue()))
	case r < 0.4:
		w.replaceMongo(k, doc, p, nil)
	case r < 0.47 && !c.Strict:
		w.hit("object becomes a scalar")
		w.resets++
		w.replaceMongo(k, doc, value.PathOf("o"), []any{w.someValue(), bson.D{}, bson.D{{Key: "x", Value: w.someValue()}}, bson.A{1}}[w.rnd.IntN(4)])
	default:
		if len(p.Parents()) > 0 && value.LookupBSON(doc, p.Top()).Type != bson.TypeEmbeddedDocument {
			w.replaceMongo(k, doc, p.Top(), bson.D{{Key: "x", Value: w.someValue()}})
			return
		}
		w.replaceMongo(k, doc, p, w.typed(p))
	}
}

func (w *World) insertMongo(k ledger.Key) {
	w.births++
	c := w.manifest.Collection(k.Collection)
	var id any = idValue(k)
	fields := bson.D{}
	if !c.OneToOne() {
		fields = append(fields, bson.E{Key: "k", Value: id})
		id = w.name("m")
	}
	fields = append(fields, bson.E{Key: "_id", Value: id}, bson.E{Key: "a", Value: w.someValue()}, bson.E{Key: "b", Value: fmt.Sprint(w.someValue())})
	if o := (bson.D{{Key: "x", Value: w.someValue()}}); w.chance(0.7) {
		if len(c.Counters) > 0 {
			o = append(o, bson.E{Key: "q", Value: 0})
		}
		fields = append(fields, bson.E{Key: "o", Value: o})
	}
	raw, _ := bson.Marshal(fields)
	w.mustMongo(k, mongodb.Model{Insert: raw})
}

func (w *World) replaceMongo(k ledger.Key, doc bson.Raw, p value.Path, v any) {
	var rv bson.RawValue
	if v != nil {
		t, data, _ := bson.MarshalValue(v)
		rv = bson.RawValue{Type: t, Value: data}
	}
	next, err := value.ReplaceBSON(doc, p, rv)
	if err != nil {
		w.fail("user: %v", err)
		return
	}
	w.mustMongo(k, mongodb.Model{
		Filter: bson.D{{Key: "_id", Value: doc.Lookup("_id")}},
		Update: bson.A{bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "$literal", Value: next}}}}},
	})
}

func (w *World) mustMongo(k ledger.Key, m mongodb.Model) {
	r, err := w.Mongo.Write(context.Background(), k.Collection, []mongodb.Model{m})
	if err != nil || len(r.Errors) > 0 {
		w.fail("user in MongoDB: %v %v", err, r.Errors)
	}
}

func (w *World) dittoUser(k ledger.Key) {
	c := w.manifest.Collection(k.Collection)
	doc := w.dittoDoc(k)
	id := map[string]any{"id": json.RawMessage(k.ID)}
	p := w.fields[w.rnd.IntN(len(w.fields))]
	o := value.Lookup(doc, value.PathOf("o"))
	isObject := len(o) > 0 && o[0] == '{' && !value.IsWrapper(o)
	update := "UPDATE " + c.DittoName
	switch r := w.rnd.Float64(); {
	case doc == nil:
		w.insertDitto(k)
	case r < 0.15:
		w.mustDitto(k, "DELETE FROM "+c.DittoName+" WHERE _id = :id", id)
	case r < 0.45 && len(c.Counters) > 0 && isObject:
		if value.Lookup(doc, counterPath) == nil {
			w.resets++ // a counter that was gone begins anew
		}
		w.increments++
		w.mustDitto(k, update+" APPLY o.q INCREMENT BY 1 WHERE _id = :id", id)
	case c.Strict:
		w.dittoStrict(k, doc)
	case r < 0.5 && value.Lookup(doc, value.PathOf("b")) != nil && o != nil:
		// What a delete on one device and an edit on another leave behind.
		w.hit("husk")
		w.resets++
		id["v"] = w.someValue()
		w.mustDitto(k, update+" SET a = :v UNSET b, o WHERE _id = :id", id)
	case r < 0.58:
		if value.Lookup(doc, p) != nil {
			w.mustDitto(k, update+" UNSET "+p.String()+" WHERE _id = :id", id)
		}
	case r < 0.63:
		w.hit("object becomes a scalar")
		w.resets++
		id["v"] = []any{w.someValue(), map[string]any{}, []int{1}}[w.rnd.IntN(3)]
		w.mustDitto(k, update+" SET o = :v WHERE _id = :id", id)
	case len(p.Parents()) > 0 && value.IsWrapper(o):
		// SET would merge keys into the wrapper, which is nobody's value.
	case len(p.Parents()) > 0 && o != nil && !isObject:
		w.resets++ // an older counter may show again
		id["v"] = map[string]any{"x": w.someValue()}
		w.mustDitto(k, update+" SET o = :v WHERE _id = :id", id)
	default:
		id["v"] = w.typed(p)
		w.mustDitto(k, update+" SET "+p.String()+" = :v WHERE _id = :id", id)
	}
}

func (w *World) insertDitto(k ledger.Key) {
	w.births++
	c := w.manifest.Collection(k.Collection)
	d := map[string]any{"_id": json.RawMessage(k.ID), "a": w.someValue(), "b": fmt.Sprint(w.someValue())}
	if !c.OneToOne() {
		if w.chance(0.5) {
			d["k"] = json.RawMessage(k.ID)
		} else {
			w.hit("mapped field filled in")
		}
	}
	into := c.DittoName
	if w.chance(0.7) {
		o := map[string]any{"x": w.someValue()}
		if len(c.Counters) > 0 {
			o["q"] = 0
			into = "COLLECTION " + c.DittoName + " (o MAP(q COUNTER))"
			if w.chance(0.2) { // an app that does not know of the counter
				w.hit("register at a counter path")
				into = c.DittoName
			}
		}
		d["o"] = o
	}
	w.mustDitto(k, "INSERT INTO "+into+" DOCUMENTS (:d)", map[string]any{"d": d})
}

// dittoStrict changes a top-level field, the only kind there is.
func (w *World) dittoStrict(k ledger.Key, doc []byte) {
	id := json.RawMessage(k.ID)
	f := w.fields[w.rnd.IntN(len(w.fields))].Segments()[0]
	if w.chance(0.25) {
		if value.Lookup(doc, value.PathOf(f)) != nil {
			w.mustDitto(k, "UPDATE "+k.Collection+" UNSET "+f+" WHERE _id = :id", map[string]any{"id": id})
		}
		return
	}
	v := w.typed(value.PathOf(f))
	if f == "o" {
		v = map[string]any{"x": w.someValue(), "y": w.someValue()}
	}
	w.mustDitto(k, "UPDATE "+k.Collection+" SET "+f+" = :v WHERE _id = :id", map[string]any{"id": id, "v": v})
}

func (w *World) mustDitto(k ledger.Key, statement string, args map[string]any) {
	js, err := json.Marshal(args)
	if err == nil {
		_, err = w.Ditto.Execute(context.Background(), ditto.Request{API: w.api(k), Statement: statement, Args: js, Write: true})
	}
	if err != nil {
		w.fail("user in Ditto: %s: %v", statement, err)
	}
}

func (w *World) api(k ledger.Key) ditto.API {
	if w.manifest.Collection(k.Collection).Strict {
		return ditto.V4
	}
	return ditto.V5
}

// idValue is the MongoDB value that a pair's Ditto id stands for.
func idValue(k ledger.Key) any {
	v, _ := value.Decode([]byte(k.ID), bson.RawValue{}, value.EJSON)
	return v
}

// mongoDoc is the pair's document in MongoDB: with several, the one that the
// ledger knows.
func (w *World) mongoDoc(k ledger.Key) bson.Raw {
	field := w.manifest.Collection(k.Collection).Fields[0]
	docs, err := w.Mongo.Find(context.Background(), k.Collection, bson.D{{Key: field, Value: bson.D{{Key: "$in", Value: bson.A{idValue(k)}}}}}, nil)
	if err != nil {
		w.fail("read MongoDB: %v", err)
	}
	for _, d := range docs {
		if d.Lookup("_id").Equal(w.entries[k].MongoID) {
			return d
		}
	}
	if len(docs) == 0 {
		return nil
	}
	return docs[0]
}

func (w *World) dittoDoc(k ledger.Key) []byte {
	args, _ := json.Marshal(map[string]any{"id": json.RawMessage(k.ID)})
	r, err := w.Ditto.Execute(context.Background(), ditto.Request{API: w.api(k), Statement: "SELECT * FROM " + k.Collection + " WHERE _id = :id", Args: args})
	if err != nil {
		w.fail("read Ditto: %v", err)
	}
	if len(r.Items) == 0 {
		return nil
	}
	return r.Items[0]
}

// onMongo sees every write in MongoDB, the ledger's included.
func (w *World) onMongo(collection string, old, doc bson.Raw) {
	c := w.manifest.Collection(collection)
	if c == nil {
		if collection == ledger.Collection {
			w.sawLedger(doc)
		}
		return
	}
	id := doc
	if id == nil {
		id = old
	}
	js, _ := value.AppendDitto(nil, id.Lookup(c.Fields[0]), c.Mode)
	k := ledger.Key{Collection: collection, ID: docid.ID(js)}
	if old == nil && !c.OneToOne() {
		docs, _ := w.Mongo.Find(context.Background(), collection, bson.D{{Key: "k", Value: bson.D{{Key: "$in", Value: bson.A{idValue(k)}}}}}, nil)
		if len(docs) > 1 {
			w.hit("two MongoDB documents for one id")
			w.loose = true
		}
	}
	w.trace("mongodb", "user", w.actor == nil, "id", string(js), "old", old.String(), "new", doc.String())
	w.saw(k, value.MongoDB, unitsOfMongo(c, old), unitsOfMongo(c, doc))
	op := change.Upsert
	if doc == nil {
		op = change.Remove
	}
	w.announce(change.Hint{Collection: collection, MongoIDs: []bson.RawValue{id.Lookup("_id")}, Side: value.MongoDB, Op: op})
}

// onDitto sees every write in Ditto.
func (w *World) onDitto(x dittosim.Write) {
	c := w.manifest.DittoCollection(x.Collection)
	k := ledger.Key{Collection: c.Name, ID: x.ID}
	w.trace("ditto", "user", w.actor == nil, "id", x.ID, "old", string(x.Old), "new", string(x.New), "txn", x.Txn)
	w.saw(k, value.Ditto, unitsOfDitto(c, x.Old), unitsOfDitto(c, x.New))
	op := change.Upsert
	if x.New == nil {
		op = change.Remove
	}
	w.announce(change.Hint{Collection: c.Name, DittoID: x.ID, Side: value.Ditto, Op: op, Txn: x.Txn})
}
