package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

type conflictsCmd struct {
	List   conflictsList   `cmd:"" default:"withargs" help:"List the values that lost."`
	Settle conflictsSettle `cmd:"" help:"Note that nobody needs to look at these any more."`
}

type conflictsList struct {
	where
	All         bool     `help:"Those too that are settled."`
	Collections []string `arg:"" optional:"" name:"collection" help:"Only these."`
}

func (conflictsList) Help() string {
	return `A value that lost a conflict is kept for 90 days. The table shows the beginning of it,
--json the whole. Below it stands why each rule took it, and what to do about it.
One that is settled (causeway conflicts settle) is left out without --all.

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
	Reason     string          `json:"reason"`
	Mend       string          `json:"mend"`
	At         time.Time       `json:"at"`
	Expires    time.Time       `json:"expires"`
	Settled    time.Time       `json:"settled,omitzero"`
}

func (c conflictsList) Run(e *env) error {
	t, err := e.open(c.where)
	if err != nil {
		return err
	}
	defer t.close(e)
	list, err := ledger.Records{DB: t.client}.ListConflicts(e.ctx, c.Collections...)
	if err != nil {
		return err
	}
	records := []conflictRecord{}
	for i := range list {
		k := &list[i]
		if !k.Settled.IsZero() && !c.All {
			continue
		}
		v := extJSON(k.Value)
		if k.JSON != "" {
			v = json.RawMessage(k.JSON)
		}
		why, mend := reconcile.Rule(k.Rule).Explain()
		records = append(records, conflictRecord{
			k.ID(), k.Key.Collection, k.Key.ID.JSON(), extJSON(k.MongoID), k.Path.Segments(), k.Side, v, k.Rule, why, mend, k.At, k.Expires, k.Settled,
		})
	}
	if e.json {
		return e.printJSON(records)
	}
	if len(records) == 0 {
		if len(list) > 0 {
			fmt.Fprintf(e.stdout, "no conflict waits for anyone; %d are settled, and kept: --all lists them\n", len(list))
			return nil
		}
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
	if err := table(e.stdout, []string{"AT", "COLLECTION", "DITTO ID", "FIELD", "LOST", "RULE", "VALUE"}, rows); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout)
	said := map[string]bool{}
	for _, r := range records { // each rule once
		if !said[r.Rule] && r.Reason != "" {
			fmt.Fprintf(e.stdout, "%s: %s\n→ %s\n", r.Rule, r.Reason, r.Mend)
		}
		said[r.Rule] = true
	}
	return nil
}

type conflictsSettle struct {
	where
	IDs []string `arg:"" name:"id" help:"The id of a record, as --json shows it."`
}

func (conflictsSettle) Help() string {
	return `The value is not wanted, or was written again. The record is kept until it expires, and
no longer counted or listed (without --all).

Example:
  causeway conflicts settle 'tasks/"task-001"#7#ditto#status'`
}

func (c conflictsSettle) Run(e *env) error {
	t, err := e.open(c.where)
	if err != nil {
		return err
	}
	defer t.close(e)
	records := ledger.Records{DB: t.client}
	list, err := records.ListConflicts(e.ctx)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for i := range list {
		there[list[i].ID()] = true
	}
	for _, id := range c.IDs {
		if !there[id] {
			return fmt.Errorf("no conflict has the id %q: `causeway conflicts list --json` shows those that there are", id)
		}
	}
	if err := records.SettleConflicts(e.ctx, c.IDs...); err != nil {
		return err
	}
	if e.json {
		return e.printJSON(map[string]int{"settled": len(c.IDs)})
	}
	fmt.Fprintf(e.stdout, "%d settled\n", len(c.IDs))
	return nil
}
