package runs_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/local/stack"
)

const configured = `        moved: {fields: [_id], initialSync: true, mode: ejson, dqlStrictMode: false}
        mapped: {fields: [sku], initialSync: true, mode: ejson, dqlStrictMode: false}
        old: {fields: [_id], mode: ejson, dqlStrictMode: false}
        guarded: {fields: [_id], initialSync: true, mode: ejson, dqlStrictMode: false}
        dropped: {fields: [_id], initialSync: true, mode: ejson, dqlStrictMode: false}
        killed: {fields: [_id], initialSync: true, mode: ejson, dqlStrictMode: false}
`

// mixed are documents with an `_id` of each kind that MongoDB has.
var mixed = []any{
	bson.D{{Key: "_id", Value: "text"}, {Key: "n", Value: 1}},
	bson.D{{Key: "_id", Value: bson.ObjectID{1, 2, 3}}, {Key: "n", Value: 2}},
	bson.D{{Key: "_id", Value: int32(5)}, {Key: "n", Value: 3}},
	bson.D{{Key: "_id", Value: int64(1) << 40}, {Key: "n", Value: 4}},
	bson.D{{Key: "_id", Value: time.Unix(1_700_000_000, 0)}, {Key: "n", Value: 5}},
	bson.D{{Key: "_id", Value: bson.Binary{Subtype: 4, Data: make([]byte, 16)}}, {Key: "n", Value: 6}},
	bson.D{{Key: "_id", Value: true}, {Key: "n", Value: 8}},
}

func TestRuns(t *testing.T) {
	w := newWorld(t)
	w.before(func() {
		w.insert("moved", mixed...)
		w.dql("insert into moved documents (:a), (:b), (:c)", map[string]any{
			"a": map[string]any{"_id": "device-1", "note": "x"}, "b": map[string]any{"_id": 77, "note": "x"},
			"c": map[string]any{"_id": map[string]any{"$oid": "614cab95890e884a9264002a"}, "note": "x"},
		})
		w.insert("mapped", bson.D{{Key: "sku", Value: "s-1"}}, bson.D{{Key: "sku", Value: "s-2"}}, bson.D{{Key: "name", Value: "no sku"}})
		w.dql("insert into mapped documents (:a)", map[string]any{"a": map[string]any{"_id": "s-3", "sku": "s-3"}})
		w.insert("old", bson.D{{Key: "_id", Value: "both"}, {Key: "x", Value: 1}}, bson.D{{Key: "_id", Value: "mongo"}, {Key: "x", Value: 1}})
		w.dql("insert into old documents (:a), (:b)", map[string]any{
			"a": map[string]any{"_id": "both", "y": 2}, "b": map[string]any{"_id": "ditto", "y": 2},
		})
		w.insert("guarded", many(40)...)
	})
	w.start(configured, true)

	for _, step := range []struct {
		name string
		do   func(*world)
	}{
		{"InitialSync", (*world).initialSync},
		{"OldIsLeftAlone", (*world).oldIsLeftAlone},
		{"LostInsert", (*world).lostInsert},
		{"Chosen", (*world).chosen},
		{"Guard", (*world).guard},
		{"Requery", (*world).requery},
		{"Drop", (*world).drop},
		{"Unsynced", (*world).unsynced},
		{"Kill", (*world).kill},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			in := *w
			in.t = t
			step.do(&in)
		}) {
			break
		}
	}
}

// Once it is ready, the stack copies in both directions what was there, and
// takes the baseline of collections without initialSync.
func (w *world) initialSync() {
	w.await("the initial sync", "said", func() string {
		if strings.Contains(w.out.String(), "moved: 10 documents, 7 written to Ditto, 3 written to MongoDB") {
			return "said"
		}
		return "not said"
	})
	if ready := strings.Index(w.out.String(), "Causeway is ready"); ready < 0 || ready > strings.Index(w.out.String(), "initial sync") {
		w.t.Error("the initial sync was told before the stack was ready")
	}
	for collection, n := range map[string]int{"moved": 10, "guarded": 40, "mapped": 3} {
		if m, d := w.inMongo(collection), w.inDitto(collection); d != n || m != n && collection != "mapped" {
			w.t.Errorf("%s: %d documents in MongoDB, %d in Ditto, want %d", collection, m, d, n)
		}
	}
	w.expect(0, []string{"moved done 10", "old baseline 0"}, "status")
	w.expect(0, []string{"the sides agree"}, "verify", "moved", "guarded")
	w.expect(1, []string{"mapped 4 3 0 0 0 1", "id-missing", "causeway unsynced list"}, "verify", "mapped")
	var runs []sweep.Listed
	w.json(&runs, "runs")
	if len(runs) != 3 || runs[2].Mode != sweep.Initial || runs[2].Status != "done" {
		w.t.Errorf("runs %+v", runs)
	}
	w.expect(0, []string{"moved 10", "as of"}, "runs", "show", runs[1].Run)
}

func (w *world) oldIsLeftAlone() {
	for _, mode := range []string{"verify", "repair", "sync"} {
		w.expect(0, []string{"old 3 0 0 0 0 0 3"}, mode, "old")
		if m, d := w.inMongo("old"), w.inDitto("old"); m != 2 || d != 2 {
			w.t.Fatalf("after %s: %d documents in MongoDB, %d in Ditto", mode, m, d)
		}
	}
	w.dql("update old set z = 3 where _id = 'both'", nil)
	w.await("an edit on a device of an old pair", "3", func() string {
		raw, err := w.db.Collection("old").FindOne(w.t.Context(), bson.D{{Key: "_id", Value: "both"}}).Raw()
		if err != nil {
			return err.Error()
		}
		n, _ := raw.Lookup("z").AsInt64OK()
		return fmt.Sprint(n)
	})
	if _, err := w.db.Collection("old").UpdateOne(w.t.Context(), bson.D{{Key: "_id", Value: "mongo"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "z", Value: 3}}}}); err != nil {
		w.t.Fatal(err)
	}
	w.await("an old document that MongoDB changes", "3", func() string { return fmt.Sprint(w.inDitto("old")) })
}

// What an event was lost of, on either side, a verification tells of, and a
// repair settles.
func (w *world) lostInsert() {
	w.losing(func() int {
		w.insert("old", bson.D{{Key: "_id", Value: "lost"}, {Key: "x", Value: 1}})
		w.insert("moved", bson.D{{Key: "_id", Value: "lost"}, {Key: "x", Value: 1}})
		return 2
	})
	w.losingDitto(1, func() { w.dql("update moved set note = 'changed' where _id = 'device-1'", nil) })
	out := w.expect(1, []string{"moved 11 9 1 0 1", `moved "lost" not in Ditto`, `moved "device-1" different fields note`, "causeway repair"}, "verify", "moved")
	if strings.Contains(out, "changed") {
		w.t.Errorf("contents are shown:\n%s", out)
	}
	w.expect(0, []string{"the sides agree"}, "repair", "moved", "old")
	w.expect(0, []string{"moved 11 11 0 0 0"}, "verify", "moved")
	if n := w.inDitto("old"); n != 4 {
		w.t.Errorf("%d old documents in Ditto, want 4", n)
	}
}

// Chosen documents alone are settled, and it says what was done with each.
func (w *world) chosen() {
	id := bson.NewObjectID()
	w.losing(func() int {
		w.insert("moved", bson.D{{Key: "_id", Value: id}, {Key: "x", Value: 1}}, bson.D{{Key: "_id", Value: "k-1"}, {Key: "x", Value: 7}}, bson.D{{Key: "_id", Value: "k-2"}, {Key: "x", Value: 8}})
		return 3
	})
	w.expect(0, []string{fmt.Sprintf(`moved {"$oid":"%s"} not in Ditto wrote Ditto`, id.Hex()), `moved "k-1" not in Ditto wrote Ditto`, `"device-1" equal nothing to do`, `"nobody" on neither side`},
		"repair", "moved", "--id", id.Hex(), "--id", "k-1", "--id", `ditto:"device-1"`, "--id", "nobody")
	if n := w.inDitto("moved"); n != 13 {
		w.t.Errorf("%d documents in Ditto, want 13", n)
	}
	w.expect(0, []string{`moved "k-2" not in Ditto wrote Ditto`}, "repair", "moved", "--filter", `{"x": 8}`)
	w.expect(1, []string{"name it"}, "repair", "--id", "k-1")
	w.expect(1, []string{"no value in Extended JSON"}, "repair", "moved", "--id", `{"$oid": "x"}`)
	w.expect(1, []string{"not configured"}, "repair", "nobody")
}

// A side that is empty is no delete (invariant 8), until a person says so.
func (w *world) guard() {
	w.losingDitto(40, func() { w.dql("delete from guarded", nil) })
	w.expect(1, []string{"guarded: nothing was deleted: Ditto shows no document at all", "causeway repair guarded --allow-deletes 40"}, "repair", "guarded")
	if n := w.inMongo("guarded"); n != 40 {
		w.t.Fatalf("%d documents are left in MongoDB", n)
	}
	w.expect(1, []string{"nothing was deleted"}, "repair", "guarded", "--allow-deletes", "39")
	w.expect(0, []string{"the sides agree"}, "repair", "guarded", "--allow-deletes", "40")
	if n := w.inMongo("guarded"); n != 0 {
		w.t.Errorf("%d documents are left in MongoDB", n)
	}
}

// repairs are the runs of mode repair that events have asked for.
func (w *world) repairs() (out []sweep.Listed) {
	w.t.Helper()
	w.json(&out, "runs", "--last", "0")
	return slices.DeleteFunc(out, func(l sweep.Listed) bool { return l.Input.Request == "" })
}

// However often Ditto asks for everything to be read again, one repair does it.
func (w *world) requery() {
	w.stack.Pause()
	for range 30 {
		w.webhook(`{"txnId":1,"type":"requeryRequired"}`)
	}
	w.stack.Resume()
	w.await("the repair", "1 done", func() string {
		runs := w.repairs()
		if len(runs) == 0 {
			return "none"
		}
		return fmt.Sprintf("%d %s", len(runs), runs[0].Status)
	})
	for range 3 { // each after the last, or taken up by the same run
		w.webhook(`{"txnId":1,"type":"requeryRequired","collection":"moved"}`)
	}
	w.await("a repair of one collection", "true", func() string {
		runs := w.repairs()
		return fmt.Sprint(len(runs) >= 2 && len(runs) <= 3 && !slices.ContainsFunc(runs, func(l sweep.Listed) bool { return l.Status != "done" }) &&
			slices.Equal(runs[0].Collections, []string{"moved"}))
	})
}

// webhook posts an event as Ditto does.
func (w *world) webhook(body string) {
	w.t.Helper()
	key, err := base64.StdEncoding.DecodeString(w.info.WebhookSecret)
	if err != nil {
		w.t.Fatal(err)
	}
	at := fmt.Sprint(time.Now().Unix())
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(at + "." + body))
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.info.Webhook, bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("ditto-signature", "t="+at+",v1="+hex.EncodeToString(mac.Sum(nil)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("webhook: %s", res.Status)
	}
}

// A collection that MongoDB drops is repaired, and its guard holds.
func (w *world) drop() {
	w.insert("dropped", many(30)...)
	w.await("documents", "30", func() string { return fmt.Sprint(w.inDitto("dropped")) })
	w.calm() // an event that looks at a pair meanwhile sees a delete in MongoDB, which is final
	before := len(w.repairs())
	if err := w.db.Collection("dropped").Drop(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	w.await("the repair", "failed: MongoDB has no document at all", func() string {
		runs := w.repairs()
		i := slices.IndexFunc(runs, func(l sweep.Listed) bool { return l.Summary != nil && slices.Contains(l.Collections, "dropped") })
		if len(runs) == before || i < 0 || len(runs[i].Summary.Collections) == 0 {
			return fmt.Sprintf("%d runs", len(runs))
		}
		c := runs[i].Summary.Collections[0]
		return runs[i].Status + ": " + strings.Split(c.Refused+",", ",")[0]
	})
	if n := w.inDitto("dropped"); n != 30 {
		w.t.Errorf("%d documents are left in Ditto, want 30", n)
	}
}

// A document that was mended, and of which the event was lost, leaves the list of
// unsynced documents when it is tried again; the others stay.
func (w *world) unsynced() {
	w.insert("mapped", bson.D{{Key: "name", Value: "another"}})
	w.await("unsynced documents", "2", func() string {
		var list []any
		w.json(&list, "unsynced", "list")
		return fmt.Sprint(len(list))
	})
	w.expect(1, []string{"0 of 2 documents left the list", "id-missing"}, "unsynced", "retry", "mapped")
	w.losing(func() int {
		if _, err := w.db.Collection("mapped").UpdateOne(w.t.Context(), bson.D{{Key: "name", Value: "another"}}, bson.D{{Key: "$set", Value: bson.D{{Key: "sku", Value: "s-9"}}}}); err != nil {
			w.t.Fatal(err)
		}
		return 1
	})
	w.expect(1, []string{"1 of 2 documents left the list", "id-missing"}, "unsynced", "retry")
	if n := w.inDitto("mapped"); n != 4 {
		w.t.Errorf("%d documents in Ditto, want 4", n)
	}
	w.expect(0, []string{"every document is synced"}, "unsynced", "retry", "moved")
}

// A worker that is killed inside the map is run again, and the end is the same.
func (w *world) kill() {
	const n = 3000
	w.losingBulk("killed", n)
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, w.command, "--dir", w.dir, "repair", "killed")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.await("documents", "some", func() string {
		switch n := w.inDitto("killed"); {
		case n == 0:
			return "none"
		case n == 3000:
			return "all"
		}
		return "some"
	})
	killed := 0
	for _, pid := range w.stack.PIDs(stack.InitialSync) {
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	w.expireClaims()
	if err := cmd.Wait(); err != nil || killed == 0 || !strings.Contains(out.String(), "the sides agree") {
		w.t.Errorf("after %d were killed: %v\n%s", killed, err, &out)
	}
	if m, d := w.inMongo("killed"), w.inDitto("killed"); m != n || d != n {
		w.t.Errorf("%d documents in MongoDB, %d in Ditto, want %d", m, d, n)
	}
}

// losingBulk inserts documents of which the queue loses every event.
func (w *world) losingBulk(collection string, n int) {
	w.t.Helper()
	w.losing(func() int {
		w.insert(collection, many(n)...)
		return n
	})
}
