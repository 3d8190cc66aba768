package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"
)

// reason says why a rule of a checker does not hold for a resource: of cdk-nag
// (they begin with AwsSolutions-), or of cfn-guard.
type reason struct{ rule, why string }

// explain writes reasons into the resource's metadata, where both checkers, and
// people, find them.
func explain(r awscdk.CfnResource, reasons ...reason) {
	var nag []any
	var guard, why []any
	for _, x := range reasons {
		if strings.HasPrefix(x.rule, "AwsSolutions-") {
			nag = append(nag, map[string]any{"id": x.rule, "reason": x.why})
			continue
		}
		guard = append(guard, x.rule)
		why = append(why, x.rule+": "+x.why)
	}
	if len(nag) > 0 {
		r.AddMetadata(jsii.String("cdk_nag"), map[string]any{"rules_to_suppress": nag})
	}
	if len(guard) > 0 {
		r.AddMetadata(jsii.String("guard"), map[string]any{"SuppressedRules": guard, "Reasons": why})
	}
}
