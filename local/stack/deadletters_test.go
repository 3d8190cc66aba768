package stack_test

import (
	"testing"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// Dead letters wait for a person, who may come after a restart (invariant 1).
func TestDeadLettersAreKept(t *testing.T) {
	opts := stack.Options{Config: writeManifest(t, database(), tasks), Dir: t.TempDir()}
	s := start(t, opts)
	q := s.Info().Queues[stack.DittoToMongo]
	body := `{"v":1,"collection":"tasks","dittoId":"a","side":"ditto","op":"upsert","tries":0}`
	for range 12 {
		if _, err := sqs.NewClient(s.Info().SQS).SendMessage(t.Context(), &awssqs.SendMessageInput{
			QueueUrl: &q.DeadLettersURL, MessageBody: &body,
		}); err != nil {
			t.Fatal(err)
		}
	}
	stopStack(t, s)

	s = start(t, opts)
	client := sqs.NewClient(s.Info().SQS)
	q = s.Info().Queues[stack.DittoToMongo]
	if d, err := sqs.ReadDepth(t.Context(), client, q.DeadLettersURL); err != nil || d.Total() != 12 {
		t.Errorf("%+v dead letters, %v; want 12", d, err)
	}
	if n, err := sqs.Redrive(t.Context(), client, q.DeadLettersURL, q.URL); err != nil || n != 12 {
		t.Errorf("redrove %d, %v; want 12", n, err)
	}
	if d, err := sqs.ReadDepth(t.Context(), client, q.DeadLettersURL); err != nil || !d.Empty() {
		t.Errorf("%+v dead letters after the redrive, %v", d, err)
	}
}
