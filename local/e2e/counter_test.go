package e2e_test

import (
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sync/errgroup"
)

// counting have settable counters.
var counting = []*collection{
	{name: "inventory", maps: true, counters: []string{"qty", "order.qty"}},
	{name: "inventory_ejson", fields: []string{"sku"}, ejson: true, counters: []string{"qty", "order.qty"}},
}

// apply is a statement of the connector's guide.
func apply(operation string) []string {
	return []string{"UPDATE {c} APPLY " + operation + " WHERE _id = :id"}
}

// counters are lives of documents, by key. Each ends with an increment, which
// counts on from the right value only if what stood there was a counter.
var counters = map[string][]step{
	"from MongoDB": {
		{insertMongo: `{"qty":10,"k":"k"}`, want: `{"qty":10,"k":"k"}`},
		{name: "INCREMENT BY -5", dql: apply("qty INCREMENT BY -5"), want: `{"qty":5,"k":"k"}`},
		{name: "RESTART WITH 25", dql: apply("qty RESTART WITH 25"), want: `{"qty":25,"k":"k"}`},
		{name: "RESTART", dql: apply("qty RESTART"), want: `{"qty":0,"k":"k"}`},
		{name: "INCREMENT BY 1", dql: apply("qty INCREMENT BY 1"), want: `{"qty":1,"k":"k"}`},
		{name: "reset", updateMongo: `{"$set":{"qty":100}}`, want: `{"qty":100,"k":"k"}`},
		{name: "another field", updateMongo: `{"$set":{"k":"K"}}`, want: `{"qty":100,"k":"K"}`},
		{name: "INCREMENT BY 2", dql: apply("qty INCREMENT BY 2"), want: `{"qty":102,"k":"K"}`},
	},
	"nested": {
		{insertMongo: `{"order":{"qty":10,"by":"x"}}`, want: `{"order":{"qty":10,"by":"x"}}`},
		{name: "INCREMENT BY -5", dql: apply("`order`.qty INCREMENT BY -5"), want: `{"order":{"qty":5,"by":"x"}}`},
		{name: "RESTART WITH 25", dql: apply("`order`.qty RESTART WITH 25"), want: `{"order":{"qty":25,"by":"x"}}`},
		{name: "a field beside it", updateMongo: `{"$set":{"order.by":"y"}}`, want: `{"order":{"qty":25,"by":"y"}}`},
		{name: "reset", updateMongo: `{"$inc":{"order.qty":-5}}`, want: `{"order":{"qty":20,"by":"y"}}`},
		{name: "INCREMENT BY 1", dql: apply("`order`.qty INCREMENT BY 1"), want: `{"order":{"qty":21,"by":"y"}}`},
	},
	"declared in Ditto": {
		{
			insertDitto: `{"qty":3,"order":{"qty":4}}`, declare: "qty COUNTER, `order` MAP(qty COUNTER)",
			want: `{"qty":3,"order":{"qty":4}}`,
		},
		{name: "both INCREMENT", dql: apply("qty INCREMENT BY 1, `order`.qty INCREMENT BY 2"), want: `{"qty":4,"order":{"qty":6}}`},
		{name: "RESTART", dql: apply("`order`.qty RESTART"), want: `{"qty":4,"order":{"qty":0}}`},
		{name: "INCREMENT", dql: apply("qty INCREMENT BY 1, `order`.qty INCREMENT BY 1"), want: `{"qty":5,"order":{"qty":1}}`},
	},
	"undeclared in Ditto": {
		{
			name:        "a plain INSERT becomes a counter at once",
			insertDitto: `{"qty":10,"order":{"qty":20},"k":"k"}`,
			want:        `{"qty":10,"order":{"qty":20},"k":"k"}`,
			dittoWrites: 2,
		},
		{
			name: "INCREMENT", dql: apply("qty INCREMENT BY -5, `order`.qty INCREMENT BY -5"),
			want: `{"qty":5,"order":{"qty":15},"k":"k"}`,
		},
		{
			name:        "SET shadows the counter, and becomes it",
			updateDitto: []edit{{"qty", "50"}}, want: `{"qty":50,"order":{"qty":15},"k":"k"}`,
			dittoWrites: 2,
		},
		{name: "INCREMENT", dql: apply("qty INCREMENT BY 1"), want: `{"qty":51,"order":{"qty":15},"k":"k"}`},
	},
	"beside changes": {
		{insertMongo: `{"qty":0,"n":0}`, want: `{"qty":0,"n":"#0"}`},
		{
			name: "reset and increment at once, unheard", paused: true,
			updateMongo: `{"$set":{"qty":40}}`, dql: apply("qty INCREMENT BY 7"),
			want: `{"qty":40,"n":"#0"}`, dittoWrites: 2,
		},
		{name: "INCREMENT", dql: apply("qty INCREMENT BY 1"), want: `{"qty":41,"n":"#0"}`},
	},
	"added and removed": {
		{insertMongo: `{"k":"k"}`, want: `{"k":"k"}`},
		{name: "added in MongoDB", updateMongo: `{"$set":{"qty":5,"order":{"qty":6}}}`, want: `{"k":"k","qty":5,"order":{"qty":6}}`},
		{name: "INCREMENT", dql: apply("qty INCREMENT BY 1, `order`.qty INCREMENT BY 1"), want: `{"k":"k","qty":6,"order":{"qty":7}}`},
		{name: "removed in MongoDB", updateMongo: `{"$unset":{"qty":1}}`, want: `{"k":"k","order":{"qty":7}}`},
		{name: "added in Ditto", dql: apply("qty RESTART WITH 3"), want: `{"k":"k","qty":3,"order":{"qty":7}}`},
		{name: "removed in Ditto", dql: []string{"UPDATE {c} UNSET qty WHERE _id = :id"}, want: `{"k":"k","order":{"qty":7}}`},
		{name: "added in MongoDB", updateMongo: `{"$set":{"qty":8}}`, want: `{"k":"k","qty":8,"order":{"qty":7}}`},
		{name: "INCREMENT", dql: apply("qty INCREMENT BY 1"), want: `{"k":"k","qty":9,"order":{"qty":7}}`},
	},
}

// crowd is how many increments are made at once.
const crowd = 12

// Invariant 7: nothing but a reset in MongoDB takes increments back.
func TestCounters(t *testing.T) {
	t.Parallel()
	w := open(t)
	again := w.again(t)
	var docs []*document
	for _, c := range counting {
		for key, steps := range counters {
			d := &document{collection: c, key: key + again, steps: steps}
			if key == "beside changes" {
				d.lost = []string{"qty of ditto by reset: 7"}
			}
			docs = append(docs, d)
		}
		key := "counted at once" + again
		docs = append(docs, &document{collection: c, key: key, steps: []step{
			{insertMongo: `{"qty":1000,"n":0}`, want: `{"qty":1000,"n":"#0"}`},
			{
				name: "increments from Ditto while MongoDB changes another field",
				do:   func(t *testing.T) { w.crowd(t, c, key) },
				want: fmt.Sprintf(`{"qty":%d,"n":"#%d"}`, 1000-crowd, crowd),
				// One write may take several changes along.
				dittoWrites: 2 * crowd, mongoWrites: 2 * crowd, atMost: true,
			},
			{name: "INCREMENT", dql: apply("qty INCREMENT BY 1"), want: fmt.Sprintf(`{"qty":%d,"n":"#%d"}`, 1001-crowd, crowd)},
		}})
	}
	w.play(t, docs)
}

// crowd increments a counter from Ditto, and another field in MongoDB, all at once.
func (w *world) crowd(t *testing.T, c *collection, key string) {
	t.Helper()
	var g errgroup.Group
	for range crowd {
		g.Go(func() error {
			_, err := w.try(t, c.api(), "UPDATE "+c.table()+" APPLY qty INCREMENT BY -1 WHERE _id = :id", map[string]any{"id": c.dittoID(key)})
			return err
		})
		g.Go(func() error {
			_, err := w.db.Collection(c.name).UpdateOne(t.Context(), c.filter(key), bson.D{{Key: "$inc", Value: bson.D{{Key: "n", Value: 1}}}})
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}
