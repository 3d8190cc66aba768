package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/value"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

type unsyncedCmd struct {
	List  unsyncedList  `cmd:"" default:"withargs" help:"List the documents, with reason and mend."`
	Retry unsyncedRetry `cmd:"" help:"Try them again now."`
}

type unsyncedList struct {
	Collections []string `arg:"" optional:"" name:"collection" help:"Only these."`
}

func (unsyncedList) Help() string {
	return `A document is tried again at its next change on either side; its record goes when it
syncs. Records that the connector left are listed by their id alone.

Examples:
  causeway unsynced list
  causeway unsynced list tasks --json`
}

// unsyncedRecord is ledger.Unsynced for scripts.
type unsyncedRecord struct {
	ID         string          `json:"id"`
	Collection string          `json:"collection"`
	MongoID    json.RawMessage `json:"mongoId,omitempty"`
	DittoID    json.RawMessage `json:"dittoId,omitempty"`
	Reason     string          `json:"reason"`
	Message    string          `json:"message"`
	Mend       string          `json:"mend,omitempty"`
	At         time.Time       `json:"at"`
}

func (c unsyncedList) Run(e *env) error {
	_, client, err := e.connect()
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(e.ctx))
	list, err := ledger.Records{DB: client}.ListUnsynced(e.ctx, c.Collections...)
	if err != nil {
		return err
	}
	if e.json {
		records := []unsyncedRecord{}
		for _, u := range list {
			records = append(records, unsyncedRecord{
				u.ID, u.Collection, extJSON(u.MongoID), u.DittoID.JSON(), u.Reason, u.Message, u.Mend, u.At,
			})
		}
		return e.printJSON(records)
	}
	if len(list) == 0 {
		fmt.Fprintln(e.stdout, "every document is synced")
		return nil
	}
	var rows [][]string
	for _, u := range list {
		rows = append(rows, []string{when(u.At, time.Now()), u.Collection, short(idText(u.MongoID, string(u.DittoID)), 40), u.Reason, u.Message})
		if u.Mend != "" {
			rows = append(rows, []string{"", "", "", "", "→ " + u.Mend})
		}
	}
	return table(e.stdout, []string{"SINCE", "COLLECTION", "ID", "REASON", "MESSAGE"}, rows)
}

type unsyncedRetry struct {
	Collections []string `arg:"" optional:"" name:"collection" help:"Only these."`
}

func (unsyncedRetry) Help() string {
	return `Sends the keys of the unsynced documents to the worker's queue. What still cannot be
synced stays in the list.

Example:
  causeway unsynced retry tasks`
}

func (c unsyncedRetry) Run(e *env) error {
	info, client, err := e.connect()
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(e.ctx))
	list, err := ledger.Records{DB: client}.ListUnsynced(e.ctx, c.Collections...)
	if err != nil {
		return err
	}
	var hints []change.Hint
	for _, u := range list {
		h := change.Hint{Collection: u.Collection, DittoID: u.DittoID, Side: value.MongoDB, Op: change.Upsert}
		if u.MongoID.Type != 0 {
			h.MongoIDs = []bson.RawValue{u.MongoID}
		} else {
			h.Side = value.Ditto
		}
		if len(h.MongoIDs) > 0 || !h.DittoID.IsZero() {
			hints = append(hints, h)
		}
	}
	bodies, err := change.Pack(hints, nil)
	if err != nil {
		return err
	}
	queue := info.Queues[stack.MongoToDitto]
	sqsClient := sqs.NewClient(info.SQS)
	for _, body := range bodies {
		text := string(body)
		if _, err := sqsClient.SendMessage(e.ctx, &awssqs.SendMessageInput{QueueUrl: &queue.URL, MessageBody: &text}); err != nil {
			return fmt.Errorf("send keys: %w", err)
		}
	}
	if e.json {
		return e.printJSON(map[string]int{"sent": len(hints), "skipped": len(list) - len(hints)})
	}
	fmt.Fprintf(e.stdout, "%d documents are tried again", len(hints))
	if n := len(list) - len(hints); n > 0 {
		fmt.Fprintf(e.stdout, "; %d records of the connector's name no document", n)
	}
	fmt.Fprintln(e.stdout)
	return nil
}
