package reconcile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/causeway-sync/causeway/core/ledger"
	"github.com/causeway-sync/causeway/core/manifest"
	"github.com/causeway-sync/causeway/core/reconcile"
	"github.com/causeway-sync/causeway/core/value"
)

// scene is one decision: what both sides agreed on, what they hold now, and
// what is to be done about it, in words.
type scene struct {
	name          string
	rules         func(*manifest.Collection)
	state         ledger.State // with agreed documents: live
	by            value.Side
	agreedM       string // Extended JSON; "" was absent
	agreedD       string
	mongo, ditto  string // now
	registers     []value.Path
	removed       bool
	carried       []ledger.Announcement
	want          string
	wantNextState ledger.State
}

const all = `{"_id":"d","a":1,"b":"x"}`

func scenes() []scene {
	return []scene{
		{name: "Agree", agreedM: all, agreedD: all, mongo: all, ditto: all, want: "", wantNextState: ledger.Live},
		{name: "MongoChangedOneField", agreedM: all, agreedD: all, mongo: `{"_id":"d","a":2,"b":"x"}`, ditto: all, want: "D a=2"},
		{name: "DittoChangedOneField", agreedM: all, agreedD: all, mongo: all, ditto: `{"_id":"d","a":2,"b":"x"}`, want: "M a=2"},
		{name: "BothChangedDifferentFields", agreedM: all, agreedD: all, mongo: `{"_id":"d","a":2,"b":"x"}`, ditto: `{"_id":"d","a":1,"b":"y"}`, want: `D a=2; M b="y"`},
		{name: "BothChangedAlike", agreedM: all, agreedD: all, mongo: `{"_id":"d","a":2,"b":"x"}`, ditto: `{"_id":"d","a":2,"b":"x"}`, want: "ledger"},
		{name: "ConflictMongoWins", agreedM: all, agreedD: all, mongo: `{"_id":"d","a":2,"b":"x"}`, ditto: `{"_id":"d","a":3,"b":"x"}`, want: "D a=2; lose ditto a=3 (mongo)"},
		{
			name: "ConflictDittoWins", rules: func(c *manifest.Collection) { c.Conflicts.Default = value.Ditto },
			agreedM: all, agreedD: all, mongo: `{"_id":"d","a":2,"b":"x"}`, ditto: `{"_id":"d","a":3,"b":"x"}`, want: "M a=3; lose mongodb a=2 (ditto)",
		},
		{
			name: "ConflictRuleOfAField",
			rules: func(c *manifest.Collection) {
				c.Conflicts.Fields = map[value.Path]value.Side{value.PathOf("a"): value.Ditto}
			},
			agreedM: all, agreedD: all, mongo: `{"_id":"d","a":2,"b":"p"}`, ditto: `{"_id":"d","a":3,"b":"q"}`,
			want: `D b="p"; M a=3; lose mongodb a=2 (ditto); lose ditto b="q" (mongo)`,
		},
		{name: "FieldRemovedInMongo", agreedM: all, agreedD: all, mongo: `{"_id":"d","b":"x"}`, ditto: all, want: "D -a"},
		{name: "FieldRemovedInDitto", agreedM: all, agreedD: all, mongo: all, ditto: `{"_id":"d","a":1}`, want: "M -b"},
		{
			name: "ObjectRemovedInMongo", agreedM: `{"_id":"d","n":{"x":1,"y":2},"b":1}`, agreedD: `{"_id":"d","b":1,"n":{"x":1,"y":2}}`,
			mongo: `{"_id":"d","b":1}`, ditto: `{"_id":"d","b":1,"n":{"x":1,"y":2}}`, want: "D -n",
		},
		{
			name: "LastFieldRemovedInDitto", agreedM: `{"_id":"d","b":1,"n":{"x":1}}`, agreedD: `{"_id":"d","b":1,"n":{"x":1}}`,
			mongo: `{"_id":"d","b":1,"n":{"x":1}}`, ditto: `{"_id":"d","b":1,"n":{}}`, want: "M -n.x",
		},
		{
			name: "NestedFieldsMerge", agreedM: `{"_id":"d","n":{"x":1,"y":2}}`, agreedD: `{"_id":"d","n":{"x":1,"y":2}}`,
			mongo: `{"_id":"d","n":{"x":5,"y":2}}`, ditto: `{"_id":"d","n":{"x":1,"y":6}}`, want: "D n.x=5; M n.y=6",
		},
		{
			name: "StrictObjectsAreWhole", rules: func(c *manifest.Collection) { c.Strict = true },
			agreedM: `{"_id":"d","n":{"x":1,"y":2}}`, agreedD: `{"_id":"d","n":{"x":1,"y":2}}`,
			mongo: `{"_id":"d","n":{"x":5,"y":2}}`, ditto: `{"_id":"d","n":{"x":1,"y":2}}`, want: `D n={"x":5,"y":2}`,
		},
		{
			name: "ScalarAgainstObject", agreedM: `{"_id":"d","n":{"x":1}}`, agreedD: `{"_id":"d","n":{"x":1}}`,
			mongo: `{"_id":"d","n":5}`, ditto: `{"_id":"d","n":{"x":2}}`, want: `D n=5; lose ditto n={"x":2} (mongo)`,
		},
		{name: "FirstContactMerges", mongo: `{"_id":"d","a":1,"m":1}`, ditto: `{"_id":"d","a":1,"d":1}`, want: "D m=1; M d=1"},
		{name: "FirstContactConflict", mongo: `{"_id":"d","a":1}`, ditto: `{"_id":"d","a":2}`, want: "D a=1; lose ditto a=2 (mongo)"},
		{name: "NewInMongo", mongo: all, want: `D insert {"_id":"d","a":1,"b":"x"}`, wantNextState: ledger.Live},
		{name: "NewInDitto", ditto: all, want: `M insert {"_id":"d","a":1,"b":"x"}`, wantNextState: ledger.Live},
		{name: "MetadataIsNeverCopied", ditto: `{"_id":"d","_mdb":{"ct":[1,2]},"a":1}`, want: `M insert {"_id":"d","a":1}`},
		{name: "DeletedInMongo", agreedM: all, agreedD: all, ditto: all, want: "D delete", wantNextState: ledger.Deleted},
		{name: "DeletedInMongoIsFinal", agreedM: all, agreedD: all, ditto: `{"_id":"d","a":7,"b":"x"}`, want: `D delete; lose ditto {"_id":"d","a":7,"b":"x"} (delete)`},
		{
			name: "Resurrect", rules: func(c *manifest.Collection) { c.Deletes.Resurrect = true },
			agreedM: all, agreedD: all, ditto: `{"_id":"d","a":7,"b":"x"}`, want: `M insert {"_id":"d","a":7,"b":"x"}; lose mongodb (delete)`, wantNextState: ledger.Live,
		},
		{name: "AbsenceInDittoIsNoDelete", agreedM: all, agreedD: all, mongo: all, want: "wait"},
		{name: "DeletedInDitto", agreedM: all, agreedD: all, mongo: all, removed: true, want: "M delete", wantNextState: ledger.Deleted},
		{
			name: "DeletedInDittoButChangedInMongo", agreedM: all, agreedD: all, mongo: `{"_id":"d","a":2,"b":"x"}`, removed: true,
			want: `D insert {"_id":"d","a":2,"b":"x"}; lose ditto (delete)`,
		},
		{
			name: "IgnoreDeletes", rules: func(c *manifest.Collection) { c.Deletes.Ditto = manifest.DeleteIgnore },
			agreedM: all, agreedD: all, mongo: all, removed: true, want: "ledger", wantNextState: ledger.Detached,
		},
		{
			name: "SoftDelete",
			rules: func(c *manifest.Collection) {
				c.Deletes.Ditto, c.Deletes.SoftField = manifest.DeleteSoft, value.PathOf("gone")
			},
			agreedM: all, agreedD: all, mongo: all, removed: true, want: "M gone=true", wantNextState: ledger.Detached,
		},
		{
			name: "SoftDeleteOverAChangeOfTheTarget",
			rules: func(c *manifest.Collection) {
				c.Direction, c.Deletes.Ditto, c.Deletes.SoftField = manifest.DittoToMongo, manifest.DeleteSoft, value.PathOf("gone")
			},
			agreedM: all, agreedD: all, mongo: `{"_id":"d","a":1,"b":"x","gone":"mine"}`, removed: true,
			want: `M gone=true; lose mongodb gone="mine" (one-way)`, wantNextState: ledger.Detached,
		},
		{name: "RecreatedAfterDeleteInMongo", state: ledger.Deleted, by: value.MongoDB, ditto: all, want: `D delete; lose ditto {"_id":"d","a":1,"b":"x"} (delete)`},
		{name: "RecreatedAfterDeleteInDitto", state: ledger.Deleted, by: value.Ditto, ditto: all, want: `M insert {"_id":"d","a":1,"b":"x"}`},
		{name: "ReinsertedInMongo", state: ledger.Deleted, by: value.MongoDB, mongo: all, want: `D insert {"_id":"d","a":1,"b":"x"}`},
		{name: "GoneFromBoth", agreedM: all, agreedD: all, want: "ledger", wantNextState: ledger.Deleted},
		{name: "NeverSynced", want: ""},
		{
			name: "CounterIncremented", rules: counter("q"), agreedM: `{"_id":"d","q":5}`, agreedD: `{"_id":"d","q":5}`,
			mongo: `{"_id":"d","q":5}`, ditto: `{"_id":"d","q":8}`, want: "M q=8",
		},
		{
			name: "CounterResetWins", rules: func(c *manifest.Collection) { counter("q")(c); c.Conflicts.Default = value.Ditto },
			agreedM: `{"_id":"d","q":5}`, agreedD: `{"_id":"d","q":5}`,
			mongo: `{"_id":"d","q":100}`, ditto: `{"_id":"d","q":8}`, want: "D q:=100; lose ditto q=8 (reset)",
		},
		{
			name: "CounterBornOnBothSides", rules: func(c *manifest.Collection) { counter("q")(c); c.Conflicts.Default = value.Ditto },
			mongo: `{"_id":"d","q":5}`, ditto: `{"_id":"d","q":8}`, want: "M q=8; lose mongodb q=5 (ditto)",
		},
		{
			name: "CounterTypeIsNoReset", rules: counter("q"), agreedM: `{"_id":"d","q":5}`, agreedD: `{"_id":"d","q":5}`,
			mongo: `{"_id":"d","q":5.0}`, ditto: `{"_id":"d","q":8}`, want: "M q=8.0",
		},
		{
			name: "RegisterBecomesCounter", rules: counter("q"), agreedM: `{"_id":"d","q":5}`, agreedD: `{"_id":"d","q":5}`,
			mongo: `{"_id":"d","q":5}`, ditto: `{"_id":"d","q":9}`, registers: []value.Path{value.PathOf("q")}, want: "D q:=9; M q=9",
		},
		{name: "CounterNotAnInteger", rules: counter("q"), mongo: `{"_id":"d","q":1.5}`, want: "park counter"},
		{name: "CounterBornAsAString", rules: counter("q"), ditto: `{"_id":"d","q":"many"}`, want: "park counter"},
		{
			name: "Husk", agreedM: `{"_id":"d","a":1,"b":2,"c":3}`, agreedD: `{"_id":"d","a":1,"b":2,"c":3}`,
			mongo: `{"_id":"d","a":1,"b":2,"c":3}`, ditto: `{"_id":"d","c":4}`, want: `D a=1; D b=2; M c=4; lose ditto {"_id":"d","c":4} (husk)`,
		},
		{
			name: "OneWayUndoesTheTarget", rules: func(c *manifest.Collection) { c.Direction = manifest.MongoToDitto },
			agreedM: all, agreedD: all, mongo: all, ditto: `{"_id":"d","a":9,"b":"x"}`, want: "D a=1; lose ditto a=9 (one-way)",
		},
		{name: "OneWayParksBirthsOnTheTarget", rules: func(c *manifest.Collection) { c.Direction = manifest.MongoToDitto }, ditto: all, want: "park one-way"},
		{
			name: "InterruptedWriteGoesOn", agreedM: all, agreedD: all, mongo: `{"_id":"d","a":2,"b":"x"}`, ditto: all,
			carried: []ledger.Announcement{{Path: value.PathOf("a"), Side: value.Ditto, Hash: value.HashJSON([]byte("2"))}},
			want:    "D a=2; lose ditto a=1 (carried)",
		},
		{
			name: "OwnWriteIsNoUsersChange", agreedM: all, agreedD: all, mongo: `{"_id":"d","a":3,"b":"x"}`, ditto: `{"_id":"d","a":2,"b":"x"}`,
			carried: []ledger.Announcement{{Path: value.PathOf("a"), Side: value.Ditto, Hash: value.HashJSON([]byte("2"))}},
			want:    "D a=3; lose ditto a=2 (carried)",
		},
		{
			name: "AttachmentIsNeverRewritten", agreedM: `{"_id":"d","f":{"id":"x","len":1,"metadata":{}}}`, agreedD: `{"_id":"d","f":{"id":"x","len":1,"metadata":{}}}`,
			mongo: `{"_id":"d","f":5}`, ditto: `{"_id":"d","f":{"id":"x","len":1,"metadata":{}}}`,
			want: `M f={"id":"x","len":1,"metadata":{}}; lose mongodb f=5 (ditto)`,
		},
		{name: "UnreadableValueIsParked", ditto: `{"_id":"d","a":{"$numberInt":"1","$numberLong":"2"}}`, rules: func(c *manifest.Collection) { c.Mode = value.EJSON }, want: "park value"},
	}
}

func counter(field string) func(*manifest.Collection) {
	return func(c *manifest.Collection) { c.Counters = []value.Path{value.PathOf(field)} }
}

// TestDecide is the table of decisions, row by row: what differs is written and
// nothing else (invariant 6), and absence is no delete (invariant 8).
func TestDecide(t *testing.T) {
	for _, s := range scenes() {
		t.Run(s.name, func(t *testing.T) {
			in := s.input(t)
			plan := reconcile.Decide(in)
			if diff := cmp.Diff(s.want, describe(&plan)); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if s.wantNextState != "" && plan.Next.State != s.wantNextState {
				t.Errorf("next state %q, want %q", plan.Next.State, s.wantNextState)
			}
		})
	}
}

func (s scene) input(t *testing.T) reconcile.Input {
	t.Helper()
	c := &manifest.Collection{Name: "c", DittoName: "c", Fields: []string{"_id"}, Direction: manifest.Both, Deletes: manifest.Deletes{Ditto: manifest.DeleteApply}}
	if s.rules != nil {
		s.rules(c)
	}
	in := reconcile.Input{Rules: c, ID: []byte(`"d"`), Carried: s.carried, Registers: s.registers, Removed: s.removed}
	in.Entry.Key = ledger.Key{Collection: "c", ID: `"d"`}
	in.NewID = rawValue(t, "d")
	if s.agreedM != "" {
		// The entry comes from the same code: both sides are equal, nothing is
		// known yet.
		first := reconcile.Decide(reconcile.Input{Rules: c, ID: in.ID, Entry: in.Entry, Mongo: extJSON(t, s.agreedM), Ditto: []byte(s.agreedD)})
		if first.Writes() || first.Problem != nil {
			t.Fatalf("the agreed documents do not agree: %s", describe(&first))
		}
		in.Entry = first.Next
		in.Entry.Rev = 1
	}
	if s.state != "" {
		in.Entry.State, in.Entry.By, in.Entry.Rev = s.state, s.by, 1
	}
	if s.mongo != "" {
		in.Mongo = extJSON(t, s.mongo)
	}
	if s.ditto != "" {
		in.Ditto = []byte(s.ditto)
	}
	return in
}

// describe puts a plan into words.
func describe(p *reconcile.Plan) string {
	if p.Problem != nil {
		return "park " + p.Problem.Code
	}
	var out []string
	if w := p.ToDitto; w.Insert != nil {
		out = append(out, "D insert "+string(w.Insert))
	} else if w.Delete {
		out = append(out, "D delete")
	}
	for _, o := range p.ToDitto.Ops {
		switch {
		case o.New == nil:
			out = append(out, "D -"+o.Path.String())
		case o.Counter:
			out = append(out, fmt.Sprintf("D %s:=%s", o.Path, o.New))
		default:
			out = append(out, fmt.Sprintf("D %s=%s", o.Path, o.New))
		}
	}
	if w := p.ToMongo; w.Insert != nil {
		js, _ := value.AppendDitto(nil, bson.RawValue{Type: bson.TypeEmbeddedDocument, Value: w.Insert}, value.JSON)
		out = append(out, "M insert "+string(js))
	} else if w.Delete {
		out = append(out, "M delete")
	}
	for _, o := range p.ToMongo.Ops {
		if o.New.Type == 0 {
			out = append(out, "M -"+o.Path.String())
			continue
		}
		js, _ := value.AppendDitto(nil, o.New, value.JSON)
		out = append(out, fmt.Sprintf("M %s=%s", o.Path, js))
	}
	for _, l := range p.Losers {
		v := string(l.Ditto)
		if l.Mongo.Type != 0 {
			js, _ := value.AppendDitto(nil, l.Mongo, value.JSON)
			v = string(js)
		}
		if l.Path != "" {
			v = l.Path.String() + "=" + v
		}
		out = append(out, strings.Join(strings.Fields(fmt.Sprintf("lose %s %s (%s)", l.Side, v, l.Rule)), " "))
	}
	switch {
	case len(out) > 0:
	case p.Wait:
		out = append(out, "wait")
	case p.Changed:
		out = append(out, "ledger")
	}
	return strings.Join(out, "; ")
}

func extJSON(t *testing.T, s string) bson.Raw {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON([]byte(s), false, &d); err != nil {
		t.Fatal(err)
	}
	raw, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func rawValue(t *testing.T, v any) bson.RawValue {
	t.Helper()
	typ, data, err := bson.MarshalValue(v)
	if err != nil {
		t.Fatal(err)
	}
	return bson.RawValue{Type: typ, Value: data}
}
