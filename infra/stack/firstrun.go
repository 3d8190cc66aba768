package stack

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// newFirstRun tells initial-sync of each deployment that changes the manifest:
// it notes that Causeway looks at the collections from now on, and starts the
// run that copies, or takes the baseline of, those that have had none. By then
// events are kept in the queue, and no worker takes them before it is done.
func (b *builder) newFirstRun(fns functions, runs machine, r rules, secretRole awscdk.ICfnRuleConditionExpression) awscdk.CfnCustomResource {
	first := awscdk.NewCfnCustomResource(b.Stack, jsii.String("FirstRun"), &awscdk.CfnCustomResourceProps{
		ServiceToken:   fns.initialSync.FunctionArn(),
		ServiceTimeout: jsii.Number(sweepTimeout + 60),
	})
	first.AddPropertyOverride(jsii.String("ManifestHash"), b.manifestHash())
	first.AddResourceDependency(runs.policy, nil)
	if secretRole != nil { // it reads the secret: not before the role is there
		first.AddPropertyOverride(jsii.String("SecretRole"), secretRole)
	}
	for _, rule := range r.rules {
		first.AddResourceDependency(rule, nil)
	}
	return first
}

// manifestHash is that of the manifest which the functions have.
func (b *builder) manifestHash() string {
	sum := sha256.Sum256(b.m.Public())
	return hex.EncodeToString(sum[:])
}
