package change

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// form is how a trigger event writes BSON types.
type form uint8

const (
	unknown  form = iota // nothing tells
	plain                // standard JSON, types lost
	extended             // canonical or relaxed Extended JSON
)

// formOf tells the form from the event's clusterTime, the only field that every
// event has and whose two forms differ.
func formOf(clusterTime []byte) form {
	for k := range members(clusterTime) {
		switch k {
		case "$timestamp":
			return extended
		case "T", "I":
			return plain
		}
	}
	return unknown
}

const (
	// maxCandidates bounds what an embedded document in plain JSON may mean.
	maxCandidates = 64
	// maxDepth is more than MongoDB nests documents.
	maxDepth = 200
)

// candidates lists the `_id`s that id can mean, the likeliest first. Symbols
// equal strings in MongoDB's comparison; a JavaScript code as `_id` cannot be
// told from a string in plain JSON and is left to the sweep.
func candidates(id []byte, f form) ([]bson.RawValue, error) {
	if f == extended || (object(id) && bytes.Contains(id, []byte(`"$`))) {
		if v, err := extJSON(id); err == nil {
			if text(id) || object(id) {
				return []bson.RawValue{v}, nil
			}
			return plainIDs(id, 0), nil // relaxed: a bare number may be of any type
		}
	}
	out := plainIDs(id, 0)
	switch {
	case len(out) == 0 && array(id):
		return nil, errorf("no `_id` can be an array")
	case len(out) == 0:
		return nil, errorf("no `_id` is nested that deeply, holds such a number, or has a field of such a name")
	case len(out) > maxCandidates:
		return nil, errorf("plain JSON leaves more than %d meanings: switch the trigger to Extended JSON", maxCandidates)
	}
	return out, nil
}

// extJSON reads one value of Extended JSON, canonical or relaxed, and Node's
// form of a timestamp.
func extJSON(v []byte) (bson.RawValue, error) {
	if ts := member(v, "$timestamp"); text(ts) {
		n, err := strconv.ParseUint(unquote(ts), 10, 64)
		if err != nil {
			return bson.RawValue{}, errorf("$timestamp is not a number")
		}
		return raw(bson.Timestamp{T: uint32(n >> 32), I: uint32(n)}), nil
	}
	var doc bson.Raw
	buf := append(append([]byte(`{"v":`), v...), '}')
	if err := bson.UnmarshalExtJSON(buf, false, &doc); err != nil {
		return bson.RawValue{}, errorf("not Extended JSON")
	}
	id, err := doc.LookupErr("v")
	if err != nil || !storable(id, 0) {
		return bson.RawValue{}, errorf("no `_id` is like that")
	}
	return id, nil
}

// storable reports whether v can be within an `_id`: MongoDB stores neither a
// field with a $ there nor a deeper document, and fails the whole look-up of
// one such id.
func storable(v bson.RawValue, depth int) bool {
	if v.Type != bson.TypeEmbeddedDocument && v.Type != bson.TypeArray {
		return true
	}
	elems, err := bson.Raw(v.Value).Elements()
	return err == nil && depth <= maxDepth && !slices.ContainsFunc(elems, func(e bson.RawElement) bool {
		return operator(e.Key()) || !storable(e.Value(), depth+1)
	})
}

// operator reports whether a field's name begins with a $, and is not one of a
// DBRef's.
func operator(name string) bool {
	return strings.HasPrefix(name, "$") && !slices.Contains([]string{"$ref", "$id", "$db"}, name)
}

// canonical writes one value as canonical Extended JSON.
func canonical(v bson.RawValue) (json.RawMessage, error) {
	buf, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: v}}, true, false)
	if err != nil {
		return nil, err
	}
	return buf[len(`{"v":`) : len(buf)-1], nil
}

// plainIDs lists what a value of plain JSON can mean: the trigger prints BSON
// types as Go's encoding/json prints the driver's. Below the top, in an embedded
// document, MongoDB compares numbers by value, and one type is enough. Arrays
// mean nothing at the top.
func plainIDs(v []byte, depth int) []bson.RawValue {
	if depth > maxDepth {
		return nil
	}
	switch v[0] {
	case '"':
		return stringIDs(unquote(v))
	case 't', 'f':
		return []bson.RawValue{raw(v[0] == 't')}
	case 'n':
		return []bson.RawValue{raw(bson.Null{})}
	case '{':
		return documentIDs(v, depth)
	case '[':
		if depth == 0 {
			return nil
		}
		return arrayIDs(v, depth)
	}
	return numberIDs(string(v), depth == 0)
}

// stringIDs: a string, or an ObjectId, a date or a Decimal128, if s is exactly
// how one of them is printed.
func stringIDs(s string) []bson.RawValue {
	var out []bson.RawValue
	if oid, err := bson.ObjectIDFromHex(s); err == nil && oid.Hex() == s {
		out = append(out, raw(oid))
	}
	out = append(out, raw(s))
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		ms := bson.NewDateTimeFromTime(t)
		if ms.Time().UTC().Format(time.RFC3339Nano) == s {
			out = append(out, raw(ms))
		}
	}
	if d, err := bson.ParseDecimal128(s); err == nil && d.String() == s {
		out = append(out, raw(d))
	}
	return out
}

// numberIDs: the integer types that hold the number, and a double.
func numberIDs(s string, top bool) []bson.RawValue {
	var out []bson.RawValue
	n, err := strconv.ParseInt(s, 10, 64)
	if err == nil {
		if n >= math.MinInt32 && n <= math.MaxInt32 {
			out = append(out, raw(int32(n)))
		}
		if top || len(out) == 0 {
			out = append(out, raw(n))
		}
		if !top || int64(float64(n)) != n {
			return out
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return out
	}
	return append(out, raw(f))
}

// combine adds to each of the documents or arrays so far what the next element
// can mean; false if that makes more than maxCandidates.
func combine[S ~[]E, E any](all []S, alts []bson.RawValue, elem func(bson.RawValue) E) ([]S, bool) {
	if len(all)*len(alts) > maxCandidates {
		return nil, false
	}
	if len(alts) == 1 { // in place: an array may be long
		for i := range all {
			all[i] = append(all[i], elem(alts[0]))
		}
		return all, true
	}
	var next []S
	for _, s := range all {
		for _, alt := range alts {
			next = append(next, append(slices.Clone(s), elem(alt)))
		}
	}
	return next, true
}

// tooMany stands for more meanings than are looked up.
func tooMany() []bson.RawValue { return make([]bson.RawValue, maxCandidates+1) }

// documentIDs: an embedded document, and the BSON type that prints like it.
func documentIDs(v []byte, depth int) []bson.RawValue {
	var (
		keys []string
		vals = map[string][]byte{}
		docs = []bson.D{{}}
		ok   bool
	)
	for k, m := range members(v) {
		if operator(k) {
			return nil // it would be Extended JSON in the queue
		}
		keys, vals[k] = append(keys, k), m
		if docs, ok = combine(docs, plainIDs(m, depth+1), func(alt bson.RawValue) bson.E { return bson.E{Key: k, Value: alt} }); !ok {
			return tooMany()
		}
	}
	var out []bson.RawValue
	switch {
	case len(keys) == 0:
		out = append(out, raw(bson.MinKey{}), raw(bson.MaxKey{}))
	case len(vals) != 2 || len(keys) != 2:
	case vals["Subtype"] != nil && vals["Data"] != nil:
		sub, ok := integer(vals["Subtype"])
		data, err := base64.StdEncoding.DecodeString(unquote(vals["Data"]))
		if ok && err == nil && sub >= 0 && sub <= 255 {
			out = append(out, raw(bson.Binary{Subtype: byte(sub), Data: data}))
		}
	case vals["T"] != nil && vals["I"] != nil:
		t, ok1 := integer(vals["T"])
		i, ok2 := integer(vals["I"])
		if ok1 && ok2 && t >= 0 && i >= 0 && t <= math.MaxUint32 && i <= math.MaxUint32 {
			out = append(out, raw(bson.Timestamp{T: uint32(t), I: uint32(i)}))
		}
	}
	for _, doc := range docs {
		out = append(out, raw(doc))
	}
	return out
}

// arrayIDs: an array inside an embedded document.
func arrayIDs(v []byte, depth int) []bson.RawValue {
	arrs, ok := []bson.A{{}}, false
	for e := range elements(v) {
		if arrs, ok = combine(arrs, plainIDs(e, depth+1), func(alt bson.RawValue) any { return alt }); !ok {
			return tooMany()
		}
	}
	out := make([]bson.RawValue, len(arrs))
	for i, arr := range arrs {
		out[i] = raw(arr)
	}
	return out
}

// raw encodes a value of the driver's types, which cannot fail.
func raw(v any) bson.RawValue {
	t, b, err := bson.MarshalValue(v)
	if err != nil {
		return bson.RawValue{}
	}
	return bson.RawValue{Type: t, Value: b}
}
