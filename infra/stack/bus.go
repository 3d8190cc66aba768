package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/causeway-sync/causeway/core/change"
)

// rules forward the keys of the triggers' events into the queue.
type rules struct {
	buses []*string // names
	rules []awsevents.CfnRule
}

// newBuses makes the partner event bus of each source, or adopts it, and its
// rule. Without a bus, what a trigger sends is lost and nobody is told: buses
// stay when the stack is updated or goes.
func (b *builder) newBuses(sources []source, to queue, letters awssqs.Queue) rules {
	var r rules
	var arns []*string
	for _, s := range sources {
		var bus awsevents.CfnEventBus
		if !b.d.ExistingBus {
			bus = awsevents.NewCfnEventBus(b.Stack, jsii.String("Bus"+s.id), &awsevents.CfnEventBusProps{Name: s.name, EventSourceName: s.name})
			kept(bus)
			if s.made != nil {
				bus.AddResourceDependency(s.made, nil)
			}
		}
		rule := awsevents.NewCfnRule(b.Stack, jsii.String("Rule"+s.id), &awsevents.CfnRuleProps{
			Description:  jsii.String("Causeway " + b.d.Name + ": keys of changed documents, to the queue."),
			EventBusName: s.name,
			EventPattern: map[string]any{"source": []any{s.name}},
			Targets: []any{&awsevents.CfnRule_TargetProperty{
				Id: jsii.String("queue"), Arn: to.queue.QueueArn(),
				// Keys only (invariant 10): no document passes this.
				InputTransformer: &awsevents.CfnRule_InputTransformerProperty{
					InputPathsMap: change.RuleInputPaths, InputTemplate: jsii.String(change.RuleTemplate),
				},
				DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: letters.QueueArn()},
				RetryPolicy:      retries(),
			}},
		})
		if bus != nil {
			rule.AddResourceDependency(bus, nil)
		}
		r.buses, r.rules, arns = append(r.buses, s.name), append(r.rules, rule), append(arns, rule.AttrArn())
	}
	b.fromEventBridge(to.queue, arns)
	b.fromEventBridge(letters, append(arns, b.arn("events", "rule/"+b.d.Name+"-*")))
	return r
}

// retries are as many as EventBridge has, over a day; then the event is a dead
// letter.
func retries() *awsevents.CfnRule_RetryPolicyProperty {
	return &awsevents.CfnRule_RetryPolicyProperty{MaximumRetryAttempts: jsii.Number(185), MaximumEventAgeInSeconds: jsii.Number(86400)}
}

// fromEventBridge lets these rules, and no others, put messages into a queue:
// without the condition any account's rule might.
func (b *builder) fromEventBridge(q awssqs.Queue, ruleARNs []*string) {
	q.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: jsii.String("EventBridge"), Actions: jsii.Strings("sqs:SendMessage"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("events.amazonaws.com"), nil)},
		Resources:  &[]*string{q.QueueArn()},
		Conditions: &map[string]any{
			"StringEquals": map[string]any{"aws:SourceAccount": b.Account()},
			"ArnLike":      map[string]any{"aws:SourceArn": ruleARNs},
		},
	}))
}
