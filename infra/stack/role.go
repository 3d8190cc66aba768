package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/jsii-runtime-go"
)

// allow is a statement of a role's policy.
func allow(sid string, actions []string, resources ...*string) awsiam.PolicyStatement {
	return awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid: &sid, Actions: jsii.Strings(actions...), Resources: &resources,
	})
}

// newRole makes the role of one function or service, with just these
// statements: no managed policy, and nothing that CDK adds later.
func (b *builder) newRole(id, service, description string, statements ...awsiam.PolicyStatement) awsiam.Role {
	role := awsiam.NewRole(b.Stack, &id, &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(&service, nil), Description: &description,
		InlinePolicies: &map[string]awsiam.PolicyDocument{
			"own": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &statements, Minimize: jsii.Bool(false)}),
		},
	})
	named(role, id)
	return role
}

// secretARN is the ARN of a secret, for a policy: Secrets Manager ends it with
// six characters of its own.
func (b *builder) secretARN(id, account, region string) *string {
	if strings.HasPrefix(id, "arn:") {
		if i := strings.LastIndex(id, "-"); i < 0 || len(id)-i != 7 {
			id += "-??????"
		}
		return &id
	}
	c := &awscdk.ArnComponents{
		Service: jsii.String("secretsmanager"), Resource: jsii.String("secret"),
		ResourceName: jsii.String(id + "-??????"), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	}
	if account != "" {
		c.Account = &account
	}
	if region != "" {
		c.Region = &region
	}
	return b.FormatArn(c)
}
