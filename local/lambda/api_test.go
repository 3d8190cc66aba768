package lambda_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/causeway-sync/causeway/local/lambda"
)

// The API, as AWS's own client speaks it.
func TestAPI(t *testing.T) {
	var switched []string
	refuse := false
	m := lambda.NewMapping(lambda.MappingConfig{QueueARN: "arn:aws:sqs:us-east-1:123456789012:work", Log: slog.New(slog.DiscardHandler)})
	srv := httptest.NewServer(&lambda.API{
		Mappings: map[string]*lambda.Mapping{"work": m},
		Switched: func(uuid string, on bool) error {
			if refuse {
				return errors.New("no room on the disk")
			}
			switched = append(switched, uuid+map[bool]string{true: " on", false: " off"}[on])
			return nil
		},
	})
	defer srv.Close()
	client := awslambda.New(awslambda.Options{
		Region: lambda.Region, BaseEndpoint: &srv.URL, RetryMaxAttempts: 1,
		Credentials: aws.NewCredentialsCache(credentials.NewStaticCredentialsProvider("local", "local", "")),
	})
	put := func(uuid string, on bool) (*awslambda.UpdateEventSourceMappingOutput, error) {
		return client.UpdateEventSourceMapping(context.Background(), &awslambda.UpdateEventSourceMappingInput{UUID: &uuid, Enabled: &on})
	}
	state := func() string {
		out, err := client.GetEventSourceMapping(t.Context(), &awslambda.GetEventSourceMappingInput{UUID: aws.String("work")})
		if err != nil {
			t.Fatal(err)
		}
		return *out.State
	}
	if got := state(); got != "Enabled" {
		t.Errorf("state %s", got)
	}
	out, err := put("work", false)
	if err != nil || *out.State != "Disabled" || *out.EventSourceArn != m.QueueARN || state() != "Disabled" {
		t.Errorf("after off: %+v, %v", out, err)
	}
	if out, err = put("work", true); err != nil || *out.State != "Enabled" || state() != "Enabled" {
		t.Errorf("after on: %+v, %v", out, err)
	}
	if got := strings.Join(switched, ", "); got != "work off, work on" {
		t.Errorf("told of %s", got)
	}
	var none *types.ResourceNotFoundException
	if _, err := put("other", false); !errors.As(err, &none) {
		t.Errorf("error %v for a mapping that there is not", err)
	}
	refuse = true
	if _, err := put("work", false); err == nil || !strings.Contains(err.Error(), "no room") || state() != "Enabled" {
		t.Errorf("error %v, state %s: a pause that cannot be kept must not be one", err, state())
	}
}
