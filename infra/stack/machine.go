package stack

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awss3"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsstepfunctions"
	"github.com/aws/jsii-runtime-go"
)

// The state of the machine that copies ranges, its label in the ARNs of its
// children, and where in the bucket their results go.
const (
	mapState    = "CopyRanges"
	mapLabel    = "Ranges"
	resultsPath = "runs"
)

// machine is the state machine of runs.
type machine struct {
	awsstepfunctions.CfnStateMachine
	results awss3.Bucket
	// policy is the part of its role that names the machine itself: whoever
	// starts a run has to wait for it.
	policy awsiam.CfnPolicy
}

// withResults has the children of a run, so many at once, write what became of
// each range into a bucket, which only AWS's Step Functions can. The results of
// the ranges themselves, in __causeway_runs, do not depend on it.
func withResults(definition string, concurrency int) (string, error) {
	var def map[string]any
	if err := json.Unmarshal([]byte(definition), &def); err != nil {
		return "", err
	}
	states, _ := def["States"].(map[string]any)
	copies, _ := states[mapState].(map[string]any)
	if copies == nil || copies["Type"] != "Map" {
		return "", errors.New("it has no Map state " + mapState)
	}
	copies["Label"], copies["MaxConcurrency"] = mapLabel, concurrency
	copies["ResultWriter"] = map[string]any{
		"Resource":   "arn:${Partition}:states:::s3:putObject",
		"Parameters": map[string]any{"Bucket": "${Results}", "Prefix": resultsPath},
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(def); err != nil {
		return "", err
	}
	// In other partitions, such as aws-cn, the ARNs begin differently.
	return strings.ReplaceAll(strings.TrimSpace(buf.String()), "arn:aws:states", "arn:${Partition}:states"), nil
}

func (b *builder) newMachine() machine {
	m := machine{results: b.newResults()}
	logs := b.newLogGroup("RunsLogs")
	function := b.arn("lambda", "function:"+b.functionName(nameInitialSync))
	role := b.newRole("RunsRole", "states.amazonaws.com", "Causeway "+b.d.Name+": runs of the state machine.",
		allow("Steps", []string{"lambda:InvokeFunction"}, function),
		allow("Results", []string{"s3:PutObject", "s3:GetObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"},
			jsii.String(*m.results.BucketArn()+"/"+resultsPath+"/*")),
		allow("Key", []string{"kms:Decrypt", "kms:GenerateDataKey"}, b.key.KeyArn()),
		// AWS names no resource for these two.
		allow("Logs", []string{
			"logs:CreateLogDelivery", "logs:GetLogDelivery", "logs:UpdateLogDelivery", "logs:DeleteLogDelivery", "logs:ListLogDeliveries",
			"logs:PutResourcePolicy", "logs:DescribeResourcePolicies", "logs:DescribeLogGroups",
		}, jsii.String("*")),
		allow("Traces", []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"}, jsii.String("*")),
	)
	const wide = "Step Functions takes log deliveries and X-Ray on any resource only; objects of the bucket are below one prefix."
	explain(role.Node().DefaultChild().(awscdk.CfnResource), reason{"AwsSolutions-IAM5", wide})
	m.CfnStateMachine = awsstepfunctions.NewCfnStateMachine(b.Stack, jsii.String("Runs"), &awsstepfunctions.CfnStateMachineProps{
		RoleArn:          role.RoleArn(),
		DefinitionString: &b.definition,
		DefinitionSubstitutions: map[string]any{
			"InitialSyncFunctionArn": function, "Results": m.results.BucketName(), "Partition": b.Partition(),
		},
		StateMachineType: jsii.String("STANDARD"),
		EncryptionConfiguration: &awsstepfunctions.CfnStateMachine_EncryptionConfigurationProperty{
			Type: jsii.String("CUSTOMER_MANAGED_KMS_KEY"), KmsKeyId: b.key.KeyId(), KmsDataKeyReusePeriodSeconds: jsii.Number(900),
		},
		LoggingConfiguration: &awsstepfunctions.CfnStateMachine_LoggingConfigurationProperty{
			Level: jsii.String("ALL"), IncludeExecutionData: false, // invariant 10
			Destinations: []any{&awsstepfunctions.CfnStateMachine_LogDestinationProperty{
				CloudWatchLogsLogGroup: &awsstepfunctions.CfnStateMachine_CloudWatchLogsLogGroupProperty{LogGroupArn: logs.LogGroupArn()},
			}},
		},
		TracingConfiguration: &awsstepfunctions.CfnStateMachine_TracingConfigurationProperty{Enabled: true},
	})
	// A distributed map starts its children as executions of the machine itself,
	// looks at them, stops and redrives them. CDK adds none of this to a machine
	// whose definition is a file.
	name := *m.AttrName()
	children := b.arn("states", "execution:"+name+"/"+mapLabel+":*")
	m.policy = awsiam.NewCfnPolicy(b.Stack, jsii.String("RunsMapPolicy"), &awsiam.CfnPolicyProps{
		PolicyName: jsii.String("map"), Roles: &[]*string{role.RoleName()},
		PolicyDocument: awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
			allow("Start", []string{"states:StartExecution"}, m.Ref()),
			allow("Children", []string{"states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"}, children),
		}}),
	})
	explain(m.policy, reason{"AwsSolutions-IAM5", "The children of a run are executions of this machine alone; their names are made when they start."})
	return m
}

// newResults makes the bucket of what became of each range: keys and bounds of
// ranges, no documents (invariant 10).
func (b *builder) newResults() awss3.Bucket {
	bucket := awss3.NewBucket(b.Stack, jsii.String("Results"), &awss3.BucketProps{
		Encryption: awss3.BucketEncryption_KMS, EncryptionKey: b.key, BucketKeyEnabled: jsii.Bool(true),
		BlockPublicAccess: awss3.BlockPublicAccess_BLOCK_ALL(), EnforceSSL: jsii.Bool(true),
		ObjectOwnership: awss3.ObjectOwnership_BUCKET_OWNER_ENFORCED,
		LifecycleRules: &[]*awss3.LifecycleRule{{
			Expiration:                          awscdk.Duration_Days(jsii.Number(30)),
			AbortIncompleteMultipartUploadAfter: awscdk.Duration_Days(jsii.Number(1)),
		}},
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
	})
	const short = "What became of a run's ranges, for 30 days: Step Functions alone writes it, once, and nothing depends on it."
	explain(named(bucket, "Results"), reason{"AwsSolutions-S1", short}, reason{"s3_bucket_versioning_enabled_check", short},
		reason{"s3_bucket_logging_enabled_check", short}, reason{"s3_event_notifications_enabled_check", short},
		reason{"s3_bucket_object_lock_enabled_check", short})
	return bucket
}
