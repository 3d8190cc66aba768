package lambda_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/causeway-sync/causeway/local/install"
	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/sqs"
)

const maxReceives = 3

// mapped is a queue, mapped to the queue function of TestMain.
type mapped struct {
	*lambda.Mapping
	srv  *sqs.Server
	log  *buffer
	stop func() // ends Run
}

func startMapping(t *testing.T, m lambda.MappingConfig, cfg lambda.Config) *mapped {
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
	queue := sqs.Queue{Name: "work", Visibility: 30 * time.Second, MaxReceives: maxReceives}
	srv, err := sqs.Start(t.Context(), sqs.Options{Root: root, Node: node, Queues: []sqs.Queue{queue}})
	if err != nil {
		t.Fatal(err)
	}
	log := &buffer{}
	cfg.Log = log
	m.Function = function(t, "queue", cfg)
	m.Client, m.QueueURL, m.QueueARN = srv.Client(), srv.URL("work"), sqs.ARN("work")
	m.Log = slog.New(slog.NewTextHandler(log, nil))
	mapping := lambda.NewMapping(m)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { mapping.Run(ctx); close(ended) }()
	end := func() {
		cancel()
		<-ended
	}
	t.Cleanup(func() {
		end()
		stop, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := srv.Stop(stop); err != nil {
			t.Error(err)
		}
	})
	return &mapped{mapping, srv, log, end}
}

func (m *mapped) send(t *testing.T, bodies ...string) {
	t.Helper()
	url := m.srv.URL("work")
	for _, body := range bodies {
		if _, err := m.Client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
			t.Fatal(err)
		}
	}
	m.Wake()
}

// await waits for these depths of the queue and its dead letters.
func (m *mapped) await(t *testing.T, work, dead int) {
	t.Helper()
	var got string
	want := fmt.Sprintf("%d in the queue, %d dead", work, dead)
	for deadline := time.Now().Add(20 * time.Second); got != want; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s, want %s; log:\n%s", got, want, m.log)
		}
		a, err := m.srv.Depth(t.Context(), "work")
		if err != nil {
			t.Fatal(err)
		}
		b, err := m.srv.Depth(t.Context(), sqs.DeadLetters("work"))
		if err != nil {
			t.Fatal(err)
		}
		got = fmt.Sprintf("%d in the queue, %d dead", a.Total(), b.Total())
	}
}

// calls are the lines that the function wrote, one per message that it saw.
func (m *mapped) calls(t *testing.T) (seen []call) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(m.log.String()))
	for lines.Scan() {
		var c call
		if json.Unmarshal(lines.Bytes(), &c) == nil && c.Body != "" {
			seen = append(seen, c)
		}
	}
	return seen
}

type call struct {
	Body, Tries, ARN, Source string
	Batch                    int
	PID                      int
}

func tries(calls []call, body string) (n []string) {
	for _, c := range calls {
		if c.Body == body {
			n = append(n, c.Tries)
		}
	}
	return n
}

func TestMapping(t *testing.T) {
	quick := lambda.MappingConfig{BatchSize: 10, Window: 50 * time.Millisecond, RetryDelay: time.Second, RetryMax: time.Second}

	t.Run("OneBatch", func(t *testing.T) {
		m := startMapping(t, lambda.MappingConfig{BatchSize: 5, Window: 5 * time.Second}, lambda.Config{})
		m.send(t, "a", "b", "c", "d", "e")
		m.await(t, 0, 0)
		calls := m.calls(t)
		if len(calls) != 5 {
			t.Fatalf("calls = %+v, want 5", calls)
		}
		for _, c := range calls {
			if c.Batch != 5 || c.ARN != sqs.ARN("work") || c.Source != "aws:sqs" || c.Tries != "1" {
				t.Errorf("call = %+v, want all five in one batch at the first try", c)
			}
		}
	})
	t.Run("FailedAlone", func(t *testing.T) {
		m := startMapping(t, quick, lambda.Config{})
		m.send(t, "a", "once", "bad", "b")
		m.await(t, 0, 1)
		calls := m.calls(t)
		for body, want := range map[string][]string{"a": {"1"}, "b": {"1"}, "once": {"1", "2"}, "bad": {"1", "2", "3"}} {
			if got := tries(calls, body); !slices.Equal(got, want) {
				t.Errorf("tries of %s = %v, want %v", body, got, want)
			}
		}
		if m.Handled() != 3 || m.Failed() != 1+maxReceives {
			t.Errorf("handled %d, failed %d; want 3, %d", m.Handled(), m.Failed(), 1+maxReceives)
		}
	})
	for _, body := range []string{"batch", "unknown"} {
		t.Run("WholeBatchFails/"+body, func(t *testing.T) {
			m := startMapping(t, quick, lambda.Config{})
			m.send(t, body)
			m.await(t, 0, 1)
			if got := len(m.calls(t)); got != maxReceives {
				t.Errorf("%d calls, want %d", got, maxReceives)
			}
		})
	}
	t.Run("Paused", func(t *testing.T) {
		m := startMapping(t, quick, lambda.Config{})
		m.Pause()
		m.send(t, "a", "b")
		for end := time.Now().Add(10 * quick.Window); time.Now().Before(end); {
			d, err := m.srv.Depth(t.Context(), "work")
			if err != nil {
				t.Fatal(err)
			}
			// The stand-in shows a new message as a delayed one for a moment.
			if d.InFlight != 0 || d.Total() != 2 {
				t.Fatalf("while paused the queue is %+v, want both messages in it", d)
			}
		}
		m.Resume()
		m.await(t, 0, 0)
		if calls := m.calls(t); len(calls) != 2 {
			t.Errorf("calls = %+v, want two", calls)
		}
	})
	t.Run("StoppedInTime", func(t *testing.T) {
		hurried := quick
		hurried.Grace = 50 * time.Millisecond
		m := startMapping(t, hurried, lambda.Config{})
		m.send(t, "hang")
		for len(m.calls(t)) == 0 {
			time.Sleep(time.Millisecond)
		}
		m.stop()
		if m.Handled() != 0 || m.Failed() != 1 {
			t.Errorf("handled %d, failed %d: want the batch given back", m.Handled(), m.Failed())
		}
		m.await(t, 1, 0)
	})
	t.Run("EndsWell", func(t *testing.T) { // within its grace
		patient := quick
		patient.Grace = time.Minute
		m := startMapping(t, patient, lambda.Config{})
		m.send(t, "slow")
		for len(m.calls(t)) == 0 {
			time.Sleep(time.Millisecond)
		}
		m.stop()
		if m.Handled() != 1 || m.Failed() != 0 {
			t.Errorf("handled %d, failed %d: want the batch at its end", m.Handled(), m.Failed())
		}
	})
	t.Run("Many", func(t *testing.T) {
		m := startMapping(t, lambda.MappingConfig{BatchSize: 100, Window: 20 * time.Millisecond, Concurrency: 3}, lambda.Config{Concurrency: 3})
		var bodies []string
		for i := range 300 {
			bodies = append(bodies, fmt.Sprintf("m%d", i))
		}
		m.send(t, bodies...)
		m.await(t, 0, 0)
		seen := map[string]int{}
		for _, c := range m.calls(t) {
			seen[c.Body]++
		}
		for _, body := range bodies {
			if seen[body] != 1 {
				t.Errorf("message %s was handled %d times", body, seen[body])
			}
		}
	})
}

// buffer is a bytes.Buffer that several goroutines may use.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
