package sim

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/value"
)

func (w *World) dittoUser(k ledger.Key) {
	c := w.rules()
	doc := w.dittoNow[k]
	id := map[string]any{"id": json.RawMessage(k.ID)}
	p := w.fields[w.rnd.IntN(len(w.fields))]
	o := value.Lookup(doc, objectPath)
	isObject := len(o) > 0 && o[0] == '{' && !value.IsWrapper(o)
	update := "UPDATE " + c.DittoName
	switch r := w.rnd.Float64(); {
	case doc == nil:
		w.insertDitto(k)
	case r < 0.15:
		w.mustDitto(w.api(), "DELETE FROM "+c.DittoName+" WHERE _id = :id", id)
	case r < 0.45 && len(c.Counters) > 0 && isObject:
		w.increment(k, doc)
		w.mustDitto(w.api(), update+" APPLY o.q INCREMENT BY 1 WHERE _id = :id", id)
	case c.Strict:
		w.dittoStrict(k, doc)
	case r < 0.5 && value.Lookup(doc, value.PathOf("b")) != nil && o != nil:
		// What a delete on one device and an edit on another leave behind.
		w.hit(Husk)
		w.counts(k).unknown = true
		id["v"] = w.someValue()
		w.mustDitto(w.api(), update+" SET a = :v UNSET b, n, o WHERE _id = :id", id)
	case r < 0.58:
		if value.Lookup(doc, p) != nil {
			w.mustDitto(w.api(), update+" UNSET "+p.String()+" WHERE _id = :id", id)
		}
	case r < 0.63:
		if isObject {
			w.hit(ObjectToScalar)
		}
		w.counts(k).unknown = true
		id["v"] = []any{w.someValue(), map[string]any{}, []any{1, nil}}[w.rnd.IntN(3)]
		w.mustDitto(w.api(), update+" SET o = :v WHERE _id = :id", id)
	case r < 0.66 && (isObject || o == nil):
		// A strict peer: what it writes is a register, beside the map.
		w.hit(RegisterAtMap)
		w.counts(k).unknown = true
		id["v"] = map[string]any{"x": w.someValue(), "y": w.someValue()}
		w.mustDitto(ditto.V4, update+" SET o = :v WHERE _id = :id", id)
	case len(p.Parents()) > 0 && value.IsWrapper(o):
		// SET would merge keys into the wrapper, which is nobody's value.
	case len(p.Parents()) > 0 && o != nil && !isObject:
		w.hit(ScalarToObject)
		w.counts(k).unknown = true // an older counter may show again
		id["v"] = map[string]any{"x": w.someValue()}
		w.mustDitto(w.api(), update+" SET o = :v WHERE _id = :id", id)
	default:
		id["v"] = w.typed(p)
		w.mustDitto(w.api(), update+" SET "+p.String()+" = :v WHERE _id = :id", id)
	}
}

// increment notes what an increment makes of the counter. One of a register
// that nobody has made a counter yet begins at 0, and so does one of what is
// gone: that is the app's own doing.
func (w *World) increment(k ledger.Key, doc []byte) {
	n := w.counts(k)
	if value.Lookup(doc, counterPath) == nil || n.register {
		n.unknown = true
	}
	n.increments++
}

func (w *World) insertDitto(k ledger.Key) {
	c := w.rules()
	w.born(k, w.mongoDoc(k) != nil)
	if w.deviceSpelled(k.ID) {
		w.hit(DeviceSpelling)
	}
	d := map[string]any{"_id": json.RawMessage(k.ID), "a": w.someValue(), "b": fmt.Sprint(w.someValue())}
	if w.chance(0.3) {
		d["n"] = w.someValue()
	}
	if w.chance(0.1) {
		w.hit(OldMetadata)
		d[metadata] = map[string]any{"v": 1}
		if c.Strict {
			d[metadata] = "v1"
		}
	}
	if !c.OneToOne() {
		if w.chance(0.5) {
			d["k"] = json.RawMessage(k.ID)
		} else {
			w.hit(MappedFieldFilled)
		}
	}
	into := c.DittoName
	n := w.counts(k)
	n.register = false
	if w.chance(0.7) {
		o := map[string]any{"x": w.someValue()}
		if len(c.Counters) > 0 {
			n.start = int64(w.rnd.IntN(3))
			o["q"] = n.start
			into = "COLLECTION " + c.DittoName + " (o MAP(q COUNTER))"
			if w.chance(0.2) { // an app that does not know of the counter
				w.hit(RegisterAtCounter)
				n.register = true
				into = c.DittoName
			}
		}
		d["o"] = o
	}
	w.mustDitto(w.api(), "INSERT INTO "+into+" DOCUMENTS (:d)", map[string]any{"d": d})
}

// dittoStrict changes a top-level field, the only kind there is.
func (w *World) dittoStrict(k ledger.Key, doc []byte) {
	name := w.rules().DittoName
	id := json.RawMessage(k.ID)
	f := w.fields[w.rnd.IntN(len(w.fields))].Segments()[0]
	if w.chance(0.25) {
		if value.Lookup(doc, value.PathOf(f)) != nil {
			w.mustDitto(ditto.V4, "UPDATE "+name+" UNSET "+f+" WHERE _id = :id", map[string]any{"id": id})
		}
		return
	}
	v := w.typed(value.PathOf(f))
	if f == "o" {
		v = map[string]any{"x": w.someValue(), "y": w.someValue()}
	}
	w.mustDitto(ditto.V4, "UPDATE "+name+" SET "+f+" = :v WHERE _id = :id", map[string]any{"id": id, "v": v})
}

func (w *World) mustDitto(api ditto.API, statement string, args map[string]any) {
	js, err := json.Marshal(args)
	if err == nil {
		_, err = w.Ditto.Execute(context.Background(), ditto.Request{API: api, Statement: statement, Args: js, Write: true})
	}
	if err != nil {
		w.fail("user in Ditto: %s: %v", statement, err)
	}
}
