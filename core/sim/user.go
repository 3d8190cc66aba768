package sim

import (
	"fmt"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/sim/dittosim"
	"github.com/causeway-sync/causeway/core/value"
)

// The documents' fields: numbers at a and n, where MongoDB's may be of any
// numeric type at n; strings at b; an object at o with a counter at o.q.
var (
	objectPath  = value.PathOf("o")
	counterPath = value.PathOf("o", "q")
	numberPath  = value.PathOf("n")
	fieldPaths  = []value.Path{value.PathOf("a"), value.PathOf("b"), numberPath, value.PathOf("o", "x"), value.PathOf("o", "y")}
)

// metadata is a field of the old connector in Ditto: never copied, never
// removed.
const metadata = "_mdb"

// userActs lets a user change a document on one side. It is one atomic action,
// and the database announces it.
func (w *World) userActs() {
	w.uid++
	w.actor = nil
	k := w.keys[w.rnd.IntN(len(w.keys))]
	if w.baselines > 0 && w.active {
		w.hit(WrittenDuringBaseline)
	}
	if w.rnd.IntN(2) == 0 {
		w.mongoUser(k)
	} else {
		w.dittoUser(k)
	}
	w.lookForContaining(k)
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

// lookForContaining notes whether users made a scalar of the object on one side
// and changed what is in it on the other.
func (w *World) lookForContaining(k ledger.Key) {
	var changed, object, scalar [2]bool
	for i, side := range []value.Side{value.MongoDB, value.Ditto} {
		for u, t := range w.units {
			if u.key != k || t.now[at(side)].val == "" || !objectPath.Contains(u.path) {
				continue
			}
			changed[i] = changed[i] || t.uid[at(side)] > w.equalAt[k]
			object[i], scalar[i] = object[i] || u.path != objectPath, scalar[i] || u.path == objectPath
		}
	}
	if changed[0] && changed[1] && (object[0] && scalar[1] || scalar[0] && object[1]) {
		w.hit(UnitsContain)
	}
}

func (w *World) rules() *manifest.Collection { return &w.manifest.Collections[0] }

func (w *World) api() ditto.API {
	if w.rules().Strict {
		return ditto.V4
	}
	return ditto.V5
}

// idValues are the MongoDB values that a pair's Ditto id stands for, the usual
// one first.
func (w *World) idValues(id docid.ID) []any {
	v, _ := value.Decode([]byte(id), bson.RawValue{}, value.EJSON)
	if s, ok := v.StringValueOK(); ok {
		if oid, err := bson.ObjectIDFromHex(s); err == nil {
			return []any{oid, s}
		}
	}
	return []any{v}
}

// mongoDoc is the pair's document in MongoDB: with several, the one that the
// ledger knows.
func (w *World) mongoDoc(k ledger.Key) bson.Raw {
	docs := w.mongoNow[k]
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

// keyOf is the pair to which a MongoDB document belongs.
func (w *World) keyOf(doc bson.Raw) ledger.Key {
	c := w.rules()
	id := doc.Lookup(c.Fields[0])
	if w.deviceOnly && c.OneToOne() && id.Equal(bson.RawValue{Type: bson.TypeInt32, Value: []byte{5, 0, 0, 0}}) {
		return ledger.Key{Collection: c.Name, ID: `5`}
	}
	js, _ := value.AppendDitto(nil, id, c.Mode)
	return ledger.Key{Collection: c.Name, ID: docid.ID(js)}
}

// onMongo sees every write in MongoDB, the ledger's included.
func (w *World) onMongo(collection string, old, doc bson.Raw) {
	switch collection {
	case w.rules().Name:
	case ledger.Collection:
		w.sawLedger(doc)
		return
	case ledger.ConflictCollection:
		w.sawConflict(doc)
		return
	case ledger.UnsyncedCollection:
		if doc != nil {
			w.parkedFor[doc.Lookup("_id").StringValue()] = doc.Lookup("reason").StringValue()
		}
		return
	default:
		return
	}
	id := doc
	if id == nil {
		id = old
	}
	k := w.keyOf(id)
	if w.log != nil {
		w.trace("mongodb", "user", w.actor == nil, "id", string(k.ID), "old", old.String(), "new", doc.String())
	}
	w.noteMongo(k, old, doc)
	before, after := w.unitsNow[0][k], w.unitsOfMongo(doc)
	if w.unitsNow[0][k] = after; w.loose {
		before = w.unitsOfMongo(old) // of several documents
	}
	w.saw(k, value.MongoDB, before, after, old != nil, doc != nil)
	op := change.Upsert
	if doc == nil {
		op = change.Remove
	}
	w.announce(change.Hint{Collection: collection, MongoIDs: []bson.RawValue{id.Lookup("_id")}, Side: value.MongoDB, Op: op})
}

// noteMongo keeps the documents of each pair, and watches that Causeway makes
// no second one, nor copies what it must not.
func (w *World) noteMongo(k ledger.Key, old, doc bson.Raw) {
	docs := w.mongoNow[k]
	switch {
	case old == nil:
		docs = append(docs, doc)
		if w.actor == nil {
			w.bornAt[k] = w.uid
		} else if len(docs) > 1 && w.bornAt[k] <= w.actor.startAt {
			w.fail("%s: Causeway inserted a second document", k)
		}
		if len(docs) > 1 {
			w.hit(TwoForOneID)
			w.loose = true
		}
	default:
		for i, d := range docs {
			if !d.Lookup("_id").Equal(old.Lookup("_id")) {
				continue
			}
			if docs[i] = doc; doc == nil {
				docs = append(docs[:i:i], docs[i+1:]...)
			}
			break
		}
	}
	w.mongoNow[k] = docs
	if doc != nil && doc.Lookup(metadata).Type != 0 {
		w.fail("%s: the old connector's metadata was copied", k)
	}
}

// onDitto sees every write in Ditto.
func (w *World) onDitto(x dittosim.Write) {
	c := w.rules()
	k := ledger.Key{Collection: c.Name, ID: x.ID}
	if w.log != nil {
		w.trace("ditto", "user", w.actor == nil, "id", x.ID, "old", string(x.Old), "new", string(x.New), "txn", x.Txn)
	}
	w.dittoNow[k] = x.New
	if w.actor != nil && x.New != nil {
		mdb := value.PathOf(metadata)
		if string(value.Lookup(x.Old, mdb)) != string(value.Lookup(x.New, mdb)) {
			w.fail("%s: the old connector's metadata was changed: %s to %s", k, x.Old, x.New)
		}
	}
	before, after := w.unitsNow[1][k], w.unitsOfDitto(x.New)
	w.unitsNow[1][k] = after
	w.saw(k, value.Ditto, before, after, x.Old != nil, x.New != nil)
	op := change.Upsert
	if x.New == nil {
		op = change.Remove
	}
	w.announce(change.Hint{Collection: c.Name, DittoID: x.ID, Side: value.Ditto, Op: op, Txn: x.Txn, Digest: change.Digest(c, x.New)})
}
