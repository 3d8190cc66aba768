package mongodb_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/core/mongodb"
)

func TestClientFind(t *testing.T) {
	c := serverDB(t)
	insert(t, c, "c", raw(t, `{"_id":1,"a":1}`), raw(t, `{"_id":2,"a":2}`), raw(t, `{"_id":3,"a":3}`))
	t.Run("OrOnce", func(t *testing.T) {
		docs, err := c.Find(t.Context(), "c", bson.D{{Key: "$or", Value: bson.A{
			bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "a", Value: bson.D{{Key: "$in", Value: bson.A{1, 2}}}}},
		}}}, nil)
		if err != nil || len(docs) != 2 {
			t.Errorf("%v, %v", docs, err)
		}
	})
	t.Run("Now", func(t *testing.T) {
		docs, err := c.Find(t.Context(), "c", bson.D{{Key: "_id", Value: 1}}, bson.D{{Key: "a", Value: 1}, {Key: "now", Value: "$$NOW"}})
		if err != nil || len(docs) != 1 {
			t.Fatal(docs, err)
		}
		if now, ok := docs[0].Lookup("now").TimeOK(); !ok || time.Since(now).Abs() > time.Hour || docs[0].Lookup("a").Type == 0 {
			t.Errorf("%s", text(docs[0]))
		}
	})
	t.Run("All", func(t *testing.T) {
		docs, err := c.Find(t.Context(), "c", nil, nil)
		if err != nil || len(docs) != 3 {
			t.Errorf("%v, %v", docs, err)
		}
	})
	t.Run("NoCollection", func(t *testing.T) {
		docs, err := c.Find(t.Context(), "absent", nil, nil)
		if err != nil || len(docs) != 0 {
			t.Errorf("%v, %v", docs, err)
		}
	})
}

// A collection's own collation must not make other strings count as read.
func TestClientCollation(t *testing.T) {
	c := serverDB(t)
	collation := &options.Collation{Locale: "en", Strength: 2}
	if err := c.Driver().CreateCollection(t.Context(), "ci", options.CreateCollection().SetCollation(collation)); err != nil {
		t.Fatal(err)
	}
	insert(t, c, "ci", raw(t, `{"_id":"abc","a":"x"}`))
	for _, read := range []string{`{"_id":"ABC","a":"x"}`, `{"_id":"abc","a":"X"}`} {
		doc := raw(t, read)
		a := canonicalValue(doc.Lookup("a"))
		outcomes, _, err := mongodb.Store{DB: c}.Write(t.Context(), "ci", []mongodb.Change{change(t, doc, op{"a", a, `"y"`})})
		if err != nil || outcomes[0] != mongodb.Unknown {
			t.Errorf("%s: %v, %v", read, outcomes, err)
		}
	}
	if got := get(t, c, "ci", "abc"); got != `{"_id":"abc","a":"x"}` {
		t.Errorf("changed: %s", got)
	}
}

func canonicalValue(v bson.RawValue) string {
	s := canonical(v)
	return s[len(`{"v":`) : len(s)-1]
}

func TestConnectErrors(t *testing.T) {
	const password = "p%40ss-w0rd"
	for name, uri := range map[string]string{
		"Scheme":      "http://user:" + password + "@host/db",
		"Host":        "mongodb://user:" + password + "@/db",
		"Option":      "mongodb://user:" + password + "@host/?w=x&readConcernLevel=%zz",
		"AtPassword":  "mongodb://user:" + password + "@@host/",
		"NoHost":      "mongodb://user:" + password,
		"Unavailable": "mongodb://user:" + password + "@127.0.0.1:1/?serverSelectionTimeoutMS=200",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := mongodb.Connect(uri, "db", func(o *options.ClientOptions) { o.SetServerSelectionTimeout(100 * time.Millisecond) })
			if err == nil {
				_, err = c.Find(t.Context(), "c", nil, nil)
				if !mongodb.IsUnavailable(err) || mongodb.IsAuth(err) {
					t.Errorf("class of %v", err)
				}
			}
			for _, secret := range []string{password, "p@ss", "w0rd"} {
				if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(fmt.Sprintf("%+v", err), secret) {
					t.Errorf("error = %v", err)
				}
			}
		})
	}
	t.Run("Deadline", func(t *testing.T) {
		c := serverDB(t)
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		if _, err := c.Find(ctx, "c", nil, nil); !mongodb.IsUnavailable(err) {
			t.Errorf("error = %v", err)
		}
	})
}

// The server knows the user with the new password only; the secret's first
// answer is the old one.
func TestReconnecting(t *testing.T) {
	admin := serverDB(t)
	db := admin.Driver()
	command := bson.D{
		{Key: "createUser", Value: "causeway"},
		{Key: "pwd", Value: "new-password"},
		{Key: "roles", Value: bson.A{bson.D{{Key: "role", Value: "readWrite"}, {Key: "db", Value: db.Name()}}}},
	}
	if err := db.RunCommand(t.Context(), command).Err(); err != nil {
		t.Fatal(err)
	}
	address := strings.TrimPrefix(uri(t), "mongodb://")
	login := func(password string) string {
		return "mongodb://causeway:" + password + "@" + address + "&authSource=" + db.Name()
	}
	var asked, refreshed atomic.Int32
	secret := func(current string) mongodb.Secret {
		return func(_ context.Context, refresh bool) (string, error) {
			asked.Add(1)
			if refresh {
				refreshed.Add(1)
				return login(current), nil
			}
			return login("old-password"), nil
		}
	}
	t.Run("Rotated", func(t *testing.T) {
		r := mongodb.NewReconnecting(db.Name(), secret("new-password"))
		defer r.Close(context.Background())
		for range 2 {
			if _, err := r.Find(t.Context(), "c", nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := r.Count(t.Context(), "c"); n != 0 || err != nil {
			t.Errorf("count %d, %v", n, err)
		}
		if docs, err := r.Page(t.Context(), "c", bson.D{}, 5); len(docs) != 0 || err != nil {
			t.Errorf("page %v, %v", docs, err)
		}
		if docs, err := r.Sample(t.Context(), "c", 5); len(docs) != 0 || err != nil {
			t.Errorf("sample %v, %v", docs, err)
		}
		if a, n := asked.Load(), refreshed.Load(); a != 2 || n != 1 {
			t.Errorf("secret read %d times, %d of them afresh", a, n)
		}
	})
	t.Run("Wrong", func(t *testing.T) {
		r := mongodb.NewReconnecting(db.Name(), secret("still-wrong"))
		defer r.Close(context.Background())
		refreshed.Store(0)
		_, err := r.Write(t.Context(), "c", []mongodb.Model{{Insert: raw(t, `{"_id":1}`)}})
		if !mongodb.IsAuth(err) || strings.Contains(err.Error(), "still-wrong") || refreshed.Load() != 1 {
			t.Errorf("error = %v after %d refreshes", err, refreshed.Load())
		}
	})
}

func TestIsPermanent(t *testing.T) {
	for _, c := range []struct {
		e    mongodb.WriteError
		want bool
	}{
		{mongodb.WriteError{Code: 121}, true},
		{mongodb.WriteError{Code: 11000, KeyIndex: "byName"}, true},
		{mongodb.WriteError{Code: 11000, KeyIndex: "_id_"}, false},
		{mongodb.WriteError{Code: 10334}, true},
		{mongodb.WriteError{Code: 112}, false},
		{mongodb.WriteError{Code: 10107}, false},
		{mongodb.WriteError{Code: 13}, false},
		{mongodb.WriteError{Code: 8000}, false},
		{mongodb.WriteError{}, false},
	} {
		if got := mongodb.IsPermanent(c.e); got != c.want {
			t.Errorf("IsPermanent(%+v) = %v", c.e, got)
		}
	}
}
