package bridge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/value"
	"github.com/causeway-sync/causeway/core/value/valuetest"
)

// TestTypes takes every value of valuetest through both directions, in every
// place of a document and every kind of collection, over the simulated stores:
// they hold all types of BSON and every date, which SecantusDB, the server of
// local/e2e, does not (undefined, symbol and DBPointer become something else
// there, and the years before 1 and after 9999 are refused).
//
// Invariant 9: what no device changed stays as it is, byte by byte; what one
// changed keeps its type. Invariant 4: one write each, and none back.
func TestTypes(t *testing.T) {
	seen := map[bson.Type]bool{}
	cases := append(slices.Clone(valuetest.All), valuetest.Everything(t, valuetest.All))
	for _, k := range valuetest.Kinds {
		t.Run(k.String(), func(t *testing.T) {
			p := typePlay{stage: newStage(t, func(c *manifest.Collection) {
				if c.Strict = k.Strict; k.EJSON {
					c.Mode = value.EJSON
				}
			}), kind: k}
			for _, c := range cases {
				seen[valuetest.Raw(t, c.Value).Type] = true
				p.docs = append(p.docs, &typeDoc{Case: c, Held: valuetest.Alike(c.Value, c.Form(k))})
			}
			p.play()
			units, inside := k.Places()
			edits := 0
			for _, c := range cases {
				edits += len(c.Edits)
			}
			// There, beside an unrelated edit, put back by MongoDB; and each edit.
			if want := (units + inside) * (3*len(cases) + edits); p.looked != want {
				t.Errorf("looked at %d values, want %d", p.looked, want)
			}
			t.Logf("%d values", p.looked)
		})
	}
	for _, typ := range valuetest.Types {
		if !seen[typ] {
			t.Errorf("no value of type %s", typ)
		}
	}
}

type typePlay struct {
	*stage
	kind   valuetest.Kind
	docs   []*typeDoc
	looked int
}

type typeDoc struct {
	valuetest.Case
	valuetest.Held
	k string
}

func (p *typePlay) play() {
	p.insert("k")
	p.check("inserted", p.docs)
	for _, d := range p.docs {
		d.k = "K"
	}
	p.user("UPDATE c SET k = 'K' WHERE k = 'k'", "")
	p.check("another field edited", p.docs)
	for n := 0; ; n++ {
		var edited []*typeDoc
		for _, d := range p.docs {
			if n < len(d.Edits) {
				p.edit(d, d.Edits[n])
				edited = append(edited, d)
			}
		}
		if len(edited) == 0 {
			break
		}
		p.check(fmt.Sprintf("edit %d", n+1), edited)
	}
	for _, d := range p.docs {
		d.Held = valuetest.Alike(d.Value, d.Case.Form(p.kind))
	}
	p.insert("put back")
	p.check("put back", p.docs)
}

// insert writes all documents anew, with k beside the values.
func (p *typePlay) insert(k string) {
	p.t.Helper()
	for _, d := range p.docs {
		d.k = k
		if err := p.mongo.Set("c", p.body(d)); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *typePlay) body(d *typeDoc) bson.Raw {
	body := p.kind.Body(p.t, d.Held)
	body[0].Value = d.k
	b, err := bson.Marshal(append(bson.D{{Key: "_id", Value: d.Name}}, body...))
	if err != nil {
		p.t.Fatal(err)
	}
	return b
}

func (p *typePlay) edit(d *typeDoc, e valuetest.Edit) {
	p.t.Helper()
	d.Held = valuetest.Alike(e.Want, e.In(p.kind))
	args := map[string]any{"id": d.Name}
	var set []string
	for i, f := range p.kind.Edits(0, d.Held) {
		arg := fmt.Sprint("v", i)
		args[arg] = json.RawMessage(f.JSON)
		set = append(set, field(f.Path)+" = :"+arg)
	}
	text, err := json.Marshal(args)
	if err != nil {
		p.t.Fatal(err)
	}
	p.user("UPDATE c SET "+strings.Join(set, ", ")+" WHERE _id = :id", string(text))
}

// field is a path in DQL.
func field(path []string) string {
	var names []string
	for _, name := range path {
		names = append(names, "`"+strings.ReplaceAll(name, "`", "``")+"`")
	}
	return strings.Join(names, ".")
}

// check settles what was done to these documents, a write each, and looks at
// both sides.
func (p *typePlay) check(step string, docs []*typeDoc) {
	p.t.Helper()
	if n := p.settle(); n != len(docs) {
		p.t.Errorf("%s: Causeway wrote %d times, want %d", step, n, len(docs))
	}
	for _, u := range p.unsynced() {
		p.t.Errorf("%s: unsynced: %s", step, u)
	}
	shown := map[string]string{}
	api := ditto.V5
	if p.kind.Strict {
		api = ditto.V4
	}
	r, err := p.ditto.Execute(context.Background(), ditto.Request{API: api, Statement: "SELECT * FROM c"})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, item := range r.Items {
		var doc map[string]json.RawMessage
		if err := json.Unmarshal(item, &doc); err != nil {
			p.t.Fatal(err)
		}
		var id string
		if err := json.Unmarshal(doc["_id"], &id); err != nil {
			p.t.Fatal(err)
		}
		delete(doc, "_id")
		shown[id] = valuetest.Normal(p.t, doc)
	}
	units, inside := p.kind.Places()
	for _, d := range docs {
		want := strings.Replace(p.kind.Shown(p.t, d.Held), `"k":"k"`, `"k":"`+d.k+`"`, 1)
		if got := shown[d.Name]; got != want {
			p.t.Errorf("%s: %s: in Ditto\n got %s\nwant %s", step, d.Name, got, want)
			continue
		}
		held, want2 := p.mongo.Get("c", d.id()), p.body(d)
		if !bytes.Equal(held, want2) {
			p.t.Errorf("%s: %s: in MongoDB, byte by byte\n got %s\nwant %s", step, d.Name, held, want2)
			continue
		}
		p.looked += units + inside
	}
}

func (d *typeDoc) id() bson.RawValue {
	_, id, err := bson.MarshalValue(d.Name)
	if err != nil {
		panic(err)
	}
	return bson.RawValue{Type: bson.TypeString, Value: slices.Clone(id)}
}

// A document may have a field that is named like a type of Extended JSON. What
// devices add and remove beside it makes no value of that type of it.
func TestTypeNamesAsFields(t *testing.T) {
	for _, k := range valuetest.Kinds {
		t.Run(k.String(), func(t *testing.T) {
			s := newStage(t, func(c *manifest.Collection) {
				if c.Strict = k.Strict; k.EJSON {
					c.Mode = value.EJSON
				}
			})
			body := func(kv ...string) bson.Raw {
				inner := bson.D{}
				for i := 0; i < len(kv); i += 2 {
					inner = append(inner, bson.E{Key: kv[i], Value: kv[i+1]})
				}
				b, err := bson.Marshal(bson.D{{Key: "_id", Value: "a"}, {Key: "t", Value: inner}, {Key: "$oid", Value: "y"}})
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			if err := s.mongo.Set("c", body("$date", "today", "n", "x")); err != nil {
				t.Fatal(err)
			}
			s.settle()
			for _, step := range []struct {
				maps, whole string
				want        bson.Raw
			}{
				{"SET t.m = 'new'", `{"$date":"today","m":"new","n":"x"}`, body("$date", "today", "n", "x", "m", "new")},
				{"SET t.`$date` = 'now' UNSET t.m, t.n", `{"$date":"now"}`, body("$date", "now")},
			} {
				set := step.maps
				if k.Strict {
					set = "SET t = :v"
				}
				s.user("UPDATE c "+set+" WHERE _id = 'a'", `{"v":`+step.whole+`}`)
				if n := s.settle(); n != 1 {
					t.Errorf("%s: %d writes, want 1", set, n)
				}
				if u := s.unsynced(); len(u) > 0 {
					t.Errorf("unsynced: %v", u)
				}
				if got := s.mongo.All("c"); len(got) != 1 || !bytes.Equal(got[0], step.want) {
					t.Errorf("%s: got %s\nwant %s", set, got, step.want)
				}
			}
		})
	}
}
