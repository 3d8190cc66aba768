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
	List conflictsList `cmd:"" default:"withargs" help:"List the values that lost."`
}

type conflictsList struct {
	where
	Collections []string `arg:"" optional:"" name:"collection" help:"Only these."`
}

func (conflictsList) Help() string {
	return `A value that lost a conflict is kept for 90 days. The table shows the beginning of it,
--json the whole. Below it stands why each rule took it, and what to do about it.

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
		v := extJSON(k.Value)
		if k.JSON != "" {
			v = json.RawMessage(k.JSON)
		}
		why, mend := reconcile.Rule(k.Rule).Explain()
		records = append(records, conflictRecord{
			k.ID(), k.Key.Collection, k.Key.ID.JSON(), extJSON(k.MongoID), k.Path.Segments(), k.Side, v, k.Rule, why, mend, k.At, k.Expires,
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
