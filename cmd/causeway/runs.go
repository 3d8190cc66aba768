package main

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-sync/causeway/core/execution"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/sweep"
)

// follow starts a run, shows how far it gets, and returns its summary.
func (e *env) follow(t *opened, label string, in sweep.Input) (*sweep.Summary, error) {
	for _, c := range in.Collections {
		if t.Manifest.Collection(c) == nil {
			return nil, fmt.Errorf("collection %s is not configured: there are %s", c, strings.Join(collections(t.Manifest), ", "))
		}
	}
	of := ""
	if len(in.Collections) == 1 {
		of = in.Collections[0]
	}
	name := sweep.RunName(in.Mode, of, time.Now())
	run := name
	if in.Resume != "" {
		name, run = sweep.RunName("resume", "", time.Now()), in.Resume
	}
	x, err := t.Machine.Start(e.ctx, name, in)
	if err != nil {
		return nil, err
	}
	meter := execution.NewMeter(e.stderr, label, time.Now)
	s, err := t.Machine.Follow(e.ctx, x, run, t.runner, meter.Show)
	meter.Clear()
	if e.ctx.Err() != nil {
		return nil, fmt.Errorf("the run goes on without being watched: `causeway runs show %s`", run)
	}
	return s, err
}

func collections(m *manifest.Manifest) (names []string) {
	for _, c := range m.Collections {
		names = append(names, c.Name)
	}
	return names
}

type runsCmd struct {
	List runsList `cmd:"" default:"withargs" help:"List the runs of the last 90 days."`
	Show runsShow `cmd:"" help:"Print a run's result again."`
}

type runsList struct {
	where
	Last int `help:"So many at most; 0 for all." default:"20"`
}

func (runsList) Help() string {
	return `A run is an initial sync, a verification or a repair. One that has failed, or that
nothing carries on any more, is carried on by --resume of its command.

Examples:
  causeway runs
  causeway runs show repair-tasks-20261127T091718.450`
}

func (c runsList) Run(e *env) error {
	t, err := e.open(c.where)
	if err != nil {
		return err
	}
	defer t.close(e)
	runs, err := t.runner.Runs(e.ctx)
	if err != nil {
		return err
	}
	if c.Last > 0 {
		runs = runs[:min(len(runs), c.Last)]
	}
	if e.json {
		return e.printJSON(runs)
	}
	if len(runs) == 0 {
		fmt.Fprintln(e.stdout, "there was no run yet")
		return nil
	}
	var rows [][]string
	for i := range runs {
		r := &runs[i]
		rows = append(rows, []string{
			when(r.Started, time.Now()), string(r.Mode), r.Status, r.Run, short(strings.Join(r.Collections, ", "), 30), outcome(r.Summary),
		})
	}
	return table(e.stdout, []string{"STARTED", "MODE", "STATUS", "RUN", "COLLECTIONS", "RESULT"}, rows)
}

// outcome is what a run found, in a few words.
func outcome(s *sweep.Summary) string {
	if s == nil {
		return "-"
	}
	var f sweep.Found
	refused, failed := 0, 0
	for i := range s.Collections {
		c := &s.Collections[i]
		f.Compared += c.Compared
		f.Different += c.Different + c.MissingInDitto + c.MissingInMongoDB
		f.Unsynced += c.Unsynced
		failed += len(c.Failed)
		if c.Refused != "" {
			refused++
		}
	}
	parts := []string{fmt.Sprintf("%d documents", f.Compared)}
	for _, n := range []struct {
		n    int64
		what string
	}{{f.Different, "differed"}, {f.Unsynced, "unsynced"}, {int64(refused), "collections: deletes refused"}, {int64(failed), "ranges failed"}} {
		if n.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n.n, n.what))
		}
	}
	if s.Error != "" {
		parts = append(parts, "stopped")
	}
	return strings.Join(parts, ", ")
}

type runsShow struct {
	where
	Name string `arg:"" name:"run" help:"The run's name, as 'causeway runs' lists it."`
}

func (runsShow) Help() string {
	return `The exit status is 0 only if the run found, or made, both sides agree.

Example:
  causeway runs show verify-all-20261127T091718.450`
}

func (c runsShow) Run(e *env) error {
	t, err := e.open(c.where)
	if err != nil {
		return err
	}
	defer t.close(e)
	p, err := t.runner.Progress(e.ctx, c.Name)
	if err != nil {
		return err
	}
	if p.Summary == nil {
		if e.json {
			return e.printJSON(p)
		}
		m := execution.NewMeter(e.stdout, string(p.Mode), time.Now)
		fmt.Fprintf(e.stdout, "%s, started %s\nif nothing carries it on any more: causeway %s --resume %s\n", m.Line(p), when(p.Started, time.Now()), commandOf(p.Mode), p.Run)
		return errReported
	}
	return e.printSummary(p.Summary)
}

func commandOf(m sweep.Mode) string {
	if m == sweep.Initial {
		return "sync"
	}
	return string(m)
}

// printSummary prints the result of a run; errReported unless the sides agree.
func (e *env) printSummary(s *sweep.Summary) error {
	err := error(nil)
	if e.json {
		err = e.printJSON(s)
	} else {
		err = e.printResult(s)
	}
	if err == nil && !s.Agree {
		err = errReported
	}
	return err
}

func (e *env) printResult(s *sweep.Summary) error {
	if len(s.Collections) > 0 {
		header, rows := summaryTable(s)
		if err := table(e.stdout, header, rows); err != nil {
			return err
		}
	}
	if err := e.printSamples(s); err != nil {
		return err
	}
	fmt.Fprintln(e.stdout)
	for _, line := range troubles(s) {
		fmt.Fprintln(e.stdout, line)
	}
	now := time.Now()
	fmt.Fprintf(e.stdout, "%s, as of %s to %s (run %s)\n", verdictOf(s), when(s.Started, now), when(s.Ended, now), s.Run)
	return nil
}

func summaryTable(s *sweep.Summary) (header []string, rows [][]string) {
	header = []string{"COLLECTION", "COMPARED", "EQUAL", "NOT IN DITTO", "NOT IN MONGODB", "DIFFERENT", "UNSYNCED", "LEFT ALONE", "CHANGING"}
	writes := s.Mode != sweep.Verify
	if writes {
		header = append(header, "CONFLICTS", "→ DITTO", "→ MONGODB", "DELETED")
	}
	for i := range s.Collections {
		c := &s.Collections[i]
		row := []string{c.Collection}
		ns := []int64{c.Compared, c.Equal, c.MissingInDitto, c.MissingInMongoDB, c.Different, c.Unsynced, c.LeftAlone, c.Changing}
		if writes {
			deleted := c.DeletesInDitto + c.DeletesInMongoDB
			if c.Refused != "" {
				deleted = 0
			}
			ns = append(ns, c.Conflicts, c.ToDitto, c.ToMongoDB, deleted)
		}
		for _, n := range ns {
			row = append(row, strconv.FormatInt(n, 10))
		}
		rows = append(rows, row)
	}
	return header, rows
}

// stateWords are the states of pairs for a person.
var stateWords = map[string]string{
	"equal": "equal", "different": "different", "missingInDitto": "not in Ditto", "missingInMongoDB": "not in MongoDB",
	"unsynced": "unsynced", "leftAlone": "left alone", "gone": "on neither side", "busy": "changing",
}

func (e *env) printSamples(s *sweep.Summary) error {
	var rows [][]string
	for i := range s.Collections {
		for _, x := range s.Collections[i].Samples {
			id := x.MongoID
			if id == "" {
				id = "ditto:" + x.DittoID
			}
			state := stateWords[x.State]
			if state == "" {
				state = x.State
			}
			var details []string
			if len(x.Paths) > 0 {
				details = append(details, "fields "+strings.Join(x.Paths, ", "))
			}
			if x.Reason != "" {
				details = append(details, x.Reason)
			}
			switch {
			case x.Did != "":
				details = append(details, x.Did)
			case x.State == "equal" || x.State == "gone":
				details = append(details, "nothing to do")
			}
			rows = append(rows, []string{x.Collection, short(id, 60), state, strings.Join(details, "; ")})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(e.stdout)
	return table(e.stdout, []string{"COLLECTION", "ID", "FOUND", "DETAILS"}, rows)
}

// troubles are what was not done, with what to do about it.
func troubles(s *sweep.Summary) (lines []string) {
	if s.Error != "" {
		lines = append(lines, "the run has stopped: "+execution.Reason(s.Error))
	}
	failed := s.Error != ""
	for i := range s.Collections {
		c := &s.Collections[i]
		if c.Refused != "" {
			lines = append(lines, c.Collection+": nothing was deleted: "+c.Refused)
		}
		for _, f := range c.Failed {
			failed = true
			lines = append(lines, fmt.Sprintf("%s failed: %s", f.Range, f.Error))
		}
	}
	if failed && len(s.Collections) > 0 {
		lines = append(lines, fmt.Sprintf("→ causeway %s --resume %s carries it on", commandOf(s.Mode), s.Run))
	}
	if slices.ContainsFunc(s.Collections, func(c sweep.CollectionSummary) bool { return c.Unsynced > 0 }) {
		lines = append(lines, "→ causeway unsynced list says what keeps documents from being synced")
	}
	return lines
}

func verdictOf(s *sweep.Summary) string {
	differs := slices.ContainsFunc(s.Collections, func(c sweep.CollectionSummary) bool {
		return c.Different+c.MissingInDitto+c.MissingInMongoDB > 0
	})
	switch {
	case s.Agree && len(s.Collections) == 0:
		return "nothing was left to do"
	case s.Agree:
		return "the sides agree"
	case s.Mode == sweep.Verify && differs:
		return "the sides do not agree: `causeway repair` settles what differs"
	}
	return "not everything agrees"
}

// errSome is for arguments that exclude each other.
var errSome = errors.New("--resume carries a run on as it was asked for: leave everything else out")
