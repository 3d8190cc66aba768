package stack

import (
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/causeway-sync/causeway/core/canary"
)

// newSchedules makes the rules that begin a sweep and send the canary's beats,
// and returns their names: `causeway pause` disables them.
func (b *builder) newSchedules(fns functions, runs machine, letters awssqs.Queue) []awsevents.CfnRule {
	var rules []awsevents.CfnRule
	if b.d.Sweep != "off" {
		role := b.newRole("SweepScheduleRole", "events.amazonaws.com", "Causeway "+b.d.Name+": begins the scheduled sweep.",
			allow("Start", []string{"states:StartExecution"}, runs.Ref()))
		rules = append(rules, awsevents.NewCfnRule(b.Stack, jsii.String("SweepSchedule"), &awsevents.CfnRuleProps{
			Description:        jsii.String("Causeway " + b.d.Name + ": compares both sides in full, and settles what differs."),
			ScheduleExpression: &b.d.Sweep,
			Targets: []any{&awsevents.CfnRule_TargetProperty{
				Id: jsii.String("runs"), Arn: runs.Ref(), RoleArn: role.RoleArn(), Input: jsii.String(`{"mode":"repair"}`),
				DeadLetterConfig: &awsevents.CfnRule_DeadLetterConfigProperty{Arn: letters.QueueArn()}, RetryPolicy: retries(),
			}},
		}))
	}
	beats := awsevents.NewCfnRule(b.Stack, jsii.String("CanarySchedule"), &awsevents.CfnRuleProps{
		Description:        jsii.String("Causeway " + b.d.Name + ": a heartbeat from MongoDB through the trigger to the worker."),
		ScheduleExpression: jsii.String(fmt.Sprintf("rate(%.0f minutes)", canary.Period.Minutes())),
		Targets: []any{&awsevents.CfnRule_TargetProperty{
			Id: jsii.String("beat"), Arn: fns.initialSync.FunctionArn(), Input: jsii.String(`{"step":"canary"}`),
			// One that is late is of no use: the next is on its way.
			RetryPolicy: &awsevents.CfnRule_RetryPolicyProperty{MaximumRetryAttempts: jsii.Number(0), MaximumEventAgeInSeconds: jsii.Number(60)},
		}},
	})
	awslambda.NewCfnPermission(b.Stack, jsii.String("CanaryPermission"), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: fns.initialSync.FunctionArn(),
		Principal: jsii.String("events.amazonaws.com"), SourceArn: beats.AttrArn(), SourceAccount: b.Account(),
	})
	return append(rules, beats)
}
