// Package queue sends keys to a queue with the SQS API.
package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// SQS is the part of Amazon SQS that is used.
type SQS interface {
	SendMessageBatch(ctx context.Context, in *sqs.SendMessageBatchInput, opts ...func(*sqs.Options)) (*sqs.SendMessageBatchOutput, error)
}

// Message is a body to send, visible after Delay (whole seconds, 15 min at
// most).
type Message struct {
	Body  []byte
	Delay time.Duration
}

const (
	maxEntries = 10      // of one SendMessageBatch
	maxBytes   = 250_000 // of one SendMessageBatch: any region's limit
	attempts   = 4       // for entries that SQS could not take at that moment
	firstWait  = 100 * time.Millisecond
	maxDelay   = 15 * time.Minute
)

// Queue is one queue.
type Queue struct {
	client func(context.Context) (SQS, error)
	url    string
	wait   func(context.Context, time.Duration) error
}

// New returns the queue at url. The client is asked for at each send, so that
// it can be made at the first; wait pauses between attempts.
func New(url string, client func(context.Context) (SQS, error), wait func(context.Context, time.Duration) error) *Queue {
	return &Queue{client: client, url: url, wait: wait}
}

// Send sends the messages; errs[i] is nil when msgs[i] is safely in the queue.
// A message whose send failed may be in the queue all the same: messages may
// come twice (invariant 2).
func (q *Queue) Send(ctx context.Context, msgs []Message) (errs []error) {
	errs = make([]error, len(msgs))
	client, err := q.client(ctx)
	if err != nil {
		for i := range errs {
			errs[i] = fmt.Errorf("send to queue: %w", err)
		}
		return errs
	}
	for start := 0; start < len(msgs); {
		end, size := start, 0
		for end < len(msgs) && end-start < maxEntries && (end == start || size+len(msgs[end].Body) <= maxBytes) {
			size += len(msgs[end].Body)
			end++
		}
		q.sendBatch(ctx, client, msgs[start:end], errs[start:end])
		start = end
	}
	return errs
}

// sendBatch sends up to maxEntries messages, and again those that SQS could
// not take at that moment.
func (q *Queue) sendBatch(ctx context.Context, client SQS, msgs []Message, errs []error) {
	pending := make([]int, len(msgs))
	for i := range pending {
		pending[i] = i
	}
	for attempt := 0; len(pending) > 0; attempt++ {
		if attempt > 0 {
			if q.wait(ctx, firstWait<<(attempt-1)) != nil {
				return // errs says why they are still pending
			}
		}
		in := &sqs.SendMessageBatchInput{QueueUrl: &q.url}
		for _, i := range pending {
			in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
				Id: aws.String(strconv.Itoa(i)), MessageBody: aws.String(string(msgs[i].Body)), DelaySeconds: seconds(msgs[i].Delay),
			})
		}
		out, err := client.SendMessageBatch(ctx, in)
		if err != nil { // the SDK has tried again already
			for _, i := range pending {
				errs[i] = fmt.Errorf("send to queue: %w", err)
			}
			return
		}
		pending = settle(out, pending, errs)
		if attempt+1 == attempts {
			return
		}
	}
}

// settle writes each pending message's fate into errs, and returns those to
// try again. A message of which the answer says nothing was not sent.
func settle(out *sqs.SendMessageBatchOutput, pending []int, errs []error) (again []int) {
	sent, refused := map[string]bool{}, map[string]bool{}
	for _, s := range out.Successful {
		sent[aws.ToString(s.Id)] = true
	}
	failed := map[string]error{}
	for _, f := range out.Failed {
		id := aws.ToString(f.Id)
		failed[id] = fmt.Errorf("send to queue: %s: %s", aws.ToString(f.Code), aws.ToString(f.Message))
		refused[id] = f.SenderFault
	}
	for _, i := range pending {
		id := strconv.Itoa(i)
		switch {
		case sent[id]:
			errs[i] = nil
		case failed[id] != nil:
			errs[i] = failed[id]
		default:
			errs[i] = errors.New("send to queue: the answer lacks the message")
		}
		if !sent[id] && !refused[id] {
			again = append(again, i)
		}
	}
	return again
}

func seconds(d time.Duration) int32 {
	d = max(0, min(d, maxDelay))
	return int32(math.Ceil(d.Seconds()))
}
