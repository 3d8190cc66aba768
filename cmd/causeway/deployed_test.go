package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/cmd/causeway/internal/site"
	"github.com/causeway-sync/causeway/core/canary"
	"github.com/causeway-sync/causeway/core/sweep"
	"github.com/causeway-sync/causeway/local/secretsmanager"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// undelivered makes the queue of what EventBridge could not deliver.
func (b *bench) undelivered(t *testing.T) string {
	t.Helper()
	name := "rule-dead-letters"
	out, err := sqs.NewClient(b.info.SQS).CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return *out.QueueUrl
}

// TestDeployed runs every command that takes --stack against a whole stack,
// whose outputs CloudFormation gives. The folder of the local stack is not known
// to the commands: whatever they do, they do by AWS's API.
func TestDeployed(t *testing.T) {
	b := startBench(t)
	b.awaitInitialRun(t)
	c, file := b.deploy(t)
	nowhere := t.TempDir()
	cmd := func(t *testing.T, args ...string) result {
		t.Helper()
		return causeway(t, append([]string{"--dir", nowhere}, append(args, "--stack", stackName, "--config", file)...)...)
	}

	t.Run("Check", func(t *testing.T) {
		check := func(t *testing.T) result {
			return causeway(t, "--dir", nowhere, "check", "--stack", stackName, file)
		}
		check(t).want(t, 0, "manifest  ok", "connection string, API key and webhook secret can be read", "collection tasks", "ditto     ok")
		b.stack.Secrets().Remove("causeway/ditto-webhook")
		check(t).want(t, 1, "webhook secret", "causeway/ditto-webhook")
	})
	t.Run("Status", func(t *testing.T) {
		b.insert(t, "tasks", bson.D{{Key: "_id", Value: "synced"}})
		var s status
		eventually(t, "the pair in the status", func() bool {
			s = decode[status](t, cmd(t, "--json", "status"))
			return len(s.Collections) == 2 && s.Collections[1].Pairs["live"] == 1
		})
		if s.Stack != stackName || s.State != site.Running || !s.Since.Equal(time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC)) {
			t.Errorf("status %+v", s)
		}
		want := queueStatus{Function: stack.MongoToDitto, LagMS: 1500, OldestMS: 75000}
		if got := s.Queues[0]; got.LagMS != want.LagMS || got.OldestMS != want.OldestMS || got.Function != want.Function {
			t.Errorf("queue %+v", got)
		}
		if got := s.Queues[1]; got.LagMS != -1 || got.OldestMS != -1 || got.Function != stack.DittoToMongo {
			t.Errorf("queue %+v", got)
		}
		cmd(t, "status").want(t, 0, "tasks", "OLDEST MESSAGE", "1.5s", "1m15s")
	})
	t.Run("Canary", func(t *testing.T) {
		cmd(t, "status").want(t, 0, "no heartbeat was written yet")
		if err := b.stack.StopTrigger(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := b.stack.Beat(t.Context()); err != nil {
			t.Fatal(err)
		}
		old := bson.A{bson.D{{Key: "$set", Value: bson.D{{Key: "at", Value: bson.D{{Key: "$dateAdd", Value: bson.D{
			{Key: "startDate", Value: "$at"}, {Key: "unit", Value: "second"}, {Key: "amount", Value: -600},
		}}}}}}}}
		if _, err := b.client.Driver().Collection(canary.Collection).UpdateMany(t.Context(), bson.D{}, old); err != nil {
			t.Fatal(err)
		}
		cmd(t, "status").want(t, 0, "NOTHING ARRIVES FROM MONGODB", "10m0")
		if err := b.stack.StartTrigger(t.Context()); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the beat back", func() bool {
			s := decode[status](t, cmd(t, "--json", "status"))
			return !s.Canary.CameBack.IsZero() && s.Canary.AgeSeconds == 0 && !s.Canary.LastBeat.IsZero()
		})
		cmd(t, "status").want(t, 0, "the last heartbeat came back")
	})
	t.Run("Runs", func(t *testing.T) {
		cmd(t, "verify").want(t, 0, "the sides agree")
		cmd(t, "repair", "tasks", "--id", "synced").want(t, 0, "equal")
		cmd(t, "repair", "--allow-deletes", "1").want(t, 0, "the sides agree")
		cmd(t, "sync", "tasks").want(t, 0, "the sides agree")
		runs := decode[[]sweep.Listed](t, cmd(t, "--json", "runs"))
		if len(runs) < 4 {
			t.Fatalf("%d runs", len(runs))
		}
		cmd(t, "runs", "show", runs[0].Run).want(t, 0, runs[0].Run)
	})
	t.Run("Records", func(t *testing.T) {
		b.insert(t, "orders", bson.D{{Key: "_id", Value: 1}, {Key: "orderId", Value: "o"}})
		eventually(t, "the record", func() bool {
			return len(decode[[]unsyncedRecord](t, cmd(t, "--json", "unsynced", "list", "orders"))) == 1
		})
		cmd(t, "unsynced", "retry").want(t, 1, "0 of 1 documents left the list")
		cmd(t, "unsynced").want(t, 0, "storeId")
		cmd(t, "conflicts").want(t, 0, "no conflict")
	})
	t.Run("Redrive", func(t *testing.T) { b.testRedriveDeployed(t, c, cmd) })
	t.Run("Pause", func(t *testing.T) {
		schedule := c.schedules["group/example-canary"]
		cmd(t, "pause").want(t, 0, "the stack example is paused", "causeway resume --stack example")
		if got := c.states(); got != "DISABLED DISABLED" {
			t.Errorf("timers %s after pause", got)
		}
		b.insert(t, "tasks", bson.D{{Key: "_id", Value: "waits"}})
		var s status
		eventually(t, "a message that waits", func() bool {
			s = decode[status](t, cmd(t, "--json", "status"))
			return s.Queues[0].Waiting > 0
		})
		if s.State != site.Paused {
			t.Errorf("state %s", s.State)
		}
		cmd(t, "status").want(t, 0, "paused: nothing is taken")
		cmd(t, "resume").want(t, 0, "the stack example is running", "causeway status --stack example")
		b.inDitto(t, "waits")
		if got := c.states(); got != "ENABLED ENABLED" {
			t.Errorf("timers %s after resume", got)
		}
		if diff := cmp.Diff(schedule, c.schedules["group/example-canary"]); diff != "" {
			t.Errorf("the schedule has changed (-before +after):\n%s", diff)
		}
		if r := decode[map[string]string](t, cmd(t, "--json", "resume")); r["state"] != "running" {
			t.Errorf("resumed twice: %v", r)
		}
	})
	t.Run("Err", func(t *testing.T) { testDeployedErr(t, b, c, file) })
}

// What EventBridge could not deliver goes on with its keys alone.
func (b *bench) testRedriveDeployed(t *testing.T, c *cloud, cmd func(*testing.T, ...string) result) {
	b.stack.Pause()
	defer b.stack.Resume()
	event, err := os.ReadFile(b.event(t, "mongo-to-ditto/update-canonical.json"))
	if err != nil {
		t.Fatal(err)
	}
	client := sqs.NewClient(b.info.SQS)
	body := string(event)
	if !strings.Contains(body, "Buy oat milk") {
		t.Fatal("the event has no document that could leak")
	}
	url := c.outputs["RuleDeadLettersUrl"]
	if _, err := client.SendMessage(t.Context(), &awssqs.SendMessageInput{QueueUrl: &url, MessageBody: &body}); err != nil {
		t.Fatal(err)
	}
	cmd(t, "status").want(t, 0, "1 events could not be put into the queue", "causeway redrive --stack example")
	if moved := decode[map[string]int](t, cmd(t, "--json", "redrive", "mongo-to-ditto")); moved["rule"] != 1 {
		t.Errorf("moved %v", moved)
	}
	queue := b.info.Queues[stack.MongoToDitto].URL
	out, err := client.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: &queue, VisibilityTimeout: 1})
	if err != nil || len(out.Messages) != 1 {
		t.Fatalf("%d messages, %v", len(out.Messages), err)
	}
	var message struct{ Rule int }
	if text := *out.Messages[0].Body; strings.Contains(text, "oat milk") || json.Unmarshal([]byte(text), &message) != nil || message.Rule != 1 {
		t.Errorf("a document travels in the queue (invariant 10): %s", text)
	}
	cmd(t, "redrive").want(t, 0, "mongo-to-ditto: 0 messages", "rule: 0 messages")
}

// What a person can get wrong, and what AWS refuses, says what mends it.
func testDeployedErr(t *testing.T, b *bench, c *cloud, file string) {
	on := func(stack, file string, args ...string) result {
		return causeway(t, append(args, "--stack", stack, "--config", file)...)
	}
	on("other", file, "status").want(t, 1, "deploys the stack example, not other", "--config")
	on(stackName, b.config, "status").want(t, 1, "has no Deployment", "--config")
	on(stackName, filepath.Join(t.TempDir(), "none.yaml"), "status").want(t, 1, "none.yaml")
	renamed := filepath.Join(t.TempDir(), "renamed.yaml")
	if err := os.WriteFile(renamed, []byte(strings.Replace(deployedText(b.info.Database, b.info.Ditto.URL), "name: example", "name: elsewhere", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	on("elsewhere", renamed, "status").want(t, 1, "Stack with id elsewhere does not exist", "AWS_REGION")
	t.Run("NoRegion", func(t *testing.T) {
		t.Setenv("AWS_REGION", "")
		on(stackName, file, "status").want(t, 1, "no AWS region", "AWS_REGION")
	})
	t.Run("NoCredentials", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		on(stackName, file, "status").want(t, 1, "describe stack example", "sign in to AWS")
	})
	t.Run("Denied", func(t *testing.T) {
		c.set(func() { c.denied = "DisableRule" })
		on(stackName, file, "pause").want(t, 1, "rule:example-sweep", "lack the right")
		c.set(func() { c.denied = "" })
		on(stackName, file, "resume").want(t, 0)
	})
	t.Run("NoMetrics", func(t *testing.T) {
		c.set(func() { c.denied = "GetMetricData" })
		on(stackName, file, "status").want(t, 0, "read lag", "lack the right", "COLLECTION", "DEAD LETTERS")
		c.set(func() { c.denied = "" })
	})
	t.Run("Role", func(t *testing.T) {
		role := "arn:aws:iam::123456789012:role/reader"
		b.stack.Secrets().Put(secretsmanager.Secret{ID: "prod/mongo", Value: "x", Role: role + "-of-others"})
		guarded := secretManifest(t, strings.Replace(deployedText(b.info.Database, b.info.Ditto.URL), "kubernetesSecret:\n          name: test-mongo",
			"awsSecretsManager: {secretId: prod/mongo, roleArn: \""+role+"\", region: us-east-1}", 1))
		on(stackName, guarded, "status").want(t, 1, "prod/mongo", "sts:AssumeRole", "or secretsmanager:GetSecretValue on the secret")
		b.stack.Secrets().Put(secretsmanager.Secret{ID: "prod/mongo", Value: b.info.MongoDB, Role: role})
		on(stackName, guarded, "status").want(t, 0, "tasks")
	})
	t.Run("MissingOutput", func(t *testing.T) {
		arn := c.outputs["StateMachineArn"]
		c.set(func() { delete(c.outputs, "StateMachineArn") })
		on(stackName, file, "verify").want(t, 1, "has no output StateMachineArn", "deploy it again")
		c.set(func() { c.outputs["StateMachineArn"] = arn })
	})
	t.Run("NotThere", func(t *testing.T) {
		c.set(func() { c.status = "ROLLBACK_COMPLETE" })
		on(stackName, file, "status").want(t, 1, "ROLLBACK_COMPLETE", "CloudFormation's events")
		c.set(func() { c.status = "CREATE_COMPLETE" })
	})
	t.Run("NoSecret", func(t *testing.T) {
		b.stack.Secrets().Remove("ditto/test-mongo")
		on(stackName, file, "status").want(t, 1, `read secret "ditto/test-mongo"`, "store it")
	})
}

// A pause of the local stack lasts over a restart, and loses nothing.
func TestPauseLocal(t *testing.T) {
	b := startBench(t)
	b.causeway(t, "pause").want(t, 0, "the local stack is paused")
	b.causeway(t, "pause").want(t, 0, "is paused")
	b.insert(t, "tasks", bson.D{{Key: "_id", Value: "waits"}})
	b.insertDitto(t, `{"_id": "too"}`)
	eventually(t, "messages that wait", func() bool {
		s := decode[status](t, b.causeway(t, "--json", "status"))
		return s.State == site.Paused && s.Queues[0].Waiting == 1 && s.Queues[1].Waiting == 1
	})
	b.restart(t)
	b.causeway(t, "status").want(t, 0, "paused: nothing is taken")
	eventually(t, "messages that wait again", func() bool {
		s := decode[status](t, b.causeway(t, "--json", "status"))
		return s.State == site.Paused && s.Queues[0].Waiting == 1 && s.Queues[1].Waiting == 1
	})
	if b.ditto(t, "waits") != "" {
		t.Error("a worker took a message while it was paused")
	}
	b.causeway(t, "resume").want(t, 0, "the local stack is running")
	b.inDitto(t, "waits")
	eventually(t, "the other in MongoDB", func() bool {
		docs, err := b.client.Find(t.Context(), "tasks", bson.D{{Key: "_id", Value: "too"}}, nil)
		return err == nil && len(docs) == 1
	})
	if s := decode[status](t, b.causeway(t, "--json", "status")); s.State != site.Running {
		t.Errorf("state %s", s.State)
	}
}
