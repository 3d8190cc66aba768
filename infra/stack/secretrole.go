package stack

import (
	"regexp"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

var roleARN = regexp.MustCompile(`^arn:[^:]+:iam::(\d{12}):role(/.*/|/)([^/]+)$`)

// newSecretRole makes the manifest's roleArn, which the functions assume to read
// the connection string, in a stack of the account that it names; in another
// account it has to be there. The result is its ARN, for whoever has to wait for
// it; nil where `secretRole: existing` says that it is there.
func (b *builder) newSecretRole(fns functions) awscdk.ICfnRuleConditionExpression {
	secret := b.m.Secret
	if secret.RoleARN == "" || b.d.SecretRole == "existing" {
		return nil
	}
	parts := roleARN.FindStringSubmatch(secret.RoleARN) // the manifest's own check
	account, path, name := parts[1], parts[2], parts[3]
	here := awscdk.NewCfnCondition(b.Stack, jsii.String("SecretRoleIsHere"), &awscdk.CfnConditionProps{
		Expression: awscdk.Fn_ConditionEquals(b.Account(), &account),
	})
	var principals []any
	for _, f := range []*function{fns.mongoToDitto, fns.dittoToMongo, fns.initialSync} {
		principals = append(principals, f.role.RoleArn())
	}
	trust := map[string]any{
		"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": principals},
	}
	if b.d.ExternalID != "" {
		trust["Condition"] = map[string]any{"StringEquals": map[string]any{"sts:ExternalId": b.d.ExternalID}}
	}
	role := awsiam.NewCfnRole(b.Stack, jsii.String("SecretRole"), &awsiam.CfnRoleProps{
		RoleName: &name, Path: &path, Description: jsii.String("Causeway " + b.d.Name + ": reads the connection string of MongoDB."),
		AssumeRolePolicyDocument: map[string]any{"Version": "2012-10-17", "Statement": []any{trust}},
		Policies: []any{&awsiam.CfnRole_PolicyProperty{
			PolicyName: jsii.String("own"),
			PolicyDocument: map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{
				"Sid": "Secret", "Effect": "Allow", "Action": []any{"secretsmanager:GetSecretValue"},
				"Resource": b.secretARN(secret.ID, account, secret.Region),
			}}},
		}},
	})
	role.CfnOptions().SetCondition(here)
	return awscdk.Fn_ConditionIf(here.LogicalId(), role.AttrArn(), &secret.RoleARN)
}
