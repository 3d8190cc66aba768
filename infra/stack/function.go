package stack

import (
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"
)

// Names of functions, after that of the stack. Their length bounds the stack's
// (core/manifest).
const (
	nameMongoToDitto = "mongo-to-ditto"
	nameDittoToMongo = "ditto-to-mongo"
	nameReceiver     = "receiver"
	nameInitialSync  = "initial-sync"
)

// functions are those of the stack. Receiver and dittoToMongo are one binary:
// what faces the internet may only enqueue (design, section 12).
type functions struct {
	mongoToDitto, dittoToMongo, receiver, initialSync *function
}

func (f functions) all() []*function {
	return []*function{f.mongoToDitto, f.dittoToMongo, f.receiver, f.initialSync}
}

// function is one of them.
type function struct {
	awslambda.Function
	id      string
	metrics string // the dimension Function of its metrics
	role    awsiam.Role
	memory  int
}

// spec is what a function is made from.
type spec struct {
	id, name, binary, metrics, description string
	timeout, memory                        int
	environment                            map[string]*string
	statements                             []awsiam.PolicyStatement
	vpc                                    bool
	recursive                              bool
}

func (b *builder) functionName(name string) string { return b.d.Name + "-" + name }

func (b *builder) newFunctions(toDitto, toMongo queue, runs machine) functions {
	worker := func(q queue, name, binary string) *function {
		return b.newFunction(spec{
			id: q.id, name: name, binary: binary, metrics: binary, timeout: workerTimeout, memory: 256, vpc: true,
			description: "Settles the document pairs that the queue names.",
			environment: map[string]*string{
				"CAUSEWAY_ROLE": jsii.String("worker"), "CAUSEWAY_QUEUE_URL": q.queue.QueueUrl(), "CAUSEWAY_STATE_MACHINE_ARN": runs.Ref(),
			},
			statements: append(b.core(runs),
				// Keys that have to wait are sent again.
				allow("Queue", []string{"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:SendMessage"}, q.queue.QueueArn())),
			// A key that waits goes round through the queue up to 40 times (design,
			// section 9): Lambda would take that for a loop, and drop it.
			recursive: true,
		})
	}
	receiverMay := []awsiam.PolicyStatement{allow("Queue", []string{"sqs:SendMessage"}, toMongo.queue.QueueArn())}
	var secrets []*string
	if b.d.Webhook != "" {
		secrets = append(secrets, b.secretARN(b.d.Webhook, "", ""))
	}
	if k := b.d.Kafka; k != nil {
		for _, id := range []string{k.Secret, k.CA} {
			if id != "" {
				secrets = append(secrets, b.secretARN(id, "", ""))
			}
		}
	}
	receiverMay = append(receiverMay, allow("Secrets", []string{"secretsmanager:GetSecretValue"}, secrets...))
	sweepMay := b.core(runs)
	if b.d.Webhook != "" { // the checks before a run look at it
		sweepMay = append(sweepMay, allow("Webhook", []string{"secretsmanager:GetSecretValue"}, b.secretARN(b.d.Webhook, "", "")))
	}
	return functions{
		mongoToDitto: worker(toDitto, nameMongoToDitto, binMongoToDitto),
		dittoToMongo: worker(toMongo, nameDittoToMongo, binDittoToMongo),
		receiver: b.newFunction(spec{
			id: "Receiver", name: nameReceiver, binary: binDittoToMongo, metrics: binDittoToMongo + "-receiver",
			timeout: receiverTimeout, memory: 256, description: "Verifies Ditto's webhooks and Kafka records, and puts their keys into the queue.",
			environment: map[string]*string{
				"CAUSEWAY_ROLE": jsii.String("receiver"), "CAUSEWAY_QUEUE_URL": toMongo.queue.QueueUrl(),
				"LOG_LEVEL": jsii.String("warn"), // the access log has a line of each webhook already
			},
			statements: receiverMay,
		}),
		initialSync: b.newFunction(spec{
			id: "InitialSync", name: nameInitialSync, binary: binInitialSync, metrics: binInitialSync,
			timeout: sweepTimeout, memory: 512, vpc: true, description: "Performs the steps of initial syncs, verifications and repairs.",
			environment: map[string]*string{"CAUSEWAY_ROLE": jsii.String("sweep"), "CAUSEWAY_STATE_MACHINE_ARN": runs.Ref()},
			statements:  sweepMay,
		}),
	}
}

// core is what whoever settles pairs may do: read the secrets of both sides, and
// start a run.
func (b *builder) core(runs machine) []awsiam.PolicyStatement {
	s := []awsiam.PolicyStatement{
		allow("Runs", []string{"states:StartExecution"}, runs.Ref()),
		allow("Secrets", []string{"secretsmanager:GetSecretValue"}, b.secretARN(b.d.APIKey, "", "")),
	}
	secret := b.m.Secret
	if secret.RoleARN != "" {
		return append(s, allow("AssumeRole", []string{"sts:AssumeRole"}, &secret.RoleARN))
	}
	return append(s, allow("Database", []string{"secretsmanager:GetSecretValue"}, b.secretARN(secret.ID, "", secret.Region)))
}

func (b *builder) newFunction(s spec) *function {
	logs := b.newLogGroup(s.id + "Logs")
	statements := append(slices.Clone(s.statements),
		allow("Key", []string{"kms:Decrypt", "kms:GenerateDataKey"}, b.key.KeyArn()),
		allow("Logs", []string{"logs:CreateLogStream", "logs:PutLogEvents"}, logs.LogGroupArn()))
	vpc := s.vpc && b.net != nil
	if vpc {
		statements = append(statements, b.net.statement())
	}
	f := &function{id: s.id, metrics: s.metrics, memory: s.memory}
	f.role = b.newRole(s.id+"Role", "lambda.amazonaws.com", "Causeway "+b.d.Name+": the function "+s.name+".", statements...)
	if vpc {
		explain(f.role.Node().DefaultChild().(awscdk.CfnResource),
			reason{"AwsSolutions-IAM5", "AWS takes the network interfaces of a function on any resource only."})
	}
	env := map[string]*string{"CAUSEWAY_CONFIG": jsii.String("/var/task/causeway.yaml"), "LOG_LEVEL": jsii.String("info")}
	for k, v := range s.environment {
		env[k] = v
	}
	if b.bundles.Local {
		for _, name := range localVariables {
			env[name] = jsii.String("")
		}
	}
	props := &awslambda.FunctionProps{
		FunctionName: jsii.String(b.functionName(s.name)), Description: &s.description,
		Runtime: awslambda.Runtime_PROVIDED_AL2023(), Handler: jsii.String("bootstrap"),
		Code:         awslambda.Code_FromAsset(jsii.String(b.bundles.dirs[s.binary]), nil),
		Architecture: b.architecture(), MemorySize: jsii.Number(s.memory), Timeout: awscdk.Duration_Seconds(jsii.Number(s.timeout)),
		Role:        awsiam.Role_FromRoleArn(b.Stack, jsii.String(s.id+"OwnRole"), f.role.RoleArn(), &awsiam.FromRoleArnOptions{Mutable: jsii.Bool(false)}),
		Environment: &env, EnvironmentEncryption: b.key, LogGroup: logs,
		// System lines of each invocation cost as much as the function's own.
		LoggingFormat: awslambda.LoggingFormat_JSON, ApplicationLogLevelV2: awslambda.ApplicationLogLevel_INFO, SystemLogLevelV2: awslambda.SystemLogLevel_WARN,
	}
	if s.recursive {
		props.RecursiveLoop = awslambda.RecursiveLoop_ALLOW
	}
	if vpc {
		b.net.place(props)
	}
	f.Function = awslambda.NewFunction(b.Stack, jsii.String(s.id), props)
	r := named(f.Function, s.id)
	if !vpc {
		explain(r, reason{
			"lambda_inside_vpc_check",
			"It reaches services of AWS alone, or, with the network public, Atlas and Ditto over the internet: a VPC would add a NAT gateway and no protection.",
		})
	}
	return f
}

func (b *builder) architecture() awslambda.Architecture {
	if b.bundles.Arch == X8664 {
		return awslambda.Architecture_X86_64()
	}
	return awslambda.Architecture_ARM_64()
}
