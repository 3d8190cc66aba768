package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// reason says why a rule of a checker does not hold for a resource. Rules of
// cdk-nag begin with AwsSolutions-, those of cfn-guard with CT.
type reason struct {
	rule string
	why  string
	// what the exception is limited to, of rules that take it: a finding such as
	// Resource::*
	only []string
}

// explain writes reasons into the resource's metadata, where both checkers, and
// people, find them.
func explain(r awscdk.CfnResource, reasons ...reason) {
	var nag []any
	var guard []any
	for _, x := range reasons {
		if strings.HasPrefix(x.rule, "CT_") {
			guard = append(guard, x.rule)
			continue
		}
		rule := map[string]any{"id": x.rule, "reason": x.why}
		if len(x.only) > 0 {
			rule["applies_to"] = x.only
		}
		nag = append(nag, rule)
	}
	if len(nag) > 0 {
		r.AddMetadata(jsii.String("cdk_nag"), map[string]any{"rules_to_suppress": nag})
	}
	if len(guard) > 0 {
		r.AddMetadata(jsii.String("guard"), map[string]any{"SuppressedRules": guard})
	}
}
