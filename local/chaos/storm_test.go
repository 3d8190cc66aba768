package chaos_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	coreditto "github.com/causeway-sync/causeway/core/ditto"
	coremongo "github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/local/ditto"
	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/mongodb"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// storm is a running local stack, with everything that is written on either
// side.
type storm struct {
	t *testing.T
	*weather
}

type weather struct {
	dir    string
	places []place
	stack  *stack.Stack
	info   stack.Info
	ditto  *ditto.Server // for faults and counts
	mongo  *mongodb.Server
	exec   *coreditto.Client
	core   *coremongo.Client
	db     *mongo.Database
	queues *awssqs.Client

	inMongo, inDitto history
	end              context.CancelFunc // of the histories
	following        sync.WaitGroup

	writing sync.Mutex     // held by a user who writes in Ditto
	txns    map[int64]bool // of users' writes there

	mu      sync.Mutex
	deletes map[string]bool // tokens of documents that users deleted in MongoDB
	deleted map[string]int  // users' deletes by "<side> <id>"
	added   map[string]int  // increments, by id
	tokens  int

	outage sync.RWMutex // held by whoever takes MongoDB away
	tools  string
}

// openStorm starts the stack. The data is kept over a kill of MongoDB, so it is
// never the user's own.
func openStorm(t *testing.T, collections string, places ...place) *storm {
	t.Helper()
	looksForProcesses(t)
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "storm-") // with the logs, kept when a test fails
	if err != nil {
		t.Fatal(err)
	}
	s := &storm{t, &weather{
		dir: dir, places: places, tools: filepath.Join(root, ".causeway", "tools"),
		txns: map[int64]bool{}, deletes: map[string]bool{}, deleted: map[string]int{}, added: map[string]int{},
	}}
	said, err := os.Create(filepath.Join(dir, "stack.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { said.Close() })
	s.stack, err = stack.Start(ctx, stack.Options{
		Root: root, Dir: dir, Faults: true, Out: said, Getenv: ownEngines,
		Config: writeManifest(t, "causeway_chaos", "ditto/mongo", collections),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	s.info = s.stack.Info()
	s.ditto = &ditto.Server{URL: s.info.Ditto.URL, APIKey: s.info.Ditto.APIKey}
	s.queues = sqs.NewClient(s.info.SQS)
	if s.exec, err = coreditto.NewClient(coreditto.ClientConfig{Endpoint: s.info.Ditto.URL, Keys: coreditto.StaticKey(s.info.Ditto.APIKey)}); err != nil {
		t.Fatal(err)
	}
	if s.core, err = coremongo.Connect(s.info.MongoDB, s.info.Database); err != nil {
		t.Fatal(err)
	}
	client, err := mongo.Connect(options.Client().ApplyURI(s.info.MongoDB))
	if err != nil {
		t.Fatal(err)
	}
	s.db = client.Database(s.info.Database)
	if err := s.db.CreateCollection(ctx, markCollection); err != nil {
		t.Fatal(err)
	}
	s.follow(ctx)
	return s
}

// ownEngines hides the engines of the user's own.
func ownEngines(name string) string {
	if name == "MONGODB_URI" || strings.HasPrefix(name, "DITTO_") {
		return ""
	}
	return os.Getenv(name)
}

// follow begins the histories.
func (s *storm) follow(ctx context.Context) {
	s.t.Helper()
	stream, err := s.db.Watch(ctx, mongo.Pipeline{}, options.ChangeStream().SetMaxAwaitTime(200*time.Millisecond))
	if err != nil {
		s.t.Fatal(err)
	}
	run, cancel := context.WithCancel(context.Background())
	s.end = cancel
	s.following.Go(func() { s.inMongo.followMongoDB(run, s.db, stream) })
	s.following.Go(func() {
		s.inDitto.followDitto(run, filepath.Join(s.dir, "data", "ditto", "outbox"), func(txn int64) bool {
			s.writing.Lock()
			defer s.writing.Unlock()
			return s.txns[txn]
		})
	})
}

func (s *storm) stop() {
	if s.end != nil {
		s.end()
		s.following.Wait()
	}
	brief, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if s.db != nil {
		_ = s.db.Client().Disconnect(brief)
		_ = s.core.Close(brief)
	}
	stop(s.t, s.stack.Stop)
	if s.mongo != nil {
		stop(s.t, s.mongo.Stop)
	}
}

// histories returns both sides' writes up to now.
func (s *storm) histories() (inMongo, inDitto []event) {
	s.t.Helper()
	ctx := s.t.Context()
	s.inMongo.mu.Lock()
	marks := s.inMongo.marks
	s.inMongo.mu.Unlock()
	if _, err := s.db.Collection(markCollection).InsertOne(ctx, bson.D{}); err != nil {
		s.t.Fatal(err)
	}
	s.until("the change stream", func() bool {
		s.inMongo.mu.Lock()
		defer s.inMongo.mu.Unlock()
		return s.inMongo.marks > marks
	})
	state, err := s.ditto.State(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	s.until("the outbox", func() bool {
		s.inDitto.mu.Lock()
		defer s.inDitto.mu.Unlock()
		return int64(len(s.inDitto.events)) >= state.Seq || s.inDitto.err != nil
	})
	inMongo, err = s.inMongo.all()
	if err != nil {
		s.t.Fatalf("MongoDB's history: %v", err)
	}
	inDitto, err = s.inDitto.all()
	if err != nil {
		s.t.Fatalf("Ditto's history: %v", err)
	}
	return inMongo, inDitto
}

// patience is how long it may take until nothing is on its way.
const patience = 3 * time.Minute

func (s *storm) until(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

// depths says what the queues hold, "" for nothing.
func (s *storm) depths() string {
	s.t.Helper()
	text := ""
	for name, q := range s.info.Queues {
		d, err := sqs.ReadDepth(s.t.Context(), s.queues, q.URL)
		if err != nil {
			s.t.Fatal(err)
		}
		if !d.Empty() {
			text += fmt.Sprintf("%s %+v ", name, d)
		}
	}
	return text
}

// quiet waits until no event is on its way: not in the outbox, not in a queue,
// and not between, for some looks.
func (s *storm) quiet() {
	s.t.Helper()
	calm := 0
	s.until("quiet", func() bool {
		state, err := s.ditto.State(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		if calm++; state.Pending > 0 || s.depths() != "" {
			calm = 0
		}
		return calm >= 5
	})
}
