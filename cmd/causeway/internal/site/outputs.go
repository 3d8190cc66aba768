package site

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
)

// CloudFormation is the part of AWS CloudFormation that is used.
type CloudFormation interface {
	DescribeStacks(ctx context.Context, in *cloudformation.DescribeStacksInput, opts ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error)
}

// Outputs are what a deployed stack says of itself: one field per output of the
// template, lists joined by commas.
type Outputs struct {
	StateMachineARN         string
	MongoToDittoQueue       string // URLs
	MongoToDittoDeadLetters string
	DittoToMongoQueue       string
	DittoToMongoDeadLetters string
	RuleDeadLetters         string
	EventSourceMappings     []string // UUIDs
	Schedules               []string // rule:<name> or schedule:<name>
	Deployed                time.Time
}

// readOutputs reads a stack's outputs. Every one that is missing is named.
func readOutputs(ctx context.Context, api CloudFormation, name string) (Outputs, error) {
	var o Outputs
	out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil {
		return o, fmt.Errorf("describe stack %s: %w", name, explainStack(err))
	}
	if len(out.Stacks) != 1 {
		return o, fmt.Errorf("describe stack %s: %d stacks in the answer", name, len(out.Stacks))
	}
	s := out.Stacks[0]
	switch s.StackStatus {
	case types.StackStatusCreateInProgress, types.StackStatusDeleteInProgress, types.StackStatusDeleteComplete,
		types.StackStatusCreateFailed, types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusRollbackInProgress:
		return o, fmt.Errorf("stack %s is %s: wait for `cdk deploy` to end, or see why it failed in CloudFormation's events", name, s.StackStatus)
	}
	values := map[string]string{}
	for _, v := range s.Outputs {
		values[aws.ToString(v.OutputKey)] = aws.ToString(v.OutputValue)
	}
	var missing []string
	one := func(key string) string {
		v := values[key]
		if v == "" {
			missing = append(missing, key)
		}
		return v
	}
	o = Outputs{
		StateMachineARN:         one("StateMachineArn"),
		MongoToDittoQueue:       one("MongoToDittoQueueUrl"),
		MongoToDittoDeadLetters: one("MongoToDittoDeadLettersUrl"),
		DittoToMongoQueue:       one("DittoToMongoQueueUrl"),
		DittoToMongoDeadLetters: one("DittoToMongoDeadLettersUrl"),
		RuleDeadLetters:         one("RuleDeadLettersUrl"),
		EventSourceMappings:     commas(one("EventSourceMappings")),
		Schedules:               commas(values["Schedules"]), // there may be none
		Deployed:                aws.ToTime(s.CreationTime),
	}
	if s.LastUpdatedTime != nil {
		o.Deployed = *s.LastUpdatedTime
	}
	if len(missing) > 0 {
		return o, fmt.Errorf("stack %s has no output %s: it is no stack of Causeway, or one of another version: "+
			"deploy it again with `npx cdk deploy`, or use the command of the version that it was deployed with", name, strings.Join(missing, ", "))
	}
	return o, nil
}

func commas(s string) []string {
	return slices.DeleteFunc(strings.Split(s, ","), func(p string) bool { return p == "" })
}

// explainStack adds what mends it to an error of CloudFormation.
func explainStack(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "ValidationError" && strings.Contains(api.ErrorMessage(), "does not exist") {
		return fmt.Errorf("%s: see that AWS_REGION and AWS_PROFILE are those it was deployed with; "+
			"its name is metadata.name of the Deployment in causeway.yaml", api.ErrorMessage())
	}
	return explain(err)
}

// explain adds what mends it to an error of AWS.
func explain(err error) error {
	var api smithy.APIError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &api):
		switch api.ErrorCode() {
		case "AccessDenied", "AccessDeniedException", "AuthorizationError":
			return fmt.Errorf("%w (the AWS credentials lack the right: docs/operating.md lists those that the commands need)", err)
		case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "RequestExpired":
			return fmt.Errorf("%w (sign in to AWS again)", err)
		}
	case strings.Contains(err.Error(), "get credentials"), strings.Contains(err.Error(), "get identity"):
		return fmt.Errorf("%w (sign in to AWS, or set AWS_PROFILE)", err)
	}
	return err
}
