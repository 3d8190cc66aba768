package value_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/causeway-sync/causeway/core/value"
)

var modes = rapid.SampledFrom([]value.Mode{value.JSON, value.EJSON})

func marshal(t *rapid.T, v any) bson.RawValue {
	b, err := bson.Marshal(bson.D{{Key: "v", Value: v}})
	if err != nil {
		t.Fatal(err)
	}
	return bson.Raw(b).Lookup("v")
}

func ditto(t *rapid.T, v bson.RawValue, m value.Mode) []byte {
	js, err := value.AppendDitto(nil, v, m)
	if err != nil {
		t.Fatalf("AppendDitto: %v", err)
	}
	if !json.Valid(js) {
		t.Fatalf("not JSON: %s", js)
	}
	return js
}

// Invariant 9: what no device changed is not rewritten, down to the bytes.
func TestPropertyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, m := marshal(t, bsonValue(3).Draw(t, "v")), modes.Draw(t, "mode")
		js := ditto(t, v, m)
		if !value.Equal(v, js, m) {
			t.Fatalf("Equal(v, AppendDitto(v)) is false: %s", js)
		}
		back, err := value.Decode(js, v, m)
		if err != nil {
			t.Fatalf("%s: %v", js, err)
		}
		if !back.Equal(v) {
			t.Fatalf("%s came back as %s %x, from %s %x", js, back.Type, back.Value, v.Type, v.Value)
		}
	})
}

// Invariant 4: what was just written to MongoDB agrees with what it was
// written from.
func TestPropertyDecodedIsEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		like, m := marshal(t, bsonValue(2).Draw(t, "like")), modes.Draw(t, "mode")
		if rapid.Bool().Draw(t, "nothing there") {
			like = bson.RawValue{}
		}
		js := []byte(jsonText(3).Draw(t, "json"))
		v, err := value.Decode(js, like, m)
		if err != nil {
			return
		}
		if err := bson.Raw(marshalRaw(v)).Validate(); err != nil {
			t.Fatalf("not BSON: %v", err)
		}
		if !value.Equal(v, js, m) {
			t.Fatalf("%s became %s %s, which is not equal to it", js, v.Type, v)
		}
	})
}

// A change in one place leaves every other place as it was.
func TestPropertySmallChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := document(3).Draw(t, "doc")
		v, m := marshal(t, d), modes.Draw(t, "mode")
		js, err := value.ReplaceJSON(ditto(t, v, m), value.PathOf("changed"), []byte(`{"x":[1]}`))
		if err != nil {
			t.Fatal(err)
		}
		got, err := value.Decode(js, v, m)
		if err != nil {
			t.Fatalf("%s: %v", js, err)
		}
		want := marshal(t, append(d, bson.E{Key: "changed", Value: bson.D{{Key: "x", Value: bson.A{int32(1)}}}}))
		if !got.Equal(want) {
			t.Fatalf("got %s, want %s", got, want)
		}
	})
}

func TestPropertyCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		js := []byte(jsonText(3).Draw(t, "json"))
		once, err := value.Canonical(nil, js)
		if err != nil {
			t.Fatalf("%s: %v", js, err)
		}
		twice, err := value.Canonical(nil, once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("%s, then %s, %v", once, twice, err)
		}
		if value.HashJSON(js) != value.HashJSON(once) {
			t.Fatal("one value, two hashes")
		}
		var a, b any
		if json.Unmarshal(js, &a) != nil || json.Unmarshal(once, &b) != nil {
			t.Fatalf("encoding/json refuses %s or %s", js, once)
		}
		if x, y := marshalJSON(a), marshalJSON(b); !bytes.Equal(x, y) {
			t.Fatalf("%s has another meaning than %s", once, js)
		}
	})
}

// marshalJSON compares by value: numbers as float64, -0 as 0.
func marshalJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return bytes.ReplaceAll(b, []byte("-0"), []byte("0"))
}

// Both sides of a pair fall into the same units.
func TestPropertyUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, m := marshal(t, document(3).Draw(t, "doc")), modes.Draw(t, "mode")
		strict := rapid.Bool().Draw(t, "strict")
		js := ditto(t, v, m)
		mu, err := value.BSONUnits(v.Value, strict, nil)
		if err != nil {
			t.Fatal(err)
		}
		du, err := value.JSONUnits(js, strict, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(mu) != len(du) {
			t.Fatalf("%d units of BSON, %d of %s", len(mu), len(du), js)
		}
		for i := range mu {
			if mu[i].Path != du[i].Path || !value.Equal(mu[i].M, du[i].D, m) {
				t.Fatalf("unit %d: %q %s, %q %s", i, mu[i].Path, mu[i].M, du[i].Path, du[i].D)
			}
			if i > 0 && mu[i].Path <= mu[i-1].Path {
				t.Fatalf("%q after %q", mu[i].Path, mu[i-1].Path)
			}
			if got := value.LookupBSON(v.Value, mu[i].Path); !got.Equal(mu[i].M) {
				t.Fatalf("LookupBSON(%q) = %s", mu[i].Path, got)
			}
			if got := value.Lookup(js, mu[i].Path); !bytes.Equal(got, du[i].D) {
				t.Fatalf("Lookup(%q) = %s", mu[i].Path, got)
			}
		}
	})
}

// Canonical Extended JSON is the driver's, but for the order of keys.
func TestPropertyDriver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := marshal(t, document(3).Draw(t, "doc"))
		theirs, err := bson.MarshalExtJSON(bson.Raw(v.Value), true, false)
		if err != nil {
			t.Fatal(err)
		}
		sorted, err := value.Canonical(nil, theirs)
		if err != nil {
			t.Fatalf("%s: %v", theirs, err)
		}
		if ours := ditto(t, v, value.EJSON); !bytes.Equal(ours, sorted) {
			t.Fatalf("ours   %s\ndriver %s", ours, sorted)
		}
	})
}

// ReplaceJSON and ReplaceBSON do the same to the two forms of a document.
func TestPropertyReplace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		doc := marshal(t, document(3).Draw(t, "doc"))
		p := value.PathOf(rapid.SliceOfN(names, 1, 3).Draw(t, "path")...)
		var v bson.RawValue
		var js []byte
		if rapid.Bool().Draw(t, "set") {
			v = marshal(t, bsonValue(1).Draw(t, "v"))
			js = ditto(t, v, value.JSON)
		}
		m, err := value.ReplaceBSON(doc.Value, p, v)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Validate(); err != nil {
			t.Fatal(err)
		}
		// An ObjectId is a string in JSON mode: where the path goes on below a
		// document only, both see the same parents.
		d, err := value.ReplaceJSON(ditto(t, doc, value.JSON), p, js)
		if err != nil {
			t.Fatal(err)
		}
		if got := value.LookupBSON(m, p); !got.Equal(v) {
			t.Fatalf("at %s: %s, want %s", p, got, v)
		}
		if got := value.Lookup(d, p); v.Type != 0 && !bytes.Equal(got, js) || v.Type == 0 && got != nil && !belowWrapper(doc, p) {
			t.Fatalf("at %s: %s, want %s", p, got, js)
		}
	})
}

// belowWrapper reports whether p leads into a value that is an object in
// Ditto only.
func belowWrapper(doc bson.RawValue, p value.Path) bool {
	for _, q := range p.Parents() {
		if v := value.LookupBSON(doc.Value, q); v.Type != bson.TypeEmbeddedDocument {
			return true
		}
	}
	return false
}

func marshalRaw(v bson.RawValue) []byte {
	b, err := bson.Marshal(bson.D{{Key: "v", Value: v}})
	if err != nil {
		panic(err)
	}
	return b
}

// Decimals are spelled and read as the driver does.
func TestPropertyDecimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d bson.Decimal128
		if rapid.Bool().Draw(t, "raw") {
			d = bson.NewDecimal128(rapid.Uint64().Draw(t, "hi"), rapid.Uint64().Draw(t, "lo"))
		} else {
			d = dec(decimalText.Draw(t, "decimal"))
		}
		if got, want := string(ditto(t, marshal(t, d), value.JSON)), `"`+d.String()+`"`; got != want {
			t.Fatalf("got %s, want %s", got, want)
		}
		s := rapid.StringMatching(`[+-]?[0-9]{1,36}(\.[0-9]{1,10})?([eE][+-]?[0-9]{1,4})?`).Draw(t, "text")
		v, err := value.Decode([]byte(quote(s)), marshal(t, d), value.JSON)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := bson.ParseDecimal128(s); err == nil {
			if !v.Equal(marshal(t, want)) {
				t.Fatalf("%s became %s, want %s", s, v, want)
			}
		} else if v.Type != bson.TypeString {
			t.Fatalf("%s became %s", s, v)
		}
	})
}
