package sim

import (
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// unitsOfMongo lists a MongoDB document's units.
func (w *World) unitsOfMongo(doc bson.Raw) map[value.Path]cell {
	if doc == nil {
		return nil
	}
	out := map[value.Path]cell{}
	elems, _ := doc.Elements()
	for _, e := range elems {
		if e.Key() != "_id" {
			w.flattenMongo(out, value.PathOf(e.Key()), e.Value())
		}
	}
	return out
}

func (w *World) flattenMongo(out map[value.Path]cell, p value.Path, v bson.RawValue) {
	c := w.rules()
	if d, ok := v.DocumentOK(); ok && !c.Strict {
		elems, _ := d.Elements()
		for _, e := range elems {
			w.flattenMongo(out, p.Child(e.Key()), e.Value())
		}
		return
	}
	js, _ := value.AppendDitto(nil, v, value.JSON)
	h := value.HashBSON(v)
	if n, ok := v.AsInt64OK(); ok && slices.Contains(c.Counters, p) {
		t, data, _ := bson.MarshalValue(n)
		h = value.HashBSON(bson.RawValue{Type: t, Value: data})
	}
	out[p] = cell{text(p, string(js)), h, v.Type}
}

// unitsOfDitto lists a Ditto document's units.
func (w *World) unitsOfDitto(doc []byte) map[value.Path]cell {
	if doc == nil {
		return nil
	}
	out := map[value.Path]cell{}
	for k, v := range value.Fields(doc) {
		if k != "_id" && k != metadata {
			w.flattenDitto(out, value.PathOf(k), v)
		}
	}
	return out
}

func (w *World) flattenDitto(out map[value.Path]cell, p value.Path, js []byte) {
	if len(js) > 0 && js[0] == '{' && !value.IsWrapper(js) && !w.rules().Strict {
		for k, v := range value.Fields(js) {
			w.flattenDitto(out, p.Child(k), v)
		}
		return
	}
	val := string(js)
	if v, err := value.Decode(js, bson.RawValue{}, value.EJSON); err == nil {
		if text, err := value.AppendDitto(nil, v, value.JSON); err == nil {
			val = string(text)
		}
	}
	out[p] = cell{text(p, val), value.HashJSON(js), 0}
}

// text is a value for comparison: a number is the same in all its types.
func text(p value.Path, js string) string {
	if p != numberPath {
		return js
	}
	return strings.TrimSuffix(strings.Trim(js, `"`), ".0")
}
