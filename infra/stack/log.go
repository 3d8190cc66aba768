package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
)

// retention is how long logs are kept.
const retention = awslogs.RetentionDays_ONE_YEAR

// logGroup is how the names of the stack's log groups begin: CloudFormation
// makes them of the stack's name and the logical id.
func (b *builder) logGroup(rest string) string { return b.d.Name + "-" + rest }

// newLogGroup makes a log group, which stays when the stack goes. Its name is
// CloudFormation's, so that a later stack of this name does not find it taken.
func (b *builder) newLogGroup(id string) awslogs.LogGroup {
	return b.newLogGroupOf(id, awslogs.LogGroupClass_STANDARD)
}

// newLogGroupOf makes one of a class: the cheaper one has no metrics in its
// lines.
func (b *builder) newLogGroupOf(id string, class awslogs.LogGroupClass) awslogs.LogGroup {
	g := awslogs.NewLogGroup(b.Stack, &id, &awslogs.LogGroupProps{
		EncryptionKey: b.key,
		LogGroupClass: class,
		Retention:     retention,
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
	})
	named(g, id)
	return g
}
