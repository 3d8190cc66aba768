package reconcile_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
)

// tape turns the fuzzer's bytes into choices; at its end every choice is 0.
type tape struct {
	t testing.TB
	b []byte
}

// pick is a number below n.
func (s *tape) pick(n int) int {
	if len(s.b) == 0 {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return int(c) % n
}

func (s *tape) yes() bool { return s.pick(2) == 1 }

func choose[T any](s *tape, of ...T) T { return of[s.pick(len(of))] }

// counterPath is the settable counter of the collections that have one.
var counterPath = value.PathOf("n", "q")

// rules makes a collection.
func (s *tape) rules() *manifest.Collection {
	c := &manifest.Collection{Name: "c", DittoName: "c", Fields: []string{"_id"}, Strict: s.yes()}
	c.Direction = choose(s, manifest.Both, manifest.Both, manifest.MongoToDitto, manifest.DittoToMongo)
	if !c.Strict {
		c.Mode = choose(s, value.JSON, value.EJSON)
		if s.yes() {
			c.Counters = []value.Path{counterPath}
		}
	}
	if s.pick(3) == 1 {
		c.Fields = []string{"k"}
	}
	c.Conflicts.Default = choose(s, value.MongoDB, value.Ditto)
	if s.yes() {
		c.Conflicts.Fields = map[value.Path]value.Side{value.PathOf("a"): c.Conflicts.Default.Other(), value.PathOf("n", "o"): c.Conflicts.Default.Other()}
	}
	c.Deletes.Ditto = choose(s, manifest.DeleteApply, manifest.DeleteIgnore, manifest.DeleteSoft)
	if c.Deletes.Ditto == manifest.DeleteSoft {
		c.Deletes.SoftField = value.PathOf("gone")
	}
	c.Deletes.Resurrect = s.yes()
	return c
}

// places are where edits happen: few, so that they meet.
var places = []value.Path{
	value.PathOf("a"), value.PathOf("n"), counterPath, value.PathOf("n", "x"), value.PathOf("n", "o"), value.PathOf("n", "o", "p"), value.PathOf("n", "o", "r"),
	value.PathOf("a", "b"), value.PathOf("gone"), value.PathOf(""), value.PathOf("a.b"), value.PathOf("$x"), value.PathOf("_mdb"), value.PathOf("k"),
}

func (s *tape) scalar() any {
	return choose[any](s,
		int32(0), int32(5), "x", nil, bson.D{}, bson.A{}, int64(5), 5.0, 5.5, true, "507f1f77bcf86cd799439011", "1970-01-01T00:00:00.001Z", "5.0",
		bson.ObjectID{1}, bson.DateTime(1), bson.Timestamp{T: 5, I: 1}, bson.Binary{Data: []byte{1, 2}}, decimal("5.0"), bson.MinKey{}, int64(1)<<40,
		bson.Regex{Pattern: "a", Options: "i"}, bson.JavaScript("f"), bson.D{{Key: "id", Value: "x"}, {Key: "len", Value: int32(5)}, {Key: "metadata", Value: bson.D{}}},
		bson.D{{Key: "$numberInt", Value: "5"}}, bson.D{{Key: "$oid", Value: "x"}}, bson.D{{Key: "$ref", Value: "x"}},
	)
}

func decimal(text string) bson.Decimal128 {
	d, err := bson.ParseDecimal128(text)
	if err != nil {
		panic(err)
	}
	return d
}

func (s *tape) value(depth int) any {
	switch kind := s.pick(6); {
	case kind == 4 && depth > 0:
		a := bson.A{}
		for range s.pick(4) {
			a = append(a, s.value(depth-1))
		}
		return a
	case kind == 5 && depth > 0:
		d := bson.D{}
		for _, name := range []string{"o", "q", "x", "p", "b"} {
			if s.yes() {
				d = append(d, bson.E{Key: name, Value: s.value(depth - 1)})
			}
		}
		return d
	}
	return s.scalar()
}

// bson is a value as MongoDB has it; at a counter, mostly a number.
func (s *tape) bson(p value.Path) bson.RawValue {
	v := s.value(2)
	if p == counterPath && s.pick(8) > 0 {
		v = choose[any](s, int32(0), int32(1), int32(7), int64(7), 7.0, decimal("7"))
	}
	raw, err := bson.Marshal(bson.D{{Key: "v", Value: v}})
	if err != nil {
		s.t.Fatal(err)
	}
	return bson.Raw(raw).Lookup("v")
}

// json is a value as a device writes it: plain, as Extended JSON, or odd.
func (s *tape) json(c *manifest.Collection, p value.Path) []byte {
	if p == counterPath && len(c.Counters) > 0 {
		return []byte(choose(s, "0", "1", "7", "-3", "9007199254740993"))
	}
	if s.pick(3) > 0 {
		js, err := value.AppendDitto(nil, s.bson(p), choose(s, c.Mode, value.JSON, value.EJSON))
		if err != nil {
			s.t.Fatal(err)
		}
		return js
	}
	return []byte(choose(s,
		`5`, `5.0`, `{}`, `"1970-01-01T02:00:00.001+02:00"`, `[1,2]`, `{"$numberInt":"5"}`, `{"$numberLong":5}`, `{"$oid":"507f1f77bcf86cd799439011"}`, `"5"`,
		`{"$oid":"507f1f77bcf86cd799439011","$date":5}`, `{"$numberInt":"x"}`, `{"id":"x","len":5,"metadata":{}}`, `{"o":{"p":1}}`, `{"o":{}}`, `{"x":[1,{"$date":5}]}`, `1e300`, `-0.0`,
	))
}

// mongoEdit changes MongoDB's document as a user does: some fields, all of it,
// or its existence.
func (s *tape) mongoEdit(c *manifest.Collection, m bson.Raw) bson.Raw {
	if s.pick(8) == 7 {
		return nil
	}
	if m == nil || s.pick(8) == 7 {
		m = mongoBase(s, c)
	}
	for range s.pick(4) {
		p := choose(s, places[:len(places)-1]...)
		var v bson.RawValue
		if s.pick(4) > 0 {
			v = s.bson(p)
		}
		var err error
		if m, err = value.ReplaceBSON(m, p, v); err != nil {
			s.t.Fatal(err)
		}
	}
	return m
}

func mongoBase(s *tape, c *manifest.Collection) bson.Raw {
	doc := bson.D{{Key: "_id", Value: "d"}}
	if !c.OneToOne() {
		doc = append(doc, bson.E{Key: "k", Value: "d"})
	}
	raw, err := bson.Marshal(doc)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

// dittoEdit is mongoEdit on a device.
func (s *tape) dittoEdit(c *manifest.Collection, d []byte) []byte {
	if s.pick(8) == 7 {
		return nil
	}
	if d == nil || s.pick(8) == 7 {
		d = []byte(`{"_id":"d"}`)
		if !c.OneToOne() && s.yes() {
			d = []byte(`{"_id":"d","k":"d"}`)
		}
	}
	for range s.pick(4) {
		p := choose(s, places...)
		var v []byte
		if s.pick(4) > 0 {
			v = s.json(c, p)
		}
		var err error
		if d, err = value.ReplaceJSON(d, p, v); err == nil {
			d, err = value.Canonical(nil, d)
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return d
}
