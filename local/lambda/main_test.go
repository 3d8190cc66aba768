package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// TestMain doubles as a bootstrap over AWS's own runtime client: the tests run
// this very binary as a function.
func TestMain(m *testing.M) {
	switch os.Getenv("CAUSEWAY_TEST_BOOTSTRAP") {
	case "":
		os.Exit(m.Run())
	case "commands":
		awslambda.Start(handleCommand)
	case "queue":
		awslambda.Start(handleQueue)
	case "web":
		awslambda.Start(handleWeb)
	case "fails at start":
		fmt.Fprintln(os.Stderr, "no configuration")
		os.Exit(3)
	}
}

type command struct {
	Do    string `json:"do"`
	Value string `json:"value"`
	Sleep int    `json:"sleep"` // ms
}

func handleCommand(ctx context.Context, c command) (any, error) {
	switch c.Do {
	case "echo":
		return map[string]any{"value": c.Value, "pid": os.Getpid()}, nil
	case "fail":
		return nil, errors.New(c.Value)
	case "panic":
		panic(c.Value)
	case "exit":
		os.Exit(9)
	case "hang":
		select {}
	case "sleep":
		time.Sleep(time.Duration(c.Sleep) * time.Millisecond)
		return os.Getpid(), nil
	case "context":
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return map[string]any{
			"arn": lc.InvokedFunctionArn, "left": time.Until(deadline).Seconds(),
			"name": lambdacontext.FunctionName, "home": os.Getenv("CAUSEWAY_TEST_INHERITED"), "own": os.Getenv("OWN"),
		}, nil
	}
	return nil, fmt.Errorf("unknown command %q", c.Do)
}

// handleQueue does to each message what its body says: ok, bad (always
// fails alone), once (fails alone at its first try), batch (fails the batch),
// unknown (names a message that is none of the batch), hang, slow.
func handleQueue(_ context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	var res events.SQSEventResponse
	fail := func(id string) {
		res.BatchItemFailures = append(res.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: id})
	}
	for _, m := range e.Records {
		line, _ := json.Marshal(map[string]any{
			"body": m.Body, "tries": m.Attributes["ApproximateReceiveCount"], "batch": len(e.Records),
			"arn": m.EventSourceARN, "source": m.EventSource, "pid": os.Getpid(),
		})
		fmt.Println(string(line))
		switch m.Body {
		case "bad":
			fail(m.MessageId)
		case "once":
			if m.Attributes["ApproximateReceiveCount"] == "1" {
				fail(m.MessageId)
			}
		case "batch":
			return res, errors.New("the batch fails")
		case "unknown":
			fail("no such message")
		case "hang":
			select {}
		case "slow":
			time.Sleep(100 * time.Millisecond)
		}
	}
	return res, nil
}

func handleWeb(_ context.Context, e events.APIGatewayV2HTTPRequest) (any, error) {
	switch e.RawPath {
	case "/echo":
		body, err := json.Marshal(e)
		return events.APIGatewayV2HTTPResponse{
			StatusCode: 202, Headers: map[string]string{"x-answer": "yes"}, Body: string(body),
		}, err
	case "/plain":
		return map[string]string{"hello": "world"}, nil
	}
	return nil, errors.New("no such page")
}
