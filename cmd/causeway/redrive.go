package main

import (
	"errors"
	"fmt"

	"github.com/causeway-sync/causeway/local/sqs"
)

type redriveCmd struct {
	Function string `arg:"" optional:"" help:"Only this function's queue." enum:"mongo-to-ditto,ditto-to-mongo," default:""`
}

func (redriveCmd) Help() string {
	return `Moves the messages that failed too often back into their queue, once what made them
fail is mended. They hold keys: the documents are read anew.

Example:
  causeway redrive`
}

func (c redriveCmd) Run(e *env) error {
	info, err := e.info()
	if err != nil {
		return err
	}
	client := sqs.NewClient(info.SQS)
	moved := map[string]int{}
	for worker, q := range info.Queues {
		if c.Function != "" && c.Function != worker {
			continue
		}
		n, err := sqs.Redrive(e.ctx, client, q.DeadLettersURL, q.URL)
		moved[worker] = n
		if err != nil {
			return errors.Join(fmt.Errorf("redrive %s", worker), err)
		}
	}
	if e.json {
		return e.printJSON(moved)
	}
	for worker, n := range moved {
		fmt.Fprintf(e.stdout, "%s: %d messages are tried again\n", worker, n)
	}
	return nil
}
