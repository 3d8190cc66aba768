package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/sweep"
)

type unsyncedCmd struct {
	List  unsyncedList  `cmd:"" default:"withargs" help:"List the documents, with reason and mend."`
	Retry unsyncedRetry `cmd:"" help:"Try them again now."`
}

type unsyncedList struct {
	where
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
	t, err := e.open(c.where)
	if err != nil {
		return err
	}
	defer t.close(e)
	list, err := ledger.Records{DB: t.client}.ListUnsynced(e.ctx, c.Collections...)
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
	return printUnsynced(e, list)
}

func printUnsynced(e *env, list []ledger.Unsynced) error {
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
	where
	Collections []string `arg:"" optional:"" name:"collection" help:"Only these."`
}

func (unsyncedRetry) Help() string {
	return `Tries each document again. One that syncs leaves the list; the exit status is 0 only if
all of them do.

Example:
  causeway unsynced retry tasks`
}

func (c unsyncedRetry) Run(e *env) error {
	t, err := e.open(c.where)
	if err != nil {
		return err
	}
	defer t.close(e)
	records := ledger.Records{DB: t.client}
	before, err := records.ListUnsynced(e.ctx, c.Collections...)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		s, err := e.follow(t, "retry", sweep.Input{Mode: sweep.Repair, Collections: c.Collections, Unsynced: true})
		if err != nil {
			return err
		}
		if lines := troubles(s); !s.OK {
			return errors.New(strings.Join(lines, "\n"))
		}
	}
	after, err := records.ListUnsynced(e.ctx, c.Collections...)
	if err != nil {
		return err
	}
	tried := map[string]bool{}
	for _, u := range before {
		tried[u.ID] = true
	}
	remain := slices.DeleteFunc(slices.Clone(after), func(u ledger.Unsynced) bool { return !tried[u.ID] })
	switch {
	case e.json:
		err = e.printJSON(map[string]int{"tried": len(before), "synced": len(before) - len(remain), "unsynced": len(after)})
	case len(before) == 0:
		fmt.Fprintln(e.stdout, "every document is synced")
	default:
		fmt.Fprintf(e.stdout, "%d of %d documents left the list\n", len(before)-len(remain), len(before))
		if len(after) > 0 {
			fmt.Fprintln(e.stdout)
			err = printUnsynced(e, after)
		}
	}
	if err == nil && len(after) > 0 {
		err = errReported
	}
	return err
}
