package e2e_test

import (
	"slices"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/value/valuetest"
	"github.com/causeway-sync/causeway/local/mongodb"
)

// typed hold values of every type: a collection of each kind.
var typed = []*collection{
	{name: "types"},
	{name: "types_maps", maps: true},
	{name: "types_ejson", ejson: true},
}

func (c *collection) kind() valuetest.Kind {
	return valuetest.Kind{EJSON: c.ejson, Strict: c.strict()}
}

// mostEdits are how many edits of a value go through the whole stack.
// TestTypes of core/bridge has them all.
const mostEdits = 2

// TestTypes takes the values of valuetest, in every place of a document,
// through both engines and the functions.
//
// Invariant 9: whatever else is edited, they stay as they are, byte by byte;
// edited by a device, they keep their type. Invariant 4: one write each, and
// none back.
//
// What SecantusDB in Python does not hold is missing: undefined, symbol and
// DBPointer, and dates before the year 1 and after 9999. TestTypes of
// core/bridge has it. And since an object or array with a NaN in it does not
// equal itself there, no write to one ever matches: in those a NaN is looked
// at, and not edited.
func TestTypes(t *testing.T) {
	t.Parallel()
	w := open(t)
	python := w.info.MongoDBKind == string(mongodb.SecantusPy)
	again := w.again(t)
	cases := w.held(t, valuetest.All)
	has := typesOf(t, cases)
	for _, typ := range valuetest.Types {
		if !has[typ] && !(python && slices.Contains(valuetest.Deprecated, typ)) {
			t.Errorf("no value of type %s", typ)
		}
	}
	cases = append(cases, valuetest.Everything(t, slices.DeleteFunc(slices.Clone(cases), func(c valuetest.Case) bool {
		return python && c.HasNaN()
	})))
	looked, want := 0, 0
	var all []*document
	for _, c := range typed {
		docs := w.typeDocs(c, mixed(t, cases), again)
		together(t, w, c, docs, again)
		if n := len(typesOf(t, cases)); len(docs) < n {
			t.Errorf("%d documents have one empty name each, too few for %d types", len(docs), n)
		}
		units, inside := c.kind().Places()
		for _, d := range docs {
			d.looked = &looked
			for _, v := range d.values {
				want += (3 + len(v.edits)) * (units + inside)
				if v.outside {
					want -= len(v.edits) * inside
				}
			}
			all = append(all, d.document)
		}
	}
	w.play(t, all)
	if looked != want && !t.Failed() {
		t.Errorf("looked at %d values, want %d", looked, want)
	}
	t.Logf("%d values of %d in %d documents", looked, want, len(all))
}

func typesOf(t *testing.T, cases []valuetest.Case) map[bson.Type]bool {
	types := map[bson.Type]bool{}
	for _, c := range cases {
		types[valuetest.Raw(t, c.Value).Type] = true
	}
	return types
}

// mixed puts one value of each type first, and the others behind.
func mixed(t *testing.T, cases []valuetest.Case) []valuetest.Case {
	var first, more []valuetest.Case
	seen := map[bson.Type]bool{}
	for _, c := range cases {
		if typ := valuetest.Raw(t, c.Value).Type; !seen[typ] {
			seen[typ], first = true, append(first, c)
		} else {
			more = append(more, c)
		}
	}
	return append(first, more...)
}

// held are the cases that MongoDB gives back as they are.
func (w *world) held(t *testing.T, cases []valuetest.Case) (held []valuetest.Case) {
	t.Helper()
	coll := w.db.Collection(markCollection + "_types")
	docs := make([]any, len(cases))
	for i, c := range cases {
		docs[i] = bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "v", Value: valuetest.Raw(t, c.Value)}}
	}
	if _, err := coll.InsertMany(t.Context(), docs, options.InsertMany().SetOrdered(false)); err != nil {
		if len(cases) == 1 {
			t.Logf("this MongoDB refuses %s", cases[0].Name)
			return nil
		}
		half := len(cases) / 2 // one bad document makes the whole request one
		return append(w.held(t, cases[:half]), w.held(t, cases[half:])...)
	}
	for i, c := range cases {
		doc := raw(t, docs[i].(bson.D))
		got, err := coll.FindOne(t.Context(), bson.D{{Key: "_id", Value: doc.Lookup("_id")}}).Raw()
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(got, doc) {
			held = append(held, c)
		} else {
			t.Logf("this MongoDB makes a %s of %s", got.Lookup("v").Type, c.Name)
		}
	}
	return held
}
