package runs_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/local/stack"
)

// Users of both sides insert, change and delete documents throughout an initial
// sync, whose workers are killed now and then. In the end both sides hold the
// same, and nothing that was done last on one side alone is undone.
func TestUsersMeanwhile(t *testing.T) {
	const old, pairs = 450, 50
	w := newWorld(t)
	w.before(func() {
		w.insert("live", many(old)...)
		var docs []map[string]any
		for i := range old / 3 {
			docs = append(docs, map[string]any{"_id": fmt.Sprintf("device-%05d", i), "n": i})
		}
		for i := range pairs {
			docs = append(docs, map[string]any{"_id": fmt.Sprintf("doc-%05d", i), "d": i})
		}
		w.dql("insert into live documents (:d)", map[string]any{"d": docs})
	})
	w.start("        live: {fields: [_id], initialSync: true}\n", true)

	rnd := rand.New(rand.NewPCG(7, 7))
	coll := w.db.Collection("live")
	// What users of one side did last, document by document: the value of v, or
	// "gone".
	want := map[string]string{}
	upsert := options.UpdateOne().SetUpsert(true)
	running := func() bool {
		var runs []sweep.Listed
		w.json(&runs, "runs")
		return len(runs) == 0 || runs[0].Status == "running"
	}
	kills := 0
	for i := 0; ; i++ {
		if i%25 == 24 {
			if !running() {
				break
			}
			for _, pid := range w.stack.PIDs(stack.InitialSync) {
				if kills < 1 && syscall.Kill(pid, syscall.SIGKILL) == nil {
					kills++
					w.expireClaims()
				}
			}
		}
		id, v := fmt.Sprintf("doc-%05d", rnd.IntN(old)), fmt.Sprint("v", i)
		switch rnd.IntN(6) {
		case 0: // MongoDB's user changes a document, or makes one
			if _, err := coll.UpdateByID(t.Context(), id, bson.D{{Key: "$set", Value: bson.D{{Key: "v", Value: v}}}}, upsert); err != nil {
				t.Fatal(err)
			}
			want[id] = v
		case 1:
			// Not one of those that Ditto had before: until it is known as a pair,
			// what only Ditto has is a document to copy.
			id = fmt.Sprintf("doc-%05d", pairs+rnd.IntN(old-pairs))
			if _, err := coll.DeleteOne(t.Context(), bson.D{{Key: "_id", Value: id}}); err != nil {
				t.Fatal(err)
			}
			want[id] = "gone"
		case 2:
			id = fmt.Sprintf("new-%05d", i)
			w.insert("live", bson.D{{Key: "_id", Value: id}, {Key: "v", Value: v}})
			want[id] = v
		case 3: // a device does
			id = fmt.Sprintf("device-%05d", rnd.IntN(old/3))
			if want[id] == "gone" {
				continue
			}
			w.dql("update live set v = :v where _id = :id", map[string]any{"v": v, "id": id})
			want[id] = v
		case 4:
			id = fmt.Sprintf("device-%05d", rnd.IntN(old/3))
			w.dql("delete from live where _id = :id", map[string]any{"id": id})
			want[id] = "gone"
		case 5:
			id = fmt.Sprintf("fresh-%05d", i)
			w.dql("insert into live documents (:d)", map[string]any{"d": map[string]any{"_id": id, "v": v}})
			want[id] = v
		}
	}
	w.await("the initial sync", "said", func() string {
		if strings.Contains(w.out.String(), "live: ") {
			return "said"
		}
		return "not said"
	})
	w.calm()
	w.expect(0, []string{"the sides agree"}, "repair")
	w.expect(0, []string{"the sides agree"}, "verify")
	if m, d := w.inMongo("live"), w.inDitto("live"); m != d {
		t.Errorf("%d documents in MongoDB, %d in Ditto", m, d)
	}
	inDitto := map[string]string{}
	for _, item := range w.dql("select _id, v from live", nil) {
		var doc struct {
			ID string `bson:"_id"`
			V  string `bson:"v"`
		}
		if err := bson.UnmarshalExtJSON(item, false, &doc); err != nil {
			t.Fatal(err)
		}
		inDitto[doc.ID] = doc.V
	}
	for id, v := range want {
		got, ok := inDitto[id]
		if !ok {
			got = "gone"
		}
		if got != v {
			t.Errorf("%s: %s, want %s", id, got, v)
		}
	}
	if len(want) < 50 || kills == 0 {
		t.Errorf("%d documents changed, %d workers killed: too few to prove anything", len(want), kills)
	}
	t.Logf("%d documents changed meanwhile, %d workers killed", len(want), kills)
}
