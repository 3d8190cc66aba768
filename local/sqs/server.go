package sqs

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/causeway-sync/causeway/local/process"
)

// Account and Region are part of the queues' names; they mean nothing here.
const (
	Account = "123456789012"
	Region  = "us-east-1"
)

const readyTimeout = 15 * time.Second

// Queue is a standard queue and, with MaxReceives, its dead-letter queue.
type Queue struct {
	Name        string
	Visibility  time.Duration // whole seconds; 30 s by default
	MaxReceives int           // failed tries before a message goes to DeadLetters(Name)
}

// DeadLetters is the name of a queue's dead-letter queue.
func DeadLetters(name string) string { return name + "-dead-letters" }

// countsPerTry is how often the stand-in counts one failed try: it takes a
// ChangeMessageVisibility, by which a consumer gives a message back, for
// another receive.
const countsPerTry = 2

// Tries is how often a message was tried before, given its
// ApproximateReceiveCount: what SQS itself would count.
func Tries(receiveCount int) int { return (receiveCount + 1) / countsPerTry }

// Options say what to start. Root and Node are required.
type Options struct {
	Root   string // the repository, with the npm packages installed
	Node   string // the node binary
	Port   int    // 0: a free one
	Queues []Queue
	Log    io.Writer
}

// Server is a running SQS stand-in.
type Server struct {
	Endpoint string
	PID      int

	proc   *process.Process
	client *sqs.Client
}

// Start starts the stand-in and creates the queues.
func Start(ctx context.Context, opts Options) (*Server, error) {
	if opts.Port != 0 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.Port)))
		if err != nil {
			return nil, fmt.Errorf("start SQS stand-in: port %d is in use: stop what listens on it, or choose another: %w", opts.Port, err)
		}
		l.Close()
	}
	queues, err := json.Marshal(createRequests(opts.Queues))
	if err != nil {
		return nil, fmt.Errorf("start SQS stand-in: %w", err)
	}
	cmd := exec.Command(opts.Node, filepath.Join(opts.Root, "local", "sqs", "server.mjs"))
	cmd.Env = append(os.Environ(),
		"AWS_REGION="+Region,
		"CAUSEWAY_PORT="+strconv.Itoa(opts.Port),
		"CAUSEWAY_QUEUES="+string(queues))
	cmd.Stdout, cmd.Stderr = opts.Log, opts.Log
	ctx, cancel := context.WithTimeoutCause(ctx, readyTimeout, fmt.Errorf("not ready after %s", readyTimeout))
	defer cancel()
	proc, port, err := process.StartReady(ctx, "SQS stand-in", cmd)
	if err != nil {
		return nil, err
	}
	s := &Server{Endpoint: "http://" + net.JoinHostPort("127.0.0.1", port), PID: proc.PID(), proc: proc}
	s.client = NewClient(s.Endpoint)
	return s, nil
}

// NewClient returns a client of the stand-in at endpoint.
func NewClient(endpoint string) *sqs.Client {
	return sqs.New(sqs.Options{
		Region:       Region,
		BaseEndpoint: &endpoint,
		Credentials:  dummyCredentials{},
	})
}

// Client is a client of this server.
func (s *Server) Client() *sqs.Client { return s.client }

// URL is the address of a queue, as the functions get it.
func (s *Server) URL(name string) string { return QueueURL(s.Endpoint, name) }

// QueueURL is the address of a queue of the stand-in at endpoint.
func QueueURL(endpoint, name string) string { return endpoint + "/" + Account + "/" + name }

// ARN is the queue's ARN, as event sources are named in events.
func ARN(name string) string { return "arn:aws:sqs:" + Region + ":" + Account + ":" + name }

// Create creates one more queue, with its dead-letter queue.
func (s *Server) Create(ctx context.Context, q Queue) error {
	for _, r := range createRequests([]Queue{q}) {
		if _, err := s.client.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &r.QueueName, Attributes: r.Attributes}); err != nil {
			return fmt.Errorf("create queue %s: %w", r.QueueName, err)
		}
	}
	return nil
}

// Done is closed when the server has ended.
func (s *Server) Done() <-chan struct{} { return s.proc.Done() }

// Exited says how the server ended, nil while it runs.
func (s *Server) Exited() error { return s.proc.Exited() }

// Stop stops the server; what its queues hold is gone.
func (s *Server) Stop(ctx context.Context) error { return s.proc.Stop(ctx) }

type createRequest struct {
	QueueName  string
	Attributes map[string]string
}

// createRequests lists each dead-letter queue before the queue that names it.
func createRequests(queues []Queue) []createRequest {
	reqs := []createRequest{}
	for _, q := range queues {
		attrs := map[string]string{}
		if q.Visibility > 0 {
			attrs["VisibilityTimeout"] = strconv.Itoa(int(q.Visibility.Seconds()))
		}
		if q.MaxReceives > 0 {
			dead := DeadLetters(q.Name)
			reqs = append(reqs, createRequest{dead, map[string]string{"MessageRetentionPeriod": "1209600"}})
			attrs["RedrivePolicy"] = fmt.Sprintf(`{"deadLetterTargetArn":%q,"maxReceiveCount":%d}`,
				ARN(dead), countsPerTry*q.MaxReceives)
		}
		reqs = append(reqs, createRequest{q.Name, attrs})
	}
	return reqs
}
