package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/docid"
	"github.com/causeway-sync/causeway/core/sweep"
)

// sweepArgs are what sync, verify and repair have in common.
type sweepArgs struct {
	where
	Collections []string `arg:"" optional:"" name:"collection" help:"Only these."`
	Resume      string   `help:"Carry on a run that has stopped or failed." placeholder:"RUN"`
}

func (a sweepArgs) run(e *env, label string, in sweep.Input) error {
	in.Collections = a.Collections
	if a.Resume != "" {
		if len(a.Collections)+len(in.IDs)+len(in.Filter)+len(in.AllowDeletes) > 0 {
			return errSome
		}
		in = sweep.Input{Resume: a.Resume}
	}
	t, err := e.open(a.where)
	if err != nil {
		return err
	}
	defer t.close(e)
	s, err := e.follow(t, label, in)
	if err != nil {
		return err
	}
	return e.printSummary(s)
}

type syncCmd struct{ sweepArgs }

func (syncCmd) Help() string {
	return `Copies what was there before the first event, in both directions, of collections with
initialSync: true, and takes the baseline of the others. Collections that are named are
taken again even if that is done. Deletes what is gone from one side, within the guard's
limits. The exit status is 0 only if both sides agree in the end.

Examples:
  causeway sync
  causeway sync tasks
  causeway sync --resume initial-all-20261127T091718.450`
}

func (c syncCmd) Run(e *env) error { return c.run(e, "sync", sweep.Input{Mode: sweep.Initial}) }

type verifyCmd struct{ sweepArgs }

func (verifyCmd) Help() string {
	return `Compares every document on both sides, and writes nothing but its own result. What
differs is looked at again after 10 seconds: a change on its way is no difference. The
exit status is 0 only if the sides agree.

Examples:
  causeway verify
  causeway verify tasks orders --json`
}

func (c verifyCmd) Run(e *env) error { return c.run(e, "verify", sweep.Input{Mode: sweep.Verify}) }

type repairCmd struct {
	sweepArgs
	ID           []string `help:"Only this document, by MongoDB's _id: text, Extended JSON, or ditto:<JSON> for a Ditto id. May be given several times." placeholder:"ID" sep:"none"`
	Filter       string   `help:"Only the MongoDB documents that match, in Extended JSON." placeholder:"JSON"`
	AllowDeletes int64    `help:"Let so many deletes of a collection pass the guard." placeholder:"N"`
}

func (repairCmd) Help() string {
	return `Settles every pair of documents, as if something had just happened to it: what an event
was lost of is found. Deletes what is gone from one side, unless that is a lot: then nothing
is deleted, and it says how to confirm. The exit status is 0 only if both sides agree in the end.

24 hexadecimal digits as an --id are an ObjectId and a text: both are looked at.

Examples:
  causeway repair
  causeway repair tasks --id 614cab95890e884a9264002a
  causeway repair tasks --id task-001 --id '{"$numberInt": "7"}' --id 'ditto:"task-002"'
  causeway repair tasks --filter '{"status": "active"}'
  causeway repair tasks --allow-deletes 120
  causeway repair --resume repair-all-20261127T091718.450`
}

func (c repairCmd) Run(e *env) error {
	in := sweep.Input{Mode: sweep.Repair}
	if (len(c.ID) > 0 || c.Filter != "") && len(c.Collections) != 1 && c.Resume == "" {
		return errors.New("--id and --filter are of one collection: name it, as in `causeway repair tasks --id …`")
	}
	if len(c.ID) > 0 && c.Filter != "" {
		return errors.New("use either --id or --filter")
	}
	for _, id := range c.ID {
		ids, err := idsOf(id)
		if err != nil {
			return err
		}
		in.IDs = append(in.IDs, ids...)
	}
	if c.Filter != "" {
		var doc bson.D
		if err := bson.UnmarshalExtJSON([]byte(c.Filter), false, &doc); err != nil {
			return fmt.Errorf("--filter is no document in Extended JSON: %w", err)
		}
		in.Filter = json.RawMessage(c.Filter)
	}
	if c.AllowDeletes > 0 {
		names := c.Collections
		if len(names) == 0 {
			s, err := e.site(c.where)
			if err != nil {
				return err
			}
			names = collections(s.Manifest)
		}
		in.AllowDeletes = map[string]int64{}
		for _, name := range names {
			in.AllowDeletes[name] = c.AllowDeletes
		}
	}
	return c.run(e, "repair", in)
}

var objectID = regexp.MustCompile(`^[0-9a-fA-F]{24}$`)

// idsOf are the ids that a person can mean.
func idsOf(text string) ([]json.RawMessage, error) {
	if rest, ok := strings.CutPrefix(text, "ditto:"); ok {
		js := json.RawMessage(rest)
		if !json.Valid(js) {
			js, _ = json.Marshal(rest) //nolint:errchkjson // a string
		}
		if _, err := docid.Parse(js); err != nil {
			return nil, fmt.Errorf("--id %s: %w", text, err)
		}
		b, err := json.Marshal(sweep.DittoID{Ditto: js})
		return []json.RawMessage{b}, err
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		return nil, err
	}
	switch {
	case objectID.MatchString(text):
		return []json.RawMessage{json.RawMessage(`{"$oid":"` + strings.ToLower(text) + `"}`), quoted}, nil
	case !json.Valid([]byte(text)):
		return []json.RawMessage{quoted}, nil
	}
	var v struct{ V bson.RawValue }
	if err := bson.UnmarshalExtJSON([]byte(`{"v":`+text+`}`), false, &v); err != nil {
		return nil, fmt.Errorf("--id %s is no value in Extended JSON: %w", text, err)
	}
	return []json.RawMessage{json.RawMessage(text)}, nil
}
