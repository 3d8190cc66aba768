package sim

import (
	"context"
	"encoding/json"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
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
	switch r := w.rnd.Float64(); {
	case doc == nil:
		w.births++
		fields := bson.D{{Key: "_id", Value: mongoID(k)}, {Key: "a", Value: w.someValue()}, {Key: "b", Value: fmt.Sprint(w.someValue())}}
		if o := (bson.D{{Key: "x", Value: w.someValue()}}); w.chance(0.7) {
			if len(c.Counters) > 0 {
				o = append(o, bson.E{Key: "q", Value: 0})
			}
			fields = append(fields, bson.E{Key: "o", Value: o})
		}
		raw, _ := bson.Marshal(fields)
		w.mustMongo(k, mongodb.Model{Insert: raw})
	case r < 0.15:
		w.mustMongo(k, mongodb.Model{Filter: bson.D{{Key: "_id", Value: mongoID(k)}}})
	case r < 0.3 && len(c.Counters) > 0:
		w.resets++
		w.replaceMongo(k, doc, counterPath, int64(w.someValue()))
	case r < 0.4:
		w.replaceMongo(k, doc, w.fields[w.rnd.IntN(len(w.fields))], nil)
	default:
		p := w.fields[w.rnd.IntN(len(w.fields))]
		w.replaceMongo(k, doc, p, w.typed(p))
	}
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
		Filter: bson.D{{Key: "_id", Value: mongoID(k)}},
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
	id := json.RawMessage(k.ID)
	switch r := w.rnd.Float64(); {
	case doc == nil:
		w.births++
		d := map[string]any{"_id": id, "a": w.someValue(), "b": fmt.Sprint(w.someValue())}
		into := c.DittoName
		if w.chance(0.7) {
			o := map[string]any{"x": w.someValue()}
			if len(c.Counters) > 0 {
				o["q"] = 0
				into = "COLLECTION " + c.DittoName + " (o MAP(q COUNTER))"
				if w.chance(0.2) { // an app that does not know of the counter
					into = c.DittoName
				}
			}
			d["o"] = o
		}
		w.mustDitto(k, "INSERT INTO "+into+" DOCUMENTS (:d)", map[string]any{"d": d})
	case r < 0.15:
		w.mustDitto(k, "DELETE FROM "+c.DittoName+" WHERE _id = :id", map[string]any{"id": id})
	case r < 0.45 && len(c.Counters) > 0:
		if value.Lookup(doc, counterPath) == nil {
			w.resets++ // a counter that was gone begins anew
		}
		w.increments++
		w.mustDitto(k, "UPDATE "+c.DittoName+" APPLY o.q INCREMENT BY 1 WHERE _id = :id", map[string]any{"id": id})
	case c.Strict:
		w.dittoStrict(k, doc)
	case r < 0.55:
		p := w.fields[w.rnd.IntN(len(w.fields))]
		if value.Lookup(doc, p) == nil {
			return
		}
		w.mustDitto(k, "UPDATE "+c.DittoName+" UNSET "+p.String()+" WHERE _id = :id", map[string]any{"id": id})
	default:
		p := w.fields[w.rnd.IntN(len(w.fields))]
		w.mustDitto(k, "UPDATE "+c.DittoName+" SET "+p.String()+" = :v WHERE _id = :id", map[string]any{"id": id, "v": w.typed(p)})
	}
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

// mongoID is the MongoDB `_id` of a pair of the simulation: the same string.
func mongoID(k ledger.Key) string {
	var s string
	_ = json.Unmarshal([]byte(k.ID), &s)
	return s
}

func (w *World) mongoDoc(k ledger.Key) bson.Raw {
	docs, err := w.Mongo.Find(context.Background(), k.Collection, bson.D{{Key: "_id", Value: bson.D{{Key: "$in", Value: bson.A{mongoID(k)}}}}}, nil)
	if err != nil {
		w.fail("read MongoDB: %v", err)
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
	s, _ := id.Lookup("_id").StringValueOK()
	k := ledger.Key{Collection: collection, ID: jsonID(s)}
	w.trace("mongodb", "user", w.actor == nil, "id", s, "old", old.String(), "new", doc.String())
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
