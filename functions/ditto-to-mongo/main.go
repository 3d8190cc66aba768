// Command ditto-to-mongo is the function that Ditto's change feed wakes. By
// CAUSEWAY_ROLE it is the receiver, which faces the internet and may only
// enqueue keys, or the worker behind that queue.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/causeway-sync/causeway/functions/internal/wire"
)

func main() {
	env, err := wire.Read("ditto-to-mongo", os.Getenv, wire.Worker, wire.Receiver)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.Start(newHandler(env))
}
