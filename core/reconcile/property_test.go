package reconcile_test

import (
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"pgregory.net/rapid"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

// TestApplyConverges: a plan that is applied makes both sides agree, and the
// plan after it is empty (invariants 3 and 4).
func TestApplyConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &manifest.Collection{
			Name: "c", DittoName: "c", Fields: []string{"_id"}, Direction: manifest.Both,
			Strict: rapid.Bool().Draw(t, "strict"),
		}
		if !c.Strict {
			c.Mode = value.Mode(rapid.IntRange(0, 1).Draw(t, "mode"))
			if rapid.Bool().Draw(t, "counter") {
				c.Counters = []value.Path{value.PathOf("n", "q")}
			}
		}
		c.Conflicts.Default = rapid.SampledFrom([]value.Side{value.MongoDB, value.Ditto}).Draw(t, "winner")

		e := ledger.Entry{Key: ledger.Key{Collection: "c", ID: `"d"`}}
		m, d := document(t, "m0"), []byte(nil)
		for round := range 3 {
			if m != nil || d != nil {
				m, d, e = settle(t, c, e, m, d)
			}
			switch rapid.IntRange(0, 3).Draw(t, "edit") {
			case 0:
				m = document(t, "m")
			case 1:
				d = dittoOf(t, c, document(t, "d"))
			case 2:
				m, d = document(t, "m"), dittoOf(t, c, document(t, "d"))
			case 3:
				if m = nil; round == 1 {
					d = dittoOf(t, c, document(t, "d"))
				}
			}
		}
		if m != nil || d != nil {
			settle(t, c, e, m, d)
		}
	})
}

// settle applies plans until nothing is left to write, which must be after one.
func settle(t *rapid.T, c *manifest.Collection, e ledger.Entry, m bson.Raw, d []byte) (bson.Raw, []byte, ledger.Entry) {
	id := bson.RawValue{Type: bson.TypeString, Value: []byte("\x02\x00\x00\x00d\x00")}
	in := func() reconcile.Input {
		return reconcile.Input{Rules: c, Entry: e, Mongo: m, Ditto: d, ID: []byte(`"d"`), NewID: id, Removed: true}
	}
	p := reconcile.Decide(in())
	if p.Problem != nil {
		t.Fatalf("problem: %+v", p.Problem)
	}
	first := describe(&p)
	m0, d0 := m, d
	if p.Writes() || p.Changed {
		m, d = apply(t, &p, m, d)
		e = p.Next
		e.Rev++
	}
	p = reconcile.Decide(in())
	if p.Writes() {
		t.Fatalf("after the plan %q there is still %q\nbefore: %s | %s\nafter: %s | %s", first, describe(&p), m0, d0, m, d)
	}
	if m != nil && d != nil && !value.Equal(bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: m}, plainCounters(c, d), c.Mode) {
		t.Fatalf("after the plan %q the sides differ: %s | %s", first, m, d)
	}
	if p.Changed {
		e = p.Next
		e.Rev++
	}
	return m, d, e
}

// plainCounters gives counters the form that the mode's encoding has.
func plainCounters(c *manifest.Collection, d []byte) []byte {
	for _, p := range c.Counters {
		if v := value.Lookup(d, p); v != nil && c.Mode == value.EJSON {
			d, _ = value.ReplaceJSON(d, p, []byte(`{"$numberInt":"`+string(v)+`"}`))
		}
	}
	if s := value.Lookup(d, value.PathOf("_id")); s == nil {
		return nil
	}
	return d
}

// failer is what rapid and testing have in common.
type failer interface{ Fatal(args ...any) }

func apply(t failer, p *reconcile.Plan, m bson.Raw, d []byte) (bson.Raw, []byte) {
	var err error
	switch w := p.ToDitto; {
	case w.Insert != nil:
		d, err = value.Canonical(nil, w.Insert)
	case w.Delete:
		d = nil
	default:
		for _, o := range w.Ops {
			if d, err = value.ReplaceJSON(d, o.Path, o.New); err != nil {
				break
			}
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	switch w := p.ToMongo; {
	case w.Insert != nil:
		m = w.Insert
	case w.Delete:
		m = nil
	default:
		for _, o := range w.Ops {
			if m, err = value.ReplaceBSON(m, o.Path, o.New); err != nil {
				t.Fatal(err)
			}
		}
	}
	return m, d
}

// document draws a MongoDB document over few fields, so that edits meet.
func document(t *rapid.T, label string) bson.Raw {
	doc := bson.D{{Key: "_id", Value: "d"}}
	scalar := rapid.OneOf(
		rapid.Custom(func(t *rapid.T) any { return rapid.Int32Range(0, 3).Draw(t, "i") }),
		rapid.Custom(func(t *rapid.T) any { return rapid.SampledFrom([]string{"x", "y"}).Draw(t, "s") }),
		rapid.Custom(func(t *rapid.T) any { return bson.A{rapid.Int32Range(0, 1).Draw(t, "e"), nil} }),
		rapid.Just[any](nil),
		rapid.Just[any](bson.D{}),
	)
	if rapid.Bool().Draw(t, label+".a?") {
		doc = append(doc, bson.E{Key: "a", Value: scalar.Draw(t, label+".a")})
	}
	switch rapid.IntRange(0, 3).Draw(t, label+".n?") {
	case 1:
		doc = append(doc, bson.E{Key: "n", Value: scalar.Draw(t, label+".n")})
	case 2, 3:
		n := bson.D{}
		if rapid.Bool().Draw(t, label+".n.q?") {
			n = append(n, bson.E{Key: "q", Value: rapid.Int32Range(0, 5).Draw(t, label+".n.q")})
		}
		if rapid.Bool().Draw(t, label+".n.x?") {
			n = append(n, bson.E{Key: "x", Value: scalar.Draw(t, label+".n.x")})
		}
		if rapid.Bool().Draw(t, label+".n.o?") {
			n = append(n, bson.E{Key: "o", Value: bson.D{{Key: "p", Value: scalar.Draw(t, label+".n.o.p")}}})
		}
		doc = append(doc, bson.E{Key: "n", Value: n})
	}
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// dittoOf is the document as Ditto would show it.
func dittoOf(t *rapid.T, c *manifest.Collection, m bson.Raw) []byte {
	js, err := value.AppendDitto(nil, bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: m}, c.Mode)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.Counters {
		if v := value.LookupBSON(m, p); v.Type == bson.TypeInt32 {
			js, _ = value.ReplaceJSON(js, p, []byte{byte('0' + v.Int32())})
		}
	}
	return js
}
