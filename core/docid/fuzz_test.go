package docid_test

import (
	"bytes"
	"math"
	"math/big"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

// FuzzParse: any text is an id, canonical and within Ditto's limits, or an
// error with a code. A document that is born with it can be found again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`"a"`, `5`, `5.0`, `-0`, `1e2`, `{"b":1,"a":[null,1.0]}`, `{"$oid":"` + hex + `"}`, `18446744073709551615`, `null`, `[`, `{"$code":"f","$scope":{}}`, `{"a":1,"b":"` + hex + `"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, js []byte) {
		id, err := docid.Parse(js)
		if err != nil {
			if docid.Code(err) == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if again, err := docid.Parse(id.JSON()); err != nil || again != id {
			t.Fatalf("%s, then %s, %v", id, again, err)
		}
		if size, err := value.CBORSize([]byte(id)); err != nil || size > docid.MaxSize {
			t.Fatalf("%s takes %d bytes, %v", id, size, err)
		}
		for _, mode := range []value.Mode{value.JSON, value.EJSON} {
			m := docid.New([]string{"_id"}, mode)
			all := m.Candidates(id)
			if born, err := m.Born(id); err == nil && !born.Equal(all[0]) {
				t.Fatalf("born as %s, first candidate %s", born, all[0])
			}
			for _, v := range all {
				if doc := document("_id", v); !m.Pairs(doc, id) {
					t.Fatalf("%s does not pair with %s", doc, id)
				}
			}
			filled := docid.New([]string{"a", "b"}, mode).Fill(id)
			if filled == nil {
				continue
			}
			back := []byte("{\"" + filled[0].Name + "\":" + string(filled[0].JSON) + ",\"" + filled[1].Name + "\":" + string(filled[1].JSON) + "}")
			if got, err := docid.Parse(back); err != nil || got != id {
				t.Fatalf("the fields of %s make %s, %v", id, got, err)
			}
		}
	})
}

// FuzzInjective: two values that MongoDB holds apart never make one Ditto id in
// a collection, but for the pairs that docs/types.md lists; and what the id can
// mean contains the value that it was made of.
func FuzzInjective(f *testing.F) {
	d := func(v any) (byte, []byte) { r := rv(f, v); return byte(r.Type), r.Value }
	all := []any{
		oid(f), hex, int32(5), int64(5), 5.0, dec(f, "5.0"), dec(f, "5"), "5.0", bson.DateTime(1), "1970-01-01T00:00:00.001Z", math.NaN(), dec(f, "NaN"), "NaN",
		bson.Timestamp{T: 5, I: 1},
		bson.Timestamp{T: 5, I: 2},
		true, "true", bson.Symbol("a"), "a",
		bson.Binary{Subtype: 2, Data: []byte("ab")},
		bson.Binary{Data: []byte("ab")},
		int64(math.MaxInt64), 9223372036854775808.0, bson.DateTime(math.MinInt64),
		bson.MinKey{},
		bson.MaxKey{},
		bson.JavaScript("f"), `{"$oid":"` + hex + `"}`,
		bson.DBPointer{DB: "a.b", Pointer: oid(f)},
		bson.CodeWithScope{Code: "f", Scope: bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 1}}},
		bson.Regex{Pattern: "a", Options: "i"},
		math.Copysign(0, -1), 0.5, "",
	}
	for i := range all {
		t1, v1 := d(all[i])
		t2, v2 := d(all[(i+1)%len(all)])
		f.Add(i%2 == 0, t1, v1, t2, v2)
	}
	f.Fuzz(func(t *testing.T, ejson bool, t1 byte, v1 []byte, t2 byte, v2 []byte) {
		mode := value.JSON
		if ejson {
			mode = value.EJSON
		}
		a, b := bson.RawValue{Type: bson.Type(t1), Value: v1}, bson.RawValue{Type: bson.Type(t2), Value: v2}
		if !storable(a) || !storable(b) {
			return
		}
		one := docid.New([]string{"_id"}, mode)
		apart(t, one, mode, [2]bson.RawValue{a}, [2]bson.RawValue{b})
		two := docid.New([]string{"x", "_y"}, mode)
		apart(t, two, mode, [2]bson.RawValue{a, b}, [2]bson.RawValue{b, a})
		apart(t, two, mode, [2]bson.RawValue{a, b}, [2]bson.RawValue{a, a})
		id, err := one.FromMongoID(a)
		if err != nil {
			return
		}
		if again, err := docid.Parse([]byte(id)); err != nil || again != id {
			t.Fatalf("Parse(%s) = %s, %v", id, again, err)
		}
		if doc := document("_id", a); !one.Matches(doc, id) || !one.Pairs(doc, id) {
			t.Fatalf("%s does not belong to %s", id, doc)
		}
		found := mode == value.JSON && a.Type == bson.TypeTimestamp || !canonicalDecimal(a) // not by its seconds, as documented
		for _, c := range one.Candidates(id) {
			found = found || sameValue(c, a)
			apart(t, one, mode, [2]bson.RawValue{a}, [2]bson.RawValue{c})
		}
		if !found {
			t.Fatalf("no candidate of %s finds %s %s", id, a.Type, a)
		}
	})
}

// apart fails if the documents of these values have one id, and should not.
func apart(t *testing.T, m docid.Mapper, mode value.Mode, a, b [2]bson.RawValue) {
	x, errX := m.FromMongo(document(m.Fields()[0], a[0], m.Fields()[len(m.Fields())-1], a[1]))
	y, errY := m.FromMongo(document(m.Fields()[0], b[0], m.Fields()[len(m.Fields())-1], b[1]))
	for _, err := range []error{errX, errY} {
		if err != nil && docid.Code(err) == "" {
			t.Fatalf("an error without a code: %v", err)
		}
	}
	if errX != nil || errY != nil || x != y {
		return
	}
	for i := range a {
		if !sameValue(a[i], b[i]) && (mode == value.EJSON || !lossy(a[i], b[i]) && !lossy(b[i], a[i])) {
			t.Fatalf("%v and %v are both %s", a, b, x)
		}
	}
}

// document is {name: v, …}, without values that are not there.
func document(name string, v bson.RawValue, more ...any) bson.Raw {
	d := bson.D{{Key: name, Value: v}}
	if len(more) == 2 {
		if w, ok := more[1].(bson.RawValue); ok && w.Type != 0 {
			d = append(d, bson.E{Key: more[0].(string), Value: w})
		}
	}
	doc, err := bson.Marshal(d)
	if err != nil {
		panic(err)
	}
	return doc
}

// storable reports whether v is one whole value of BSON, as drivers write it:
// the two lengths of an old binary agree.
func storable(v bson.RawValue) bool {
	doc := append([]byte{0, 0, 0, 0, byte(v.Type), 'v', 0}, v.Value...)
	doc = append(doc, 0)
	doc[0], doc[1], doc[2] = byte(len(doc)), byte(len(doc)>>8), byte(len(doc)>>16)
	elems, err := bson.Raw(doc).Elements()
	if err != nil || len(elems) != 1 || bson.Raw(doc).Validate() != nil {
		return false
	}
	var d bson.D
	if bson.Unmarshal(doc, &d) != nil {
		return false
	}
	again, err := bson.Marshal(d)
	return err == nil && bytes.Equal(again, doc)
}

// sameValue reports whether a and b are one `_id` to MongoDB: numbers and texts
// are compared across types.
func sameValue(a, b bson.RawValue) bool {
	if a.Type == b.Type && bytes.Equal(a.Value, b.Value) {
		return true
	}
	x, xNaN := number(a)
	y, yNaN := number(b)
	switch {
	case xNaN || yNaN:
		return xNaN && yNaN
	case infinite(a) != 0:
		return infinite(a) == infinite(b)
	case x != nil && y != nil:
		return x.Cmp(y) == 0
	case a.Type == bson.TypeBoolean && b.Type == bson.TypeBoolean:
		return a.Value[0] != 0 == (b.Value[0] != 0)
	}
	return text(a) && text(b) && bytes.Equal(a.Value, b.Value)
}

func text(v bson.RawValue) bool { return v.Type == bson.TypeString || v.Type == bson.TypeSymbol }

// number is the value of a number; nil if it is none, or infinite.
func number(v bson.RawValue) (x *big.Rat, nan bool) {
	switch v.Type {
	case bson.TypeInt32:
		return new(big.Rat).SetInt64(int64(v.Int32())), false
	case bson.TypeInt64:
		return new(big.Rat).SetInt64(v.Int64()), false
	case bson.TypeDouble:
		return new(big.Rat).SetFloat64(v.Double()), math.IsNaN(v.Double())
	case bson.TypeDecimal128:
		d := v.Decimal128()
		if !canonicalDecimal(v) {
			return new(big.Rat), false
		}
		n, exp, err := d.BigInt()
		if err != nil {
			return nil, d.IsNaN()
		}
		ten := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(exp, -exp))), nil)
		if exp < 0 {
			return new(big.Rat).SetFrac(n, ten), false
		}
		return new(big.Rat).SetInt(n.Mul(n, ten)), false
	}
	return nil, false
}

// infinite is the sign of an infinity, 0 for anything else.
func infinite(v bson.RawValue) int {
	switch {
	case v.Type == bson.TypeDecimal128:
		return v.Decimal128().IsInf()
	case v.Type == bson.TypeDouble && math.IsInf(v.Double(), 1):
		return 1
	case v.Type == bson.TypeDouble && math.IsInf(v.Double(), -1):
		return -1
	}
	return 0
}

// canonicalDecimal is false for a Decimal128 of more digits than it has, which
// counts as zero.
func canonicalDecimal(v bson.RawValue) bool {
	if v.Type != bson.TypeDecimal128 {
		return true
	}
	d := v.Decimal128()
	if d.IsNaN() || d.IsInf() != 0 {
		return true
	}
	parsed, err := bson.ParseDecimal128(d.String())
	return err == nil && parsed == d
}
