package value_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// FuzzJSON feeds any text as a Ditto value, over any BSON. What is accepted is
// JSON to encoding/json too. What was decoded is BSON, equal to what it came
// from, and stays as it is when the same text comes again (invariants 4, 9).
// The driver reads the same value from it.
func FuzzJSON(f *testing.F) {
	for i, tt := range table {
		like := table[(i*7+3)%len(table)].v
		f.Add([]byte(tt.json), marshalRaw(rv(f, like)))
		f.Add([]byte(tt.ejson), marshalRaw(rv(f, tt.v)))
		f.Add([]byte(`{"v":[`+tt.json+`],"":`+tt.ejson+`}`), []byte{})
	}
	f.Add([]byte(`{"a":[1,{"b":"2024-04-05T19:34:38.901Z"}],"a":2}`), []byte{})
	f.Fuzz(func(t *testing.T, js, like []byte) {
		var over bson.RawValue
		if bson.Raw(like).Validate() == nil {
			over = bson.Raw(like).Lookup("v")
		}
		canon, err := value.Canonical(nil, js)
		if err != nil {
			if v, err := value.Decode(js, over, value.JSON); err == nil {
				t.Fatalf("%q has no canonical form, and is %s", js, v)
			}
			return
		}
		if !json.Valid(js) {
			t.Fatalf("accepted %q", js)
		}
		if again, err := value.Canonical(nil, canon); err != nil || !bytes.Equal(again, canon) {
			t.Fatalf("%s, then %s, %v", canon, again, err)
		}
		if value.HashJSON(js) != value.HashJSON(canon) {
			t.Fatalf("%s has another hash than %s", canon, js)
		}
		value.JSONUnits(js, false, nil)
		value.Lookup(js, value.PathOf("a", "b"))
		value.CBORSize(js)
		for _, m := range []value.Mode{value.JSON, value.EJSON} {
			decodes(t, js, over, m)
			decodes(t, js, bson.RawValue{}, m)
		}
		plain(t, js, canon)
		readsAsDriver(t, js)
	})
}

// decodes checks what js becomes over like.
func decodes(t *testing.T, js []byte, like bson.RawValue, m value.Mode) {
	v, err := value.Decode(js, like, m)
	if err != nil {
		return
	}
	if err := bson.Raw(marshalRaw(v)).Validate(); err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	if !value.Equal(v, js, m) {
		t.Fatalf("%s became %s %s, which is not equal to it", js, v.Type, v)
	}
	if again, err := value.Decode(js, v, m); err != nil || !again.Equal(v) {
		t.Fatalf("%s became %s %s over %s, then %s %s, %v", js, v.Type, v, like, again.Type, again, err)
	}
}

// plain: JSON without Extended JSON, in a field that MongoDB does not have yet,
// is in JSON mode what comes back.
func plain(t *testing.T, js, canon []byte) {
	v, err := value.Decode(js, bson.RawValue{}, value.JSON)
	if err != nil || bytes.Contains(canon, []byte(`"$`)) {
		return
	}
	back, err := value.AppendDitto(nil, v, value.JSON)
	if err != nil {
		t.Fatalf("%s: %v", js, err)
	}
	if back, err = value.Canonical(nil, back); err != nil || !bytes.Equal(back, canon) {
		t.Fatalf("%s came back as %s, %v", canon, back, err)
	}
}

// readsAsDriver compares with bson.UnmarshalExtJSON on whatever both accept.
// The driver does not take \u0000 for an end of a key, and cuts it; -0 is an
// integer to it, and to Ditto a float.
func readsAsDriver(t *testing.T, js []byte) {
	if negativeZero.Match(js) {
		return
	}
	var theirs bson.Raw
	doc := slices.Concat([]byte(`{"v":`), js, []byte("}"))
	if strings.Contains(string(js), `\u0`) || bson.UnmarshalExtJSON(doc, false, &theirs) != nil || theirs.Validate() != nil {
		return
	}
	ours, err := value.Decode(js, bson.RawValue{}, value.EJSON)
	if err != nil {
		return
	}
	a, err := value.AppendDitto(nil, ours, value.EJSON)
	if err != nil {
		t.Fatal(err)
	}
	b, err := value.AppendDitto(nil, theirs.Lookup("v"), value.EJSON)
	if err != nil {
		return
	}
	if !bytes.Equal(a, b) {
		t.Fatalf("%s\nours   %s\ndriver %s", js, a, b)
	}
}

var negativeZero = regexp.MustCompile(`-0([^.eE0-9]|$)`)

// FuzzBSON feeds any bytes as a MongoDB value. Its form in Ditto is JSON, is
// equal to it, and comes back as the very bytes (invariant 9). In EJSON mode it
// is what the driver writes, and says the type without MongoDB's help.
func FuzzBSON(f *testing.F) {
	for _, tt := range table {
		v := rv(f, tt.v)
		f.Add(byte(v.Type), v.Value)
	}
	f.Add(byte(bson.TypeEmbeddedDocument), marshalRaw(rv(f, bson.A{1, bson.D{}})))
	f.Fuzz(func(t *testing.T, typ byte, data []byte) {
		v := bson.RawValue{Type: bson.Type(typ), Value: data}
		value.BSONUnits(data, false, nil)
		value.LookupBSON(data, value.PathOf("a", "b"))
		theirs, clean := driverText(v)
		for _, m := range []value.Mode{value.JSON, value.EJSON} {
			js, err := value.AppendDitto(nil, v, m)
			if err != nil {
				if len(js) > 0 {
					t.Fatalf("%q beside %v", js, err)
				}
				if clean && !errors.Is(err, value.ErrDepth) {
					t.Fatalf("%s %x is refused: %v; the driver writes %s", v.Type, v.Value, err, theirs)
				}
				continue
			}
			if !json.Valid(js) {
				t.Fatalf("not JSON: %q", js)
			}
			if !value.Equal(v, js, m) {
				t.Fatalf("%s %x is not equal to its own form %s", v.Type, v.Value, js)
			}
			back, err := value.Decode(js, v, m)
			if err != nil && !errors.Is(err, value.ErrNulKey) {
				t.Fatalf("%s %x does not come back from %s: %v", v.Type, v.Value, js, err)
			}
			if clean && !back.Equal(v) {
				t.Fatalf("%s came back as %s %x, from %s %x", js, back.Type, back.Value, v.Type, v.Value)
			}
			if m == value.EJSON && clean {
				writesAsDriver(t, js, theirs)
				lossless(t, v, js)
			}
		}
	})
}

// driverText is bson.MarshalExtJSON's text of v; false unless v is as the
// driver itself writes it, UTF-8, and without repeated keys. It does not escape
// the namespace of a DBPointer.
func driverText(v bson.RawValue) ([]byte, bool) {
	doc := appendValue(v)
	var d bson.D
	if bson.Raw(doc).Validate() != nil || bson.Unmarshal(doc, &d) != nil || len(d) != 1 {
		return nil, false
	}
	if again, err := bson.Marshal(d); err != nil || !bytes.Equal(again, doc) {
		return nil, false
	}
	js, err := bson.MarshalExtJSON(bson.Raw(doc), true, false)
	return js, err == nil && json.Valid(js) && !bytes.ContainsRune(js, '\ufffd') && !bytes.Contains(js, []byte(`\ufffd`)) && distinct(doc)
}

func appendValue(v bson.RawValue) []byte {
	doc := append([]byte{0, 0, 0, 0, byte(v.Type), 'v', 0}, v.Value...)
	doc = append(doc, 0)
	doc[0], doc[1], doc[2] = byte(len(doc)), byte(len(doc)>>8), byte(len(doc)>>16)
	return doc
}

// distinct reports whether no document within doc repeats a key, and no
// DBPointer needs an escape.
func distinct(doc bson.Raw) bool {
	elems, err := doc.Elements()
	if err != nil {
		return false
	}
	seen := map[string]bool{}
	for _, e := range elems {
		if seen[e.Key()] || !distinctBelow(e.Value()) {
			return false
		}
		seen[e.Key()] = true
	}
	return true
}

func distinctBelow(v bson.RawValue) bool {
	switch v.Type {
	case bson.TypeEmbeddedDocument, bson.TypeArray:
		return distinct(v.Value)
	case bson.TypeCodeWithScope:
		_, scope := v.CodeWithScope()
		return distinct(scope)
	case bson.TypeDBPointer:
		ns, _ := v.DBPointer()
		return !strings.ContainsFunc(ns, func(c rune) bool { return c < ' ' || c == '"' || c == '\\' })
	}
	return true
}

func writesAsDriver(t *testing.T, js, theirs []byte) {
	sorted, err := value.Canonical(nil, theirs)
	if err != nil {
		t.Fatalf("the driver's %s: %v", theirs, err)
	}
	if ours := slices.Concat([]byte(`{"v":`), js, []byte("}")); !bytes.Equal(ours, sorted) {
		t.Fatalf("ours   %s\ndriver %s", ours, sorted)
	}
}

// lossless: Extended JSON alone leads back to the value, but for documents that
// look like Extended JSON themselves, and Decimal128 of more digits than it has.
func lossless(t *testing.T, v bson.RawValue, js []byte) {
	if ambiguous(v) {
		return
	}
	alone, err := value.Decode(js, bson.RawValue{}, value.EJSON)
	if err != nil || alone.Type != v.Type {
		t.Fatalf("%s is read as %s, %v; it is %s %x", js, alone.Type, err, v.Type, v.Value)
	}
	if again, err := value.AppendDitto(nil, alone, value.EJSON); err != nil || !bytes.Equal(again, js) {
		t.Fatalf("%s came back as %s, %v", js, again, err)
	}
}

// ambiguous reports whether the Extended JSON of a value within v has another
// meaning too.
func ambiguous(v bson.RawValue) bool {
	doc := bson.Raw(v.Value)
	switch v.Type {
	case bson.TypeEmbeddedDocument, bson.TypeArray:
	case bson.TypeCodeWithScope:
		_, doc = v.CodeWithScope()
	case bson.TypeDecimal128:
		d := v.Decimal128()
		parsed, err := bson.ParseDecimal128(d.String())
		return err != nil || parsed != d
	default:
		return false
	}
	elems, err := doc.Elements()
	return err != nil || slices.ContainsFunc(elems, func(e bson.RawElement) bool {
		return slices.Contains(value.Wrappers(), e.Key()) || ambiguous(e.Value())
	})
}
