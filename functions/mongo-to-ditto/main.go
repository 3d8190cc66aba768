// Command mongo-to-ditto is the function that Atlas triggers wake.
package main

import (
	"fmt"
	"os"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/causeway-sync/causeway/functions/internal/wire"
)

func main() {
	env, err := wire.Read("mongo-to-ditto", os.Getenv, wire.Worker)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lambda.Start(handler{env.Worker()}.handle)
}
