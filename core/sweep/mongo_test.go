package sweep_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/sweep"
)

func decimal(s string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		panic(err)
	}
	return d
}

func bin(sub byte, data ...byte) bson.Binary {
	return bson.Binary{Subtype: sub, Data: append([]byte{}, data...)}
}

// oddIDs has ids of every type, and those at which orders part.
func oddIDs() []any {
	return []any{
		bson.MinKey{},
		bson.MaxKey{},
		nil, true, false,
		math.NaN(), math.Inf(-1), math.Inf(1), math.Copysign(0, -1), int32(1), int64(-7), 2.5, int64(1 << 53), int64(1<<53 + 1),
		float64(1<<53 + 2), decimal("9007199254740992.5"), decimal("2.25"), decimal("-1E+30"), decimal("1E+400"),
		int64(math.MaxInt64), int64(math.MinInt64), decimal("0.1"), 0.1,
		"", "a", "B", "é", "a\x00b", "a\x01", "a b", "😀", "\uffee", "\xff\xfe", bson.Symbol("symbol"), `"quoted\"`,
		bson.D{},
		bson.D{{Key: "a", Value: 1}},
		bson.D{{Key: "a", Value: "1"}},
		bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 2}},
		bson.D{{Key: "b", Value: 2}, {Key: "a", Value: 1}},
		bson.D{{Key: "a", Value: math.NaN()}},
		bson.D{{Key: "a", Value: nil}},
		bson.D{{Key: "a", Value: bson.A{1, "x"}}},
		bson.D{{Key: "a", Value: bson.D{{Key: "z", Value: bson.MinKey{}}}}},
		bson.D{{Key: "a", Value: 0.1}},
		bson.D{{Key: "a", Value: decimal("0.1")}},
		bson.D{{Key: "a", Value: bin(0, 1, 2)}},
		bson.D{{Key: "a", Value: bin(4, 1, 2)}},
		bin(0), bin(0, 9), bin(0, 1, 2), bin(5, 7), bin(2, 1, 2, 3), bin(128, 0xff), bin(4, make([]byte, 16)...),
		bson.NewObjectID(), bson.NilObjectID,
		bson.DateTime(0), bson.DateTime(-62135596800000), bson.DateTime(253402300799999), bson.DateTime(-1),
		bson.Timestamp{T: 1, I: 2},
		bson.Timestamp{T: 4000000000, I: 1},
		bson.JavaScript("f()"), bson.JavaScript("a()"),
		bson.CodeWithScope{Code: "b()", Scope: bson.D{}},
		bson.CodeWithScope{Code: "g()", Scope: bson.D{}},
	}
}

// randomIDs has ids of several types, some types many, some few.
func randomIDs(r *rand.Rand, n int) []any {
	out := make([]any, n)
	for i := range out {
		switch r.IntN(12) {
		case 0, 1, 2:
			out[i] = bson.NewObjectIDFromTimestamp(time.Unix(r.Int64N(1<<32), 0))
		case 3, 4:
			out[i] = strings.Repeat(string(rune('a'+r.IntN(26))), r.IntN(4)) + fmt.Sprint(r.IntN(1e6))
		case 5:
			out[i] = r.Int32()
		case 6:
			out[i] = r.NormFloat64() * 1e6
		case 7:
			out[i] = decimal(fmt.Sprintf("%d.%d", r.Int64N(1e6)-5e5, r.IntN(1000)))
		case 8:
			data := make([]byte, 16)
			for j := range data {
				data[j] = byte(r.Uint32())
			}
			out[i] = bson.Binary{Subtype: []byte{0, 4}[r.IntN(2)], Data: data[:[]int{16, 16, 3, 5}[r.IntN(4)]]}
		case 9:
			out[i] = bson.D{{Key: "a", Value: r.IntN(100)}, {Key: "b", Value: fmt.Sprint(r.IntN(1e6))}}
		case 10:
			out[i] = bson.DateTime(r.Int64N(1e12))
		case 11:
			out[i] = bson.Timestamp{T: r.Uint32(), I: 1}
		}
	}
	return out
}

// Every `_id` comes once, whatever types there are, whatever the sample held,
// whatever sizes the pages have, and also where a page was left in the middle.
func TestMongoMixed(t *testing.T) {
	db := database(t)
	for _, seed := range []uint64{1, 2} {
		t.Run(fmt.Sprint("Seed", seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 0))
			coll := fmt.Sprint("mixed", seed)
			insertIDs(t, db, coll, randomIDs(r, 1000)...)
			odd := oddIDs()
			insertEach(t, db, coll, odd[len(odd)/2:]...)
			p := &sweep.Pager{Mongo: db, Manifest: config(coll), Limits: sweep.Limits{PerRange: 100}}
			ranges, _ := plan(t, p, sweep.MongoDB)
			if len(ranges) < 10 {
				t.Errorf("only %d ranges", len(ranges))
			}
			// New types, and ids below and above all that the plan saw.
			insertEach(t, db, coll, odd[:len(odd)/2]...)
			insertEach(t, db, coll, bson.ObjectID{0, 1}, bson.ObjectID{255, 255}, "\x01", "zzzz", "\U0010ffff", int64(-1<<60), int64(1<<60))
			want := stored(t, db, coll)
			if n := len(want); n < 900 {
				t.Fatalf("only %d documents", n)
			}
			got := map[string]int{}
			for _, rg := range ranges {
				readAll(t, p, rg, func() int { return 1 + r.IntN(300) }, func(n int) int {
					if n > 1 && r.IntN(3) == 0 {
						return 1 + r.IntN(n)
					}
					return n
				}, func(page sweep.Page, n int) {
					for _, id := range page.MongoIDs[:n] {
						got[name(id)]++
					}
				})
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("keys (-stored +paged):\n%s", d)
			}
		})
	}
}

// One key at a time, through all that is odd: as one range, so that every type
// begins and ends in it.
func TestMongoOddOneByOne(t *testing.T) {
	db := database(t)
	insertEach(t, db, "odd", oddIDs()...)
	want := stored(t, db, "odd")
	if len(want) < 55 {
		t.Fatalf("only %d of the ids were taken", len(want))
	}
	p := &sweep.Pager{Mongo: db, Manifest: config("odd")}
	ranges, counts := plan(t, p, sweep.MongoDB)
	if len(ranges) != 1 || counts["odd"][sweep.MongoDB] != int64(len(want)) {
		t.Errorf("%d ranges, counts %v", len(ranges), counts)
	}
	for _, size := range []int{1, 2, 7} {
		got := map[string]int{}
		readAll(t, p, ranges[0], pages(size), whole, func(page sweep.Page, _ int) {
			for _, id := range page.MongoIDs {
				got[name(id)]++
			}
		})
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("pages of %d (-stored +paged):\n%s", size, d)
		}
		// As if every page were left after its first key, or every other one.
		for _, often := range []int{1, 2} {
			got, turn := map[string]int{}, 0
			readAll(t, p, ranges[0], pages(size), func(n int) int {
				if turn++; turn%often == often-1 {
					return min(n, 1)
				}
				return n
			}, func(page sweep.Page, n int) {
				for _, id := range page.MongoIDs[:n] {
					got[name(id)]++
				}
			})
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("pages of %d, one key of every %d. (-stored +paged):\n%s", size, often, d)
			}
		}
	}
}

func TestMongoFew(t *testing.T) {
	db := database(t)
	insertIDs(t, db, "one", "x")
	p := &sweep.Pager{Mongo: db, Manifest: config("none", "one")}
	ranges, _ := plan(t, p, sweep.MongoDB)
	var got []string
	for _, r := range ranges {
		got = append(got, r.ID)
		readAll(t, p, r, pages(500), whole, func(page sweep.Page, _ int) {
			for _, id := range page.MongoIDs {
				got = append(got, name(id))
			}
		})
	}
	if d := cmp.Diff([]string{"none/mongodb/rest", "one/mongodb/rest", `string "x"`}, got); d != "" {
		t.Error(d)
	}
}

// Ranges of one type differ by less than a factor of two.
func TestMongoEven(t *testing.T) {
	db := database(t)
	var ids []any
	for i := range 3000 {
		switch {
		case i%3 == 0:
			ids = append(ids, fmt.Sprintf("%04d", i*i%100_000_000)) // not evenly spread
		default:
			ids = append(ids, bson.NewObjectID())
		}
	}
	insertIDs(t, db, "even", ids...)
	p := &sweep.Pager{Mongo: db, Manifest: config("even"), Limits: sweep.Limits{PerRange: 300}}
	ranges, _ := plan(t, p, sweep.MongoDB)
	sizes := map[string][]int{}
	for _, r := range ranges {
		n := 0
		readAll(t, p, r, pages(10_000), whole, func(page sweep.Page, _ int) { n += page.Len() })
		if r.Type != "" {
			sizes[r.Type] = append(sizes[r.Type], n)
		} else if n != 0 {
			t.Errorf("%d documents in the rest", n)
		}
	}
	if len(sizes["objectId"]) < 6 || len(sizes["string"]) < 3 {
		t.Errorf("ranges: %v", sizes)
	}
	for typ, of := range sizes {
		if slices.Max(of) > 2*slices.Min(of) {
			t.Errorf("%s: ranges of %v documents", typ, of)
		}
	}
}

// A collection's own collation takes nothing away.
func TestMongoCollation(t *testing.T) {
	db := database(t)
	o := options.CreateCollection().SetCollation(&options.Collation{Locale: "en", Strength: 2, NumericOrdering: true})
	if err := db.Driver().CreateCollection(t.Context(), "ci", o); err != nil {
		t.Fatal(err)
	}
	insertIDs(t, db, "ci", "b", "A", "c", "B2", "a10", "a9", "é", "E", "Z", bson.D{{Key: "k", Value: "x"}}, bson.D{{Key: "k", Value: "Y"}}, 5)
	want := stored(t, db, "ci")
	p := &sweep.Pager{Mongo: db, Manifest: config("ci"), Limits: sweep.Limits{PerRange: 2}}
	ranges, _ := plan(t, p, sweep.MongoDB)
	for _, size := range []int{1, 3} {
		got := map[string]int{}
		for _, r := range ranges {
			readAll(t, p, r, pages(size), whole, func(page sweep.Page, _ int) {
				for _, id := range page.MongoIDs {
					got[name(id)]++
				}
			})
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("pages of %d (-stored +paged):\n%s", size, d)
		}
	}
}
