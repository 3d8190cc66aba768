package main

import (
	"fmt"
	"slices"

	"github.com/causeway-sync/causeway/local/stack"
)

type redriveCmd struct {
	where
	Function string `arg:"" optional:"" help:"Only this function's queue." enum:"mongo-to-ditto,ditto-to-mongo," default:""`
}

func (redriveCmd) Help() string {
	return `Moves the messages that failed too often back into their queue, once what made them
fail is mended. They hold keys: the documents are read anew. Of a deployed stack also the
events that EventBridge could not put into the queue of mongo-to-ditto.

Examples:
  causeway redrive
  causeway redrive mongo-to-ditto --stack example`
}

func (c redriveCmd) Run(e *env) error {
	at, err := e.site(c.where)
	if err != nil {
		return err
	}
	queues := slices.Clone(at.Queues)
	if at.Undelivered.DeadLettersURL != "" {
		queues = append(queues, at.Undelivered)
	}
	moved := map[string]int{}
	for _, q := range queues {
		if c.Function != "" && c.Function != q.Function && (c.Function != stack.MongoToDitto || q != at.Undelivered) {
			continue
		}
		n, err := at.Redrive(e.ctx, q)
		moved[q.Function] = n
		if err != nil {
			return fmt.Errorf("redrive %s: %w", q.Function, err)
		}
	}
	if e.json {
		return e.printJSON(moved)
	}
	for _, q := range queues {
		if n, ok := moved[q.Function]; ok {
			fmt.Fprintf(e.stdout, "%s: %d messages are tried again\n", q.Function, n)
		}
	}
	return nil
}
