package value_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// order is a document as an application has them: about 0.5 KB with two
// items, 20 KB with 130.
func order(tb testing.TB, items int) bson.RawValue {
	list := bson.A{}
	for i := range items {
		list = append(list, bson.D{
			{Key: "sku", Value: fmt.Sprintf("SKU-%05d", i)},
			{Key: "qty", Value: int32(i%9 + 1)},
			{Key: "price", Value: 19.99},
			{Key: "tax", Value: dec("1.90")},
			{Key: "addedAt", Value: bson.DateTime(1712345678901)},
			{Key: "product", Value: oid("507f1f77bcf86cd799439011")},
		})
	}
	return rv(tb, bson.D{
		{Key: "customer", Value: bson.D{{Key: "name", Value: "Zoë Müller"}, {Key: "id", Value: oid("507f1f77bcf86cd799439012")}, {Key: "vip", Value: true}}},
		{Key: "status", Value: "open"},
		{Key: "total", Value: 1234.5},
		{Key: "version", Value: int64(7)},
		{Key: "createdAt", Value: bson.DateTime(1712345678901)},
		{Key: "note", Value: nil},
		{Key: "items", Value: list},
	})
}

var sizes = []struct {
	name  string
	items int
}{{"0.5KB", 2}, {"20KB", 160}}

var benchModes = []struct {
	name string
	mode value.Mode
}{{"json", value.JSON}, {"ejson", value.EJSON}}

func BenchmarkAppendDitto(b *testing.B) {
	for _, size := range sizes {
		v := order(b, size.items)
		for _, m := range benchModes {
			b.Run(size.name+"/"+m.name, func(b *testing.B) {
				var dst []byte
				b.ReportAllocs()
				b.SetBytes(int64(len(v.Value)))
				for b.Loop() {
					var err error
					if dst, err = value.AppendDitto(dst[:0], v, m.mode); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(size.name+"/driver", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(v.Value)))
			for b.Loop() {
				if _, err := bson.MarshalExtJSON(bson.Raw(v.Value), true, false); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, size := range sizes {
		v := order(b, size.items)
		for _, m := range benchModes {
			js, err := value.AppendDitto(nil, v, m.mode)
			if err != nil {
				b.Fatal(err)
			}
			for _, like := range []struct {
				name string
				v    bson.RawValue
			}{{"", bson.RawValue{}}, {"/over", v}} {
				b.Run(size.name+"/"+m.name+like.name, func(b *testing.B) {
					b.ReportAllocs()
					b.SetBytes(int64(len(js)))
					for b.Loop() {
						if _, err := value.Decode(js, like.v, m.mode); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
		js, err := value.AppendDitto(nil, v, value.EJSON)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(size.name+"/driver", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(js)))
			for b.Loop() {
				var out bson.Raw
				if err := bson.UnmarshalExtJSON(js, true, &out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkEqual(b *testing.B) {
	for _, size := range sizes {
		v := order(b, size.items)
		js, err := value.AppendDitto(nil, v, value.JSON)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !value.Equal(v, js, value.JSON) {
					b.Fatal("not equal")
				}
			}
		})
	}
}

func BenchmarkHashJSON(b *testing.B) {
	for _, size := range sizes {
		js, err := value.AppendDitto(nil, order(b, size.items), value.JSON)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(size.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if value.HashJSON(js).IsAbsent() {
					b.Fatal("absent")
				}
			}
		})
	}
}

func BenchmarkUnits(b *testing.B) {
	for _, size := range sizes {
		v := order(b, size.items)
		js, err := value.AppendDitto(nil, v, value.JSON)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(size.name+"/BSON", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := value.BSONUnits(v.Value, false, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(size.name+"/JSON", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := value.JSONUnits(js, false, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
