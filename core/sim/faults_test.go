package sim_test

import "github.com/causeway-sync/causeway/local/overlay"

// one is a fault of one edit.
func one(file, from, to string) []overlay.Edit {
	return []overlay.Edit{{File: file, From: from, To: to}}
}

// faults are named for what goes wrong. The rule is the section of the design
// that they break, as docs/invariants.md lists it.
var faults = []fault{
	{
		"ledger-last", "9", "the ledger is read before the documents",
		one(
			"core/bridge/run.go", "t.decide(ctx, undone(active))",
			"if FAULT { for _, p := range undone(active) { if !p.mine { p.stale = true } }; t.refresh(ctx, undone(active)); t.takeOver(undone(active)) }; t.decide(ctx, undone(active))",
		),
	},
	{
		"no-claims", "9", "nobody writes a pair without its claim",
		[]overlay.Edit{
			{
				File: "core/ledger/store.go", From: "asRead, merged(", To: "map[bool]any{false: asRead, true: true}[FAULT], merged(",
			},
			{File: "core/ledger/store.go", From: "Upsert: p.Prev == 0,", To: "Upsert: p.Prev == 0 || FAULT,"},
			{File: "core/bridge/run.go", From: "p.entry.Claim.Live && p", To: "!FAULT && p.entry.Claim.Live && p"},
		},
	},
	{
		"echo-by-name", "9", "an event of Ditto is an echo if it shows what both sides agreed on",
		one("core/bridge/echo.go", "latest.Digest == p.entry.Digest(value.Ditto)", "(FAULT || latest.Digest == p.entry.Digest(value.Ditto))"),
	},
	{
		"no-announcements", "9", "what is about to be written is announced",
		one("core/bridge/write.go", "Announced: p.plan.Announced}\n", "Announced: p.plan.Announced}\nif FAULT { next.Claim.Announced = nil }\n"),
	},
	{
		"no-records", "9", "losing values are recorded",
		one("core/bridge/write.go", "if len(conflicts) == 0 {", "if len(conflicts) == 0 || FAULT {"),
	},
	{
		"late-records", "9", "values are recorded before they are written over",
		one("core/bridge/write.go", "pairs = t.record(inTime, pairs)\n", "if FAULT { defer t.record(inTime, pairs) } else { pairs = t.record(inTime, pairs) }\n"),
	},
	{
		"unconditional-mongodb", "11", "updates in MongoDB are conditional",
		one("core/mongodb/pipeline.go", "d(\"$cond\", bson.A{condition, expr, \"$$ROOT\"})", "d(\"$cond\", bson.A{map[bool]any{false: condition, true: true}[FAULT], expr, \"$$ROOT\"})"),
	},
	{
		"unconditional-ditto", "10", "updates in Ditto are conditional",
		one("core/dql/draft.go", "top := p.Top()\n", "if FAULT { return }\ntop := p.Top()\n"),
	},
	{
		"unconditional-delete", "11", "deletes in MongoDB are conditional on the whole document",
		one("core/mongodb/condition.go", "ids[i], unchanged[i] = doc.Lookup(\"_id\"), wholeDocument(doc)", "ids[i], unchanged[i] = doc.Lookup(\"_id\"), wholeDocument(doc); if FAULT { unchanged[i] = true }"),
	},
	{
		"unconditional-ditto-delete", "10", "deletes in Ditto are conditional on the whole document",
		one("core/dql/write.go", "return \"DELETE FROM \" + c + \" WHERE \" + ids + ", "if FAULT { return \"DELETE FROM \" + c + \" WHERE \" + ids }; return \"DELETE FROM \" + c + \" WHERE \" + ids + "),
	},
	{
		"live-claim-ignored", "9", "a pair under a live claim is left alone",
		one("core/bridge/run.go", "p.entry.Claim.Owner != t.owner {", "p.entry.Claim.Owner != t.owner && !FAULT {"),
	},
	{
		"announcements-dropped", "9", "whoever takes over carries the announcements on",
		one("core/bridge/run.go", "p.carried, p.behind = p.entry.Claim.Announced, true", "if !FAULT { p.carried, p.behind = p.entry.Claim.Announced, true }"),
	},
	{
		"carried-not-recorded", "9", "what is overwritten while announcements are carried on is recorded",
		one("core/reconcile/merge.go", "if g.target != \"\" && (len(g.ann) > 0 ||", "if !FAULT && g.target != \"\" && (len(g.ann) > 0 ||"),
	},
	{
		"given-up-forgotten", "9", "who gives up keeps the announcements",
		one("core/bridge/run.go", "Announced: p.carried}\n\t\tputs", "Announced: p.carried}\nif FAULT { next.Claim.Announced = nil }\n\t\tputs"),
	},
	{
		"agreed-too-early", "9", "the agreed hashes are those of before until the writes are done",
		one("core/bridge/write.go", "next := p.plan.Claimed\n", "next := p.plan.Claimed\nif FAULT { next.Units = p.plan.Next.Units }\n"),
	},
	{
		"unanswered-claim-is-mine", "9", "after an unanswered claim the entries are read again",
		one("core/ledger/store.go", "mine, readErr := s.readMine(ctx, keys)", "if FAULT && err != nil { for i := range won { won[i] = true }; return won, nil }\n\tmine, readErr := s.readMine(ctx, keys)"),
	},
	{
		"unanswered-write-is-won", "10", "an unanswered write is looked at again",
		one("core/bridge/write.go", "p.unknown = p.unknown || r.Unknown", "p.unknown = p.unknown || r.Unknown; if FAULT && r.Unknown { p.wonDitto = true }"),
	},
	{
		"stale-plan", "9", "a plan is carried out only while its entry stands",
		one("core/bridge/run.go", "return p.stale || !p.plan.Writes()", "return !FAULT && (p.stale || !p.plan.Writes())"),
	},
	{
		"settled-anyway", "9", "a pair is settled when all its writes won",
		one("core/bridge/write.go", "case p.wonDitto && p.wonMongo:", "case p.wonDitto && p.wonMongo, FAULT && (p.wonDitto || p.wonMongo):"),
	},

	{
		"absence-is-delete", "8", "a document that Ditto does not show is no deleted document",
		one("core/bridge/pair.go", "return p.sweep || p.removedAt > 0", "return FAULT || p.sweep || p.removedAt > 0"),
	},
	{
		"no-transaction", "8", "reads reflect the event's transaction",
		one("core/bridge/read.go", "ids, t.transaction(pairs), func", "ids, map[bool]int64{false: t.transaction(pairs)}[FAULT], func"),
	},
	{
		"behind-believed", "8", "nothing is decided by a node that is behind",
		one(
			"core/bridge/read.go", "func(id docid.ID) int { return sizes[id] })\n",
			"func(id docid.ID) int { return sizes[id] })\nif FAULT && ditto.IsBehind(err) { docs, at, err = t.ditto.ReadSized(ctx, dittoCollection(pairs[0].rules), ids, 0, nil) }\n",
		),
	},
	{
		"event-not-marked", "8", "no event of Ditto is acknowledged before the entry has its transaction",
		one("core/reconcile/decide.go", "p.Claim, p.Txn = nil, max(e.Txn, in.Txn, in.Shown)", "p.Claim, p.Txn = nil, max(e.Txn, in.Txn, in.Shown); if FAULT { p.Txn = e.Txn }"),
	},
	{
		"no-tombstone", "8", "an unknown document's removal leaves a tombstone",
		one("core/reconcile/decide.go", "if !e.Exists() && !x.in.DittoEvent {", "if !e.Exists() && (FAULT || !x.in.DittoEvent) {"),
	},
	{
		"deletes-forgotten", "8", "a document that Causeway deleted was deleted by nobody else",
		one("core/reconcile/decide.go", "return slices.Contains(x.in.Carried, ledger.Announcement{Side: side, Hash: value.Absent})", "return !FAULT && slices.Contains(x.in.Carried, ledger.Announcement{Side: side, Hash: value.Absent})"),
	},
	{
		"delete-not-recorded", "8", "what MongoDB's delete discards is recorded",
		one("core/reconcile/decide.go", "if cd || s == ledger.Baseline {\n\t\t\tx.loseWhole(value.Ditto, RuleDelete)", "if !FAULT && (cd || s == ledger.Baseline) {\n\t\t\tx.loseWhole(value.Ditto, RuleDelete)"),
	},
	{
		"re-creation-not-recorded", "8", "a document re-created on a device is deleted with a record",
		one("core/reconcile/decide.go", "x.loseWhole(value.Ditto, RuleDelete)\n\t\treturn x.deleteDitto(\"re-created", "if !FAULT { x.loseWhole(value.Ditto, RuleDelete) }\n\t\treturn x.deleteDitto(\"re-created"),
	},
	{
		"change-loses-to-delete", "8", "a change in MongoDB wins over a delete in Ditto",
		one("core/reconcile/decide.go", "case cm && c.Direction != manifest.DittoToMongo:", "case !FAULT && cm && c.Direction != manifest.DittoToMongo:"),
	},
	{
		"one-way-not-recorded", "4", "what a one-way rule undoes is recorded",
		one("core/reconcile/merge.go", "x.lose(g, value.Ditto, RuleOneWay)", "if !FAULT { x.lose(g, value.Ditto, RuleOneWay) }"),
	},

	{
		"units-apart", "7", "units that contain each other are decided together",
		one("core/reconcile/group.go", "g.du, du = cut(du, func(l *leaf) bool { return root.Contains(l.Path) })", "g.du, du = cut(du, func(l *leaf) bool { return root.Contains(l.Path) && !(FAULT && root != l.Path) })"),
	},
	{
		"reset-by-type", "7", "a counter's type is no reset",
		one("core/reconcile/unit.go", "if v.Type != 0 && isCounter(c, p) {", "if !FAULT && v.Type != 0 && isCounter(c, p) {"),
	},
	{
		"counter-as-register", "7", "a counter is written by RESTART WITH",
		one("core/dql/edit.go", "d.Row.Apply = append(d.Row.Apply, Assign{p, n})", "if FAULT { d.Row.Set = append(d.Row.Set, Assign{p, n}) } else { d.Row.Apply = append(d.Row.Apply, Assign{p, n}) }"),
	},
	{
		"creation-is-reset", "7", "what Causeway created in Ditto does not reset increments",
		one("core/reconcile/merge.go", "case cm && cd && g.counter && x.created(g):", "case !FAULT && cm && cd && g.counter && x.created(g):"),
	},
	{
		"register-stays", "7", "a register at a counter path becomes a counter at once",
		one("core/reconcile/compile.go", "if g.register && g.target != value.Ditto && !x.untouched {", "if !FAULT && g.register && g.target != value.Ditto && !x.untouched {"),
	},

	{
		"fill-forgotten", "5", "whoever takes over a birth fills in the mapped fields",
		one("core/bridge/run.go", "in.NewID, in.Fill = p.newID, p.mapper.Fill(p.key.ID)", "in.NewID = p.newID; if !FAULT || p.entry.MongoID.Type == 0 { in.Fill = p.mapper.Fill(p.key.ID) }"),
	},
	{
		"mapped-field-taken", "5", "a mapped field stays in the body",
		one("core/reconcile/merge.go", "case isMapped(c, g.path) && !x.equal(g):", "case !FAULT && isMapped(c, g.path) && !x.equal(g):"),
	},

	{
		"spelling-forgotten", "5", "a live entry's Ditto id wins over the computed one",
		one("core/bridge/resolve.go", "if e := entryOf(entries, h.Collection, id); e != nil {", "if e := entryOf(entries, h.Collection, id); e != nil && !FAULT {"),
	},
	{
		"second-document-taken", "5", "the first of two documents with one Ditto id keeps it",
		one("core/bridge/read.go", "ids = append(ids, p.entry.MongoID)\n\t}\n\tids = append(ids, p.mongoIDs...)", "ids = append(ids, p.entry.MongoID)\n\t}\n\tif FAULT { ids = nil }\n\tids = append(ids, p.mongoIDs...)"),
	},
	{
		"entry-stays", "5", "an entry moves to another document with its mapped fields when its own is gone",
		one("core/bridge/read.go", "if p.mongo == nil && p.problem == nil && len(p.lookups()) > 0 {", "if !FAULT && p.mongo == nil && p.problem == nil && len(p.lookups()) > 0 {"),
	},
	{
		"born-unpaired", "5", "a document born in Ditto is paired with the one that has its mapped fields",
		one("core/bridge/read.go", "if len(known) == 0 {", "if len(known) == 0 && !FAULT {"),
	},
	{
		"type-forgotten", "6", "a value from a device takes the type that MongoDB holds",
		one("core/reconcile/merge.go", "return value.Decode(js, g.m, x.in.Rules.Mode)", "if FAULT { return value.Decode(js, bson.RawValue{}, x.in.Rules.Mode) }; return value.Decode(js, g.m, x.in.Rules.Mode)"),
	},
	{
		"metadata-copied", "6", "the old connector's metadata is never copied",
		one("core/reconcile/whole.go", "if f.Name == \"_id\" || f.Name == metadata {", "if f.Name == \"_id\" || f.Name == metadata && !FAULT {"),
	},
	{
		"field-rule-ignored", "7", "a field's conflict rule wins over the collection's",
		one("core/reconcile/merge.go", "if c.Conflicts.Winner(g.path) == value.Ditto {", "if c.Conflicts.Winner(g.path) == value.Ditto && !FAULT || FAULT && c.Conflicts.Default == value.Ditto {"),
	},
	{
		"reset-loses", "7", "a reset in MongoDB wins over increments",
		one("core/reconcile/merge.go", "case cm && cd && g.counter && len(g.base) > 0:", "case !FAULT && cm && cd && g.counter && len(g.base) > 0:"),
	},
	{
		"husk-is-edit", "8", "nothing is removed because of a husk",
		one("core/reconcile/decide.go", "if agreed >= 2 && vanished > 0 && present {", "if !FAULT && agreed >= 2 && vanished > 0 && present {"),
	},
	{
		"delete-not-final", "8", "a device does not bring back what MongoDB deleted",
		one("core/reconcile/decide.go", "case s == ledger.Deleted && e.By == value.MongoDB &&", "case !FAULT && s == ledger.Deleted && e.By == value.MongoDB &&"),
	},
	{
		"never-resurrected", "8", "resurrect: a device's edit wins over a delete in MongoDB",
		one("core/reconcile/decide.go", "case c.Deletes.Resurrect && cd &&", "case !FAULT && c.Deletes.Resurrect && cd &&"),
	},
	{
		"delete-not-ignored", "8", "ignore: a delete in Ditto deletes nothing in MongoDB",
		one("core/reconcile/decide.go", "case manifest.DeleteIgnore:", "case map[bool]manifest.DeleteMode{false: manifest.DeleteIgnore}[FAULT]:"),
	},
	{
		"soft-unmarked", "8", "soft: a delete in Ditto sets the field in MongoDB",
		one("core/reconcile/whole.go", "if !old.Equal(yes) {", "if !old.Equal(yes) && !FAULT {"),
	},
	{
		"detached-returns", "8", "a detached document returns on a change in MongoDB only",
		one("core/reconcile/decide.go", "if !x.userChanged(value.MongoDB) {", "if !x.userChanged(value.MongoDB) && !FAULT {"),
	},
	{
		"baseline-unwatched", "13", "an event from while a baseline was taken makes its pair a new one",
		one("core/bridge/run.go", "if p.writtenMeanwhile(t.hints) || p.replaced() {", "if !FAULT && (p.writtenMeanwhile(t.hints) || p.replaced()) {"),
	},
	{
		"baseline-copied", "13", "documents from before the activation are left alone",
		one("core/reconcile/merge.go", "case x.state() == ledger.Baseline && !x.firstContact && !cm && !cd && len(g.ann) == 0:", "case !FAULT && x.state() == ledger.Baseline && !x.firstContact && !cm && !cd && len(g.ann) == 0:"),
	},
	{
		"guard-open", "13", "a side that shows nothing has deleted nothing",
		one("core/sweep/guard.go", "if n <= run.input.AllowDeletes[name] {", "if n <= run.input.AllowDeletes[name] || FAULT {"),
	},
	{
		"deletes-at-once", "13", "a sweep lists deletes, and its guard lets them pass",
		one("core/bridge/sweep.go", `if t.mode != List || p.plan.Removes() == "" {`, `if FAULT || t.mode != List || p.plan.Removes() == "" {`),
	},
	{
		"range-cut-short", "13", "a range goes on from where it got to",
		one("core/sweep/copy.go", "string(next), next == nil, \"\"", "string(next), next == nil || FAULT, \"\""),
	},
	{
		"gone-not-looked-at", "13", "a pair whose MongoDB document is gone is Ditto's range's to look at",
		one("core/sweep/copy.go", "out[k.ID] = there[idKey(id)]", "out[k.ID] = there[idKey(id)] || FAULT"),
	},
	{
		"counters-declared-anywhere", "10", "counters are declared where their parents are objects",
		one("core/ditto/insert.go", "return v != nil && v[0] != '{'", "return !FAULT && v != nil && v[0] != '{'"),
	},
	{
		"ids-mixed", "10", "ids of different kinds never share a list",
		one("core/ditto/store.go", "k := shape(string(id(it)))", "k := shape(string(id(it))); if FAULT { k = \"\" }"),
	},
	{
		"insert-merges", "10", "an insert leaves a document that exists alone",
		one("core/dql/write.go", "const doNothing = \" ON ID CONFLICT DO NOTHING\"", "var doNothing = map[bool]string{false: \" ON ID CONFLICT DO NOTHING\", true: \" ON ID CONFLICT DO UPDATE\"}[FAULT]"),
	},
	{
		"map-for-register", "10", "a nested write requires more of what is around it than that it is an object",
		one("core/dql/draft.go", "if v := old; v != nil {", "if v := old; FAULT && top != p && v != nil { d.require(Condition{Path: top, Test: Object}); if v := d.at(p); v != nil { d.require(Condition{Path: p, Test: Equal, Value: v}) } else { d.require(Condition{Path: p, Test: Missing}) } } else if v != nil {"),
	},
	{
		"absence-unchecked", "10", "a new field requires that it is missing",
		one("core/dql/draft.go", "d.require(Condition{Path: top, Test: Missing})", "if !FAULT { d.require(Condition{Path: top, Test: Missing}) }"),
	},
}
