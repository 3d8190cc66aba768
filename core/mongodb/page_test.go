package mongodb_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestPage(t *testing.T) {
	c := serverDB(t)
	for _, id := range []string{"c", "a", "d", "b"} {
		insert(t, c, "pages", raw(t, `{"_id":"`+id+`","x":1,"y":2}`))
	}
	filter := bson.D{{Key: "_id", Value: bson.D{{Key: "$gte", Value: "b"}}}}
	docs, err := c.Page(t.Context(), "pages", filter, 2, "y")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range docs {
		got = append(got, text(d))
	}
	want := []string{`{"_id":"b","y":{"$numberInt":"2"}}`, `{"_id":"c","y":{"$numberInt":"2"}}`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSample(t *testing.T) {
	c := serverDB(t)
	for _, id := range []string{"c", "a", "d", "b"} {
		insert(t, c, "sampled", raw(t, `{"_id":"`+id+`","x":1}`))
	}
	docs, err := c.Sample(t.Context(), "sampled", 100)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, d := range docs {
		got = append(got, text(d))
	}
	if d := cmp.Diff([]string{`{"_id":"a"}`, `{"_id":"b"}`, `{"_id":"c"}`, `{"_id":"d"}`}, got); d != "" {
		t.Error(d)
	}
	for collection, want := range map[string]int64{"sampled": 4, "not there": 0} {
		if n, err := c.Count(t.Context(), collection); n != want || err != nil {
			t.Errorf("count of %s: %d, %v; want %d", collection, n, err, want)
		}
	}
}
