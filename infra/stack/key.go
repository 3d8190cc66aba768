package stack

import (
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/jsii-runtime-go"
)

// newKey makes the key that encrypts all that the stack stores. It stays when
// the stack goes: without it what is left behind, such as logs, is unreadable.
func (b *builder) newKey() awskms.Key {
	key := awskms.NewKey(b.Stack, jsii.String("Key"), &awskms.KeyProps{
		Description:       jsii.String("Causeway " + b.d.Name + ": queues, logs, results of runs, environment of functions."),
		EnableKeyRotation: jsii.Bool(true),
	})
	explain(kept(named(key, "Key")), reason{
		"kms_create_grant_aws_service_check",
		"The first statement of its policy leaves the key to the account's IAM policies, as every key's does that can be managed at all.",
	})
	// Services that write what is encrypted, each for this account alone. CDK adds
	// none of these by itself, and without them nothing fails before run time.
	grant := func(sid, service string, actions []string, conditions map[string]any) {
		key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid:        &sid,
			Actions:    jsii.Strings(actions...),
			Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(&service, nil)},
			Resources:  jsii.Strings("*"), // in a key's policy: the key
			Conditions: &conditions,
		}), nil)
	}
	own := map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": b.Account()}}
	use := []string{"kms:Decrypt", "kms:GenerateDataKey"}
	grant("EventBridge", "events.amazonaws.com", use, own) // queue and dead letters
	grant("Alarms", "cloudwatch.amazonaws.com", use, own)  // topic
	grant("Logs", *jsii.Sprintf("logs.%s.amazonaws.com", *b.Region()),
		[]string{"kms:Decrypt", "kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey"},
		map[string]any{"ArnLike": map[string]any{
			"kms:EncryptionContext:aws:logs:arn": b.arn("logs", "log-group:"+b.logGroup("*")),
		}})
	// Logs of a state machine that is encrypted itself.
	grant("LogDelivery", "delivery.logs.amazonaws.com", []string{"kms:Decrypt"},
		map[string]any{"StringEquals": map[string]any{"kms:EncryptionContext:SourceArn": b.arn("logs", "*")}})
	return key
}
