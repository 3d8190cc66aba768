package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/causeway-sync/causeway/local/sqs"
)

// deadLettersFile keeps the dead letters, by queue, while the stack is off: a
// queue in the cloud would keep them itself. They hold keys (invariant 10).
const deadLettersFile = "dead-letters.json"

// saveDeadLetters empties the dead-letter queues into the file.
func (s *Stack) saveDeadLetters(ctx context.Context) error {
	all := map[string][]string{}
	for _, q := range s.opts.queues() {
		name := sqs.DeadLetters(q.Name)
		url := s.sqs.URL(name)
		for {
			out, err := s.sqs.Client().ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
				QueueUrl: &url, MaxNumberOfMessages: 10, VisibilityTimeout: 3600,
			})
			if err != nil {
				return fmt.Errorf("save dead letters: %w", err)
			}
			if len(out.Messages) == 0 {
				break
			}
			for _, m := range out.Messages {
				all[name] = append(all[name], *m.Body)
			}
		}
	}
	b, err := json.Marshal(all)
	if err != nil {
		return fmt.Errorf("save dead letters: %w", err)
	}
	if err := os.WriteFile(s.opts.data(deadLettersFile), b, 0o600); err != nil {
		return fmt.Errorf("save dead letters: %w", err)
	}
	return nil
}

// loadDeadLetters puts the kept dead letters back into their queues.
func (s *Stack) loadDeadLetters(ctx context.Context) error {
	b, err := os.ReadFile(s.opts.data(deadLettersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var all map[string][]string
	if err == nil {
		err = json.Unmarshal(b, &all)
	}
	if err != nil {
		return fmt.Errorf("load dead letters: %w", err)
	}
	for name, bodies := range all {
		url := s.sqs.URL(name)
		for _, body := range bodies {
			if _, err := s.sqs.Client().SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
				return fmt.Errorf("load dead letters: %w", err)
			}
		}
	}
	return nil
}
