package sqs_test

import (
	"context"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/sqs"
)

func TestServer(t *testing.T) {
	s := start(t, sqs.Queue{Name: "work", Visibility: time.Second, MaxReceives: 2})
	c := s.Client()
	ctx := t.Context()
	send(t, s, "work", "one", 0)
	send(t, s, "work", "later", 900)
	wantDepth(t, s, "work", sqs.Depth{Waiting: 1, Delayed: 1})

	url := s.URL("work")
	for range 2 { // given back, twice in all
		out := receive(t, s, "work")
		if *out.Body != "one" {
			t.Fatalf("body %q", *out.Body)
		}
		wantDepth(t, s, "work", sqs.Depth{InFlight: 1, Delayed: 1})
		if _, err := c.ChangeMessageVisibility(ctx, &awssqs.ChangeMessageVisibilityInput{
			QueueUrl: &url, ReceiptHandle: out.ReceiptHandle, VisibilityTimeout: 0,
		}); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() bool {
		d, err := s.Depth(ctx, sqs.DeadLetters("work"))
		if err != nil {
			t.Fatal(err)
		}
		return d == sqs.Depth{Waiting: 1}
	})
	wantDepth(t, s, "work", sqs.Depth{Delayed: 1})
}

func TestStartErrPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	opts := options(t)
	opts.Port = l.Addr().(*net.TCPAddr).Port
	_, err = sqs.Start(t.Context(), opts)
	if err == nil || !strings.Contains(err.Error(), "port "+strconv.Itoa(opts.Port)+" is in use") {
		t.Errorf("error = %v, want one that names the port", err)
	}
}

func options(t *testing.T) sqs.Options {
	t.Helper()
	root, err := install.Root("")
	if err != nil {
		t.Fatal(err)
	}
	node, err := install.FindNode(t.Context(), os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	if err := install.Modules(t.Context(), root, func(s string) { t.Log(s) }); err != nil {
		t.Fatal(err)
	}
	return sqs.Options{Root: root, Node: node}
}

func start(t *testing.T, queues ...sqs.Queue) *sqs.Server {
	t.Helper()
	opts := options(t)
	opts.Queues = queues
	s, err := sqs.Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

func send(t *testing.T, s *sqs.Server, queue, body string, delay int32) {
	t.Helper()
	url := s.URL(queue)
	if _, err := s.Client().SendMessage(t.Context(), &awssqs.SendMessageInput{
		QueueUrl: &url, MessageBody: &body, DelaySeconds: delay,
	}); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, s *sqs.Server, queue string) (m struct{ Body, ReceiptHandle *string }) {
	t.Helper()
	url := s.URL(queue)
	eventually(t, func() bool {
		out, err := s.Client().ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &url})
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range out.Messages {
			m.Body, m.ReceiptHandle = got.Body, got.ReceiptHandle
		}
		return len(out.Messages) == 1
	})
	return m
}

func wantDepth(t *testing.T, s *sqs.Server, queue string, want sqs.Depth) {
	t.Helper()
	got, err := s.Depth(t.Context(), queue)
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("%s: depth = %+v, want %+v", queue, got, want)
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("did not come true within 10 s")
		}
	}
}
