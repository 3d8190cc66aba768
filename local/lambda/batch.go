package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/causeway-sync/causeway/local/sqs"
)

var errGrace = errors.New("its queue is being stopped: the batch is handled again")

// handle invokes the function on a batch, and settles its messages, even after
// the end of ctx.
func (m *Mapping) handle(ctx context.Context, batch []types.Message) {
	defer m.held.Add(-int64(len(batch)))
	work, kill := context.WithCancelCause(context.WithoutCancel(ctx))
	defer kill(nil)
	if m.Grace > 0 {
		defer context.AfterFunc(ctx, func() { time.AfterFunc(m.Grace, func() { kill(errGrace) }) })()
	}
	failed, err := m.invoke(work, batch)
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		m.Log.Warn("batch failed", "queue", m.QueueARN, "messages", len(batch), "error", err)
	}
	var done, back []types.Message
	for _, msg := range batch {
		if failed[*msg.MessageId] {
			back = append(back, msg)
		} else {
			done = append(done, msg)
		}
	}
	m.handled.Add(int64(len(done)))
	m.failed.Add(int64(len(back)))
	var wg sync.WaitGroup
	for part := range slices.Chunk(done, receiveMax) {
		wg.Go(func() { m.remove(ctx, part) })
	}
	for part := range slices.Chunk(back, receiveMax) {
		wg.Go(func() { m.giveBack(ctx, part) })
	}
	wg.Wait()
}

// invoke returns the ids of the messages that failed: all of them when the
// function failed, or named one that is not of the batch.
func (m *Mapping) invoke(ctx context.Context, batch []types.Message) (map[string]bool, error) {
	all := map[string]bool{}
	event := events.SQSEvent{}
	for _, msg := range batch {
		all[*msg.MessageId] = true
		event.Records = append(event.Records, m.record(msg))
	}
	body, err := json.Marshal(event)
	if err != nil {
		return all, fmt.Errorf("encode event: %w", err)
	}
	out, err := m.Function.Invoke(ctx, body)
	if err != nil {
		return all, err
	}
	if out = bytes.TrimSpace(out); len(out) == 0 || bytes.Equal(out, []byte("null")) {
		return nil, nil
	}
	var res events.SQSEventResponse
	if err := json.Unmarshal(out, &res); err != nil {
		return all, fmt.Errorf("read batch response: %w", err)
	}
	failed := map[string]bool{}
	for _, f := range res.BatchItemFailures {
		if !all[f.ItemIdentifier] {
			return all, errors.New("batch response names a message that is not of the batch")
		}
		failed[f.ItemIdentifier] = true
	}
	return failed, nil
}

// record is a message as Lambda hands it to a function.
func (m *Mapping) record(msg types.Message) events.SQSMessage {
	rec := events.SQSMessage{
		MessageId:         *msg.MessageId,
		ReceiptHandle:     *msg.ReceiptHandle,
		Body:              *msg.Body,
		Attributes:        msg.Attributes,
		MessageAttributes: map[string]events.SQSMessageAttribute{},
		EventSource:       "aws:sqs",
		EventSourceARN:    m.QueueARN,
		AWSRegion:         Region,
	}
	if msg.MD5OfBody != nil {
		rec.Md5OfBody = *msg.MD5OfBody
	}
	if rec.Attributes == nil {
		rec.Attributes = map[string]string{}
	}
	rec.Attributes["ApproximateReceiveCount"] = strconv.Itoa(tries(msg))
	for name, v := range msg.MessageAttributes {
		rec.MessageAttributes[name] = events.SQSMessageAttribute{
			StringValue: v.StringValue, BinaryValue: v.BinaryValue, DataType: *v.DataType,
		}
	}
	return rec
}

// tries is how often the message was received, this time included.
func tries(msg types.Message) int {
	n, _ := strconv.Atoi(msg.Attributes["ApproximateReceiveCount"])
	return max(1, sqs.Tries(n))
}

func (m *Mapping) remove(ctx context.Context, part []types.Message) {
	in := &awssqs.DeleteMessageBatchInput{QueueUrl: &m.QueueURL}
	for _, msg := range part {
		in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{
			Id: msg.MessageId, ReceiptHandle: msg.ReceiptHandle,
		})
	}
	if out, err := m.Client.DeleteMessageBatch(ctx, in); err != nil || len(out.Failed) > 0 {
		m.Log.Warn("delete messages: they will be handled again", "queue", m.QueueARN, "error", err)
	}
}

func (m *Mapping) giveBack(ctx context.Context, part []types.Message) {
	in := &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: &m.QueueURL}
	for _, msg := range part {
		delay := min(m.RetryDelay<<min(tries(msg)-1, 16), m.RetryMax)
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: msg.MessageId, ReceiptHandle: msg.ReceiptHandle,
			VisibilityTimeout: int32((delay + time.Second - 1) / time.Second),
		})
	}
	if out, err := m.Client.ChangeMessageVisibilityBatch(ctx, in); err != nil || len(out.Failed) > 0 {
		m.Log.Warn("give messages back: they come back after the visibility timeout", "queue", m.QueueARN, "error", err)
	}
}
