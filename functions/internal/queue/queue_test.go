package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	smithytime "github.com/aws/smithy-go/time"
	"github.com/google/go-cmp/cmp"

	"github.com/causeway-sync/causeway/functions/internal/queue"
)

// fakeSQS records what it takes. refuse says how often a body is refused
// before it is taken; sender marks bodies that are refused for good.
type fakeSQS struct {
	refuse map[string]int
	sender map[string]bool
	silent map[string]bool // left out of the answer
	err    error
	calls  []int // entries per call
	sent   []string
	delays []int32
}

func (f *fakeSQS) SendMessageBatch(_ context.Context, in *sqs.SendMessageBatchInput, _ ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error) {
	f.calls = append(f.calls, len(in.Entries))
	if f.err != nil {
		return nil, f.err
	}
	if aws.ToString(in.QueueUrl) != "http://queue/1" {
		return nil, fmt.Errorf("queue %q", aws.ToString(in.QueueUrl))
	}
	size := 0
	out := &sqs.SendMessageBatchOutput{}
	for _, e := range in.Entries {
		body := aws.ToString(e.MessageBody)
		size += len(body)
		switch {
		case f.silent[body]:
		case f.sender[body], f.refuse[body] > 0:
			f.refuse[body]--
			out.Failed = append(out.Failed, types.BatchResultErrorEntry{Id: e.Id, SenderFault: f.sender[body], Code: aws.String("InternalError"), Message: aws.String("busy")})
		default:
			f.sent, f.delays = append(f.sent, body), append(f.delays, e.DelaySeconds)
			out.Successful = append(out.Successful, types.SendMessageBatchResultEntry{Id: e.Id})
		}
	}
	if size > 262_144 || len(in.Entries) > 10 {
		return nil, errors.New("BatchRequestTooLong")
	}
	return out, nil
}

func newQueue(f *fakeSQS, waits *[]time.Duration) *queue.Queue {
	return queue.New("http://queue/1",
		func(context.Context) (queue.SQS, error) { return f, nil },
		func(ctx context.Context, d time.Duration) error { *waits = append(*waits, d); return ctx.Err() })
}

func messages(bodies ...string) (out []queue.Message) {
	for _, b := range bodies {
		out = append(out, queue.Message{Body: []byte(b)})
	}
	return out
}

func TestSend(t *testing.T) {
	t.Run("Batches", func(t *testing.T) {
		f, waits := &fakeSQS{}, []time.Duration{}
		var bodies []string
		for i := range 25 {
			bodies = append(bodies, fmt.Sprint(i))
		}
		errs := newQueue(f, &waits).Send(t.Context(), messages(bodies...))
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{10, 10, 5}, f.calls); diff != "" {
			t.Errorf("entries per call (-want +got):\n%s", diff)
		}
		if !slices.Equal(bodies, f.sent) {
			t.Errorf("sent %v", f.sent)
		}
	})
	t.Run("BatchesBySize", func(t *testing.T) {
		f, waits := &fakeSQS{}, []time.Duration{}
		errs := newQueue(f, &waits).Send(t.Context(), messages(strings.Repeat("a", 200_000), strings.Repeat("b", 200_000), "c", "d"))
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{1, 3}, f.calls); diff != "" {
			t.Errorf("entries per call (-want +got):\n%s", diff)
		}
	})
	t.Run("Delays", func(t *testing.T) {
		f, waits := &fakeSQS{}, []time.Duration{}
		q := newQueue(f, &waits)
		errs := q.Send(t.Context(), []queue.Message{
			{Body: []byte("a")}, {Body: []byte("b"), Delay: 1500 * time.Millisecond}, {Body: []byte("c"), Delay: time.Hour}, {Body: []byte("d"), Delay: -1},
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int32{0, 2, 900, 0}, f.delays); diff != "" {
			t.Errorf("delays (-want +got):\n%s", diff)
		}
	})
	t.Run("PartialFailure", func(t *testing.T) {
		f, waits := &fakeSQS{refuse: map[string]int{"b": 2}}, []time.Duration{}
		errs := newQueue(f, &waits).Send(t.Context(), messages("a", "b", "c"))
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{3, 1, 1}, f.calls); diff != "" {
			t.Errorf("entries per call (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]time.Duration{100 * time.Millisecond, 200 * time.Millisecond}, waits); diff != "" {
			t.Errorf("waits (-want +got):\n%s", diff)
		}
	})
	t.Run("ErrStaysBusy", func(t *testing.T) {
		f, waits := &fakeSQS{refuse: map[string]int{"b": 99}}, []time.Duration{}
		errs := newQueue(f, &waits).Send(t.Context(), messages("a", "b"))
		if errs[0] != nil || errs[1] == nil || !strings.Contains(errs[1].Error(), "busy") {
			t.Errorf("errors %v", errs)
		}
		if len(f.calls) != 4 {
			t.Errorf("%d calls, want 4", len(f.calls))
		}
	})
	t.Run("ErrRefused", func(t *testing.T) {
		f, waits := &fakeSQS{sender: map[string]bool{"b": true}, refuse: map[string]int{}}, []time.Duration{}
		errs := newQueue(f, &waits).Send(t.Context(), messages("a", "b"))
		if errs[0] != nil || errs[1] == nil || len(f.calls) != 1 {
			t.Errorf("errors %v after %d calls", errs, len(f.calls))
		}
	})
	t.Run("ErrSilent", func(t *testing.T) {
		f, waits := &fakeSQS{silent: map[string]bool{"b": true}}, []time.Duration{}
		errs := newQueue(f, &waits).Send(t.Context(), messages("a", "b"))
		if errs[0] != nil || errs[1] == nil {
			t.Errorf("errors %v", errs)
		}
	})
	t.Run("ErrCall", func(t *testing.T) {
		f, waits := &fakeSQS{err: errors.New("refused")}, []time.Duration{}
		for _, err := range newQueue(f, &waits).Send(t.Context(), messages("a", "b")) {
			if err == nil {
				t.Error("no error")
			}
		}
	})
	t.Run("ErrClient", func(t *testing.T) {
		q := queue.New("u", func(context.Context) (queue.SQS, error) { return nil, errors.New("no region") }, smithytime.SleepWithContext)
		if errs := q.Send(t.Context(), messages("a")); errs[0] == nil {
			t.Error("no error")
		}
	})
	t.Run("ErrDeadline", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f, waits := &fakeSQS{refuse: map[string]int{"a": 1}}, []time.Duration{}
		q := newQueue(f, &waits)
		cancel()
		if errs := q.Send(ctx, messages("a")); errs[0] == nil {
			t.Error("no error")
		}
	})
}
