package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/local/lambda"
	"github.com/causeway-sync/causeway/local/stack"
)

type invokeCmd struct {
	Function string `arg:"" help:"mongo-to-ditto, ditto-to-mongo (receiver or worker, as the event asks for), or initial-sync." enum:"mongo-to-ditto,ditto-to-mongo,initial-sync"`
	Event    string `arg:"" help:"File with the event, - for standard input."`
	Config   string `help:"The manifest, when the stack has to be started." default:"causeway.yaml" type:"path" env:"CONFIG"`
	Sign     bool   `help:"Sign the event's webhook anew, with the stack's secret and the time of now."`
	Logs     bool   `help:"Show what the function writes, on standard error."`
}

func (invokeCmd) Help() string {
	return `Runs the bootstrap that is deployed on one event, over the Lambda Runtime API, and
prints its answer. Uses the databases of the running stack; without one, starts a stack
for this one event. The exit status is 0 only if the function has handled all of it.

Examples:
  causeway invoke mongo-to-ditto events/mongo-to-ditto/insert-canonical.json
  causeway invoke ditto-to-mongo events/ditto-to-mongo/receiver/webhook-insert.json --sign
  causeway invoke initial-sync events/initial-sync/preflight.json
  jq … | causeway invoke mongo-to-ditto -`
}

func (c invokeCmd) Run(e *env) error {
	event, err := c.read(e.stdin)
	if err != nil {
		return err
	}
	info, err := e.info()
	if errors.Is(err, stack.ErrNotRunning) {
		var stop func() error
		if info, stop, err = c.start(e); err == nil {
			defer func() {
				if err := stop(); err != nil {
					fmt.Fprintln(e.stderr, "causeway:", err)
				}
			}()
		}
	}
	if err != nil {
		return err
	}
	if c.Sign {
		if event, err = sign(event, info.WebhookSecret, time.Now()); err != nil {
			return err
		}
	}
	return c.invoke(e, info, event)
}

func (c invokeCmd) read(stdin io.Reader) ([]byte, error) {
	if c.Event == "-" {
		b, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read event: %w", err)
		}
		return b, nil
	}
	b, err := os.ReadFile(c.Event)
	if err != nil {
		return nil, fmt.Errorf("read event: %w", err)
	}
	return b, nil
}

// start starts a stack for one invocation, on free ports.
func (c invokeCmd) start(e *env) (*stack.Info, func() error, error) {
	root, err := e.root()
	if err != nil {
		return nil, nil, err
	}
	fmt.Fprintln(e.stderr, "no stack is running: starting one for this event")
	s, err := stack.Start(e.ctx, stack.Options{Root: root, Config: c.Config, Dir: e.dir, Out: io.Discard, NoInitialSync: true})
	if err != nil {
		return nil, nil, err
	}
	info := s.Info()
	return &info, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), stopGrace)
		defer cancel()
		return s.Stop(ctx)
	}, nil
}

func (c invokeCmd) invoke(e *env, info *stack.Info, event []byte) error {
	name := c.Function
	if name == stack.DittoToMongo && forReceiver(event) {
		name = stack.Receiver
	}
	f := info.Functions[name]
	logs := io.Discard
	if c.Logs {
		logs = e.stderr
	}
	fn := lambda.New(lambda.Config{Name: name, Bootstrap: f.Bootstrap, Env: f.Environ(), Timeout: stack.Timeout(name), Log: logs})
	out, err := fn.Invoke(e.ctx, event)
	closeCtx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := errors.Join(err, fn.Close(closeCtx)); err != nil {
		return err
	}
	var pretty bytes.Buffer
	if json.Indent(&pretty, out, "", "  ") != nil {
		pretty.Reset()
		pretty.Write(out)
	}
	fmt.Fprintln(e.stdout, strings.TrimSpace(pretty.String()))
	return verdict(out)
}

// forReceiver tells what the receiver takes, web requests and Kafka records,
// from what the worker takes.
func forReceiver(event []byte) bool {
	var shape struct {
		RequestContext json.RawMessage `json:"requestContext"`
		EventSource    string          `json:"eventSource"`
	}
	return json.Unmarshal(event, &shape) == nil &&
		(len(shape.RequestContext) > 0 || strings.Contains(shape.EventSource, "Kafka") || strings.Contains(shape.EventSource, "kafka"))
}

// verdict is an error if the answer says that something was not handled.
func verdict(answer []byte) error {
	var a struct {
		StatusCode        int `json:"statusCode"`
		BatchItemFailures []struct {
			ID string `json:"itemIdentifier"`
		} `json:"batchItemFailures"`
	}
	if err := json.Unmarshal(answer, &a); err != nil {
		return nil //nolint:nilerr // an answer of another shape says nothing of failures
	}
	if n := len(a.BatchItemFailures); n > 0 {
		return fmt.Errorf("%d messages of the batch were not handled", n)
	}
	if a.StatusCode >= 400 {
		return fmt.Errorf("the function answered %d", a.StatusCode)
	}
	return nil
}

// sign gives a web request a signature of now, as Ditto signs its webhooks.
func sign(event []byte, secret string, now time.Time) ([]byte, error) {
	var e map[string]any
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, fmt.Errorf("sign event: %w", err)
	}
	body, _ := e["body"].(string)
	raw := []byte(body)
	if encoded, _ := e["isBase64Encoded"].(bool); encoded {
		var err error
		if raw, err = base64.StdEncoding.DecodeString(body); err != nil {
			return nil, fmt.Errorf("sign event: body: %w", err)
		}
	}
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil {
		return nil, errors.New("sign event: the webhook secret is not base64")
	}
	t := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(t + "."))
	mac.Write(raw)
	headers, _ := e["headers"].(map[string]any)
	if headers == nil {
		headers = map[string]any{}
	}
	headers["ditto-signature"] = "t=" + t + ",v1=" + hex.EncodeToString(mac.Sum(nil))
	e["headers"] = headers
	return json.Marshal(e)
}
