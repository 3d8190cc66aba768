package stack

import (
	"errors"
	"fmt"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/constructs-go/constructs/v10"
	"github.com/aws/jsii-runtime-go"

	"github.com/causeway-sync/causeway/core/manifest"
)

// Options are what a stack is made of.
type Options struct {
	Manifest *manifest.Manifest
	// Definition is the state machine, functions/initial-sync/statemachine.asl.json.
	Definition string
	Bundles    Bundles
}

// ErrNoDeployment means that the manifest is not meant for deploying.
var ErrNoDeployment = errors.New("the manifest has no Deployment document: " +
	"add one (apiVersion: causeway/v1, kind: Deployment); the example causeway.yaml has it, commented out")

// builder makes the constructs of one stack.
type builder struct {
	awscdk.Stack
	m          *manifest.Manifest
	d          *manifest.Deployment
	bundles    Bundles
	definition string
	key        awskms.Key
	net        *network // nil with the network "public"
}

// New adds the stack of a manifest to an app.
func New(app constructs.Construct, o Options) (awscdk.Stack, error) {
	if o.Manifest.Deployment == nil {
		return nil, ErrNoDeployment
	}
	definition, err := withResults(o.Definition, o.Manifest.Deployment.MaxWorkers)
	if err != nil {
		return nil, fmt.Errorf("read state machine: %w", err)
	}
	d := o.Manifest.Deployment
	b := &builder{
		Stack: awscdk.NewStack(app, &d.Name, &awscdk.StackProps{
			Description: jsii.String("Causeway: keeps MongoDB database " + o.Manifest.Database + " and Ditto in sync."),
			Synthesizer: awscdk.NewDefaultStackSynthesizer(nil),
		}),
		m: o.Manifest, d: d, bundles: o.Bundles, definition: definition,
	}
	b.build()
	return b.Stack, nil
}

func (b *builder) build() {
	awscdk.Tags_Of(b.Stack).Add(jsii.String("causeway"), &b.d.Name, nil)
	b.key = b.newKey()
	b.net = b.newNetwork()
	toDitto := b.newQueue(mongoToDitto)
	toMongo := b.newQueue(dittoToMongo)
	runs := b.newMachine()
	fns := b.newFunctions(toDitto, toMongo, runs)
	secretRole := b.newSecretRole(fns)
	ruleLetters := b.newRuleDeadLetters()
	triggers := b.newTriggers()
	rules := b.newBuses(triggers, toDitto, ruleLetters)
	schedules := b.newSchedules(fns, runs, ruleLetters)
	webhook := b.newWebhook(fns.receiver)
	first := b.newFirstRun(fns, runs, rules, secretRole)
	mappings := b.newMappings(fns, toDitto, toMongo, first)
	topic := b.newTopic()
	b.newAlarms(topic, fns, toDitto, toMongo, ruleLetters, runs, webhook)
	dash := b.newDashboard(fns, toDitto, toMongo, ruleLetters, runs)
	b.outputs(outputs{
		toDitto: toDitto, toMongo: toMongo, ruleLetters: ruleLetters, runs: runs, fns: fns,
		rules: rules, schedules: schedules, webhook: webhook, mappings: mappings, first: first, dashboard: dash,
	})
}

// arn is the ARN of something of this account and region.
func (b *builder) arn(service, resource string) *string {
	return b.FormatArn(&awscdk.ArnComponents{
		Service: &service, Resource: &resource, ArnFormat: awscdk.ArnFormat_NO_RESOURCE_NAME,
	})
}

// named gives a construct a logical id that does not change with where it
// stands in the tree.
func named(c constructs.IConstruct, id string) awscdk.CfnResource {
	r, ok := c.(awscdk.CfnResource)
	if !ok {
		r = c.Node().DefaultChild().(awscdk.CfnResource)
	}
	r.OverrideLogicalId(&id)
	return r
}

// kept stays behind when the stack is deleted, or when it is replaced.
func kept(r awscdk.CfnResource) awscdk.CfnResource {
	r.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	return r
}
