package stack_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/stack"
)

var (
	soakFor  = flag.Duration("soak", 5*time.Second, "how long TestSoak writes")
	soakSeed = flag.Uint64("soak-seed", 0, "seed of TestSoak; 0 picks one")
)

const soakCollections = `
strict:
  fields: [_id]
merged:
  fields: [_id]
  mode: ejson
  dqlStrictMode: false`

// Users write on both sides at random while Ditto answers with errors, its
// events come twice and in another order, and now and then a function is
// killed. Then everybody stops, and both sides must hold the same and stay so
// (invariants 2, 3, 4). What it does not prove: that no write was lost on the
// way, which the simulation checks.
func TestSoak(t *testing.T) {
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("the same choices again: go test -run TestSoak ./local/stack -soak %s -soak-seed %d", *soakFor, seed)
	s := start(t, stack.Options{Config: writeManifest(t, database(), soakCollections), Faults: true})
	k := &soak{w: open(t, s.Info()), rand: rand.New(rand.NewPCG(seed, 0))}
	k.server = &ditto.Server{URL: k.w.info.Ditto.URL, APIKey: k.w.info.Ditto.APIKey}
	// A killed function leaves claims, which live 90 s.
	kills := *soakFor >= time.Minute
	settle := time.Minute
	if kills {
		settle = 4 * time.Minute
	}
	for end := time.Now().Add(*soakFor); time.Now().Before(end); {
		k.step(kills)
	}
	k.must(k.server.ClearFaults(t.Context()))
	k.await(settle)
	k.w.quiet()
	before := k.all()
	writes := k.w.dittoState().Writes
	k.await(settle)
	if after := k.all(); after != before {
		t.Errorf("the sides changed after everybody had stopped:\n%s\n%s", before, after)
	}
	if now := k.w.dittoState().Writes; now != writes {
		t.Errorf("%d writes in Ditto after everybody had stopped", now-writes)
	}
	t.Logf("%d writes by users, %d documents", k.writes, strings.Count(before, "\n"))
}

type soak struct {
	w      *world
	server *ditto.Server // for faults
	rand   *rand.Rand
	writes int
}

// collections and what Ditto's API calls them.
var soakAPI = map[string]string{"strict": "v4", "merged": "v5"}

const soakDocuments = 12

// step is one write of a user, or one fault.
func (k *soak) step(kills bool) {
	t := k.w.t
	collection := []string{"strict", "merged"}[k.rand.IntN(2)]
	id := fmt.Sprintf("doc-%d", k.rand.IntN(soakDocuments))
	field := []string{"a", "b", "c"}[k.rand.IntN(3)]
	value := k.rand.IntN(1000)
	coll := k.w.db.Collection(collection)
	switch n := k.rand.IntN(100); {
	case n < 40:
		k.writes++
		if _, err := coll.UpdateOne(t.Context(), d("_id", id), d("$set", d(field, value)), options.UpdateOne().SetUpsert(true)); err != nil {
			t.Fatal(err)
		}
	case n < 45:
		k.writes++
		if _, err := coll.DeleteOne(t.Context(), d("_id", id)); err != nil {
			t.Fatal(err)
		}
	case n < 80:
		k.writes++
		k.tryDQL(soakAPI[collection], fmt.Sprintf("INSERT INTO %s DOCUMENTS (:d) ON ID CONFLICT DO UPDATE", collection),
			map[string]any{"d": map[string]any{"_id": id, field: value}})
	case n < 85:
		k.writes++
		k.tryDQL(soakAPI[collection], "DELETE FROM "+collection+" WHERE _id = :id", map[string]any{"id": id})
	case n < 89:
		status := []int{http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable}[k.rand.IntN(4)]
		k.must(k.server.Inject(t.Context(), ditto.Fault{Status: status, Times: 1 + k.rand.IntN(3), Execute: status == http.StatusRequestTimeout}))
	case n < 93:
		k.must(k.server.Feed(t.Context(), ditto.Feed{Duplicate: k.rand.IntN(4), Reorder: k.rand.IntN(3)}))
	case n < 94 && kills:
		k.kill()
	default:
		time.Sleep(time.Duration(k.rand.IntN(30)) * time.Millisecond) // a user who thinks
	}
}

func (k *soak) must(err error) {
	k.w.t.Helper()
	if err != nil {
		k.w.t.Fatal(err)
	}
}

// tryDQL is a user's write, which a fault may hit as well as Causeway's.
func (k *soak) tryDQL(api, statement string, args map[string]any) {
	b, err := json.Marshal(map[string]any{"statement": statement, "args": args})
	k.must(err)
	req, err := http.NewRequestWithContext(k.w.t.Context(), http.MethodPost, k.server.URL+"/api/"+api+"/store/execute", bytes.NewReader(b))
	k.must(err)
	req.Header.Set("Authorization", "Bearer "+k.server.APIKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	k.must(err)
	res.Body.Close()
}

// kill ends a process of a function, as a crash would.
func (k *soak) kill() {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		exe, err := os.Readlink(filepath.Join(filepath.Dir(path), "exe"))
		if err != nil || filepath.Base(exe) != "bootstrap" {
			continue
		}
		b, _ := os.ReadFile(path)
		var pid, parent int
		var name, state string
		if _, err := fmt.Sscanf(string(b), "%d %s %s %d", &pid, &name, &state, &parent); err == nil && parent == os.Getpid() {
			_ = syscall.Kill(pid, syscall.SIGKILL)
			return
		}
	}
}

// await waits until both sides hold the same.
func (k *soak) await(settle time.Duration) {
	t := k.w.t
	for deadline := time.Now().Add(settle); ; time.Sleep(100 * time.Millisecond) {
		diff := ""
		for collection, api := range soakAPI {
			mongo, ditto := k.mongo(collection), k.ditto(collection, api)
			for i := range soakDocuments {
				id := fmt.Sprintf("doc-%d", i)
				if mongo[id] != ditto[id] {
					diff += fmt.Sprintf("%s %s: MongoDB %s, Ditto %s\n", collection, id, mongo[id], ditto[id])
				}
			}
		}
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the sides differ after %s of quiet:\n%s", settle, diff)
		}
	}
}

// all is everything in MongoDB, a line per document.
func (k *soak) all() (text string) {
	for _, collection := range []string{"strict", "merged"} {
		docs := k.mongo(collection)
		for i := range soakDocuments {
			if doc := docs[fmt.Sprintf("doc-%d", i)]; doc != "" {
				text += collection + " " + doc + "\n"
			}
		}
	}
	return text
}

// mongo is a collection by id, in the form in which Ditto shows it. The values
// are small integers, which both modes write alike but for their wrapper.
func (k *soak) mongo(collection string) map[string]string {
	t := k.w.t
	cursor, err := k.w.db.Collection(collection).Find(t.Context(), bson.D{})
	if err != nil {
		t.Fatal(err)
	}
	docs := map[string]string{}
	for cursor.Next(t.Context()) {
		text, err := bson.MarshalExtJSON(cursor.Current, false, false)
		if err != nil {
			t.Fatal(err)
		}
		docs[cursor.Current.Lookup("_id").StringValue()] = normal(t, string(text))
	}
	if err := cursor.Err(); err != nil {
		t.Fatal(err)
	}
	return docs
}

func (k *soak) ditto(collection, api string) map[string]string {
	t := k.w.t
	docs := map[string]string{}
	for _, item := range k.w.dql(api, "SELECT * FROM "+collection) {
		var doc map[string]any
		if err := json.Unmarshal(item, &doc); err != nil {
			t.Fatal(err)
		}
		for name, v := range doc {
			if wrapped, ok := v.(map[string]any); ok { // {"$numberInt": "5"}
				doc[name] = json.Number(fmt.Sprint(wrapped["$numberInt"]))
			}
		}
		b, err := json.Marshal(doc)
		if err != nil {
			t.Fatal(err)
		}
		docs[fmt.Sprint(doc["_id"])] = string(b)
	}
	return docs
}
