package trigger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"golang.org/x/sync/errgroup"
)

// Error codes of change streams.
const (
	codeNoReplicaSet  = 40573
	codeHistoryLost   = 286
	codeStreamFatal   = 280
	codeInvalidToken  = 260
	sendAtOnce        = 8
	messagesOfRequest = 10
)

// isLost reports whether the stream can no longer be resumed from its token.
func isLost(err error) bool {
	return hasCode(err, codeHistoryLost) || hasCode(err, codeStreamFatal) || hasCode(err, codeInvalidToken)
}

func hasCode(err error, code int) bool {
	var se mongo.ServerError
	return errors.As(err, &se) && se.HasErrorCode(code)
}

// send puts the messages on the queue, all of them.
func (t *Trigger) send(ctx context.Context, bodies [][]byte) error {
	if len(bodies) == 0 {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(sendAtOnce)
	for part := range slices.Chunk(bodies, messagesOfRequest) {
		g.Go(func() error { return t.sendPart(ctx, part) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("send events: %w", err)
	}
	if t.cfg.Sent != nil {
		t.cfg.Sent()
	}
	return nil
}

func (t *Trigger) sendPart(ctx context.Context, part [][]byte) error {
	in := &awssqs.SendMessageBatchInput{QueueUrl: &t.cfg.QueueURL}
	for i, body := range part {
		id, text := strconv.Itoa(i), string(body)
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &text})
	}
	out, err := t.cfg.Queue.SendMessageBatch(ctx, in)
	if err != nil {
		return err
	}
	if len(out.Failed) > 0 {
		return fmt.Errorf("%d messages were refused", len(out.Failed))
	}
	return nil
}

// keepToken saves what the queue is done with, until ctx is done.
func (t *Trigger) keepToken(ctx context.Context) {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := t.Save(ctx); err != nil && ctx.Err() == nil {
			t.cfg.Log.Warn("keep resume token", "error", err)
		}
	}
}

// Save writes the position up to which everything was sent, if the queue holds
// nothing any more. The position is taken before the queue is looked at, so
// what is sent in between is not skipped.
func (t *Trigger) Save(ctx context.Context) error {
	token := t.position()
	t.mu.Lock()
	same := bytes.Equal(token, t.saved)
	t.mu.Unlock()
	if token == nil || same {
		return nil
	}
	empty, err := t.cfg.Empty(ctx)
	if err != nil || !empty {
		return err
	}
	if err := save(t.cfg.StateFile, t.cfg.Source, t.cfg.Database.Name(), token); err != nil {
		return err
	}
	t.mu.Lock()
	t.saved = token
	t.mu.Unlock()
	return nil
}
