package main

import (
	"context"
	"flag"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/value"
)

// order is a document as an application has them: about 0.5 KB with two items,
// 20 KB with 160.
func order(items int) (bson.RawValue, error) {
	id := func(hex string) bson.ObjectID { id, _ := bson.ObjectIDFromHex(hex); return id }
	tax, _ := bson.ParseDecimal128("1.90")
	list := bson.A{}
	for i := range items {
		list = append(list, bson.D{
			{Key: "sku", Value: fmt.Sprintf("SKU-%05d", i)},
			{Key: "qty", Value: int32(i%9 + 1)},
			{Key: "price", Value: 19.99},
			{Key: "tax", Value: tax},
			{Key: "addedAt", Value: bson.DateTime(1712345678901)},
			{Key: "product", Value: id("507f1f77bcf86cd799439011")},
		})
	}
	raw, err := bson.Marshal(bson.D{
		{Key: "customer", Value: bson.D{{Key: "name", Value: "Zoë Müller"}, {Key: "id", Value: id("507f1f77bcf86cd799439012")}, {Key: "vip", Value: true}}},
		{Key: "status", Value: "open"},
		{Key: "total", Value: 1234.5},
		{Key: "version", Value: int64(7)},
		{Key: "createdAt", Value: bson.DateTime(1712345678901)},
		{Key: "note", Value: nil},
		{Key: "items", Value: list},
	})
	return bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: raw}, err
}

// codec gives the time and the allocations of the driver's Extended JSON as a
// multiple of the codec's, one after the other in each round.
func codec(_ context.Context, b *bench) error {
	testing.Init()
	if err := flag.Set("test.benchtime", "200ms"); err != nil {
		return err
	}
	for _, size := range []struct {
		name  string
		items int
	}{{"0.5 KB", 2}, {"20 KB", 160}} {
		v, err := order(size.items)
		if err != nil {
			return err
		}
		for _, m := range []struct {
			name string
			mode value.Mode
		}{{"json", value.JSON}, {"ejson", value.EJSON}} {
			js, err := value.AppendDitto(nil, v, m.mode)
			if err != nil {
				return err
			}
			canonical, err := bson.MarshalExtJSON(bson.Raw(v.Value), true, false)
			if err != nil {
				return err
			}
			var dst []byte
			name := "codec, " + size.name + ", " + m.name
			for _, pair := range []struct {
				way          string
				ours, driver func() error
			}{
				{
					"to JSON", func() (err error) { dst, err = value.AppendDitto(dst[:0], v, m.mode); return err },
					func() error { _, err := bson.MarshalExtJSON(bson.Raw(v.Value), true, false); return err },
				},
				{
					"to BSON", func() error { _, err := value.Decode(js, v, m.mode); return err },
					func() error { var out bson.Raw; return bson.UnmarshalExtJSON(canonical, true, &out) },
				},
			} {
				if err := b.against(name+" "+pair.way, pair.ours, pair.driver); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// against compares two functions, in turns.
func (b *bench) against(what string, ours, driver func() error) error {
	var times, allocs []float64
	for range b.rounds {
		x, err := benchmark(ours)
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		y, err := benchmark(driver)
		if err != nil {
			return fmt.Errorf("%s, the driver: %w", what, err)
		}
		times = append(times, perOp(y)/perOp(x))
		allocs = append(allocs, float64(x.MemAllocs)/float64(x.N)/(float64(y.MemAllocs)/float64(y.N)))
	}
	b.add(row{what: what + ", driver's time / codec's", values: times, aim: atLeast(5)})
	b.add(row{what: what + ", codec's allocations / driver's", values: allocs, aim: atMost(0.1)})
	return nil
}

func perOp(r testing.BenchmarkResult) float64 { return float64(r.T) / float64(r.N) }

func benchmark(f func() error) (r testing.BenchmarkResult, err error) {
	r = testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if err = f(); err != nil {
				b.FailNow()
			}
		}
	})
	return r, err
}
