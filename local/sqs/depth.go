package sqs

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Depth counts a queue's messages.
type Depth struct {
	Waiting  int // to be received now
	InFlight int // received and not yet deleted
	Delayed  int // not to be received yet
}

// Empty reports whether the queue holds nothing at all.
func (d Depth) Empty() bool { return d == Depth{} }

// Total is all that the queue holds.
func (d Depth) Total() int { return d.Waiting + d.InFlight + d.Delayed }

// ReadDepth asks a queue of the stand-in how many messages it holds.
func ReadDepth(ctx context.Context, c *sqs.Client, queueURL string) (Depth, error) {
	out, err := c.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl:       &queueURL,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return Depth{}, fmt.Errorf("read queue depth: %w", err)
	}
	var n [3]int
	for i, name := range []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	} {
		if n[i], err = strconv.Atoi(out.Attributes[string(name)]); err != nil {
			return Depth{}, fmt.Errorf("read queue depth: %s: %w", name, err)
		}
	}
	// The stand-in counts messages in flight among the waiting ones too.
	return Depth{Waiting: max(0, n[0]-n[1]), InFlight: n[1], Delayed: n[2]}, nil
}

// Depth counts the messages of a queue of this server.
func (s *Server) Depth(ctx context.Context, name string) (Depth, error) {
	return ReadDepth(ctx, s.client, s.URL(name))
}

type dummyCredentials struct{}

// Retrieve gives the credentials that the functions get too: the stand-in
// takes any, but requests must be signed.
func (dummyCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local", Source: "local stack"}, nil
}
