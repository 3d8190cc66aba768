package docid_test

import (
	"bytes"
	"math"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/value"
)

var (
	oidBytes = []byte("\x50\x7f\x1f\x77\xbc\xf8\x6c\xd7\x99\x43\x90\x11")
	small    = rapid.Int64Range(-2, 2)
	// ids are few and alike, so that two of them often meet.
	ids = rapid.OneOf(
		rapid.Map(small, func(i int64) any { return int32(i) }),
		rapid.Map(small, func(i int64) any { return i }),
		rapid.Map(small, func(i int64) any { return float64(i) / 2 }),
		rapid.Map(rapid.SampledFrom([]string{"", "1", "1.0", "-2", "507f1f77bcf86cd799439011", "507F1F77BCF86CD799439011", "1970-01-01T00:00:00.001Z", "1970-01-01T00:00:00Z", "{\"$oid\":\"507f1f77bcf86cd799439011\"}", "é\x00"}), func(s string) any { return s }),
		rapid.Map(rapid.SampledFrom([]string{"1", "1.0", "-2", "1E+1", "NaN"}), func(s string) any {
			d, err := bson.ParseDecimal128(s)
			if err != nil {
				panic(err)
			}
			return d
		}),
		rapid.Just[any](bson.ObjectID(oidBytes)),
		rapid.Map(small, func(i int64) any { return bson.DateTime(i) }),
		rapid.Map(small, func(i int64) any { return bson.Timestamp{T: uint32(i + 2), I: uint32(i * i)} }),
		rapid.Map(rapid.Bool(), func(b bool) any { return b }),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 1), func(b []byte) any { return bson.Binary{Subtype: 4, Data: b} }),
		rapid.SampledFrom([]any{math.NaN(), math.Inf(1), 1e300, int64(math.MaxInt64), int64(math.MinInt64), 9223372036854775808.0, bson.MinKey{}, bson.MaxKey{}, bson.Symbol("1"), bson.JavaScript("1")}),
	)
)

func idValue(t *rapid.T, v any) bson.RawValue {
	b, err := bson.Marshal(bson.D{{Key: "_id", Value: v}})
	if err != nil {
		t.Fatal(err)
	}
	return bson.Raw(b).Lookup("_id")
}

// Two `_id`s that MongoDB holds apart have two Ditto ids, but for the
// collisions that docs/types.md lists.
func TestPropertyInjective(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom([]value.Mode{value.JSON, value.EJSON}).Draw(t, "mode")
		m := docid.New([]string{"_id"}, mode)
		a, b := idValue(t, ids.Draw(t, "a")), idValue(t, ids.Draw(t, "b"))
		x, errX := m.FromMongoID(a)
		y, errY := m.FromMongoID(b)
		if errX != nil || errY != nil || x != y || sameKey(a, b) {
			return
		}
		if mode == value.JSON && (lossy(a, b) || lossy(b, a)) {
			return
		}
		t.Fatalf("%s %s and %s %s are both %s", a.Type, a, b.Type, b, x)
	})
}

// sameKey reports whether a and b are one `_id` to MongoDB.
func sameKey(a, b bson.RawValue) bool {
	if a.Type == b.Type && bytes.Equal(a.Value, b.Value) {
		return true
	}
	x, xok := a.AsFloat64OK()
	y, yok := b.AsFloat64OK()
	return xok && yok && a.Type != bson.TypeDecimal128 && b.Type != bson.TypeDecimal128 && x == y
}

// lossy reports whether JSON mode gives a and b one form.
func lossy(a, b bson.RawValue) bool {
	switch a.Type {
	case bson.TypeObjectID:
		return b.Type == bson.TypeString || b.Type == bson.TypeDecimal128 // of digits alone
	case bson.TypeDateTime, bson.TypeDecimal128:
		return b.Type == bson.TypeString
	case bson.TypeTimestamp:
		return b.Type == bson.TypeTimestamp || b.Type == bson.TypeInt32 || b.Type == bson.TypeInt64 || b.Type == bson.TypeDouble
	}
	return false
}

// A computed id is canonical, is taken by Parse as it is, leads back to the
// document, and fits Ditto's limits.
func TestPropertyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom([]value.Mode{value.JSON, value.EJSON}).Draw(t, "mode")
		fields := rapid.SampledFrom([][]string{{"_id"}, {"a"}, {"b", "a"}, {"$x", "a.b", "\"", ""}}).Draw(t, "fields")
		m := docid.New(fields, mode)
		d := bson.D{{Key: "other", Value: 1}}
		for _, f := range fields {
			d = append(d, bson.E{Key: f, Value: ids.Draw(t, f)})
		}
		doc, err := bson.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		id, err := m.FromMongo(doc)
		if err != nil {
			return
		}
		if again, err := docid.Parse([]byte(id)); err != nil || again != id {
			t.Fatalf("Parse(%s) = %s, %v", id, again, err)
		}
		if !m.Matches(doc, id) || !m.Pairs(doc, id) {
			t.Fatalf("%s does not belong to its document", id)
		}
		if m.OneToOne() {
			findable(t, id, bson.Raw(doc).Lookup("_id"), m.Candidates(id))
			return
		}
		all, err := m.MappedCandidates(id)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range all {
			if c.Name != fields[i] {
				t.Fatalf("field %d is %q, want %q", i, c.Name, fields[i])
			}
			findable(t, id, value.LookupBSON(doc, value.PathOf(c.Name)), c.Values)
		}
		if got := m.Fill(id); len(got) != len(fields) {
			t.Fatalf("Fill: %d fields, want %d", len(got), len(fields))
		}
	})
}

// findable: a look-up of the candidates would find v.
func findable(t *rapid.T, id docid.ID, v bson.RawValue, candidates []bson.RawValue) {
	if v.Type == bson.TypeTimestamp {
		return // not by its seconds, as documented
	}
	for _, c := range candidates {
		if sameKey(c, v) {
			return
		}
	}
	t.Fatalf("no candidate of %s finds %s %s", id, v.Type, v)
}
