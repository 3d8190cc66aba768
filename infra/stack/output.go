package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsevents"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"
)

// outputs are what `causeway --stack` and people read of the stack.
type outputs struct {
	toDitto, toMongo queue
	ruleLetters      awssqs.Queue
	runs             machine
	fns              functions
	rules            rules
	schedules        []awsevents.CfnRule
	webhook          *webhook
	mappings         []awslambda.CfnEventSourceMapping
	first            awscdk.CfnCustomResource
	dashboard        awscloudwatch.CfnDashboard
}

func (b *builder) outputs(o outputs) {
	out := func(id string, value *string, description string) {
		awscdk.NewCfnOutput(b.Stack, &id, &awscdk.CfnOutputProps{Value: value, Description: &description})
	}
	if o.webhook != nil {
		out("WebhookUrl", o.webhook.url, "Enter it in Ditto's portal as the webhook's address.")
	}
	out("EventBuses", joined(o.rules.buses), "Buses of the Atlas triggers. They stay when the stack goes.")
	out("StateMachineArn", o.runs.Ref(), "Runs: initial syncs, verifications, repairs.")
	out("MongoToDittoQueueUrl", o.toDitto.queue.QueueUrl(), "Keys of documents that changed in MongoDB.")
	out("MongoToDittoDeadLettersUrl", o.toDitto.deadLetters.QueueUrl(), "causeway redrive brings them back.")
	out("DittoToMongoQueueUrl", o.toMongo.queue.QueueUrl(), "Keys of documents that changed in Ditto.")
	out("DittoToMongoDeadLettersUrl", o.toMongo.deadLetters.QueueUrl(), "causeway redrive brings them back.")
	out("RuleDeadLettersUrl", o.ruleLetters.QueueUrl(), "What EventBridge could not deliver.")
	out("MongoToDittoFunction", o.fns.mongoToDitto.FunctionName(), "Settles what changed in MongoDB.")
	out("DittoToMongoFunction", o.fns.dittoToMongo.FunctionName(), "Settles what changed in Ditto.")
	out("ReceiverFunction", o.fns.receiver.FunctionName(), "Takes Ditto's webhooks and Kafka records.")
	out("InitialSyncFunction", o.fns.initialSync.FunctionName(), "Performs the steps of runs.")
	var ids, names []*string
	for _, m := range o.mappings {
		ids = append(ids, m.Ref())
	}
	for _, r := range o.schedules {
		// The Ref of a rule on the default bus is its name.
		names = append(names, jsii.String("rule:"+*r.Ref()))
	}
	out("EventSourceMappings", joined(ids), "causeway pause disables them.")
	out("Schedules", joined(names), "causeway pause disables them.")
	out("DashboardUrl", jsii.String("https://"+*b.Region()+".console.aws.amazon.com/cloudwatch/home?region="+*b.Region()+"#dashboards/dashboard/"+*o.dashboard.Ref()), "Healthy? How far behind? What failed? What does it cost?")
	out("KmsKeyArn", b.key.KeyArn(), "Encrypts what the stack stores. It stays when the stack goes.")
	out("ManifestHash", jsii.String(b.manifestHash()), "SHA-256 of the manifest that the functions have.")
	out("FirstRunResult", awscdk.Token_AsString(o.first.GetAtt(jsii.String("Result"), ""), nil), "What this deployment has begun: an initial sync, or why not.")
	if b.net != nil {
		out("OutgoingAddress", b.net.address.AttrPublicIp(), "The functions' one address: allow it in Atlas, under Network Access.")
	}
}

func joined(values []*string) *string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = *v
	}
	return jsii.String(strings.Join(texts, ","))
}
