package chaos_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"golang.org/x/sync/errgroup"

	"github.com/causeway-sync/causeway/core/change"
	coreditto "github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/ledger"
)

// calm ends all that goes wrong, and then one thing more: no worker lives on,
// and the keys that wait for one are lost. What their claims hold is let go at
// once; a claim lives for 90 s.
func (s *storm) calm() {
	s.t.Helper()
	ctx := s.t.Context()
	if err := s.ditto.ClearFaults(ctx); err != nil {
		s.t.Fatal(err)
	}
	s.until("the outbox", func() bool {
		state, err := s.ditto.State(ctx)
		if err != nil {
			s.t.Fatal(err)
		}
		return state.Pending == 0
	})
	s.stack.Pause()
	defer s.stack.Resume()
	lost := 0
	for _, q := range s.info.Queues {
		n, err := s.drop(q.URL)
		if err != nil {
			s.t.Fatal(err)
		}
		lost += n
	}
	// A batch may just be handed to a new process, and a killed one's last
	// request may still be under way: then its claims appear now.
	live := bson.D{{Key: "claim.until", Value: bson.D{{Key: "$gt", Value: time.Now()}}}}
	for last := time.Now(); time.Since(last) < landing; time.Sleep(landing / 20) {
		if len(s.workers()) > 0 {
			s.killWorkers()
			last = time.Now()
		}
		res, err := s.db.Collection(ledger.Collection).UpdateMany(ctx, live, runOut())
		if err != nil {
			s.t.Fatal(err)
		}
		if res.MatchedCount > 0 {
			last = time.Now()
		}
	}
	s.t.Logf("%d messages lost in the end", lost)
}

// drop loses the messages that wait in a queue.
func (s *storm) drop(url string) (n int, err error) {
	for {
		res, err := s.queues.ReceiveMessage(s.t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 10})
		if err != nil || len(res.Messages) == 0 {
			return n, err
		}
		for _, m := range res.Messages {
			if _, err := s.queues.DeleteMessage(s.t.Context(), &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return n, err
			}
			n++
		}
	}
}

// sweep sends one key of each pair, to either worker, and waits until they are
// done.
func (s *storm) sweep() {
	s.t.Helper()
	ctx := s.t.Context()
	state, err := s.ditto.State(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	hints := map[string][]change.Hint{}
	for i, key := range s.keys() {
		collection, id, _ := strings.Cut(key, "/")
		worker := []string{mongoToDitto, dittoToMongo}[i%2]
		hints[worker] = append(hints[worker], change.Hint{
			Collection: collection, DittoID: docid.ID(quoted(id)), Op: change.Sweep, Txn: state.Txn, At: time.Now(),
		})
	}
	for worker, of := range hints {
		bodies, err := change.Pack(of, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, body := range bodies {
			url, text := s.info.Queues[worker].URL, string(body)
			if _, err := s.queues.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &text}); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.quiet()
}

// differences are the documents that are not the same on both sides.
func (s *storm) differences() (text string) {
	s.t.Helper()
	for _, p := range s.places {
		inMongo, inDitto := s.mongoDocuments(p.name), s.dittoDocuments(p.name)
		for i := range p.docs {
			id := fmt.Sprintf("doc-%d", i)
			if inMongo[id] != inDitto[id] {
				text += fmt.Sprintf("%s/%s: MongoDB %s, Ditto %s\n", p.name, id, inMongo[id], inDitto[id])
			}
		}
	}
	return text
}

// mongoDocuments is a collection by id, in the form in which Ditto shows it.
func (s *storm) mongoDocuments(collection string) map[string]string {
	s.t.Helper()
	cursor, err := s.db.Collection(collection).Find(s.t.Context(), bson.D{})
	if err != nil {
		s.t.Fatal(err)
	}
	var docs []bson.Raw
	if err := cursor.All(s.t.Context(), &docs); err != nil {
		s.t.Fatal(err)
	}
	out := map[string]string{}
	for _, doc := range docs {
		out[doc.Lookup("_id").StringValue()] = s.normal(relaxed(s.t, doc))
	}
	return out
}

func (s *storm) dittoDocuments(collection string) map[string]string {
	s.t.Helper()
	api := coreditto.V5
	if collection == "strict" {
		api = coreditto.V4
	}
	r, err := s.exec.Execute(s.t.Context(), coreditto.Request{API: api, Statement: "SELECT * FROM " + collection})
	if err != nil {
		s.t.Fatal(err)
	}
	out := map[string]string{}
	for _, item := range r.Items {
		var key struct {
			ID string `json:"_id"`
		}
		if err := json.Unmarshal(item, &key); err != nil {
			s.t.Fatal(err)
		}
		out[key.ID] = s.normal(string(item))
	}
	return out
}

// normal is JSON with sorted keys.
func (s *storm) normal(js string) string {
	s.t.Helper()
	var v any
	if err := json.Unmarshal([]byte(js), &v); err != nil {
		s.t.Fatal(err)
	}
	b, err := json.Marshal(v)
	if err != nil {
		s.t.Fatal(err)
	}
	return string(b)
}

// settled checks what must hold when all has calmed down: one sweep makes the
// sides equal, another writes nothing; each value that Causeway has overwritten
// was carried over before or is recorded; no increment is missing; nothing was
// deleted that no user deleted; no claim is left.
func (s *storm) settled() {
	s.t.Helper()
	s.sweep()
	if text := s.differences(); text != "" {
		s.t.Errorf("the sides differ after one sweep:\n%s", text)
	}
	inMongo, inDitto := s.histories()
	s.sweep()
	afterMongo, afterDitto := s.histories()
	if m, d := len(afterMongo)-len(inMongo), len(afterDitto)-len(inDitto); m+d > 0 {
		s.t.Errorf("another sweep wrote %d times in MongoDB and %d times in Ditto", m, d)
	}
	s.nothingLost(inMongo, inDitto)
	s.deletesHaveUsers(inMongo, inDitto)
	s.incrementsAreThere()
	claims, err := s.db.Collection(ledger.Collection).CountDocuments(s.t.Context(), bson.D{{Key: "claim", Value: bson.D{{Key: "$exists", Value: true}}}})
	if err != nil || claims > 0 {
		s.t.Errorf("%d claims are left, %v", claims, err)
	}
}

// records are the conflict records' texts, by pair and side.
func (s *storm) records() map[string]string {
	s.t.Helper()
	conflicts, err := ledger.Records{DB: s.core}.ListConflicts(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	of := map[string]string{}
	for _, c := range conflicts {
		var id string
		if err := json.Unmarshal(c.Key.ID.JSON(), &id); err != nil {
			s.t.Fatal(err)
		}
		of[string(c.Side)+" "+c.Key.Collection+"/"+id] += c.JSON + c.Value.String() + "\n"
	}
	return of
}

func (s *storm) nothingLost(inMongo, inDitto []event) {
	s.t.Helper()
	records := s.records()
	recorded := func(side string) func(id, v string) bool {
		return func(id, v string) bool { return strings.Contains(records[side+" "+id], quoted(v)) }
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	attribute(inMongo, s.deletes)
	ofMongo := audit{own: 'm', events: inMongo, held: heldBy(inDitto), record: recorded("mongodb")}
	ofDitto := audit{own: 'd', events: inDitto, held: heldBy(inMongo), record: recorded("ditto")}
	lostM, nm := ofMongo.lost()
	lostD, nd := ofDitto.lost()
	if lost := slices.Concat(lostM, lostD); len(lost) > 0 {
		s.t.Errorf("%d values of users were lost without a record:\n%s", len(lost), strings.Join(lost[:min(10, len(lost))], "\n"))
	}
	s.t.Logf("%d writes in MongoDB, %d in Ditto; Causeway overwrote %d values of users in MongoDB, %d in Ditto", len(inMongo), len(inDitto), nm, nd)
}

// deletesHaveUsers wants each document that Causeway deleted on one side to
// have been deleted by a user on the other, some time (invariant 8).
func (s *storm) deletesHaveUsers(inMongo, inDitto []event) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	byCauseway := map[string]int{}
	for _, e := range inMongo {
		if e.doc == nil {
			byCauseway["mongodb "+e.id]++
		}
	}
	for _, e := range inDitto {
		if e.doc == nil {
			byCauseway["ditto "+e.id]++
		}
	}
	for of, n := range byCauseway {
		side, id, _ := strings.Cut(of, " ")
		other := map[string]string{"mongodb": "ditto", "ditto": "mongodb"}[side]
		if n -= s.deleted[of]; n > 0 && s.deleted[other+" "+id] == 0 {
			s.t.Errorf("%s was deleted in %s %d times, and no user deleted it in %s", id, side, n, other)
		}
	}
}

func (s *storm) incrementsAreThere() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	total := 0
	for id, n := range s.added {
		collection, name, _ := strings.Cut(id, "/")
		if collection == "merged" {
			continue // reset by users
		}
		total += n
		var doc struct{ Q int64 }
		err := s.db.Collection(collection).FindOne(s.t.Context(), bson.D{{Key: "_id", Value: name}}).Decode(&doc)
		if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
			s.t.Fatal(err)
		}
		if doc.Q != int64(n) {
			s.t.Errorf("%s holds %d after increments by %d", id, doc.Q, n)
		}
	}
	if total == 0 {
		s.t.Error("no user has incremented anything")
	}
}

// while runs the users, and what goes wrong around them.
func while(fs ...func() error) error {
	var g errgroup.Group
	for _, f := range fs {
		g.Go(f)
	}
	return g.Wait()
}
