// Command initial-sync is the function that performs the steps of the state
// machine beside it: initial sync, verify and repair.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/causeway-sync/causeway/functions/internal/wire"
)

func main() {
	env, err := wire.Read("initial-sync", os.Getenv, wire.Sweep)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.Start(handler{env.Sweeper()}.handle)
}
