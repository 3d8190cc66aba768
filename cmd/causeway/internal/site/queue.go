package site

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/causeway-sync/causeway/core/change"
)

// Depth counts a queue's messages, approximately, as SQS does.
type Depth struct {
	Waiting  int // to be received now
	InFlight int // received and not yet deleted
	Delayed  int // not to be received yet
}

// Total is all that the queue holds.
func (d Depth) Total() int { return d.Waiting + d.InFlight + d.Delayed }

// Depth counts the messages of a queue.
func (s *Site) Depth(ctx context.Context, url string) (Depth, error) {
	names := []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
	out, err := s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: names})
	if err != nil {
		return Depth{}, fmt.Errorf("read depth of %s: %w", url, explain(err))
	}
	var n [3]int
	for i, name := range names {
		if n[i], err = strconv.Atoi(out.Attributes[string(name)]); err != nil {
			return Depth{}, fmt.Errorf("read depth of %s: %s: %w", url, name, err)
		}
	}
	if s.inFlightCounted {
		n[0] = max(0, n[0]-n[1])
	}
	return Depth{Waiting: n[0], InFlight: n[1], Delayed: n[2]}, nil
}

const (
	// holdSeconds keeps a message out of sight while it is moved.
	holdSeconds = 60
	// waitSeconds makes SQS ask all of its servers: without it, an answer without
	// messages does not say that there are none.
	waitSeconds = 1
)

// Redrive moves all messages of q's dead letters into q and returns how many. A
// message is sent before it is deleted, so one may be sent twice and none is
// lost. An event that EventBridge could not deliver passes as the rule would have
// let it pass, with its keys alone (invariant 10).
func (s *Site) Redrive(ctx context.Context, q Queue) (moved int, err error) {
	wait := int32(waitSeconds)
	if s.Name == "" { // the stand-in has one server, and waits to the end
		wait = 0
	}
	for {
		out, err := s.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &q.DeadLettersURL, MaxNumberOfMessages: 10, VisibilityTimeout: holdSeconds, WaitTimeSeconds: wait,
		})
		if err != nil {
			return moved, fmt.Errorf("read dead letters: %w", explain(err))
		}
		if len(out.Messages) == 0 {
			return moved, nil
		}
		for _, m := range out.Messages {
			body := keysOnly(aws.ToString(m.Body))
			if _, err := s.sqs.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &q.URL, MessageBody: &body}); err != nil {
				return moved, fmt.Errorf("send dead letter: %w", explain(err))
			}
			if _, err := s.sqs.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.DeadLettersURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return moved, fmt.Errorf("delete dead letter: %w", explain(err))
			}
			moved++
		}
	}
}

// keysOnly is an EventBridge event as the rule lets it pass, and any other body
// as it is.
func keysOnly(body string) string {
	var e struct {
		Detail json.RawMessage `json:"detail"`
	}
	if json.Unmarshal([]byte(body), &e) != nil || len(bytes.TrimSpace(e.Detail)) == 0 {
		return body
	}
	out, err := change.ApplyRule([]byte(body))
	if err != nil {
		return body
	}
	return string(out)
}
