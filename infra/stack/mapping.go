package stack

import (
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// Batches of a queue. A batch is settled with a handful of bulk requests: the
// short window makes several changes of a hot document one read and one write.
const (
	batchSize   = 100
	batchWindow = 1 // s
)

// newMappings makes the event sources, which begin once Causeway has noted that
// it looks at the collections.
func (b *builder) newMappings(fns functions, toDitto, toMongo queue, first awscdk.CfnCustomResource) (mappings []awslambda.CfnEventSourceMapping) {
	for _, m := range []struct {
		f *function
		q queue
	}{{fns.mongoToDitto, toDitto}, {fns.dittoToMongo, toMongo}} {
		mappings = append(mappings, awslambda.NewCfnEventSourceMapping(b.Stack, jsii.String(m.f.id+"Source"), &awslambda.CfnEventSourceMappingProps{
			FunctionName: m.f.FunctionArn(), EventSourceArn: m.q.queue.QueueArn(),
			BatchSize: jsii.Number(batchSize), MaximumBatchingWindowInSeconds: jsii.Number(batchWindow),
			// A document that fails goes back alone.
			FunctionResponseTypes: jsii.Strings("ReportBatchItemFailures"),
			ScalingConfig:         &awslambda.CfnEventSourceMapping_ScalingConfigProperty{MaximumConcurrency: jsii.Number(b.d.MaxWorkers)},
		}))
	}
	if b.d.Kafka != nil {
		mappings = append(mappings, b.newKafka(fns.receiver))
	}
	for _, m := range mappings {
		m.AddResourceDependency(first, nil)
	}
	return mappings
}

// newKafka reads Ditto's change feed: every record that is there, in the group
// that Ditto names, authenticated by the client's certificate.
func (b *builder) newKafka(receiver *function) awslambda.CfnEventSourceMapping {
	k := b.d.Kafka
	access := []any{&awslambda.CfnEventSourceMapping_SourceAccessConfigurationProperty{
		Type: jsii.String("CLIENT_CERTIFICATE_TLS_AUTH"), Uri: b.secretURI(k.Secret),
	}}
	if k.CA != "" {
		access = append(access, &awslambda.CfnEventSourceMapping_SourceAccessConfigurationProperty{
			Type: jsii.String("SERVER_ROOT_CA_CERTIFICATE"), Uri: b.secretURI(k.CA),
		})
	}
	return awslambda.NewCfnEventSourceMapping(b.Stack, jsii.String("KafkaSource"), &awslambda.CfnEventSourceMappingProps{
		FunctionName: receiver.FunctionArn(), Topics: jsii.Strings(k.Topic), StartingPosition: jsii.String("TRIM_HORIZON"),
		SelfManagedEventSource: &awslambda.CfnEventSourceMapping_SelfManagedEventSourceProperty{
			Endpoints: &awslambda.CfnEventSourceMapping_EndpointsProperty{KafkaBootstrapServers: jsii.Strings(k.Servers...)},
		},
		SelfManagedKafkaEventSourceConfig: &awslambda.CfnEventSourceMapping_SelfManagedKafkaEventSourceConfigProperty{ConsumerGroupId: &k.Group},
		SourceAccessConfigurations:        access,
		BatchSize:                         jsii.Number(batchSize), MaximumBatchingWindowInSeconds: jsii.Number(batchWindow),
	})
}

// secretURI is the ARN of a secret without the characters that Secrets Manager
// ends it with, which Lambda takes too.
func (b *builder) secretURI(id string) *string {
	if strings.HasPrefix(id, "arn:") {
		return &id
	}
	return b.arn("secretsmanager", "secret:"+id)
}
