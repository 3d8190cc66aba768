package chaos_test

import (
	"context"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/process"
)

// spareUsers matches the statements of the functions alone.
const spareUsers = `^(?!.*:u_)`

// mischief does what goes wrong around the functions until ctx is done, and
// counts it.
func (s *storm) mischief(ctx context.Context, rnd *rand.Rand, did map[string]int) error {
	for ctx.Err() == nil {
		name, err := s.oneMischief(rnd)
		if err != nil {
			return err
		}
		did[name]++
		time.Sleep(time.Duration(rnd.IntN(150)) * time.Millisecond)
	}
	return nil
}

func (s *storm) oneMischief(rnd *rand.Rand) (string, error) {
	ctx := s.t.Context()
	times := 1 + rnd.IntN(3)
	switch n := rnd.IntN(100); {
	case n < 10:
		return "503", s.ditto.Inject(ctx, ditto.Fault{Status: http.StatusServiceUnavailable, Match: spareUsers, Times: times})
	case n < 20:
		return "408 that happened", s.ditto.Inject(ctx, ditto.Fault{Status: http.StatusRequestTimeout, Match: spareUsers, Times: times, Execute: true})
	case n < 25:
		return "408 that did not happen", s.ditto.Inject(ctx, ditto.Fault{Status: http.StatusRequestTimeout, Match: spareUsers, Times: times})
	case n < 30:
		return "connection lost after the statement", s.ditto.Inject(ctx, ditto.Fault{Drop: true, Match: spareUsers, Times: times, Execute: true})
	case n < 35:
		state, err := s.ditto.State(ctx)
		if err != nil {
			return "", err
		}
		if err := s.ditto.Behind(ctx, state.Txn); err != nil {
			return "", err
		}
		time.Sleep(time.Duration(rnd.IntN(500)) * time.Millisecond)
		return "node behind", s.ditto.Behind(ctx, 0)
	case n < 45:
		return "events of Ditto twice", s.ditto.Feed(ctx, ditto.Feed{Duplicate: 2 * times})
	case n < 55:
		return "events of Ditto reordered", s.ditto.Feed(ctx, ditto.Feed{Reorder: 1 + times})
	case n < 60:
		return "events of Ditto dropped", s.ditto.Feed(ctx, ditto.Feed{Drop: times})
	case n < 85:
		return s.tamper(rnd)
	case n < 95:
		return s.killFunction(rnd, s.workers()), nil
	}
	return "claims of killed functions expired", s.killAndExpire()
}

// tamper takes messages out of a worker's queue before the worker does, and
// loses them, or puts them back twice, or later.
func (s *storm) tamper(rnd *rand.Rand) (string, error) {
	ctx := s.t.Context()
	url := s.info.Queues[[]string{mongoToDitto, dittoToMongo}[rnd.IntN(2)]].URL
	what := []string{"keys dropped", "keys twice", "keys late"}[rnd.IntN(3)]
	var res *awssqs.ReceiveMessageOutput
	for deadline := time.Now().Add(100 * time.Millisecond); ; {
		var err error
		if res, err = s.queues.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 3}); err != nil {
			return "", err
		}
		if len(res.Messages) > 0 {
			break
		}
		if time.Now().After(deadline) {
			return "no keys to tamper with", nil
		}
	}
	for _, m := range res.Messages {
		again := map[string][]int32{"keys twice": {0, 1}, "keys late": {2}}[what]
		for _, delay := range again {
			if _, err := s.queues.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: m.Body, DelaySeconds: delay}); err != nil {
				return "", err
			}
		}
		if _, err := s.queues.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			return "", err
		}
	}
	return what, nil
}

// workers are the processes of both workers.
func (s *storm) workers() (pids []int) {
	for pid, name := range running(s.t) {
		if name == mongoToDitto || name == dittoToMongo {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (s *storm) killFunction(rnd *rand.Rand, pids []int) string {
	if len(pids) == 0 {
		return "no function to kill"
	}
	_ = syscall.Kill(pids[rnd.IntN(len(pids))], syscall.SIGKILL)
	return "function killed"
}

// killWorkers kills all workers that run, and waits for their end.
func (s *storm) killWorkers() {
	for _, pid := range s.workers() {
		_ = syscall.Kill(pid, syscall.SIGKILL)
		for process.Alive(pid) {
			time.Sleep(time.Millisecond)
		}
	}
}

// landing is how long a request of a killed function may still be under way.
// In earnest that is the time between a batch's end and its claim's: 45 s.
const landing = 500 * time.Millisecond

// killAndExpire kills all workers and makes the claims that they leave behind
// run out soon; a claim lives for 90 s. A claim that is there before the kill
// belongs to one of them. Others are not touched: that a claim outlives its
// owner is what the protocol rests on.
func (s *storm) killAndExpire() error {
	s.outage.RLock()
	defer s.outage.RUnlock()
	ctx, entries := s.t.Context(), s.db.Collection(ledger.Collection)
	cursor, err := entries.Find(ctx, bson.D{{Key: "claim", Value: bson.D{{Key: "$exists", Value: true}}}})
	if err != nil {
		return err
	}
	var claims []struct{ Claim struct{ Owner string } }
	if err := cursor.All(ctx, &claims); err != nil {
		return err
	}
	owners := bson.A{}
	for _, c := range claims {
		owners = append(owners, c.Claim.Owner)
	}
	s.killWorkers()
	time.Sleep(landing)
	_, err = entries.UpdateMany(ctx, bson.D{{Key: "claim.owner", Value: bson.D{{Key: "$in", Value: owners}}}}, runOut())
	return err
}

// runOut makes a claim one that has run out.
func runOut() bson.D {
	return bson.D{{Key: "$set", Value: bson.D{{Key: "claim.until", Value: time.Now().Add(-time.Minute)}}}}
}

// restartMongoDB kills MongoDB and starts it again on its data and port. The
// server syncs on commit, so that nothing that was acknowledged is lost. Users
// wait; the functions do not know.
func (s *storm) restartMongoDB() error {
	s.outage.Lock()
	defer s.outage.Unlock()
	port, err := portOf(s.info.MongoDB)
	if err != nil {
		return err
	}
	if s.mongo != nil {
		s.mongo.Kill()
	} else {
		pid := s.info.Processes["mongodb"]
		_ = syscall.Kill(pid, syscall.SIGKILL)
		for process.Alive(pid) {
			time.Sleep(time.Millisecond)
		}
	}
	s.mongo, err = mongodb.Start(s.t.Context(), mongodb.Options{
		Dir: filepath.Join(s.dir, "data", "mongodb"), Port: port, Tools: s.tools, Getenv: ownEngines,
	})
	return err
}
