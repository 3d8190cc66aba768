package mongodb_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/sim/mongosim"
	"github.com/causeway-sync/causeway/core/value"
)

func change(t *testing.T, doc bson.Raw, list ...op) mongodb.Change {
	return mongodb.Change{ID: doc.Lookup("_id"), Doc: doc, Ops: ops(t, list)}
}

func TestStoreWrite(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		ctx, store := t.Context(), mongodb.Store{DB: db}
		doc := func(id int, a string) bson.Raw { return raw(t, fmt.Sprintf(`{"_id":%d,"a":%q}`, id, a)) }
		write := func(t *testing.T, want string, changes ...mongodb.Change) {
			t.Helper()
			outcomes, errs, err := store.Write(ctx, "c", changes)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for i := range changes {
				got += map[mongodb.Outcome]string{mongodb.Unknown: "?", mongodb.Won: "+", mongodb.Rejected: "!"}[outcomes[i]]
				if errs[i] != nil {
					t.Errorf("change %d: %v", i, errs[i])
				}
			}
			if got != want {
				t.Errorf("outcomes %s, want %s", got, want)
			}
		}
		t.Run("AllWon", func(t *testing.T) {
			insert(t, db, "c", doc(1, "x"), doc(2, "x"))
			write(t, "+++", mongodb.Change{ID: val(t, `3`), Insert: doc(3, "x")}, change(t, doc(1, "x"), op{"a", `"x"`, `"y"`}), mongodb.Change{ID: val(t, `2`), Delete: doc(2, "x")})
			if a, b, c := get(t, db, "c", 1), get(t, db, "c", 2), get(t, db, "c", 3); a != text(doc(1, "y")) || b != "" || c != text(doc(3, "x")) {
				t.Errorf("documents: %s %s %s", a, b, c)
			}
		})
		t.Run("InsertLosesRace", func(t *testing.T) {
			insert(t, db, "c", doc(10, "theirs"))
			write(t, "?+", mongodb.Change{ID: val(t, `10`), Insert: doc(10, "mine")}, mongodb.Change{ID: val(t, `11`), Insert: doc(11, "x")})
			if got := get(t, db, "c", 10); got != text(doc(10, "theirs")) {
				t.Errorf("overwritten: %s", got)
			}
		})
		t.Run("UpdateLosesRace", func(t *testing.T) {
			insert(t, db, "c", doc(20, "x"), doc(21, "moved on"))
			write(t, "???+", change(t, doc(20, "x"), op{"a", `"x"`, `"y"`}), change(t, doc(21, "x"), op{"a", `"x"`, `"y"`}),
				change(t, doc(22, "gone"), op{"a", `"gone"`, `"y"`}), mongodb.Change{ID: val(t, `23`), Insert: doc(23, "x")})
			if a, b, c := get(t, db, "c", 20), get(t, db, "c", 21), get(t, db, "c", 22); a != text(doc(20, "y")) || b != text(doc(21, "moved on")) || c != "" {
				t.Errorf("documents: %s %s %s", a, b, c)
			}
		})
		t.Run("DeleteLosesRace", func(t *testing.T) {
			insert(t, db, "c", doc(30, "x"), doc(31, "moved on"), raw(t, `{"_id":32,"n":{"$numberLong":"1"}}`), raw(t, `{"_id":33,"a":"x","b":1}`),
				raw(t, `{"_id":34,"n":{"$numberLong":"2"}}`), raw(t, `{"_id":35,"o":{"p":{"$q.":{"$numberDouble":"2.0"}}}}`))
			write(t, "??????", mongodb.Change{ID: val(t, `30`), Delete: doc(30, "x")}, mongodb.Change{ID: val(t, `31`), Delete: doc(31, "x")},
				mongodb.Change{ID: val(t, `32`), Delete: raw(t, `{"_id":32,"n":1}`)}, mongodb.Change{ID: val(t, `33`), Delete: doc(33, "x")},
				mongodb.Change{ID: val(t, `34`), Delete: raw(t, `{"_id":34,"n":{"$numberDouble":"2.0"}}`)},
				mongodb.Change{ID: val(t, `35`), Delete: raw(t, `{"_id":35,"o":{"p":{"$q.":{"$numberLong":"2"}}}}`)})
			if got := get(t, db, "c", 30); got != "" {
				t.Errorf("unchanged document not deleted: %s", got)
			}
			for id := 31; id <= 35; id++ {
				if get(t, db, "c", id) == "" {
					t.Errorf("changed document %d deleted", id)
				}
			}
		})
		t.Run("TooLargeTooDeep", func(t *testing.T) {
			deep := strings.Repeat(`{"a":`, 190) + `1` + strings.Repeat(`}`, 190)
			big, _ := bson.Marshal(bson.D{{Key: "_id", Value: 41}, {Key: "s", Value: strings.Repeat("x", 16<<20)}})
			insert(t, db, "c", doc(42, "x"))
			outcomes, errs, err := store.Write(ctx, "c", []mongodb.Change{
				{ID: val(t, `40`), Insert: raw(t, `{"_id":40,"v":`+deep+`}`)},
				{ID: val(t, `41`), Insert: big},
				change(t, doc(42, "x"), op{"a", `"x"`, deep}),
				{ID: val(t, `43`), Insert: doc(43, "x")},
			})
			if err != nil {
				t.Fatal(err)
			}
			want := []mongodb.Outcome{mongodb.Rejected, mongodb.Rejected, mongodb.Rejected, mongodb.Won}
			if diff := cmp.Diff(want, outcomes); diff != "" || errs[0] == nil || errs[1] == nil || errs[2] == nil {
				t.Errorf("%s %v", diff, errs)
			}
		})
		t.Run("Empty", func(t *testing.T) { write(t, "") })
	})
}

func TestStoreWriteRejected(t *testing.T) {
	validator := bson.D{{Key: "$jsonSchema", Value: bson.D{
		{Key: "required", Value: bson.A{"s"}},
		{Key: "properties", Value: bson.D{{Key: "n", Value: bson.D{{Key: "bsonType", Value: "int"}}}}},
	}}}
	unique := []mongodb.Index{{Name: "bySecret", Keys: []string{"s"}, Unique: true}}
	run := func(t *testing.T, db mongodb.Database, rule string) {
		a, b := raw(t, `{"_id":1,"s":"secret-a","n":1}`), raw(t, `{"_id":2,"s":"secret-b","n":2}`)
		insert(t, db, "v", a, b)
		outcomes, errs, err := mongodb.Store{DB: db}.Write(t.Context(), "v", []mongodb.Change{
			change(t, a, op{"n", `1`, `"secret-n"`}),
			change(t, b, op{"s", `"secret-b"`, `"secret-a"`}),
			{ID: val(t, `3`), Insert: raw(t, `{"_id":3,"n":"secret-n"}`)},
			{ID: val(t, `4`), Insert: raw(t, `{"_id":4,"s":"secret-a"}`)},
			{ID: val(t, `5`), Insert: raw(t, `{"_id":5,"s":"secret-e"}`)},
		})
		if err != nil {
			t.Fatal(err)
		}
		r, w := mongodb.Rejected, mongodb.Won
		if diff := cmp.Diff([]mongodb.Outcome{r, r, r, r, w}, outcomes); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		for i, want := range []string{rule, "index bySecret", rule, "index bySecret", ""} {
			got := fmt.Sprint(errs[i])
			if !strings.Contains(got, want) || (want == "") != (errs[i] == nil) || strings.Contains(got, "secret-") {
				t.Errorf("error %d = %s, want one that says %q, and no values", i, got, want)
			}
		}
	}
	t.Run("Real", func(t *testing.T) {
		c := serverDB(t)
		if err := c.Driver().CreateCollection(t.Context(), "v", options.CreateCollection().SetValidator(validator)); err != nil {
			t.Fatal(err)
		}
		if err := c.CreateIndexes(t.Context(), "v", unique); err != nil {
			t.Fatal(err)
		}
		run(t, c, "n: bsonType")
	})
	t.Run("Sim", func(t *testing.T) {
		sim := mongosim.New(time.Now)
		sim.Validate = func(_ string, doc bson.Raw) *mongodb.WriteError {
			if n := doc.Lookup("n"); n.Type != 0 && n.Type != bson.TypeInt32 {
				return &mongodb.WriteError{Code: 121, Message: "Document failed validation"}
			}
			return nil
		}
		if err := sim.CreateIndexes(t.Context(), "v", unique); err != nil {
			t.Fatal(err)
		}
		run(t, sim, "failed validation")
	})
}

// A request that fails as a whole leaves all outcomes unknown.
func TestStoreWriteErrUnavailable(t *testing.T) {
	db := failing{mongosim.New(time.Now)}
	outcomes, _, err := mongodb.Store{DB: db}.Write(t.Context(), "c", []mongodb.Change{{ID: val(t, `1`), Insert: raw(t, `{"_id":1}`)}})
	if !errors.Is(err, errDown) || outcomes[0] != mongodb.Unknown {
		t.Errorf("outcomes %v, error %v", outcomes, err)
	}
}

var errDown = errors.New("down")

type failing struct{ mongodb.Database }

func (failing) Write(context.Context, string, []mongodb.Model) (mongodb.BulkResult, error) {
	return mongodb.BulkResult{}, errDown
}

func TestStoreFind(t *testing.T) {
	each(t, func(t *testing.T, db mongodb.Database) {
		ctx, store := t.Context(), mongodb.Store{DB: db}
		var models []mongodb.Model
		for i := range 1200 {
			models = append(models, mongodb.Model{Insert: raw(t, fmt.Sprintf(`{"_id":%d,"tenant":"t%d","n":%d,"x":true}`, i, i%3, i))})
		}
		if result, err := db.Write(ctx, "f", models); err != nil || result.Inserted != 1200 {
			t.Fatal(result, err)
		}
		insert(t, db, "f", raw(t, `{"_id":"0123456789abcdef01234567"}`), raw(t, `{"_id":{"$oid":"0123456789abcdef01234567"}}`))
		ids := func(docs []bson.Raw) string {
			out := ""
			for _, doc := range docs {
				out += canonical(doc.Lookup("_id")) + " "
			}
			return out
		}
		t.Run("IDs", func(t *testing.T) {
			docs, err := store.FindIDs(ctx, "f", []bson.RawValue{val(t, `"0123456789abcdef01234567"`), val(t, `{"$oid":"0123456789abcdef01234567"}`), val(t, `{"$numberDouble":"7.0"}`), val(t, `"7"`)})
			if err != nil || len(docs) != 3 {
				t.Errorf("%s, %v", ids(docs), err)
			}
		})
		t.Run("ManyIDs", func(t *testing.T) {
			var all []bson.RawValue
			for i := range 1200 {
				all = append(all, val(t, fmt.Sprint(i)))
			}
			docs, err := store.FindIDs(ctx, "f", all)
			if err != nil || len(docs) != 1200 {
				t.Errorf("%d documents, %v", len(docs), err)
			}
		})
		t.Run("Fields", func(t *testing.T) {
			docs, err := store.FindIDs(ctx, "f", []bson.RawValue{val(t, `7`)}, "n", "absent")
			if err != nil || len(docs) != 1 || text(docs[0]) != text(raw(t, `{"_id":7,"n":7}`)) {
				t.Errorf("%v, %v", docs, err)
			}
		})
		field := func(name string, values ...string) mongodb.FieldValues {
			f := mongodb.FieldValues{Name: name}
			for _, v := range values {
				f.Values = append(f.Values, val(t, v))
			}
			return f
		}
		for name, c := range map[string]struct {
			keys [][]mongodb.FieldValues
			want int
		}{
			"OneField":    {[][]mongodb.FieldValues{{field("n", `5`)}, {field("n", `6`, `"6"`)}, {field("n", `5000`)}}, 2},
			"OneTenant":   {[][]mongodb.FieldValues{{field("tenant", `"t1"`), field("n", `1`)}, {field("tenant", `"t1"`), field("n", `4`)}, {field("tenant", `"t1"`), field("n", `5`)}}, 2},
			"SomeTenants": {[][]mongodb.FieldValues{{field("n", `1`), field("tenant", `"t1"`)}, {field("n", `2`), field("tenant", `"t2"`)}, {field("n", `3`), field("tenant", `"t2"`)}}, 2},
			"AllDiffer": {[][]mongodb.FieldValues{
				{field("n", `0`), field("tenant", `"t0"`)},
				{field("n", `1`), field("tenant", `"t1"`)},
				{field("n", `2`), field("tenant", `"t2"`)},
				{field("n", `3`), field("tenant", `"t3"`)},
				{field("n", `4`), field("tenant", `"t4"`)},
				{field("n", `5`), field("tenant", `"t5"`)},
			}, 3},
			"None": {nil, 0},
		} {
			t.Run(name, func(t *testing.T) {
				docs, err := store.FindMapped(ctx, "f", c.keys, "n", "tenant")
				if err != nil || len(docs) != c.want {
					t.Errorf("%s, %v", ids(docs), err)
				}
				for _, doc := range docs {
					if doc.Lookup("x").Type != 0 || doc.Lookup("tenant").Type == 0 {
						t.Errorf("fields: %s", text(doc))
					}
				}
			})
		}
	})
}

func canonical(v bson.RawValue) string {
	doc, _ := bson.Marshal(bson.D{{Key: "v", Value: v}})
	return text(doc)
}

func BenchmarkUpdatePipeline(b *testing.B) {
	doc := bson.D{{Key: "_id", Value: "x"}}
	var list []mongodb.Op
	for i := range 20 {
		name := fmt.Sprintf("field%d", i)
		doc = append(doc, bson.E{Key: name, Value: "some text of a field"})
		list = append(list, mongodb.Op{Path: value.PathOf(name), Old: val(b, `"some text of a field"`), New: val(b, `"another text"`)})
	}
	read, _ := bson.Marshal(doc)
	b.Run("Build", func(b *testing.B) {
		for b.Loop() {
			if _, err := mongodb.UpdatePipeline(read, list); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Marshal", func(b *testing.B) {
		pipeline, _ := mongodb.UpdatePipeline(read, list)
		for b.Loop() {
			if _, err := bson.Marshal(bson.D{{Key: "u", Value: pipeline}}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Sim", func(b *testing.B) {
		sim := mongosim.New(time.Now)
		pipeline, _ := mongodb.UpdatePipeline(read, list)
		for b.Loop() {
			if err := sim.Set("c", read); err != nil {
				b.Fatal(err)
			}
			r, err := sim.Write(b.Context(), "c", []mongodb.Model{{Filter: bson.D{{Key: "_id", Value: "x"}}, Update: pipeline}})
			if err != nil || r.Modified != 1 {
				b.Fatal(r, err)
			}
		}
	})
}
