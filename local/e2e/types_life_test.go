package e2e_test

import (
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/causeway-sync/causeway/core/value/valuetest"
	"github.com/causeway-sync/causeway/local/mongodb"
)

// typeDoc is a document with several values all over it.
type typeDoc struct {
	*document
	values []typeValue
	looked *int // values that were as they must be
}

type typeValue struct {
	valuetest.Case
	edits   []valuetest.Edit
	outside bool // only where it is a unit of its own is it edited
}

// typeDocs put the values into documents: the first of each under the empty
// name too, of which there is only one.
func (w *world) typeDocs(c *collection, cases []valuetest.Case, again string) []*typeDoc {
	docs := make([]*typeDoc, (len(cases)+valuetest.Slots-1)/valuetest.Slots)
	python := w.info.MongoDBKind == string(mongodb.SecantusPy)
	for i, v := range cases {
		edits := v.Edits[:min(mostEdits, len(v.Edits))]
		if python && v.Name == "object like a DBRef" {
			edits = nil // a path into one leads nowhere there
		}
		d := docs[i%len(docs)]
		if d == nil {
			d = &typeDoc{document: &document{collection: c}}
			docs[i%len(docs)] = d
		}
		d.values = append(d.values, typeValue{v, edits, python && v.HasNaN()})
	}
	for _, d := range docs {
		var names []string
		for _, v := range d.values {
			names = append(names, v.Name)
		}
		d.key = strings.Join(names, ", ") + again
	}
	return docs
}

// together are the documents' lives: all take the same steps, which the first
// carries out for all where the same is done to each.
func together(t *testing.T, w *world, c *collection, docs []*typeDoc, again string) {
	before := "of TestTypes" + again // no other test's documents have it in k
	for _, d := range docs {
		d.life(t, before)
	}
	first := docs[0]
	first.steps[0].do = func(t *testing.T) {
		var all []any
		for _, d := range docs {
			all = append(all, d.steps[0].bytes)
		}
		if _, err := w.db.Collection(c.name).InsertMany(t.Context(), all); err != nil {
			t.Fatal(err)
		}
	}
	first.steps[1].dql = []string{"update {c} set k = 'edited' where k = '" + before + "'"}
	last := len(first.steps) - 1
	first.steps[last].do = func(t *testing.T) {
		var models []mongo.WriteModel
		for _, d := range docs {
			// A replacement must not have fields with a dollar; this may.
			whole := bson.A{bson.D{{Key: "$replaceWith", Value: bson.D{{Key: "$literal", Value: d.steps[last].bytes}}}}}
			models = append(models, mongo.NewUpdateOneModel().SetFilter(c.filter(d.key)).SetUpdate(whole))
		}
		if _, err := w.db.Collection(c.name).BulkWrite(t.Context(), models); err != nil {
			t.Fatal(err)
		}
	}
}

// life is what happens to the document, which has before in its field k.
func (d *typeDoc) life(t *testing.T, before string) {
	kind := d.kind()
	held := make([]valuetest.Held, len(d.values))
	for i, v := range d.values {
		held[i] = valuetest.Alike(v.Value, v.Form(kind))
	}
	units, inside := kind.Places()
	all := len(d.values) * (units + inside)
	d.add(t, step{name: "insert"}, before, held, all)
	d.add(t, step{name: "Ditto edits another field"}, "edited", held, all)
	for n := range mostEdits {
		s, looked := step{name: "Ditto edits the values", dittoWrites: -1, mongoWrites: -1}, 0
		for i, v := range d.values {
			if n >= len(v.edits) {
				continue
			}
			s.dittoWrites, s.mongoWrites = 1, 1
			js, old := v.edits[n].In(kind), held[i]
			edited := valuetest.Alike(v.edits[n].Want, js)
			looked += units + inside
			if v.outside {
				looked -= inside
				edited.InsideForm = ""
			}
			for _, f := range kind.Edits(i, edited) {
				s.updateDitto = append(s.updateDitto, edit{at(f.Path...), f.JSON})
			}
			if v.outside {
				edited.Inside, edited.InsideForm = old.Inside, old.InsideForm
			}
			held[i] = edited
		}
		d.add(t, s, "edited", held, looked)
	}
	for i, v := range d.values {
		held[i] = valuetest.Alike(v.Value, v.Form(kind))
	}
	d.add(t, step{name: "MongoDB puts them back"}, "back", held, all)
}

// add adds a step after which these values must be held, beside this k; looked
// of them have been looked at then.
func (d *typeDoc) add(t *testing.T, s step, k string, held []valuetest.Held, looked int) {
	kind := d.kind()
	body := kind.Body(t, held...)
	body[0].Value = k
	s.bytes = raw(t, append(d.filter(d.key), body...))
	s.exact, s.ditto = true, strings.Replace(kind.Shown(t, held...), `"k":"k"`, `"k":"`+k+`"`, 1)
	s.check = func(*testing.T) string { *d.looked += looked; return "" }
	d.steps = append(d.steps, s)
}
