package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/mongodb"
	"github.com/causeway-sync/causeway/core/value"
	"github.com/causeway-sync/causeway/local/sqs"
	"github.com/causeway-sync/causeway/local/stack"
)

// connect opens the running stack's database.
func (e *env) connect() (*stack.Info, *mongodb.Client, error) {
	info, err := e.info()
	if err != nil {
		return nil, nil, err
	}
	client, err := mongodb.Connect(info.MongoDB, info.Database)
	return info, client, err
}

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

type conflictsCmd struct {
	List conflictsList `cmd:"" default:"withargs" help:"List the values that lost."`
}

type conflictsList struct {
	Collections []string `arg:"" optional:"" name:"collection" help:"Only these."`
}

func (conflictsList) Help() string {
	return `A value that lost a conflict is kept for 90 days. The table shows the beginning of it,
--json the whole.

Example:
  causeway conflicts list tasks --json`
}

// conflictRecord is ledger.Conflict for scripts.
type conflictRecord struct {
	ID         string          `json:"id"`
	Collection string          `json:"collection"`
	DittoID    json.RawMessage `json:"dittoId"`
	MongoID    json.RawMessage `json:"mongoId,omitempty"`
	Path       []string        `json:"path"`
	Lost       value.Side      `json:"lost"` // whose value it is
	Value      json.RawMessage `json:"value,omitempty"`
	Rule       string          `json:"rule"`
	At         time.Time       `json:"at"`
	Expires    time.Time       `json:"expires"`
}

func (c conflictsList) Run(e *env) error {
	_, client, err := e.connect()
	if err != nil {
		return err
	}
	defer client.Close(context.WithoutCancel(e.ctx))
	list, err := ledger.Records{DB: client}.ListConflicts(e.ctx, c.Collections...)
	if err != nil {
		return err
	}
	records := []conflictRecord{}
	for i := range list {
		k := &list[i]
		v := extJSON(k.Value)
		if k.JSON != "" {
			v = json.RawMessage(k.JSON)
		}
		records = append(records, conflictRecord{
			k.ID(), k.Key.Collection, k.Key.ID.JSON(), extJSON(k.MongoID), k.Path.Segments(), k.Side, v, k.Rule, k.At, k.Expires,
		})
	}
	if e.json {
		return e.printJSON(records)
	}
	if len(records) == 0 {
		fmt.Fprintln(e.stdout, "no conflict was recorded")
		return nil
	}
	var rows [][]string
	for _, r := range records {
		text := string(r.Value)
		if text == "" {
			text = "(removed)"
		}
		rows = append(rows, []string{
			when(r.At, time.Now()), r.Collection, short(string(r.DittoID), 30), strings.Join(r.Path, "."), string(r.Lost), r.Rule, short(text, 40),
		})
	}
	return table(e.stdout, []string{"AT", "COLLECTION", "DITTO ID", "FIELD", "LOST", "RULE", "VALUE"}, rows)
}

// extJSON is a value as canonical Extended JSON, nil if there is none.
func extJSON(v bson.RawValue) json.RawMessage {
	if v.Type == 0 {
		return nil
	}
	b, err := bson.MarshalExtJSON(bson.D{{Key: "v", Value: v}}, true, false)
	if err != nil {
		return nil
	}
	var doc map[string]json.RawMessage
	if err := json.Unmarshal(b, &doc); err != nil {
		return nil
	}
	return doc["v"]
}

func idText(mongoID bson.RawValue, dittoID string) string {
	if b := extJSON(mongoID); b != nil {
		return string(b)
	}
	return dittoID
}

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
