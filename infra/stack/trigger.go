package stack

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/jsii-runtime-go"

	"github.com/causeway-sync/causeway/core/change"
)

// source is the partner event source of one Atlas trigger.
type source struct {
	id   string  // of constructs
	name *string // aws.partner/mongodb.com/stitch.trigger/<id>
	// made is the trigger, where the stack creates it.
	made awscdk.CfnResource
}

// newTriggers are the sources that the manifest names, or those of the triggers
// that the stack creates. MongoDB's CloudFormation extension takes one
// collection for each: there is one per collection, and the canary's. It knows
// no error handler, which the triggers of `causeway trigger show` have.
func (b *builder) newTriggers() (sources []source) {
	for i := range b.d.Triggers {
		name := b.d.Triggers[i]
		sources = append(sources, source{id: name[len(name)-24:], name: &name})
	}
	if b.d.Create == nil {
		return sources
	}
	names := []string{change.Canary}
	for i := range b.m.Collections {
		names = append(names, b.m.Collections[i].Name)
	}
	for _, collection := range names {
		sum := sha256.Sum256([]byte(collection))
		id := hex.EncodeToString(sum[:6])
		t := awscdk.NewCfnResource(b.Stack, jsii.String("Trigger"+id), &awscdk.CfnResourceProps{
			Type: jsii.String("MongoDB::Atlas::Trigger"),
			Properties: &map[string]any{
				"Profile": b.d.Create.Profile, "ProjectId": b.d.Create.ProjectID, "AppId": b.d.Create.AppID,
				"Name": b.d.Name + "-" + id, "Type": "DATABASE", "Disabled": false,
				"DatabaseTrigger": map[string]any{
					"ServiceId": b.d.Create.ServiceID, "Database": b.m.Database, "Collection": collection,
					"OperationTypes": []any{"INSERT", "UPDATE", "REPLACE", "DELETE"},
					// Keys only (invariant 10), and small: Atlas advises 2 KB at most.
					"Project": `{"_id":1,"operationType":1,"clusterTime":1,"ns":1,"documentKey":1}`,
					// The order does not matter (invariant 2), and a gap has to be seen.
					"Unordered": true, "TolerateResumeErrors": false, "SkipCatchupEvents": false,
					"FullDocument": false, "FullDocumentBeforeChange": false,
				},
				"EventProcessors": map[string]any{"AWSEVENTBRIDGE": map[string]any{"AWSConfig": map[string]any{
					"AccountId": b.Account(), "Region": b.Region(), "ExtendedJsonEnabled": true,
				}}},
			},
		})
		sources = append(sources, source{
			id: id, made: t,
			name: awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("aws.partner/mongodb.com/stitch.trigger/"), awscdk.Token_AsString(t.GetAtt(jsii.String("Id"), ""), nil)}),
		})
	}
	return sources
}
