package sim

import (
	"context"
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
)

func (w *World) mongoUser(k ledger.Key) {
	c := w.rules()
	doc := w.mongoDoc(k)
	p := w.fields[w.rnd.IntN(len(w.fields))]
	o := value.LookupBSON(doc, objectPath)
	switch r := w.rnd.Float64(); {
	case doc == nil && w.deviceSpelled(k.ID):
	case doc == nil:
		w.insertMongo(k)
	case r < 0.05 && len(w.mongoIDs(k)) > 0:
		w.insertMongo(k) // another one, with the same Ditto id
	case r < 0.15:
		w.mustMongo(k, mongodb.Model{Filter: bson.D{{Key: "_id", Value: doc.Lookup("_id")}}})
	case r < 0.3 && len(c.Counters) > 0 && o.Type == bson.TypeEmbeddedDocument:
		w.hit(CounterReset)
		w.counts(k).unknown = true
		w.replaceMongo(k, doc, counterPath, int64(w.someValue()))
	case r < 0.4:
		w.replaceMongo(k, doc, p, nil)
	case r < 0.49 && !c.Strict:
		w.replaceObject(k, doc, o)
	default:
		if len(p.Parents()) > 0 && o.Type != bson.TypeEmbeddedDocument {
			if o.Type != 0 {
				w.hit(ScalarToObject)
			}
			w.replaceMongo(k, doc, p.Top(), bson.D{{Key: "x", Value: w.someValue()}})
			return
		}
		w.replaceMongo(k, doc, p, w.bsonOf(p))
	}
}

// replaceObject makes something else of the object.
func (w *World) replaceObject(k ledger.Key, doc bson.Raw, o bson.RawValue) {
	w.counts(k).unknown = true
	v := []any{w.someValue(), bson.D{}, bson.D{{Key: "x", Value: w.someValue()}}, bson.A{1, nil}}[w.rnd.IntN(4)]
	_, object := v.(bson.D)
	switch is := o.Type == bson.TypeEmbeddedDocument; {
	case is && !object:
		w.hit(ObjectToScalar)
	case !is && object && o.Type != 0:
		w.hit(ScalarToObject)
	}
	w.replaceMongo(k, doc, objectPath, v)
}

// bsonOf is typed, in one of the types that MongoDB has for it.
func (w *World) bsonOf(p value.Path) any {
	if p != numberPath {
		return w.typed(p)
	}
	n := w.someValue()
	switch w.rnd.IntN(4) {
	case 0:
		return int64(n)
	case 1:
		return float64(n)
	case 2:
		d, _ := bson.ParseDecimal128(fmt.Sprint(n))
		return d
	}
	return int32(n)
}

// mongoIDs are the `_id`s, or the makers of such, under which MongoDB can have
// one more document with the pair's Ditto id.
func (w *World) mongoIDs(k ledger.Key) []any {
	if !w.rules().OneToOne() {
		return []any{w.name("m")}
	}
	var free []any
	for _, id := range w.idValues(k.ID) {
		t, data, _ := bson.MarshalValue(id)
		taken := false
		for _, d := range w.mongoNow[k] {
			taken = taken || d.Lookup("_id").Equal(bson.RawValue{Type: t, Value: data})
		}
		if !taken {
			free = append(free, id)
		}
	}
	return free
}

func (w *World) insertMongo(k ledger.Key) {
	ids := w.mongoIDs(k)
	id := ids[0]
	if len(ids) > 1 && w.chance(0.2) {
		id = ids[1]
	}
	w.born(k, w.dittoNow[k] != nil)
	c := w.rules()
	fields := bson.D{{Key: "_id", Value: id}}
	if !c.OneToOne() {
		fields = append(fields, bson.E{Key: "k", Value: w.idValues(k.ID)[0]})
	}
	fields = append(fields, bson.E{Key: "a", Value: w.someValue()}, bson.E{Key: "b", Value: fmt.Sprint(w.someValue())})
	if w.chance(0.3) {
		fields = append(fields, bson.E{Key: "n", Value: w.bsonOf(numberPath)})
	}
	if o := (bson.D{{Key: "x", Value: w.someValue()}}); w.chance(0.7) {
		if len(c.Counters) > 0 {
			o = append(o, bson.E{Key: "q", Value: 0})
		}
		fields = append(fields, bson.E{Key: "o", Value: o})
	}
	raw, _ := bson.Marshal(fields)
	w.mustMongo(k, mongodb.Model{Insert: raw})
}

// born notes a user's insert, and whether the other side had one of its own.
func (w *World) born(k ledger.Key, other bool) {
	w.counts(k).births++
	if other && w.entries[k].State == ledger.None && !w.baseline {
		w.hit(BornTwice)
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
