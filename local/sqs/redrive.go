package sqs

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// holdSeconds keeps a message out of sight while it is moved.
const holdSeconds = 60

// Redrive moves all messages of a dead-letter queue into another queue and
// returns how many. A message is sent before it is deleted, so one may be sent
// twice and none is lost.
func Redrive(ctx context.Context, c *sqs.Client, deadURL, queueURL string) (moved int, err error) {
	for {
		out, err := c.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &deadURL, MaxNumberOfMessages: 10, VisibilityTimeout: holdSeconds,
		})
		if err != nil {
			return moved, fmt.Errorf("read dead letters: %w", err)
		}
		if len(out.Messages) == 0 {
			return moved, nil
		}
		for _, m := range out.Messages {
			if _, err := c.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &queueURL, MessageBody: m.Body}); err != nil {
				return moved, fmt.Errorf("send dead letter: %w", err)
			}
			if _, err := c.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &deadURL, ReceiptHandle: m.ReceiptHandle}); err != nil {
				return moved, fmt.Errorf("delete dead letter: %w", err)
			}
			moved++
		}
	}
}
