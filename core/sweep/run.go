package sweep

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/bridge"
	"github.com/causeway-sync/causeway/core/change"
	"github.com/causeway-sync/causeway/core/ditto"
	"github.com/causeway-sync/causeway/core/dql"
	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/mongodb"
)

// Mode is what a run is for.
type Mode string

const (
	// Initial copies the documents that exist before the first event, of
	// collections with initialSync; of the others it takes the baseline.
	Initial Mode = "initial"
	// Verify compares both sides, and writes nothing but its own record.
	Verify Mode = "verify"
	// Repair settles every pair.
	Repair Mode = "repair"
)

// Input asks for a run.
type Input struct {
	Mode Mode `json:"mode,omitempty"` // Repair by default
	// Collections are all by default; with Initial, those not done yet.
	Collections []string `json:"collections,omitempty"`
	// IDs, of exactly one collection: MongoDB `_id`s in canonical Extended JSON,
	// or {"ditto": <id>}.
	IDs []json.RawMessage `json:"ids,omitempty"`
	// Filter of exactly one collection's MongoDB documents, in Extended JSON.
	Filter json.RawMessage `json:"filter,omitempty"`
	// Unsynced takes the parked documents only.
	Unsynced bool `json:"unsynced,omitempty"`
	// AllowDeletes lets so many deletes of a collection pass the guard.
	AllowDeletes map[string]int64 `json:"allowDeletes,omitempty"`
	// Resume carries on an earlier run; all else is as it was then.
	Resume string `json:"resume,omitempty"`
	// Request names the record of the event that asked for the run.
	Request string `json:"request,omitempty"`
}

// chosen reports whether a person chose the pairs: the run is of no whole
// collection.
func (in *Input) chosen() bool { return in.Unsynced || len(in.IDs) > 0 || len(in.Filter) > 0 }

// Bridge settles document pairs: bridge.Bridge.
type Bridge interface {
	Sweep(ctx context.Context, hints []change.Hint, mode bridge.Mode) ([]bridge.Verdict, []bridge.Finding, bridge.Report)
	Baseline(ctx context.Context, hints []change.Hint, since bridge.Activation) []bridge.Verdict
}

// Keys cuts collections into ranges and reads their keys: Pager.
type Keys interface {
	Plan(ctx context.Context, collections []*manifest.Collection, sources ...Source) ([]Range, Counts, error)
	Page(ctx context.Context, r Range, after json.RawMessage, n int) (Page, error)
}

// Runner performs the steps of runs. Everything that it has to know from one
// step to the next is in the records, so each step may run anywhere, again, or
// twice at the same time.
type Runner struct {
	Manifest *manifest.Manifest
	Bridge   Bridge
	Keys     Keys
	DB       mongodb.Database
	Ditto    ditto.Executor
	Wait     func(ctx context.Context, d time.Duration) // time.Sleep that ends with ctx by default
	Now      func() time.Time
	// Calm is how long a pair must stay as it is until it counts as different;
	// 10 s by default.
	Calm time.Duration
	// BatchSize is how many keys go through the core at a time; by default as many
	// as their documents allow.
	BatchSize int
}

// status of a run's record.
const (
	running = "running"
	done    = "done"
	failed  = "failed"
)

// runRecord is a run.
type runRecord struct {
	ID          string            `bson:"_id"`
	Run         string            `bson:"run"`
	Kind        string            `bson:"kind"`
	Rev         int64             `bson:"rev"`
	Mode        Mode              `bson:"mode"`
	Collections []string          `bson:"collections"`
	Input       string            `bson:"input"` // Input as JSON
	Status      string            `bson:"status"`
	Started     time.Time         `bson:"started"`
	Ended       time.Time         `bson:"ended,omitempty"`
	Plan        string            `bson:"plan,omitempty"` // ranges as JSON
	Total       map[string]int64  `bson:"total,omitempty"`
	Refused     map[string]string `bson:"refused,omitempty"`
	Summary     string            `bson:"summary,omitempty"` // Summary as JSON

	input Input
}

func (r *runRecord) id() string       { return r.ID }
func (r *runRecord) revision() *int64 { return &r.Rev }

// collectionRecord is what was done with a collection so far.
type collectionRecord struct {
	ID string `bson:"_id"`
	// Rev is the revision.
	Rev int64 `bson:"rev"`
	// At and Txn are when Causeway began to look at the collection.
	At  time.Time `bson:"at"`
	Txn int64     `bson:"txn"`
	// Done is the run that copied the collection, or took its baseline.
	Done string `bson:"done,omitempty"`
}

func (c *collectionRecord) id() string       { return c.ID }
func (c *collectionRecord) revision() *int64 { return &c.Rev }

const collectionPrefix = "collection/"

func (r *Runner) records() records { return records{r.DB} }

// load reads a run.
func (r *Runner) load(ctx context.Context, id string) (*runRecord, error) {
	var run runRecord
	ok, err := r.records().get(ctx, id, &run)
	switch {
	case err != nil:
		return nil, err
	case !ok || run.Kind != "run":
		return nil, fmt.Errorf("there is no run %q: `causeway runs` lists them", id)
	}
	if err := json.Unmarshal([]byte(run.Input), &run.input); err != nil {
		return nil, fmt.Errorf("run %s: input: %w", id, err)
	}
	return &run, nil
}

// Run is what Preflight answers.
type Run struct {
	Run  string  `json:"run"`
	Mode Mode    `json:"mode"`
	Plan Planned `json:"plan"` // nothing yet: Phase is the first
}

func answer(run *runRecord) Run {
	return Run{Run: run.ID, Mode: run.Mode, Plan: Planned{Ranges: []Range{}}}
}

// Preflight begins a run under the given name, or carries on an earlier one.
func (r *Runner) Preflight(ctx context.Context, name string, in Input) (Run, error) {
	if in.Resume != "" {
		return r.resume(ctx, in.Resume)
	}
	var run runRecord
	if ok, err := r.records().get(ctx, name, &run); err != nil {
		return Run{}, err
	} else if ok {
		return answer(&run), nil // this step is run again
	}
	if in.Mode == "" {
		in.Mode = Repair
	}
	names, err := r.names(ctx, in)
	if err != nil {
		return Run{}, err
	}
	if in.Request != "" {
		if err := r.begin(ctx, in.Request, name); err != nil {
			return Run{}, err
		}
	}
	js, err := json.Marshal(in)
	if err != nil {
		return Run{}, fmt.Errorf("write input: %w", err)
	}
	run = runRecord{ID: name, Run: name, Kind: "run", Mode: in.Mode, Collections: names, Input: string(js), Status: running}
	if err := r.records().put(ctx, &run, "started"); err != nil && !errors.Is(err, errMoved) {
		return Run{}, err
	}
	return answer(&run), nil
}

func (r *Runner) resume(ctx context.Context, id string) (Run, error) {
	run, err := r.load(ctx, id)
	if err != nil {
		return Run{}, err
	}
	if run.Status == done {
		return Run{}, fmt.Errorf("run %s is done: there is nothing to carry on", id)
	}
	run.Status, run.Refused = running, nil
	if err := r.records().put(ctx, run); err != nil {
		return Run{}, err
	}
	return answer(run), nil
}

// names are the collections that a run is of.
func (r *Runner) names(ctx context.Context, in Input) ([]string, error) {
	var unknown []string
	for _, name := range in.Collections {
		if r.Manifest.Collection(name) == nil {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, fmt.Errorf("collection %s is not configured: add it to the manifest, or leave it out", strings.Join(unknown, ", "))
	}
	switch in.Mode {
	case Initial, Verify, Repair:
	default:
		return nil, fmt.Errorf("mode %q: use initial, verify or repair", in.Mode)
	}
	if (len(in.IDs) > 0 || len(in.Filter) > 0) && len(in.Collections) != 1 {
		return nil, errors.New("ids and a filter are those of one collection: name it")
	}
	names := slices.Clone(in.Collections)
	if len(names) == 0 {
		for _, c := range r.Manifest.Collections {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if in.Mode == Verify {
		return names, nil
	}
	var out []string
	for _, name := range names {
		c, err := r.activate(ctx, name)
		if err != nil {
			return nil, err
		}
		if in.Mode == Initial && len(in.Collections) == 0 && c.Done != "" {
			continue
		}
		out = append(out, name)
	}
	return out, nil
}

// activate notes when Causeway began to look at a collection, the first time.
func (r *Runner) activate(ctx context.Context, name string) (*collectionRecord, error) {
	c := &collectionRecord{}
	ok, err := r.records().get(ctx, collectionPrefix+name, c)
	if ok || err != nil {
		return c, err
	}
	txn, err := r.txn(ctx, name)
	if err != nil {
		return nil, err
	}
	*c = collectionRecord{ID: collectionPrefix + name, Txn: txn}
	if err := r.records().put(ctx, c, "at"); err != nil && !errors.Is(err, errMoved) {
		return nil, err
	}
	if _, err := r.records().get(ctx, c.ID, c); err != nil {
		return nil, err
	}
	return c, nil
}

// txn is Ditto's current transaction.
func (r *Runner) txn(ctx context.Context, collection string) (int64, error) {
	c := r.Manifest.Collection(collection)
	st := dql.AllIDs(c.DittoName, 1)
	resp, err := r.Ditto.Execute(ctx, ditto.Request{API: api(c), Statement: st.Text, Args: st.Args})
	if err != nil {
		return 0, fmt.Errorf("read Ditto's transaction: %w", err)
	}
	return resp.Txn, nil
}

// phases are the sources in the order in which they are gone through, those of
// MongoDB first: what the ranges of one find is not counted by the next.
var phases = [][]Source{{MongoDB, chosen, parked}, {Ditto}, {Ledger}}

// Planned is what Plan answers.
type Planned struct {
	Ranges []Range `json:"ranges"`
	// Phase is to be asked for next, once the ranges are done. There is none
	// after one without ranges.
	Phase int `json:"phase"`
}

// Plan cuts the run's collections into ranges, and returns those of the first
// phase from the given one on that are not done.
func (r *Runner) Plan(ctx context.Context, id string, phase int) (Planned, error) {
	run, err := r.load(ctx, id)
	if err != nil {
		return Planned{}, err
	}
	var ranges []Range
	if run.Plan == "" {
		if ranges, err = r.plan(ctx, run); err != nil {
			return Planned{}, err
		}
	} else if err := json.Unmarshal([]byte(run.Plan), &ranges); err != nil {
		return Planned{}, fmt.Errorf("run %s: plan: %w", id, err)
	}
	parts, err := list[rangeRecord](ctx, r.records(), id, "range")
	if err != nil {
		return Planned{}, err
	}
	isDone := map[string]bool{}
	for _, p := range parts {
		isDone[p.Range] = p.Done
	}
	out := Planned{Ranges: []Range{}, Phase: max(phase, 0)}
	for ; out.Phase < len(phases) && len(out.Ranges) == 0; out.Phase++ {
		for _, x := range ranges {
			if slices.Contains(phases[out.Phase], x.Source) && !isDone[x.ID] {
				out.Ranges = append(out.Ranges, x)
			}
		}
	}
	return out, nil
}

func (r *Runner) plan(ctx context.Context, run *runRecord) ([]Range, error) {
	ranges, total := []Range{}, map[string]int64{}
	switch in := run.input; {
	case in.Unsynced:
		for _, name := range run.Collections {
			ranges = append(ranges, Range{ID: name + "/unsynced", Collection: name, Source: parked})
		}
	case len(in.IDs) > 0 || len(in.Filter) > 0:
		ranges = append(ranges, Range{ID: run.Collections[0] + "/chosen", Collection: run.Collections[0], Source: chosen})
	case len(run.Collections) > 0:
		var of []*manifest.Collection
		for _, name := range run.Collections {
			of = append(of, r.Manifest.Collection(name))
		}
		sources := []Source{MongoDB, Ditto}
		if run.Mode == Repair {
			sources = append(sources, Ledger)
		}
		var counts Counts
		var err error
		if ranges, counts, err = r.Keys.Plan(ctx, of, sources...); err != nil {
			return nil, err
		}
		for name, by := range counts {
			total[name] = max(by[MongoDB], by[Ditto])
		}
	}
	js, err := json.Marshal(ranges)
	if err != nil {
		return nil, fmt.Errorf("write plan: %w", err)
	}
	run.Plan, run.Total = string(js), total
	if err := r.records().put(ctx, run); err != nil {
		return nil, err
	}
	return ranges, nil
}

// activation is when the run's collection was activated.
func (r *Runner) activation(ctx context.Context, name string) (*collectionRecord, error) {
	c := &collectionRecord{}
	ok, err := r.records().get(ctx, collectionPrefix+name, c)
	if err == nil && !ok {
		err = fmt.Errorf("collection %s has no record: start a new run", name)
	}
	return c, err
}

func mongoHint(collection string, id bson.RawValue) change.Hint {
	return change.Hint{Collection: collection, MongoIDs: []bson.RawValue{id}, Op: change.Sweep}
}

func keyHint(k ledger.Key) change.Hint {
	return change.Hint{Collection: k.Collection, DittoID: k.ID, Op: change.Sweep}
}

func (r *Runner) wait(ctx context.Context, d time.Duration) {
	if r.Wait != nil {
		r.Wait(ctx, d)
		return
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (r *Runner) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}
