package worker

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

// Invoke handles the payload of a Lambda invocation: a batch of a queue, or an
// event as EventBridge delivers it and as `sam local invoke` sends it. The
// answer to a batch names the messages to be redelivered. Where none was
// handled, and a person has to mend something, the invocation fails as a whole.
func (w *Worker) Invoke(ctx context.Context, payload json.RawMessage) (any, error) {
	batch, ok := sqsEvent(payload)
	if !ok {
		return w.Event(ctx, payload)
	}
	msgs := make([]Message, len(batch.Records))
	for i, rec := range batch.Records {
		receives, _ := strconv.Atoi(rec.Attributes["ApproximateReceiveCount"])
		msgs[i] = Message{ID: rec.MessageId, Body: []byte(rec.Body), Sent: millis(rec.Attributes["SentTimestamp"]), Receives: receives}
	}
	failed, err := w.Batch(ctx, msgs)
	if err != nil {
		return nil, err
	}
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, id := range failed {
		out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	return out, nil
}

// sqsEvent reads a batch of a queue. Kafka's `records`, which encoding/json
// takes for `Records`, is an object and does not fit.
func sqsEvent(payload []byte) (e events.SQSEvent, ok bool) {
	if json.Unmarshal(payload, &e) != nil || len(e.Records) == 0 {
		return e, false
	}
	return e, e.Records[0].EventSource == "aws:sqs"
}

func millis(s string) time.Time {
	ms, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
