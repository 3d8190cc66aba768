package chaos_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"syscall"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/process"
)

// spareUsers matches the statements of the functions alone.
const spareUsers = `^(?!.*:u_)`

// mischief is something that goes wrong around the functions.
type mischief struct {
	name string
	hard bool // keys are lost, or claims left behind
	do   func(*storm, *rand.Rand) error
}

var mischiefs = []mischief{
	{"503", false, answering(ditto.Fault{Status: http.StatusServiceUnavailable})},
	{"429", false, answering(ditto.Fault{Status: http.StatusTooManyRequests})},
	{"408 that happened", false, answering(ditto.Fault{Status: http.StatusRequestTimeout, Execute: true})},
	{"408 that did not happen", false, answering(ditto.Fault{Status: http.StatusRequestTimeout})},
	{"connection lost after the statement", false, answering(ditto.Fault{Drop: true, Execute: true})},
	{"node behind", false, (*storm).nodeBehind},
	{"events of Ditto twice", false, feeding(func(n int) ditto.Feed { return ditto.Feed{Duplicate: n} })},
	{"events of Ditto reordered", false, feeding(func(n int) ditto.Feed { return ditto.Feed{Reorder: n} })},
	{"keys twice", false, tampering(0, 1)},
	{"keys late", false, tampering(2)},
	{"events of Ditto dropped", true, feeding(func(n int) ditto.Feed { return ditto.Feed{Drop: n} })},
	{"keys dropped", true, tampering()},
	{"function killed", true, (*storm).killFunction},
	{"functions killed, their claims expired", true, (*storm).killAndExpire},
	{"MongoDB killed", true, (*storm).restartMongoDB},
}

// goWrong does all of these in turn, in another order each time, until enough
// is done, and counts them. What is under way then is finished.
func (s *storm) goWrong(rnd *rand.Rand, of []mischief, did map[string]int, enough func() bool) error {
	for !enough() {
		for _, i := range rnd.Perm(len(of)) {
			if err := of[i].do(s, rnd); err != nil {
				return fmt.Errorf("%s: %w", of[i].name, err)
			}
			did[of[i].name]++
			time.Sleep(time.Duration(rnd.IntN(150)) * time.Millisecond)
		}
	}
	return nil
}

// answering makes Ditto answer some of the functions' statements so.
func answering(f ditto.Fault) func(*storm, *rand.Rand) error {
	return func(s *storm, rnd *rand.Rand) error {
		f.Match, f.Times = spareUsers, 1+rnd.IntN(3)
		return s.ditto.Inject(s.t.Context(), f)
	}
}

func feeding(feed func(n int) ditto.Feed) func(*storm, *rand.Rand) error {
	return func(s *storm, rnd *rand.Rand) error { return s.ditto.Feed(s.t.Context(), feed(2+rnd.IntN(3))) }
}

// nodeBehind: what the functions ask for is not there for a while.
func (s *storm) nodeBehind(rnd *rand.Rand) error {
	state, err := s.ditto.State(s.t.Context())
	if err != nil {
		return err
	}
	if err := s.ditto.Behind(s.t.Context(), state.Txn); err != nil {
		return err
	}
	time.Sleep(time.Duration(rnd.IntN(500)) * time.Millisecond)
	return s.ditto.Behind(s.t.Context(), 0)
}

// tampering takes messages out of a worker's queue before the worker does, and
// puts them back with each of these delays, in seconds.
func tampering(delays ...int32) func(*storm, *rand.Rand) error {
	return func(s *storm, rnd *rand.Rand) error {
		ctx := s.t.Context()
		url := s.info.Queues[[]string{mongoToDitto, dittoToMongo}[rnd.IntN(2)]].URL
		var taken []types.Message
		for deadline := time.Now().Add(patience); len(taken) == 0; {
			res, err := s.queues.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: &url, MaxNumberOfMessages: 3})
			if err != nil {
				return err
			}
			if taken = res.Messages; time.Now().After(deadline) {
				return errors.New("no key came by")
			}
		}
		for _, m := range taken {
			for _, delay := range delays {
				if _, err := s.queues.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: m.Body, DelaySeconds: delay}); err != nil {
					return err
				}
			}
			if _, err := s.queues.DeleteMessage(ctx, &awssqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return err
			}
		}
		return nil
	}
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

// killFunction kills one worker, as soon as one runs.
func (s *storm) killFunction(rnd *rand.Rand) error {
	for deadline := time.Now().Add(patience); ; {
		if pids := s.workers(); len(pids) > 0 {
			_ = syscall.Kill(pids[rnd.IntN(len(pids))], syscall.SIGKILL)
			return nil
		}
		if time.Now().After(deadline) {
			return errors.New("no worker runs")
		}
	}
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
const landing = 2 * time.Second

// killAndExpire kills all workers and makes the claims that they leave behind
// run out soon; a claim lives for 90 s. A claim that is there before the kill
// belongs to one of them. Others are not touched: that a claim outlives its
// owner is what the protocol rests on.
func (s *storm) killAndExpire(*rand.Rand) error {
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
func (s *storm) restartMongoDB(*rand.Rand) error {
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
