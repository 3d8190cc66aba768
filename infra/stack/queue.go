package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// Times of a worker, its claims and its queue: function < claim < visibility
// (design, section 9). The claim's is core/bridge's own.
const (
	workerTimeout   = 60
	receiverTimeout = 29 // of the HTTP API's 30
	sweepTimeout    = 900
	visibility      = 360
	maxReceives     = 8
)

const (
	ruleLetters  = "RuleDeadLetters"
	mongoToDitto = "MongoToDitto"
	dittoToMongo = "DittoToMongo"
)

// queue is one worker's, with its dead letters. It holds keys alone
// (invariant 10).
type queue struct {
	id          string
	queue       awssqs.Queue
	deadLetters awssqs.Queue
}

// newQueue makes a queue. What waits in it waits 14 days, the most that SQS
// has: an outage of that length loses nothing.
func (b *builder) newQueue(id string) queue {
	q := queue{id: id}
	q.deadLetters = b.newPlainQueue(id + "DeadLetters")
	q.queue = awssqs.NewQueue(b.Stack, jsii.String(id+"Queue"), b.queueProps(&awssqs.QueueProps{
		VisibilityTimeout: awscdk.Duration_Seconds(jsii.Number(visibility)),
		DeadLetterQueue:   &awssqs.DeadLetterQueue{Queue: q.deadLetters, MaxReceiveCount: jsii.Number(maxReceives)},
	}))
	named(q.queue, id+"Queue")
	return q
}

// newRuleDeadLetters makes the queue of what EventBridge could not deliver.
func (b *builder) newRuleDeadLetters() awssqs.Queue { return b.newPlainQueue(ruleLetters) }

func (b *builder) newPlainQueue(id string) awssqs.Queue {
	q := awssqs.NewQueue(b.Stack, &id, b.queueProps(&awssqs.QueueProps{}))
	const why = "It is a dead-letter queue itself: an alarm rings at its first message."
	reasons := []reason{{"sqs_dlq_check", why}}
	if id == ruleLetters { // of the others the checker sees it
		reasons = append(reasons, reason{"AwsSolutions-SQS3", why})
	}
	explain(named(q, id), reasons...)
	return q
}

func (b *builder) queueProps(p *awssqs.QueueProps) *awssqs.QueueProps {
	p.Encryption, p.EncryptionMasterKey = awssqs.QueueEncryption_KMS, b.key
	// Fewer calls to KMS, which cost as much as the messages do otherwise.
	p.DataKeyReuse = awscdk.Duration_Hours(jsii.Number(12))
	p.RetentionPeriod = awscdk.Duration_Days(jsii.Number(14))
	p.EnforceSSL = jsii.Bool(true)
	return p
}
